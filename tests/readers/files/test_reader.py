"""A folder of many formats: what is told by content is read, and the quarantine says what everything else was."""

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path
from time import process_time

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest
import yaml
from tests.readers.reading import read_all

from rarebeat.core.errors import MissingSourceError
from rarebeat.core.record_files import read_quarantine
from rarebeat.core.records import LEADS
from rarebeat.readers.files.formats import HEAD, formats, tell
from rarebeat.readers.files.inspection import files_at, inspect
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.registry import get_source
from rarebeat.simulator.archives.archive import READER_OPTIONS, write_archive
from rarebeat.simulator.settings import SimulatorSettings

Microvolts = npt.NDArray[np.int16]
PUBLIC = {"patient_namespace": "own", "statements": "all"}
SIDE = {"rate": 500, "unit": "uV", "leads": list(LEADS)}


@pytest.fixture
def mixed(
    ecg: Microvolts, write_wfdb: Callable[..., Path], muse_xml: Callable[..., bytes], tmp_path: Path
) -> Path:
    """Three ECGs under names that lie, and things that are no ECG."""
    root = tmp_path / "mixed"
    root.mkdir()
    comments = ("Age: 63", "Sex: Male", "Dx: 426783006")
    write_wfdb(ecg, "one", root / "records", comments=comments)
    (root / "no-ending").write_bytes(muse_xml())
    np.save(root / "array.npy", ecg)
    (root / "array.npy").rename(root / "array.bin")
    (root / "arrays.yaml").write_text(yaml.safe_dump(SIDE))
    (root / "letter.xml").write_bytes(b"%PDF-1.7 ...")
    (root / "other.dat").write_bytes(b'<?xml version="1.0"?><!-- x --><Sapphire xmlns="urn:ge"/>')
    (root / "patients.csv").write_text("name,age\nDoe,63\n")
    (root / "empty.dcm").touch()
    (root / "noise.edf").write_bytes(bytes(range(256)) * 4)
    return root


def test_names_and_endings_count_for_nothing(mixed: Path, tmp_path: Path) -> None:
    summary = ingest_cohort("files", mixed, tmp_path / "out", options=PUBLIC, workers=1)
    rows = [row for part in (tmp_path / "out").glob("part-*") for row in pq.read_table(part).to_pylist()]
    assert summary["records"] == 3 == len(summary["sources"])
    assert {row["record_id"]: row["source"] for row in rows} == {
        "records/one.hea": "wfdb",
        "no-ending": "muse-xml",
        "array.bin": "arrays",
    }


def test_the_quarantine_says_of_every_file_what_it_was(mixed: Path, tmp_path: Path) -> None:
    ingest_cohort("files", mixed, tmp_path / "out", options=PUBLIC, workers=1)
    rows = read_quarantine(tmp_path / "out").to_pylist()
    assert {row["record_id"]: row["detail"] for row in rows} == {
        "letter.xml": "it is a PDF document",
        "other.dat": "it is XML of another kind: Sapphire, an XML format of GE",
        "patients.csv": "it is a table (CSV): the options tables and labels_csv join it to the recordings",
        "empty.dcm": "it is an empty file",
        "noise.edf": "it is of a format that is not known",
    }
    assert {row["reason"] for row in rows} == {"unreadable"}


def test_a_challenge_header_gives_codes_and_a_person(mixed: Path) -> None:
    source = get_source("files")
    (entry,) = (entry for entry in source.discover(mixed, PUBLIC) if entry.source == "wfdb")
    record = source.read(entry, Pseudonym(), PUBLIC)
    assert (record.codes, record.age, record.sex) == (("snomed:426783006",), 63.0, "male")


