"""Archives of simulated records: what is written is what the readers, ours and others, find."""

import base64
import csv
import zlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import scipy.io
import wfdb

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.record_files import iterate_rows
from rarebeat.core.records import LEADS, Record
from rarebeat.labels.codes import CodeLabeller
from rarebeat.labels.vocabulary import load_vocabulary
from rarebeat.readers.free_text.redaction import redact
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.readers.simulated import record_at
from rarebeat.simulator.archives import archive
from rarebeat.simulator.archives.archive import FORMATS, READER_OPTIONS, write_archive
from rarebeat.simulator.archives.export import export, export_many
from rarebeat.simulator.archives.muse import STEP, is_confirmed, muse_xml
from rarebeat.simulator.archives.wfdb import snomed_codes
from rarebeat.simulator.clinic import recording_at
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import CLASSES

SETTINGS = SimulatorSettings(records=8, seed=5)
ENDINGS = {"muse-xml": ".xml", "dicom": ".dcm", "edf": ".edf", "aecg": ".xml"}
"""What the reader of a format adds to the name of a record."""

STEPS = {"dicom": 1.0, "edf": 1.0, "aecg": 1.0}
"""Microvolts by which formats of whole records store."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One archive of each format, named like it."""
    folder = tmp_path_factory.mktemp("archives")
    for format in FORMATS:
        write_archive(folder / format, format, SETTINGS, workers=1)
    return folder


def ingested(folder: Path, format: str, tmp_path: Path) -> list[dict[str, Any]]:
    """What the project's own reader makes of an archive."""
    options: dict[str, Any] = dict(READER_OPTIONS[format])
    if format == "muse-xml":
        options["key_file"] = str(tmp_path / "key")
    ingest_cohort(format, folder / format, tmp_path / "out", options=options, workers=1)
    return list(iterate_rows(tmp_path / "out"))


def simulated() -> list[Record]:
    return [record_at(index, SETTINGS) for index in range(SETTINGS.records)]


def truth_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_wfdb_archive_comes_back_as_it_was_simulated(folder: Path, tmp_path: Path) -> None:
    for row, record in zip(ingested(folder, "wfdb", tmp_path), simulated(), strict=True):
        assert row["signal"].tobytes() == record.signal.tobytes()
        for name in ("record_id", "patient_id", "age", "sex", "text", "rate", "source", "calibrated"):
            assert row[name] == getattr(record, name), name


def test_a_challenge_archive_comes_back_with_the_truth_as_codes(folder: Path, tmp_path: Path) -> None:
    rows = ingested(folder, "challenge", tmp_path)
    for index, (row, record) in enumerate(zip(rows, simulated(), strict=True)):
        assert row["signal"].tobytes() == record.signal.tobytes()
        assert (row["record_id"], row["age"], row["sex"]) == (record.record_id, record.age, record.sex)
        assert row["codes"] == [f"snomed:{code}" for code in snomed_codes(export(index, SETTINGS).truth)]
        assert row["text"] is None


def test_a_muse_archive_comes_back_to_half_a_step(folder: Path, tmp_path: Path) -> None:
    rows = ingested(folder, "muse-xml", tmp_path)
    for index, (row, record) in enumerate(zip(rows, simulated(), strict=True)):
        difference = np.abs(row["signal"].astype(int) - record.signal)
        stored = [LEADS.index(name) for name in LEADS if name in ("I", "II") or name.startswith("V")]
        assert difference[stored].max() <= STEP / 2 + 0.5
        assert difference.max() <= STEP + 1  # III and the augmented leads are derived from two others
        told = export(index, SETTINGS)
        assert row["text"] == (redact(record.text or "") if is_confirmed(told) else None)
        assert (row["age"], row["sex"], row["rate"]) == (record.age, record.sex, record.rate)


def test_the_patients_of_a_muse_archive_come_several_times(folder: Path, tmp_path: Path) -> None:
    groups: list[dict[str, list[int]]] = [{}, {}]
    for index, pair in enumerate(zip(ingested(folder, "muse-xml", tmp_path), simulated(), strict=True)):
        for group, patient in zip(groups, (pair[0]["patient_id"], pair[1].patient_id), strict=True):
            group.setdefault(str(patient), []).append(index)
    assert list(groups[0].values()) == list(groups[1].values())
    assert len(groups[0]) < SETTINGS.records


