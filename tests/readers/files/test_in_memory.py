"""What is in memory is read as files are."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.format_files import ENDINGS, WRITERS, Planted

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.files import in_memory
from rarebeat.readers.files.in_memory import read_contents
from rarebeat.readers.read_file import read_file

Microvolts = npt.NDArray[np.int16]


@pytest.mark.parametrize("data_name", ["rec.dat", "rec.mat"])
def test_the_two_files_of_a_record_are_read_as_from_a_folder(
    ecg: Microvolts, write_wfdb: Callable[..., Path], data_name: str
) -> None:
    header = write_wfdb(ecg, data_name=data_name)
    with header.open("a") as file:
        file.write("#Age: 63\n#Sex: Male\n")
    contents = {path.name: path.read_bytes() for path in (header, header.with_name(data_name))}
    found, expected = read_contents(contents), read_file(header)
    assert np.array_equal(found.signal, expected.signal)
    assert (found.rate, found.age, found.sex) == (expected.rate, 63.0, "male")


def test_an_xml_file_is_read_as_from_a_folder(muse_xml: Callable[..., bytes], tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(muse_xml())
    found, expected = read_contents({"a.xml": muse_xml()}), read_file(tmp_path / "a.xml")
    assert np.array_equal(found.signal, expected.signal)
    assert (found.rate, found.age, found.sex) == (expected.rate, expected.age, expected.sex)


def test_what_is_wrong_with_a_record_is_said_as_for_files(
    ecg: Microvolts, write_wfdb: Callable[..., Path]
) -> None:
    header = write_wfdb(ecg)
    content, signals = header.read_bytes(), header.with_suffix(".dat").read_bytes()
    with pytest.raises(BadRecordError, match="truncated"):
        read_contents({"rec.hea": content, "rec.dat": signals[:-24]})
    with pytest.raises(BadRecordError, match="checksum"):
        read_contents({"rec.hea": content, "rec.dat": signals[:-2] + b"\x11\x11"})
    with pytest.raises(BadRecordError, match="not that of the signal file"):
        read_contents({"rec.hea": content, "other.dat": signals})
    with pytest.raises(BadRecordError, match="format 16"):
        read_contents({"rec.hea": content.replace(b" 16 ", b" 212 "), "rec.dat": signals})


@pytest.mark.parametrize("kind", WRITERS)
def test_a_file_of_every_format_is_told_by_its_content(kind: str, ecg: Microvolts, tmp_path: Path) -> None:
    path = tmp_path / f"one{ENDINGS[kind]}"
    path.write_bytes(WRITERS[kind](ecg, Planted()))
    found, expected = read_contents({"upload.bin": path.read_bytes()}), read_file(path)
    assert np.array_equal(found.signal, expected.signal)
    assert (found.rate, found.age, found.sex) == (expected.rate, expected.age, expected.sex)
    assert (found.record_id, found.source, found.patient_id) == ("upload", kind, None)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "an empty file"),
        (b"%PDF-1.7", "a PDF document"),
        (b"PK\x03\x04", "a ZIP or gzip file: unpack it"),
        (b"I,II,III,aVR,aVL,aVF,V1,V2\n1,2,3", "an array, which does not say what its numbers are"),
        (b"rec 1 500 9\nrec.dat 16 1/mV 16 0\n", "the header of a WFDB record without its signal file"),
        (b"\0" * 9, "of a format that is not known"),
    ],
)
def test_what_is_no_ecg_is_named(content: bytes, what: str) -> None:
    with pytest.raises(BadRecordError, match=f"unreadable: it is {what}; expected one ECG file"):
        read_contents({"one": content})


def test_a_file_that_is_too_large_is_refused(
    monkeypatch: pytest.MonkeyPatch, muse_xml: Callable[..., bytes]
) -> None:
    monkeypatch.setattr(in_memory, "MAX_BYTES", 1 << 10)
    with pytest.raises(BadRecordError, match=r"'a\.xml' is larger than"):
        read_contents({"a.xml": muse_xml()})


def test_without_files_in_memory_a_temporary_folder_serves_and_is_removed(
    monkeypatch: pytest.MonkeyPatch, muse_xml: Callable[..., bytes], tmp_path: Path
) -> None:
    expected = read_contents({"a.xml": muse_xml()})
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert np.array_equal(read_contents({"a.xml": muse_xml()}).signal, expected.signal)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("names", [[], ["a.dat", "b.dat"], ["a.xml", "b.xml"], ["a.hea", "a.dat", "b.dat"]])
def test_another_number_of_files_is_refused(names: list[str]) -> None:
    with pytest.raises(BadRecordError, match=f"found {len(names)} files, expected one ECG file"):
        read_contents(dict.fromkeys(names, b""))