def test_members_of_zip_and_gzip_files_are_read_as_if_unpacked(mixed: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    packed.mkdir()
    with zipfile.ZipFile(packed / "delivery.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in mixed.rglob("*") if path.is_file()):
            archive.write(path, path.relative_to(mixed).as_posix())
    (packed / "single.gz").write_bytes(gzip.compress((mixed / "no-ending").read_bytes()))
    ingest_cohort("files", packed, tmp_path / "out", options=PUBLIC, workers=1)
    rows = [row for part in (tmp_path / "out").glob("part-*") for row in pq.read_table(part).to_pylist()]
    assert sorted(row["record_id"] for row in rows) == [
        "delivery.zip/array.bin",
        "delivery.zip/no-ending",
        "delivery.zip/records/one.hea",
        "single.gz/single",
    ]
    refused = read_quarantine(tmp_path / "out").column("record_id").to_pylist()
    assert "delivery.zip/letter.xml" in refused
    assert not [name for name in refused if name.endswith("one.dat")]


def test_an_npz_is_an_array_and_not_an_archive(ecg: Microvolts, tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", ecg=ecg)
    (tmp_path / "one.yaml").write_text(yaml.safe_dump(SIDE))
    (record,) = read_all("files", tmp_path, PUBLIC)
    np.testing.assert_array_equal(record.signal, ecg)


def test_an_array_without_a_side_file_says_what_is_missing(ecg: Microvolts, tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", ecg)
    source = get_source("files")
    (entry,) = source.discover(tmp_path, PUBLIC)
    with pytest.raises(Exception, match=r"unknown_units: .*side file \(arrays\.yaml\)"):
        source.read(entry, Pseudonym(), PUBLIC)


def test_statements_that_nobody_has_confirmed_stay_out_unless_asked_for(
    muse_xml: Callable[..., bytes], tmp_path: Path
) -> None:
    (tmp_path / "a.xml").write_bytes(muse_xml(status="<Status>UNCONFIRMED</Status>"))
    (record,) = read_all("files", tmp_path, {"patient_namespace": "own"})
    assert (record.text, record.report_status) == (None, "unconfirmed")
    assert read_all("files", tmp_path, PUBLIC)[0].text == "Normal sinus rhythm"


def test_a_folder_without_files_says_what_the_kind_is_for(tmp_path: Path) -> None:
    with pytest.raises(MissingSourceError, match=r"no files under .*rarebeat inspect FOLDER"):
        read_all("files", tmp_path, PUBLIC)


def test_a_member_cannot_leave_the_archive(muse_xml: Callable[..., bytes], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../../escaped.xml", muse_xml())
    (record,) = read_all("files", tmp_path, PUBLIC)
    assert record.rate == 500.0
    assert not list(tmp_path.parent.rglob("escaped.xml"))


@pytest.mark.parametrize("kind", ["challenge", "wfdb", "muse-xml", "dicom", "edf", "aecg"])
def test_every_format_that_is_written_is_told_without_its_ending_and_read_as_by_its_own_kind(
    kind: str, tmp_path: Path
) -> None:
    root = tmp_path / "exports"
    write_archive(root, kind, SimulatorSettings(records=1, seconds=5.0), workers=1)
    (root / "truth.csv").unlink()
    own = read_all(kind, root, READER_OPTIONS[kind])[0]
    (root / "records.csv").unlink(missing_ok=True)
    if kind not in ("challenge", "wfdb"):  # the header of a record names its signal file, and bears its name
        (path,) = root.iterdir()
        path.rename(root / "0001")
    (record,) = read_all("files", root, PUBLIC)
    np.testing.assert_array_equal(record.signal, own.signal)
    assert (record.rate, record.age, record.sex) == (own.rate, own.age, own.sex)
    if kind != "wfdb":  # its reports stand in a table
        assert record.text == (own.text or record.text)


@pytest.mark.parametrize("start", [b"<!--", b"<?", b"<!x", b"<!DOCTYPE x ["])
def test_xml_that_does_not_end_is_told_at_once(start: bytes) -> None:
    begun = process_time()
    for head in (start + bytes(HEAD).replace(b"\0", b"a"), start * (HEAD // len(start))):
        assert tell(head) == "XML that cannot be read"
    assert process_time() - begun < 5  # minutes, before


def test_what_a_reader_did_not_foresee_refuses_its_file_alone(
    mixed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprised(path: Path) -> None:
        raise KeyError(path.name)

    monkeypatch.setattr("rarebeat.readers.muse.reader.read_file", surprised)
    found = {entry.name: entry for entry in inspect(files_at(mixed))}
    assert found["no-ending"].facts["not read"] == "unreadable: KeyError in the reader of the format muse-xml"
    assert found["array.bin"].record is not None


def test_no_two_formats_take_the_same_file(tmp_path: Path) -> None:
    for kind in ("challenge", "muse-xml", "dicom", "edf", "aecg"):
        write_archive(tmp_path / kind, kind, SimulatorSettings(records=1, seconds=5.0), workers=1)
    for path in sorted(path for path in tmp_path.rglob("sim-*") if path.suffix != ".mat"):
        with path.open("rb") as file:
            head = file.read(HEAD)
        assert len([entry.name for entry in formats() if entry.looks_like(head)]) == 1, path