@pytest.mark.parametrize("format", STEPS)
def test_an_archive_of_files_comes_back_to_half_a_step(folder: Path, format: str, tmp_path: Path) -> None:
    for row, record in zip(ingested(folder, format, tmp_path), simulated(), strict=True):
        difference = np.abs(row["signal"].astype(int) - record.signal)
        assert difference.max() <= STEPS[format] / 2
        assert row["record_id"] == record.record_id + ENDINGS[format]
        assert row["text"] == redact(record.text or "")
        for name in ("patient_id", "age", "sex", "rate", "source", "calibrated"):
            assert row[name] == getattr(record, name), name


@pytest.mark.parametrize("format", STEPS)
def test_the_same_record_is_the_same_bytes(folder: Path, format: str, tmp_path: Path) -> None:
    write_archive(tmp_path / "few", format, SimulatorSettings(records=2, seed=5), workers=1)
    for path in sorted((tmp_path / "few").glob("sim-*")):
        assert path.read_bytes() == (folder / format / path.name).read_bytes()


@pytest.mark.parametrize("format", ["wfdb", "challenge"])
def test_the_wfdb_package_reads_the_same(folder: Path, format: str) -> None:
    for record in simulated():
        found = wfdb.rdrecord(str(folder / format / record.record_id), physical=False)
        assert found.sig_name == list(LEADS)
        assert found.fs == SETTINGS.rate
        assert found.units == ["mV"] * 12
        assert found.adc_gain == [1000.0] * 12
        assert (record.signal == found.d_signal.T).all()
        assert found.checksum == [int(lead.sum(dtype=np.int16)) for lead in record.signal]
        assert any(comment.lower().startswith("age: ") for comment in found.comments)


def test_the_mat_files_are_matlab_files(folder: Path) -> None:
    for record in simulated():
        content = scipy.io.loadmat(str(folder / "challenge" / f"{record.record_id}.mat"))
        assert (content["val"] == record.signal).all()


@pytest.mark.parametrize("format", FORMATS)
def test_the_truth_lies_beside_the_files(folder: Path, format: str) -> None:
    rows = truth_rows(folder / format / "truth.csv")
    suffix = ENDINGS.get(format, "")
    assert [row.pop("record") for row in rows] == [record.record_id + suffix for record in simulated()]
    for index, row in enumerate(rows):
        truth = export(index, SETTINGS).truth
        assert row == {name: str(int(name in truth)) for name in CLASSES}


def test_the_codes_of_a_record_are_labelled_as_its_truth() -> None:
    labeller = CodeLabeller(load_vocabulary("hughes24"))
    met = set()
    for index in range(400):
        truth = recording_at(index, SimulatorSettings(preset="balanced")).truth
        states = labeller.label([f"snomed:{code}" for code in snomed_codes(truth)], "challenge").states
        assert {name for name, state in states.items() if state == 1} == truth
        met |= truth
    assert met == set(CLASSES)


def test_corrected_statements_are_marked_as_inserted() -> None:
    ecg = next(ecg for ecg in (export(index, SETTINGS) for index in range(200)) if ecg.machine != ecg.text)
    root = ElementTree.fromstring(muse_xml(ecg))
    lines, inserted = [""], []
    for statement in root.findall("Diagnosis/DiagnosisStatement"):
        flags = [flag.text for flag in statement.findall("StmtFlag")]
        lines[-1] += f" {statement.findtext('StmtText')}"
        if "ENDSLINE" in flags:
            inserted.append("USERINSERT" in flags)
            lines.append("")
    assert [line.strip() for line in lines[:-1]] == ecg.text.splitlines()
    assert inserted == [line not in ecg.machine.splitlines() for line in ecg.text.splitlines()]
    assert any(inserted)


def test_unconfirmed_files_hold_the_statements_of_the_machine() -> None:
    found = {True: 0, False: 0}
    for index in range(40):
        ecg = export(index, SETTINGS)
        root = ElementTree.fromstring(muse_xml(ecg))
        confirmed = root.findtext("TestDemographics/Status") == "CONFIRMED"
        assert confirmed == is_confirmed(ecg)
        texts = [
            " ".join(element.text or "" for element in root.findall(f"{tag}/DiagnosisStatement/StmtText"))
            for tag in ("Diagnosis", "OriginalDiagnosis")
        ]
        assert confirmed or texts[0] == texts[1]
        found[confirmed] += 1
    assert min(found.values()) >= 2


