"""Shards come back as they were written, and a damaged one is named instead of read."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.core.signals import Int16, Preprocessing
from rarebeat.dataset.shards import SplitWriter, load_split, row_schema, shard_files
from rarebeat.dataset.split import ShardMeta, join, take

CLASSES = ("sinus_rhythm", "atrial_fibrillation")
META = ShardMeta(CLASSES, Preprocessing(samples=200, bandpass=(0.5, 40)), 0.001, "mV", "toy")

Write = Callable[..., tuple[pa.Table, Int16]]


def make_rows(records: int) -> pa.Table:
    random = np.random.default_rng([records])
    columns = {
        "record_id": [f"r{number}" for number in range(records)],
        "cohort": ["a" if number % 2 else "b" for number in range(records)],
        "patient": [f"p{number // 2}" for number in range(records)],
        "age": [None if number % 3 else 40.5 for number in range(records)],
        "sex": [None if number % 5 else "female" for number in range(records)],
        "length": [200 - number for number in range(records)],
        **{name: random.integers(-1, 2, records).tolist() for name in CLASSES},
    }
    return pa.table(columns, schema=row_schema(CLASSES))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a split of so many records, into shards of 4, and return what went in."""

    def write(records: int, split: str = "train", meta: ShardMeta = META) -> tuple[pa.Table, Int16]:
        rows = make_rows(records)
        shape = (records, 12, meta.preprocessing.samples)
        signals = np.random.default_rng([records, 1]).integers(-32_768, 32_768, shape).astype(np.int16)
        writer = SplitWriter(tmp_path / split, meta, rows, shard_size=4)
        for signal in signals:
            writer.add(signal)
        writer.finish()
        return rows, signals

    return write


@pytest.mark.parametrize(("records", "shards"), [(0, 1), (1, 1), (4, 1), (5, 2), (12, 3), (15, 4)])
def test_a_split_comes_back_as_it_was_written(
    write: Write, tmp_path: Path, records: int, shards: int
) -> None:
    rows, signals = write(records)
    split = load_split(tmp_path, "train")
    assert len(shard_files(tmp_path, "train")) == shards
    assert len(split) == records
    assert split.signals.dtype == np.int16
    assert np.array_equal(split.signals, signals)
    assert split.labels.dtype == np.int8
    assert split.labels.shape == (records, 2)
    for column, name in enumerate(CLASSES):
        assert split.labels[:, column].tolist() == rows.column(name).to_pylist()
    assert split.record_ids.tolist() == rows.column("record_id").to_pylist()
    assert split.cohorts.tolist() == rows.column("cohort").to_pylist()
    assert split.patients.tolist() == rows.column("patient").to_pylist()
    assert split.meta == META
    assert split.lengths is not None
    assert split.lengths.tolist() == rows.column("length").to_pylist()
    assert split.ages is not None
    assert np.nan_to_num(split.ages, nan=-1).tolist() == rows.column("age").fill_null(-1).to_pylist()
    assert split.sexes is not None
    assert split.sexes.tolist() == rows.column("sex").to_pylist()


def test_records_are_taken_and_joined_with_all_that_is_known_of_them(write: Write, tmp_path: Path) -> None:
    write(5)
    split = load_split(tmp_path, "train")
    parts = take(split, np.array([3, 0])), take(split, np.array([False, True, True, False, True]))
    assert parts[0].record_ids.tolist() == ["r3", "r0"]
    whole = join(parts)
    assert whole.record_ids.tolist() == ["r3", "r0", "r1", "r2", "r4"]
    assert np.array_equal(whole.signals, split.signals[[3, 0, 1, 2, 4]])
    assert whole.lengths is not None
    assert whole.lengths.tolist() == [197, 200, 199, 198, 196]
    assert whole.sexes is not None
    assert whole.sexes.tolist() == [None, "female", None, None, None]


def test_splits_that_do_not_fit_each_other_are_not_joined(write: Write, tmp_path: Path) -> None:
    write(5)
    split = load_split(tmp_path, "train")
    with pytest.raises(RarebeatError, match="differ in classes or preprocessing"):
        join([split, replace(split, meta=replace(META, vocabulary="other"))])
    with pytest.raises(RarebeatError, match="only some of the splits know ages"):
        join([split, replace(split, ages=None)])


def test_other_tools_can_read_a_shard(write: Write, tmp_path: Path) -> None:
    rows, signals = write(3)
    table = pq.read_table(tmp_path / "train" / "shard-00000.parquet")
    assert table.schema.field("signal").type == pa.binary(12 * 200 * 2)
    assert table.drop_columns(["signal"]).to_pylist() == rows.to_pylist()
    second = np.frombuffer(table.column("signal")[1].as_py(), dtype="<i2").reshape(12, 200)
    assert np.array_equal(second, signals[1])


