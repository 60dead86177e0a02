import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import yaml
from tests.format_files import ENDINGS, WRITERS, Planted
from tests.readers.reading import read_all, write_csv

from rarebeat.core.errors import BadRecordError, RarebeatError
from rarebeat.core.records import LEADS
from rarebeat.readers.read_file import find_recordings, read_file, read_recording
from rarebeat.simulator.archives.export import export
from rarebeat.simulator.settings import SimulatorSettings

Microvolts = npt.NDArray[np.int16]
Write = Callable[..., Path]


@pytest.mark.parametrize("data_name", ["rec.dat", "rec.mat"])
def test_a_record_may_be_named_by_its_header_or_its_signal_file(
    ecg: Microvolts, write_wfdb: Write, data_name: str
) -> None:
    header = write_wfdb(ecg, data_name=data_name)
    for path in (header, header.with_name(data_name)):
        record = read_file(path)
        np.testing.assert_array_equal(record.signal, ecg)
        assert (record.record_id, record.rate, record.calibrated) == ("rec", 500.0, True)


def test_a_muse_file_is_read_without_a_key(
    muse_xml: Callable[..., bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "a.XML").write_bytes(muse_xml())
    record = read_file(tmp_path / "a.XML")
    assert (record.rate, record.sex, record.patient_id) == (500.0, "female", None)
    assert record.text == "Normal sinus rhythm"
    assert not (tmp_path / "config").exists()


def test_each_recording_of_a_file_that_holds_several_has_a_name(
    ecg: Microvolts, muse_xml: Callable[..., bytes], tmp_path: Path
) -> None:
    """Answers and pictures go by it: of two with one name, one would be drawn for both."""
    side = {"rate": 500, "unit": "uV", "leads": list(LEADS), "axes": ["record", "lead", "sample"]}
    (tmp_path / "arrays.yaml").write_text(yaml.safe_dump(side))
    np.save(tmp_path / "stack.npy", np.stack([ecg, ecg[:, ::-1]]))
    stack = {one.name: one for one in find_recordings([tmp_path], "arrays", {})}
    assert list(stack) == [f"{tmp_path}/stack.npy#0", f"{tmp_path}/stack.npy#1"]
    for found, signal in zip(stack.values(), (ecg, ecg[:, ::-1]), strict=True):
        np.testing.assert_array_equal(read_recording(found, "arrays", {}).signal, signal)
    packed = tmp_path / "packed"
    packed.mkdir()
    with zipfile.ZipFile(packed / "all.zip", "w") as archive:
        for name in ("in/1.xml", "in/2.xml"):
            archive.writestr(name, muse_xml())
    names = [one.name for one in find_recordings([packed], "files", {})]
    assert names == [f"{packed}/all.zip/in/1.xml", f"{packed}/all.zip/in/2.xml"]


@pytest.mark.parametrize("name", ["a.pdf", "a", "a.csv"])
def test_other_kinds_of_file_are_named_with_what_is_expected(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(RarebeatError, match=r"no supported file: expected .*\.hea.*\.xml"):
        read_file(tmp_path / name)


@pytest.mark.parametrize("name", ["a.hea", "a.mat", "a.xml", "a.csv", "folder"])
def test_a_missing_file_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(RarebeatError, match="there is no file"):
        read_file(tmp_path / name)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.hea").mkdir()
    with pytest.raises(RarebeatError, match="is a folder"):
        read_file(tmp_path / "a.hea")


def test_a_signal_file_needs_its_header(tmp_path: Path) -> None:
    (tmp_path / "a.mat").write_bytes(b"x")
    with pytest.raises(RarebeatError, match=r"without its header a\.hea"):
        read_file(tmp_path / "a.mat")


def test_another_xml_is_refused_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<Sapphire/>")
    with pytest.raises(
        BadRecordError, match="not a MUSE RestingECG: its root is Sapphire, an XML format of GE"
    ):
        read_file(tmp_path / "a.xml")


@pytest.mark.parametrize(
    ("comments", "person"),
    [
        (["Age: 63", "Sex: Male"], (63.0, "male")),
        ([" Age: 77", " Sex: Female", " Dx: 426783006"], (77.0, "female")),
        (["age: 81", "sex: F"], (81.0, "female")),
        (["<age>: >89", "<sex>: M", "<diagnoses>:", "Rhythm: Sinus rhythm."], (90.0, "male")),
        (["<age>: 65 <sex>: F <diagnoses> Coronary artery disease"], (65.0, "female")),
        (["Age: NaN", "Sex: Unknown"], (None, None)),
        ([], (None, None)),
    ],
)
def test_a_wfdb_header_tells_age_and_sex(
    ecg: Microvolts, write_wfdb: Write, comments: list[str], person: tuple[float | None, str | None]
) -> None:
    header = write_wfdb(ecg, comments=comments)
    for path in (header, header.with_suffix(".dat")):
        record = read_file(path)
        assert (record.age, record.sex) == person


@pytest.mark.parametrize("kind", ["challenge", "ludb"])
def test_ingest_and_prediction_see_the_same_person(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path, kind: str
) -> None:
    header = write_wfdb(ecg, comments=["<age>: 300", "<sex>: M", "<diagnoses>:", "Rhythm: Sinus rhythm."])
    (ingested,) = read_all(kind, tmp_path)
    read = read_file(header)
    assert (read.age, read.sex) == (ingested.age, ingested.sex) == (90.0, "male")


def test_statements_of_ludb_tell_no_person(ecg: Microvolts, write_wfdb: Write, tmp_path: Path) -> None:
    header = write_wfdb(ecg, comments=["<age>: 63", "<diagnoses>:", "Age: 17", "Sex: M"])
    (ingested,) = read_all("ludb", tmp_path)
    read = read_file(header)
    assert (read.age, read.sex) == (ingested.age, ingested.sex) == (63.0, None)


@pytest.mark.parametrize(
    ("row", "options", "person"),
    [
        ({}, {}, (63.0, "male")),
        ({"age": "", "sex": ""}, {"age_column": "age", "sex_column": "sex"}, (63.0, "male")),
        ({"age": "64", "sex": ""}, {"age_column": "age", "sex_column": "sex"}, (64.0, "male")),
        ({"age": "nan", "sex": "F"}, {"age_column": "age", "sex_column": "sex"}, (63.0, "female")),
    ],
)
def test_a_folder_of_wfdb_files_tells_what_its_csv_says_and_else_its_headers(
    ecg: Microvolts,
    write_wfdb: Write,
    tmp_path: Path,
    row: dict[str, object],
    options: dict[str, str],
    person: tuple[float, str],
) -> None:
    header = write_wfdb(ecg, comments=["Age: 63", "Sex: Male"])
    write_csv(tmp_path / "records.csv", [{"record": header.stem} | row])
    (ingested,) = read_all("wfdb", tmp_path, options)
    assert (ingested.age, ingested.sex) == person
    read = read_file(header)
    assert (read.age, read.sex) == (63.0, "male")


def test_a_muse_file_tells_age_and_sex(muse_xml: Callable[..., bytes], tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(muse_xml())
    record = read_file(tmp_path / "a.xml")
    assert (record.age, record.sex) == (56.0, "female")


def test_files_that_are_not_read_are_answered_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "a.CSV").write_bytes(b"x")
    with pytest.raises(RarebeatError, match="write the ECG as a WFDB record"):
        read_file(tmp_path / "a.CSV")


@pytest.mark.parametrize("kind", WRITERS)
def test_ingest_and_prediction_see_the_same_in_every_format(kind: str, tmp_path: Path) -> None:
    signal = export(0, SimulatorSettings(seconds=5.0)).signal
    path = tmp_path / f"one{ENDINGS[kind]}"
    path.write_bytes(WRITERS[kind](signal, Planted()))
    (ingested,) = read_all(kind, tmp_path, {"patient_namespace": "public"})
    (found,) = find_recordings([tmp_path], None, {})
    for read in (read_file(path), read_recording(found, None, {})):
        assert (
            (read.age, read.sex, read.rate)
            == (ingested.age, ingested.sex, ingested.rate)
            == (63.0, "female", 500.0)
        )
        assert (read.signal == ingested.signal).all()
        assert (read.record_id, read.source, read.patient_id) == ("one", kind, None)
