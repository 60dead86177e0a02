"""The commands ``rarebeat inspect`` and ``rarebeat check``, as a user types them."""

import json
import weakref
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from rarebeat.cli.main import app
from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.records import Record
from rarebeat.readers.files.reader import read
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.simulator.archives.archive import write_archive
from rarebeat.simulator.settings import SimulatorSettings


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """Three MUSE exports, with their truth."""
    write_archive(tmp_path / "exports", "muse-xml", SimulatorSettings(records=3, seconds=5.0), workers=1)
    return tmp_path / "exports"


def test_a_file_is_told_in_full_and_drawn(exports: Path, tmp_path: Path) -> None:
    (exports / "sim-000000.xml").rename(exports / "scan0001")
    result = run("inspect", exports / "scan0001", "--picture", tmp_path / "ecg.png")
    assert result.exit_code == 0
    facts = {line.split()[0]: " ".join(line.split()[1:]) for line in result.output.splitlines()[1:]}
    assert facts["format"] == "GE MUSE RestingECG XML"
    assert facts["rate"] == "500 Hz"
    assert facts["length"] == "5 s (2500 samples)"
    assert facts["leads"] == "I II V1 V2 V3 V4 V5 V6; derived: III aVR aVL aVF"
    assert facts["unit"] == "uV"
    assert "device" in facts["missing"]
    assert (tmp_path / "ecg.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_is_told_file_by_file(exports: Path) -> None:
    lines = run("inspect", exports).output.splitlines()
    assert lines[0].startswith("sim-000000.xml  GE MUSE RestingECG XML  500 Hz  5 s  uV")
    assert lines[3].startswith("truth.csv       a table (CSV)")
    assert [line.split(maxsplit=1) for line in lines[-2:]] == [
        ["3", "GE MUSE RestingECG XML"],
        ["1", "not read"],
    ]


def test_a_folder_that_is_not_entered_is_told(exports: Path, tmp_path: Path) -> None:
    """Most of an export may lie behind a link."""
    (exports / "2024").symlink_to(tmp_path)
    told = run("inspect", exports, "--json")
    assert told.stderr == "passed over: 1 x linked folder\n"
    assert len(json.loads(told.stdout)) == 4
    options = "-o", "patient_namespace=own"
    assert (
        "passed over: 1 x linked folder" in run("ingest", "files", exports, tmp_path / "out", *options).stdout
    )


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_the_signals_of_a_folder_are_not_kept(
    form: tuple[str, ...], exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever inspects an export of a million ECGs needs no more memory than for one; the picture is of the first."""
    for number in range(3, 8):
        (exports / f"sim-{number:06}.xml").write_bytes((exports / "sim-000000.xml").read_bytes())
    signals: list[weakref.ref[np.ndarray]] = []
    most = 0

    def watched(*arguments: object) -> Record:
        nonlocal most
        most = max(most, sum(one() is not None for one in signals))
        record = read(*arguments)  # type: ignore[arg-type]
        signals.append(weakref.ref(record.signal))
        return record

    monkeypatch.setattr("rarebeat.readers.files.inspection.read", watched)
    result = run("inspect", exports, "--picture", tmp_path / "ecg.png", *form)
    assert result.exit_code == 0
    assert len(signals) == 8
    assert most <= 2  # the first, and the one before
    assert (tmp_path / "ecg.png").is_file()


def test_the_signal_file_stands_for_its_record(tmp_path: Path) -> None:
    write_archive(tmp_path / "own", "challenge", SimulatorSettings(records=1, seconds=5.0), workers=1)
    assert "WFDB record" in run("inspect", tmp_path / "own" / "sim-000000.mat").output


def test_what_is_no_ecg_says_what_it_is_and_ends_with_one(tmp_path: Path) -> None:
    (tmp_path / "ecg.xml").write_bytes(b"%PDF-1.7")
    result = run("inspect", tmp_path / "ecg.xml")
    assert (result.exit_code, result.output) == (1, "ecg.xml\n  format     a PDF document\n")
    (tmp_path / "broken.xml").write_bytes(b"<RestingECG></RestingECG>")
    (found,) = json.loads(run("inspect", tmp_path / "broken.xml", "--json").output)
    assert found["format"] == "GE MUSE RestingECG XML"
    assert found["not read"].startswith("missing_leads: ")


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RarebeatError, match="no file or folder"):
        CliRunner().invoke(app, ["inspect", str(tmp_path / "x")], catch_exceptions=False)


def test_a_delivery_is_held_against_the_cohort(
    exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    key = tmp_path / "key"
    (tmp_path / "params.yaml").write_text(
        f"cohorts:\n  ward: {{kind: muse-xml, root: exports, options: {{key_file: {key}}}}}\n"
    )
    options = {"key_file": str(key)}
    ingest_cohort("muse-xml", exports, tmp_path / "data" / "records" / "ward", options=options, workers=1)
    same = run("check", "ward", exports, "--workers", 1)
    assert (same.exit_code, same.output) == (0, "3 recordings as in data/records/ward\n")
    write_archive(
        tmp_path / "new", "muse-xml", SimulatorSettings(records=3, seconds=5.0, rate=250.0), workers=1
    )
    changed = run("check", "ward", tmp_path / "new", "--workers", 1)
    assert changed.exit_code == 1
    assert "rate: '250' in 3 of 3 recordings, in none before" in changed.output.splitlines()


def test_a_folder_of_records_needs_no_params_and_stands_for_itself(exports: Path, tmp_path: Path) -> None:
    options = {"key_file": str(tmp_path / "key")}
    ingest_cohort("muse-xml", exports, tmp_path / "ward", options=options, workers=1)
    result = run("check", tmp_path / "ward", tmp_path / "ward", "--json")
    assert result.exit_code == 0
    assert json.loads(result.output)["changes"] == []
    with pytest.raises(RarebeatError, match="or give --kind"):
        CliRunner().invoke(app, ["check", str(tmp_path / "ward"), str(exports)], catch_exceptions=False)


@pytest.mark.parametrize("option", [("--kind", "no-kind"), ("-o", "nonsense=1"), ("--workers", "3")])
def test_a_delivery_that_was_ingested_takes_no_options_of_readers(
    exports: Path, tmp_path: Path, option: tuple[str, str]
) -> None:
    options = {"key_file": str(tmp_path / "key")}
    ingest_cohort("muse-xml", exports, tmp_path / "ward", options=options, workers=1)
    result = run("check", tmp_path / "ward", tmp_path / "ward", *option)
    assert isinstance(result.exception, ParamsError)
    assert "a delivery that was ingested does not take --" in str(result.exception)


def test_a_folder_that_has_the_name_of_the_cohort_does_not_stand_for_it(
    exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = {"key_file": str(tmp_path / "key")}
    ingest_cohort("muse-xml", exports, tmp_path / "records" / "ward", options=options, workers=1)
    (tmp_path / "ward").mkdir()
    assert run("check", "ward", tmp_path / "records" / "ward", "--records", "records").exit_code == 0


def test_a_delivery_that_is_not_read_is_not_called_unchanged(exports: Path, tmp_path: Path) -> None:
    options = {"key_file": str(tmp_path / "key")}
    ingest_cohort("muse-xml", exports, tmp_path / "ward", options=options, workers=1)
    absent = run("check", tmp_path / "ward", tmp_path / "absent", "--kind", "simulated")
    assert f"there is no folder {tmp_path / 'absent'}" in str(absent.exception)
    made_up = run("check", tmp_path / "ward", exports, "--kind", "simulated")
    assert "kind simulated has no deliveries: give --kind" in str(made_up.exception)


def test_a_picture_of_another_kind_is_refused_before_anything_is_read(exports: Path, tmp_path: Path) -> None:
    (tmp_path / "drawn.png").mkdir()
    folder = run("inspect", exports, "--picture", tmp_path / "drawn.png")
    assert "drawn.png is a folder: name a file" in str(folder.exception)
    assert folder.stdout == ""
    refused = run("inspect", exports, "--picture", "ecg.gif")
    assert "a picture is written as .png, .pdf or .svg" in str(refused.exception)
    assert refused.stdout == ""