def test_the_same_records_give_the_same_bytes(write: Write, tmp_path: Path) -> None:
    write(9, "train")
    write(9, "test")
    for path in sorted((tmp_path / "train").iterdir()):
        assert path.read_bytes() == (tmp_path / "test" / path.name).read_bytes()


def test_signals_can_be_changed_in_memory(write: Write, tmp_path: Path) -> None:
    write(4)
    assert load_split(tmp_path, "train").signals.flags.writeable


def test_no_flipped_bit_changes_the_result(write: Write, tmp_path: Path) -> None:
    write(3, meta=ShardMeta(CLASSES, Preprocessing(samples=4), 0.001, "mV", "toy"))
    path = tmp_path / "train" / "shard-00000.parquet"
    whole, content = load_split(tmp_path, "train"), path.read_bytes()
    accounted = 0
    for place in range(0, len(content), 5):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            split = load_split(tmp_path, "train")
        except RarebeatError as error:
            accounted += "shard-00000.parquet" in str(error)
        else:
            assert np.array_equal(split.signals, whole.signals)
            assert np.array_equal(split.labels, whole.labels)
            assert np.array_equal(split.patients, whole.patients)
            assert split.meta == whole.meta
            accounted += 1
    assert accounted == len(range(0, len(content), 5))


def test_a_damaged_signal_is_named(write: Write, tmp_path: Path) -> None:
    write(8)
    path = tmp_path / "train" / "shard-00001.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(RarebeatError, match=r"shard-00001\.parquet.*CRC.*dvc repro"):
        load_split(tmp_path, "train")


@pytest.mark.parametrize("kept", [0, 3, 100, 0.5, 0.99])
def test_a_truncated_shard_is_named(write: Write, tmp_path: Path, kept: float) -> None:
    write(8)
    path = tmp_path / "train" / "shard-00001.parquet"
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if 0 < kept < 1 else int(kept)])
    with pytest.raises(RarebeatError, match=r"shard-00001\.parquet"):
        load_split(tmp_path, "train")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_missing_shard_is_named(write: Write, tmp_path: Path, number: int) -> None:
    write(12)
    (tmp_path / "train" / f"shard-0000{number}.parquet").unlink()
    with pytest.raises(RarebeatError, match=rf"missing, or too many: shard-0000{number}\.parquet"):
        load_split(tmp_path, "train")


def test_a_shard_too_many_is_named(write: Write, tmp_path: Path) -> None:
    write(12)
    first = tmp_path / "train" / "shard-00000.parquet"
    (tmp_path / "train" / "shard-00003.parquet").write_bytes(first.read_bytes())
    with pytest.raises(RarebeatError, match=r"missing, or too many: shard-00003\.parquet"):
        load_split(tmp_path, "train")


def test_a_shard_of_another_preparation_is_named(write: Write, tmp_path: Path) -> None:
    write(8)
    write(8, "other", ShardMeta(CLASSES, Preprocessing(samples=200), 0.001, "mV", "toy"))
    (tmp_path / "other" / "shard-00001.parquet").replace(tmp_path / "train" / "shard-00001.parquet")
    with pytest.raises(
        RarebeatError, match=r"shard-00001\.parquet: its footer is damaged, or of another shard"
    ):
        load_split(tmp_path, "train")


def test_a_shard_of_another_version_is_refused(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "rarebeat.dataset.shards.asdict", lambda meta: {"classes": meta.classes, "version": 99}
    )
    write(3)
    with pytest.raises(RarebeatError, match=r"shard-00000\.parquet: not a shard of this version"):
        load_split(tmp_path, "train")


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"shard-00000.parquet": '])
def test_a_damaged_list_of_shards_is_named(write: Write, tmp_path: Path, content: str) -> None:
    write(3)
    (tmp_path / "train" / "shards.json").write_text(content)
    with pytest.raises(RarebeatError, match=r"shards\.json"):
        load_split(tmp_path, "train")


def test_a_split_that_was_never_prepared_tells_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RarebeatError, match=r"no shards in .*validation: .* Run `dvc repro prepare`"):
        load_split(tmp_path, "validation")


def test_a_writer_does_not_accept_fewer_records_than_announced(tmp_path: Path) -> None:
    writer = SplitWriter(tmp_path, META, make_rows(3), shard_size=4)
    writer.add(np.zeros((12, 200), dtype=np.int16))
    with pytest.raises(ValueError, match="3 records were announced and 1 added"):
        writer.finish()
