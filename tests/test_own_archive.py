"""Every command of docs/own-archive.md, run in the order of the page in an empty folder."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rarebeat.cli.main import app
from rarebeat.core.files import read_json
from rarebeat.core.params import read_params
from rarebeat.labels.extract import label_cohort

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "own-archive.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, flags=re.M | re.S)


def run(line: str) -> str:
    """Run a command line of the page and return what it prints."""
    command, _, comment = line.partition("  # ")
    words = command.split()[1:]
    if words[0] in ("ingest", "check", "simulate"):
        words += ["--workers", "1"]
    result = CliRunner().invoke(app, words)
    expected = int(comment.removeprefix("exit code ")) if comment.startswith("exit code") else 0
    assert result.exit_code == expected, f"{line}: {result.output} {result.exception}"
    return result.output


@pytest.mark.slow
def test_a_new_user_gets_from_a_folder_to_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    said: dict[str, str] = {}
    for language, block in BLOCKS:
        if language == "yaml":
            Path("params.yaml").write_text(block)
        elif language == "python":
            exec(compile(block, "docs/own-archive.md", "exec"), {})
        elif language == "sh":
            said |= {line: run(line) for line in block.splitlines()}
    assert len(said) == 9
    summary = read_json(Path("data/records/hospital/summary.json"))
    assert (summary["records"], summary["quarantined"], summary["with_text"]) == (20, 0, 20)
    assert {counts["rows_without_recording"] for counts in summary["tables"].values()} == {0}
    assert read_json(Path("data/records/arrays/summary.json"))["records"] == 2
    assert Path("ecg.png").stat().st_size > 10_000
    labelled = label_cohort(Path("data/records/hospital"), Path("labels"), "hughes24", signal_checks=False)
    assert labelled["codes"]["without_evidence"] == 0
    assert labelled["unmatched_codes"] == {}
    (shown,) = (block for language, block in BLOCKS if not language)
    assert said["rarebeat check hospital other  # exit code 1"] == shown


def test_the_cohort_of_the_page_is_one_that_the_check_of_params_takes(tmp_path: Path) -> None:
    from rarebeat.cli.params import _check_cohort

    (block,) = (block for language, block in BLOCKS if language == "yaml")
    (tmp_path / "params.yaml").write_text(block)
    _check_cohort("hospital", read_params(tmp_path / "params.yaml")["cohorts"]["hospital"])
