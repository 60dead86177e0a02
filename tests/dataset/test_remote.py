"""Shards behind a URL are what they are in a folder."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest
from fsspec.spec import AbstractBufferedFile
from tests.dataset.test_stored import write

from rarebeat.core.errors import RarebeatError
from rarebeat.dataset.manifest import read_footer
from rarebeat.dataset.remote import RemotePath, folder_at
from rarebeat.dataset.shards import load_split, open_split, read_doubts, split_cohorts, write_doubts


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[str]:
    """A split of 20 records in three shards, and warnings, in fsspec's storage in memory."""
    write(tmp_path / "shards", 20)
    write_doubts(tmp_path / "shards", {"a": {"r1": "leads swapped"}})
    storage = fsspec.filesystem("memory")
    storage.put(str(tmp_path / "shards"), "/bucket/", recursive=True)
    yield "memory://bucket/shards"
    storage.rm("/bucket", recursive=True)


def test_a_split_is_read_whole_or_piece_by_piece_from_a_url(remote: str, tmp_path: Path) -> None:
    here, there = load_split(tmp_path / "shards", "train"), folder_at(remote)
    for split in (load_split(there, "train"), open_split(there, "train")):
        np.testing.assert_array_equal(np.asarray(split.signals), here.signals)
        np.testing.assert_array_equal(split.labels, here.labels)
        assert split.record_ids.tolist() == here.record_ids.tolist()
    assert split_cohorts(there, "train") == ("b", "a")
    assert read_doubts(there) == {("a", "r1"): "leads swapped"}


def test_damage_behind_a_url_is_named(remote: str) -> None:
    storage, path = fsspec.filesystem("memory"), "/bucket/shards/train/shard-00001.parquet"
    content = bytearray(storage.cat(path))
    middle = len(content) // 2
    content[middle] ^= 1
    storage.pipe(path, bytes(content))
    with pytest.raises(RarebeatError, match=r"memory://bucket/shards/train/shard-00001\.parquet.*CRC"):
        np.asarray(open_split(folder_at(remote), "train").signals)
    content[middle] ^= 1
    content[-20] ^= 1
    storage.pipe(path, bytes(content))
    with pytest.raises(RarebeatError, match=r"shard-00001\.parquet: its footer is damaged"):
        open_split(folder_at(remote), "train")
    storage.rm(path)
    with pytest.raises(RarebeatError, match=r"missing, or too many: shard-00001\.parquet"):
        open_split(folder_at(remote), "train")


def test_a_shard_that_was_cut_off_is_named_also_in_a_storage_that_reads_piece_by_piece(
    remote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as S3, where looking before the start of a file is a wrong value and no error of the system."""
    storage, path = fsspec.filesystem("memory"), "/bucket/shards/train/shard-00001.parquet"
    monkeypatch.setattr(RemotePath, "open", lambda *_: AbstractBufferedFile(storage, path, size=3))
    with pytest.raises(RarebeatError, match=r"cannot use memory://bucket/.*shard-00001\.parquet"):
        read_footer(folder_at(f"memory:/{path}"), "its checksum")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("memory://bucket/none", r"no shards in memory://bucket/none/train: .*Run `dvc repro prepare`"),
        ("mystery://bucket/shards", "cannot read mystery://bucket/shards.*Which packages read which URLs"),
    ],
)
def test_a_url_that_cannot_be_read_is_named(url: str, message: str) -> None:
    with pytest.raises(RarebeatError, match=message):
        open_split(folder_at(url), "train")


def test_storage_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoCredentialsError(Exception):
        pass

    def fail(*arguments: object) -> bool:
        raise NoCredentialsError("Unable to locate credentials")

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "isfile", fail)
    with pytest.raises(RarebeatError, match="NoCredentialsError: Unable to locate credentials"):
        open_split(RemotePath("memory://bucket/shards"), "train")


def test_a_folder_needs_no_fsspec(tmp_path: Path) -> None:
    write(tmp_path, 5)
    program = (
        "import sys, numpy as np; from rarebeat.dataset.remote import folder_at; "
        "from rarebeat.dataset.shards import open_split; "
        f"print(np.asarray(open_split(folder_at({str(tmp_path)!r}), 'train').signals).shape, 'fsspec' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(5, 12, 10) False"
