"""Reports as JSON lines, in and out."""

import json
import subprocess
import sys
from typing import Any

import pytest

from rarebeat.labels.json_lines import label_lines
from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.vocabulary import load_vocabulary

MATCHER = Matcher(load_vocabulary("hughes24"))


def answers(*lines: str) -> list[dict[str, Any]]:
    return list(label_lines([line.encode("utf-8", "surrogatepass") for line in lines], MATCHER))


def test_a_line_is_answered_with_classes_and_evidence() -> None:
    (answer,) = answers('{"id": "r1", "text": "Sinus rhythm, possible PVCs"}')
    assert list(answer) == ["id", "positive", "uncertain", "evidence"]
    assert answer["id"] == "r1"
    assert answer["positive"] == ["sinus_rhythm"]
    assert answer["uncertain"] == ["premature_ventricular_complexes"]
    assert answer["evidence"][1] == {
        "class": "premature_ventricular_complexes",
        "state": "uncertain",
        "statement": "Sinus rhythm, possible PVCs",
        "start": 23,
        "end": 27,
        "pattern": answer["evidence"][1]["pattern"],
        "cue": "possible",
    }


def test_ids_keep_their_type_and_a_null_text_says_nothing() -> None:
    number, null = answers('{"id": 7, "text": "AF"}', '{"id": 1.5, "text": null, "other": [1]}')
    assert (number["id"], number["positive"]) == (7, ["atrial_fibrillation"])
    assert null == {"id": 1.5, "positive": [], "uncertain": [], "evidence": []}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Sinus rhythm", "not JSON"),
        ("[1]", "expected an object"),
        ('{"text": "AF"}', "no 'id'"),
        ("{}", "no 'id' and no 'text'"),
        ('{"id": 1, "text": "AF", "text": "no AF"}', "'text' is there twice"),
        ('{"id": 1, "text": 5}', "'text' must be"),
        ('{"id": true, "text": "AF"}', "'id' must be"),
        ("[" * 100_000, "not JSON"),
        ('{"id": 1, "text": "\\ud800"}', "surrogate"),
        ('{"id": 1, "text": "\udcff"}', "not UTF-8"),
        ('{"id": 1, "text": "' + "AF " * 40_000 + '"}', "a report has at most"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_the_others_are_answered(line: str, reason: str) -> None:
    bad, good = answers(line, "", '{"id": 2, "text": "AF"}')
    assert bad["line"] == 1
    assert reason in bad["error"]
    assert good["positive"] == ["atrial_fibrillation"]


def test_negative_unknown_and_warnings_on_request() -> None:
    (answer,) = label_lines(
        [b'\xef\xbb\xbf{"id": 1, "text": "AF, sinus rhythm, no LBBB"}'], MATCHER, full=True
    )
    assert answer["warnings"] == ["atrial_fibrillation with sinus_rhythm"]
    assert "left_bundle_branch_block" in answer["negative"]
    assert answer["unknown"] == []


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rarebeat.cli.main", "label-text", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, encoding="utf-8")


def test_the_command_reads_standard_input_and_fails_only_after_the_last_line() -> None:
    result = run(stdin='{"id": "a", "text": "förmaksflimmer"}\nnonsense\n{"id": "b", "text": "NSR"}\n')
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line.get("positive") for line in lines] == [["atrial_fibrillation"], None, ["sinus_rhythm"]]
    assert "förmaksflimmer" in result.stdout
    assert result.returncode == 1
    assert result.stderr.startswith("error: line 2: not JSON")


def test_the_command_explains_a_report() -> None:
    result = run("--explain", "No AF")
    assert result.returncode == 0
    assert "atrial_fibrillation" in result.stdout


def test_a_misspelt_vocabulary_is_one_message() -> None:
    result = run("--vocabulary", "hughes42")
    assert (result.returncode, result.stdout) == (2, "")
    assert "no vocabulary 'hughes42'" in result.stderr
