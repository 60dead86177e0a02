"""Limits of ZIP and gzip files: a small file must not become a large one."""

import gzip
import zipfile
from pathlib import Path

import pytest

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.files import packed


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_member_that_grows_more_than_an_ecg_can_is_refused(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "a.zip", zeros=bytes(4 * packed.SMALL))
    with pytest.raises(BadRecordError, match="more than 200 times its size"), packed.unpacked(bomb, "zeros"):
        pass
    path = tmp_path / "zeros.gz"
    path.write_bytes(gzip.compress(bytes(4 * packed.SMALL)))
    with pytest.raises(BadRecordError, match="more than 200 times"), packed.unpacked(path, "zeros"):
        pass


def test_a_member_that_is_larger_than_an_ecg_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "MAX_BYTES", 1000)
    path = zipped(tmp_path / "a.zip", one=bytes(range(256)) * 8)
    with pytest.raises(BadRecordError, match="more than 0 MB"), packed.unpacked(path, "one"):
        pass


def test_what_the_directory_of_an_archive_says_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path / "a.zip", one=bytes(range(256)) * 8)
    content = bytearray(path.read_bytes())
    place = content.rindex(b"PK\x01\x02") + 24  # size of the member, in the central directory
    content[place : place + 4] = (10).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(BadRecordError, match="damaged ZIP"), packed.unpacked(path, "one"):
        pass


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "MAX_MEMBERS", 2)
    path = zipped(tmp_path / "a.zip", one=b"1", two=b"2", three=b"3")
    with pytest.raises(BadRecordError, match="3 files, more than 2"):
        packed.members(path)
    monkeypatch.setattr(packed, "MAX_MEMBERS", 3)
    monkeypatch.setattr(packed, "MAX_TOTAL", 2)
    with pytest.raises(BadRecordError, match="would unpack to"):
        packed.members(path)


def test_the_directory_of_an_archive_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "a.zip", **{f"{number}.txt": b"1" for number in range(50)})
    opened: list[Path] = []
    opening = zipfile.ZipFile

    def counted(file: Path) -> zipfile.ZipFile:
        opened.append(file)
        return opening(file)

    monkeypatch.setattr(packed.zipfile, "ZipFile", counted)
    for name in packed.members(path):
        assert packed.head_of(path, name) == b"1"
        with packed.unpacked(path, name) as member:
            assert member.read_bytes() == b"1"
    assert opened == [path]


@pytest.mark.parametrize("content", [b"PK\x03\x04 and nothing else", b"\x1f\x8b and nothing else"])
def test_a_damaged_archive_says_so(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(BadRecordError, match="damaged"):
        packed.head_of(path, packed.members(path)[0])


def test_an_encrypted_member_says_so(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", one=b"1234")
    content = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(magic) + offset] |= 1
    path.write_bytes(content)
    with pytest.raises(BadRecordError, match="encrypted"):
        packed.head_of(path, "one")


def test_an_ecg_shrinks_less_than_the_limit(tmp_path: Path) -> None:
    """Five minutes of a flat line in text, which no ECG is: still far from the limit below a megabyte."""
    path = zipped(tmp_path / "a.zip", one=b"0," * 100_000)
    with packed.unpacked(path, "one") as found:
        assert found.stat().st_size == 200_000
    assert not found.exists()
