"""Labels of a cohort on disk."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.files import read_csv
from rarebeat.core.parquet import read_table, write_table
from rarebeat.core.record_files import RECORD_SCHEMA
from rarebeat.core.records import INCOMPLETE
from rarebeat.labels.extract import (
    EVIDENCE_SCHEMA,
    UNMATCHED_COLUMNS,
    UnmatchedStatements,
    label_cohort,
)
from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.vocabulary import load_vocabulary

ROWS = [
    [("a", "Sinus rhythm, possible PVCs", ["scp:SR", "scp:NORM"]), ("b", None, ["scp:AFIB", "scp:SR"])],
    [("c", "supraventrikuläre Extrasystole(n) Sinusrhythmus", ["scp:SR"]), ("d", "trace only requested", [])],
]


def record(record_id: str, text: str | None, codes: list[str]) -> dict[str, Any]:
    return {
        "record_id": record_id,
        "cohort": "made_up",
        "source": "ptb-xl",
        "rate": 500.0,
        "samples": 2,
        "calibrated": True,
        "text": text,
        "codes": codes,
        "fingerprint": record_id,
        "signal": np.zeros((12, 2), "<i2").tobytes(),
    }


@pytest.fixture
def records(tmp_path: Path) -> Path:
    folder = tmp_path / "records" / "made_up"
    for number, rows in enumerate(ROWS):
        table = pa.Table.from_pylist([record(*row) for row in rows], schema=RECORD_SCHEMA)
        write_table(folder / f"part-{number:05d}.parquet", table)
    return folder


def read_states(path: Path) -> dict[str, dict[str, int | None]]:
    return {row.pop("record_id"): row for row in read_table(path).to_pylist()}


def test_text_and_codes_are_labelled_apart_in_the_order_of_the_records(records: Path, tmp_path: Path) -> None:
    label_cohort(records, tmp_path / "labels", "hughes24")
    text = read_states(tmp_path / "labels" / "text.parquet")
    codes = read_states(tmp_path / "labels" / "codes.parquet")
    assert list(text) == list(codes) == ["a", "b", "c", "d"]
    assert (text["a"]["sinus_rhythm"], text["a"]["premature_ventricular_complexes"]) == (1, -1)
    assert set(text["b"].values()) == set(text["d"].values()) == set(codes["d"].values()) == {None}
    assert (codes["b"]["atrial_fibrillation"], codes["b"]["avnrt"]) == (1, None)


def test_columns_are_int8_in_the_order_of_the_vocabulary(records: Path, tmp_path: Path) -> None:
    label_cohort(records, tmp_path / "labels", "hughes24")
    table = read_table(tmp_path / "labels" / "text.parquet")
    assert table.column_names == ["record_id", *load_vocabulary("hughes24").class_ids]
    assert {field.type for field in list(table.schema)[1:]} == {pa.int8()}


def test_where_codes_are_known_to_be_incomplete_the_text_is_heard(records: Path, tmp_path: Path) -> None:
    label_cohort(records, tmp_path / "labels", "hughes24")
    codes = read_states(tmp_path / "labels" / "codes.parquet")
    assert codes["a"]["premature_atrial_complexes"] == 0
    assert codes["c"]["premature_atrial_complexes"] is None


def test_every_decision_has_its_evidence(records: Path, tmp_path: Path) -> None:
    label_cohort(records, tmp_path / "labels", "hughes24")
    table = read_table(tmp_path / "labels" / "evidence.parquet")
    assert table.schema.equals(EVIDENCE_SCHEMA)
    rows = [row for row in table.to_pylist() if row["record_id"] == "a"]
    assert [(row["origin"], row["class"], row["state"], row["cue"]) for row in rows] == [
        ("text", "sinus_rhythm", 1, None),
        ("text", "premature_ventricular_complexes", -1, "possible"),
        ("codes", "sinus_rhythm", 1, None),
    ]
    assert rows[1]["statement"][rows[1]["start"] : rows[1]["end"]] == "PVCs"


def test_the_summary_counts_states_warnings_and_codes_without_a_class(records: Path, tmp_path: Path) -> None:
    summary = label_cohort(records, tmp_path / "labels", "hughes24")
    assert json.loads((tmp_path / "labels" / "summary.json").read_text(encoding="utf-8")) == summary
    assert summary["vocabulary"] == "hughes24"
    assert summary["text"]["records"] == 4
    assert summary["text"]["without_evidence"] == 2
    assert summary["text"]["classes"]["premature_ventricular_complexes"] == {
        "positive": 0,
        "uncertain": 1,
        "negative": 1,
        "unknown": 2,
    }
    assert summary["codes"]["warnings"] == {"atrial_fibrillation with sinus_rhythm": 1}
    assert summary["unmatched_codes"] == {"scp:NORM": 1}


def test_the_summary_tells_what_share_was_understood(tmp_path: Path) -> None:
    rows = [
        record("a", "Sinusbradycardie\nVerlengde geleiding\nBundeltakblok rechts", ["dx:AFIB"]),
        record("b", "Sinus bradycardia", ["scp:SBRAD", "scp:NORM", "own:1"]),
        record("c", None, []),
    ]
    write_table(tmp_path / "records" / "part-00000.parquet", pa.Table.from_pylist(rows, schema=RECORD_SCHEMA))
    summary = label_cohort(tmp_path / "records", tmp_path / "labels", "hughes24", signal_checks=False)
    assert summary["coverage"] == {
        "records": 3,
        "statements": 4,
        "statements_understood": 0.5,
        "codes": 4,
        "codes_of_known_systems": 0.5,
    }


def test_incomplete_codes_are_counted_and_deny_nothing_unless_asked(tmp_path: Path) -> None:
    rows = [record("a", None, ["scp:SR", INCOMPLETE]), record("b", None, ["scp:SR"])]
    write_table(tmp_path / "records" / "part-00000.parquet", pa.Table.from_pylist(rows, schema=RECORD_SCHEMA))
    for choice, expected in (("unknown", None), ("negative", 0)):
        summary = label_cohort(tmp_path / "records", tmp_path / choice, "hughes24", False, choice)
        states = read_states(tmp_path / choice / "codes.parquet")
        assert (states["a"]["atrial_fibrillation"], states["b"]["atrial_fibrillation"]) == (expected, 0)
        assert (summary["coverage"]["records_with_incomplete_codes"], summary["coverage"]["codes"]) == (1, 2)
        assert summary["unmatched_codes"] == {}


def test_nothing_to_understand_has_no_share(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([record("a", None, [])], schema=RECORD_SCHEMA)
    write_table(tmp_path / "records" / "part-00000.parquet", table)
    summary = label_cohort(tmp_path / "records", tmp_path / "labels", "hughes24", signal_checks=False)
    assert (
        summary["coverage"]["statements_understood"] is summary["coverage"]["codes_of_known_systems"] is None
    )


def test_the_same_records_give_the_same_bytes(records: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        label_cohort(records, tmp_path / name, "hughes24")
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(files) == 8
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_failing_run_leaves_the_old_labels(records: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels"
    label_cohort(records, out, "hughes24")
    before = (out / "text.parquet").read_bytes()
    (records / "part-00001.parquet").write_bytes(b"PAR1 broken PAR1")
    with pytest.raises(RarebeatError, match=r"part-00001\.parquet"):
        label_cohort(records, out, "hughes24")
    assert (out / "text.parquet").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels", "records"]


def test_a_folder_without_records_and_an_unknown_vocabulary_are_told(records: Path, tmp_path: Path) -> None:
    with pytest.raises(RarebeatError, match="no records in"):
        label_cohort(tmp_path, tmp_path / "labels", "hughes24")
    with pytest.raises(ParamsError, match="no vocabulary 'hughes42'"):
        label_cohort(records, tmp_path / "labels", "hughes42")


def test_the_stage_runs_as_a_script(records: Path, tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / "pipeline" / "label.py"
    params = tmp_path / "params.yaml"
    params.write_text("label: {vocabulary: hughes24, signal_checks: true, least_coverage: 0.5}")
    arguments = [sys.executable, script, records, tmp_path / "labels", "--params", params]
    result = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert "made_up: 2 of 4 records labelled by text" in result.stdout
    assert "made_up: 100.0% of 3 statements understood" in result.stdout
    assert "made_up: 100.0% of 5 codes of a known system" in result.stdout
    assert "warning" not in result.stderr
    assert (tmp_path / "labels" / "codes.parquet").is_file()


def test_the_stage_warns_of_a_cohort_in_another_language(tmp_path: Path) -> None:
    row = record("a", "Sinusbradycardie\nVerlengde geleiding\nBundeltakblok rechts", [])
    folder = tmp_path / "records" / "made_up"
    write_table(folder / "part-00000.parquet", pa.Table.from_pylist([row], schema=RECORD_SCHEMA))
    script = Path(__file__).parents[2] / "pipeline" / "label.py"
    params, written = tmp_path / "params.yaml", set()
    arguments = [sys.executable, script, folder, tmp_path / "labels", "--params", params]
    for limit, warned in (("0.5", True), ("0.2", False)):
        params.write_text(f"label: {{signal_checks: false, least_coverage: {limit}}}")
        result = subprocess.run(arguments, capture_output=True, text=True, check=True)
        written.add((tmp_path / "labels" / "summary.json").read_bytes())
        assert ("warning: made_up: less than 50% of the statements" in result.stderr) == warned
    assert len(written) == 1  # the warning is in no output, so no stage depends on its limit


def test_the_stage_says_what_incomplete_codes_mean(tmp_path: Path) -> None:
    rows = [record("a", None, ["scp:SR", INCOMPLETE]), record("b", None, ["scp:SR"])]
    folder = tmp_path / "records" / "made_up"
    write_table(folder / "part-00000.parquet", pa.Table.from_pylist(rows, schema=RECORD_SCHEMA))
    script = Path(__file__).parents[2] / "pipeline" / "label.py"
    params = tmp_path / "params.yaml"
    params.write_text("label: {signal_checks: false, incomplete_codes: unknown}")
    arguments = [sys.executable, script, folder, tmp_path / "labels", "--params", params]
    for more, word in (([], "unknown"), (["--set", "label.incomplete_codes=negative"], "negative")):
        result = subprocess.run([*arguments, *more], capture_output=True, text=True, check=True)
        assert f"1 of 2 records have incomplete codes; what they do not name is {word}" in result.stdout


def test_a_matcher_names_the_statements_in_which_it_found_nothing() -> None:
    text = "Sinus rhythm\nNonspecific T wave abnormality\nConfirmed by X\nWhen compared with ECG of 3-MAY,\nLow voltage"
    labels = Matcher(load_vocabulary("hughes24")).label(text)
    assert labels.unmatched == ("Nonspecific T wave abnormality",), (
        "signatures and comparisons are cut, not missed"
    )


def test_statements_are_ranked_by_how_many_records_have_them(tmp_path: Path) -> None:
    statements = UnmatchedStatements()
    statements.add("a", ["Low voltage", "Vent. rate 72 BPM"])
    statements.add("b", ["VENT. RATE  101 BPM", "vent. rate 99 bpm"])
    statements.write(tmp_path / "unmatched.csv")
    assert [row for _, row in read_csv(tmp_path / "unmatched.csv", UNMATCHED_COLUMNS)] == [
        {"statement": "vent. rate # bpm", "records": "2", "example": "a"},
        {"statement": "low voltage", "records": "1", "example": "a"},
    ]