def test_the_checksums_of_leads_are_right() -> None:
    leads = ElementTree.fromstring(muse_xml(export(0, SETTINGS))).findall("Waveform/LeadData")
    assert len(leads) == 8
    for lead in leads:
        content = base64.b64decode(lead.findtext("WaveFormData") or "")
        assert lead.findtext("LeadDataCRC32") == str(zlib.crc32(content))
        assert lead.findtext("LeadByteCountTotal") == str(len(content))


@pytest.mark.slow
def test_two_processes_write_what_one_writes(tmp_path: Path) -> None:
    settings = SimulatorSettings(records=130, seconds=5)
    for workers in (1, 2):
        write_archive(tmp_path / str(workers), "wfdb", settings, workers=workers)
    names = sorted(path.name for path in (tmp_path / "1").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "2").iterdir())
    assert len(names) == 2 * 130 + 2
    for name in names:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_more_records_leave_the_files_of_the_earlier_ones_as_they_are(folder: Path, tmp_path: Path) -> None:
    write_archive(tmp_path / "few", "wfdb", SimulatorSettings(records=3, seed=5), workers=1)
    for path in sorted((tmp_path / "few").glob("sim-*")):
        assert path.read_bytes() == (folder / "wfdb" / path.name).read_bytes()


def test_one_class_alone_can_be_written(tmp_path: Path) -> None:
    settings = SimulatorSettings(records=3, seconds=5)
    write_archive(tmp_path / "out", "challenge", settings, only="complete_heart_block", workers=1)
    rows = truth_rows(tmp_path / "out" / "truth.csv")
    assert [row["complete_heart_block"] for row in rows] == ["1"] * 3
    assert len(list((tmp_path / "out").glob("*.hea"))) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("hl7", None, 1), "hl7"), (("wfdb", "hiccups", 1), "hiccups"), (("wfdb", None, 0), "workers")],
)
def test_what_cannot_be_written_is_named(
    tmp_path: Path, arguments: tuple[str, str | None, int], message: str
) -> None:
    format, only, workers = arguments
    with pytest.raises(ParamsError, match=message):
        write_archive(tmp_path / "out", format, SETTINGS, only, workers)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("rate", "seconds"), [(257.0, 5.013), (128.25, 10.0)])
def test_a_length_that_edf_cannot_tell_is_named(tmp_path: Path, rate: float, seconds: float) -> None:
    settings = SimulatorSettings(records=1, rate=rate, seconds=seconds)
    with pytest.raises(ParamsError, match=f"samples at {rate:g} Hz"):
        write_archive(tmp_path / "out", "edf", settings, workers=1)
    assert not (tmp_path / "out").exists()
    write_archive(tmp_path / "out", "aecg", settings, workers=1)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RarebeatError, match="not empty"):
        write_archive(tmp_path, "wfdb", SETTINGS, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("format", ["wfdb", "challenge", "muse-xml"])
def test_an_archive_is_written_anew_unless_somebody_put_a_file_into_it(format: str, tmp_path: Path) -> None:
    settings = SimulatorSettings(records=1)
    out = tmp_path / "out"
    for _ in range(2):
        write_archive(out, format, settings, workers=1)
    for name in ("notes.txt", "patient.xml", "mine/sim-000000.hea"):
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text("precious")
        with pytest.raises(RarebeatError, match="does not write"):
            write_archive(out, format, settings, workers=1)
        assert (out / name).read_text() == "precious"
        (out / name).unlink()


def test_what_fails_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: Path, ecg: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(archive._WRITERS, "wfdb", full)
    with pytest.raises(RarebeatError, match="No space left"):
        write_archive(tmp_path / "out", "wfdb", SETTINGS, workers=1)
    assert list(tmp_path.iterdir()) == []


def test_records_that_are_made_together_are_those_made_one_by_one() -> None:
    together = list(export_many([3, 0, 7], SETTINGS))
    for index, ecg in zip([3, 0, 7], together, strict=True):
        alone = export(index, SETTINGS)
        np.testing.assert_array_equal(ecg.signal, alone.signal)
        assert {**vars(ecg), "signal": None} == {**vars(alone), "signal": None}
