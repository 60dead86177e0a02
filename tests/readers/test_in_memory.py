"""What is in memory is read as files are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.in_memory import read_contents
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


@pytest.mark.parametrize(
    "names", [[], ["a.hea"], ["a.dat"], ["a.xml", "b.xml"], ["a.hea", "a.dat", "b.dat"], ["a.pdf"]]
)
def test_other_files_are_refused(names: list[str]) -> None:
    with pytest.raises(BadRecordError, match="expected one GE MUSE XML file"):
        read_contents(dict.fromkeys(names, b""))
