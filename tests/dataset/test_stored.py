"""Signals in shards are chosen and read as an array in memory would be, in any order, with little of them in memory."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.dataset.test_shards import CLASSES, make_rows

from rarebeat.core import parquet
from rarebeat.core.errors import RarebeatError
from rarebeat.core.signals import Int16, Preprocessing
from rarebeat.dataset import stored
from rarebeat.dataset.shards import SplitWriter, load_split, open_split, shard_files, signal_bytes
from rarebeat.dataset.split import PER_RECORD, ShardMeta, Split, join, take
from rarebeat.dataset.stored import StoredSignals

SAMPLES = 10
META = ShardMeta(CLASSES, Preprocessing(samples=SAMPLES), 0.001, "mV", "toy")


def write(folder: Path, records: int, split: str = "train", shard_size: int = 7, seed: int = 0) -> Int16:
    random = np.random.default_rng([records, seed])
    signals = random.integers(-9999, 9999, (records, 12, SAMPLES)).astype(np.int16)
    writer = SplitWriter(folder / split, META, make_rows(records), shard_size)
    for signal in signals:
        writer.add(signal)
    writer.finish()
    return signals


def signals_of(split: Split) -> StoredSignals:
    assert isinstance(split.signals, StoredSignals)
    return split.signals


@pytest.fixture
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read three records at a time, and let eight wait."""
    monkeypatch.setattr(stored, "READ_AT_A_TIME", 3)
    monkeypatch.setattr(stored, "KEPT_MOST", 8 * 12 * SAMPLES * 2)


def test_an_open_split_is_the_split_in_memory(tmp_path: Path) -> None:
    write(tmp_path, 30)
    whole, opened = load_split(tmp_path, "train"), open_split(tmp_path, "train")
    for name in PER_RECORD:
        np.testing.assert_array_equal(np.asarray(getattr(opened, name)), getattr(whole, name), name)
    assert opened.meta == whole.meta
    assert (len(opened), signals_of(opened).shape) == (30, (30, 12, SAMPLES))
    assert signals_of(opened).nbytes == whole.signals.nbytes == signal_bytes(tmp_path, ["train"])
    for one, other in zip(opened.lead_statistics(8), whole.lead_statistics(8), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.usefixtures("_small_parts")
@pytest.mark.parametrize("seed", range(6))
def test_records_are_read_in_any_order_also_when_they_come_again(tmp_path: Path, seed: int) -> None:
    signals = write(tmp_path, 40)
    random = np.random.default_rng(seed)
    batches = [random.integers(0, 40, random.integers(0, 9)) for _ in range(30)]
    found = list(signals_of(open_split(tmp_path, "train")).read(batches))
    assert len(found) == len(batches)
    for batch, part in zip(batches, found, strict=True):
        np.testing.assert_array_equal(part, signals[batch])


@pytest.mark.usefixtures("_small_parts")
def test_choosing_and_joining_read_nothing_and_choose_what_an_array_would(tmp_path: Path) -> None:
    first, second = write(tmp_path, 20), write(tmp_path, 15, "validation", seed=1)
    splits = [open_split(tmp_path, name) for name in ("train", "validation")]
    backwards, some = np.arange(34, -1, -1), np.arange(35) % 3 == 1
    chosen = take(take(join(splits), some), np.array([4, 0, 9, 9]))
    np.testing.assert_array_equal(
        chosen.signals, np.concatenate([first, second])[some][np.array([4, 0, 9, 9])]
    )
    np.testing.assert_array_equal(
        take(join(splits), backwards).signals, np.concatenate([first, second])[::-1]
    )
    for path in shard_files(tmp_path, "train"):
        path.unlink()
    assert len(take(join(splits), some)) == some.sum()


def test_an_empty_split_has_no_signals(tmp_path: Path) -> None:
    write(tmp_path, 0)
    opened = open_split(tmp_path, "train")
    assert list(signals_of(opened).parts()) == []
    assert np.asarray(opened.signals).shape == (0, 12, SAMPLES)


@pytest.mark.usefixtures("_small_parts")
def test_each_shard_is_read_once_in_a_pass_and_once_more_in_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 42)
    signals, opened = signals_of(open_split(tmp_path, "train")), list[str]()
    read = parquet.read_batches

    def noting(path: Path, *rest: object) -> object:
        opened.append(path.name)
        return read(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(parquet, "read_batches", noting)
    names = [f"shard-{number:05d}.parquet" for number in range(6)]
    list(signals.parts(5))
    assert opened == names
    opened.clear()
    list(signals.read([np.arange(42), np.arange(42)]))
    assert opened == 2 * names
    opened.clear()
    list(signals[np.arange(14, 21)].parts())
    assert opened == names[2:3]


@pytest.mark.usefixtures("_small_parts")
def test_one_shard_is_open_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each that is open keeps a page in memory."""
    write(tmp_path, 70)
    signals, now, most = signals_of(open_split(tmp_path, "train")), 0, 0
    read = parquet.read_batches

    def counting(*arguments: Any) -> Iterator[Any]:
        nonlocal now, most
        now += 1
        most = max(most, now)
        try:
            yield from read(*arguments)
        finally:
            now -= 1

    monkeypatch.setattr(parquet, "read_batches", counting)
    order = np.arange(70).reshape(10, 7).T  # a record of each shard in turn
    found = list(signals.read(list(order)))
    assert (most, now) == (1, 0)
    np.testing.assert_array_equal(np.concatenate(found), np.asarray(signals[order.ravel()]))


@pytest.mark.usefixtures("_small_parts")
def test_what_waits_is_bounded_by_how_far_the_order_strays(tmp_path: Path) -> None:
    write(tmp_path, 70)
    signals = signals_of(open_split(tmp_path, "train"))
    order = np.arange(70).reshape(10, 7)[:, ::-1]  # every shard backwards
    plan = stored._plan(order.ravel(), signals.ends, signals.places)
    waiting, target = stored._Waiting(signals, plan), np.empty((12, SAMPLES), np.int16)
    most = 0
    for ticket in plan.order.tolist():
        waiting.copy(ticket, target)
        most = max(most, len(waiting._kept))
    assert most == 6
    assert not waiting._kept


def test_signals_for_which_there_is_no_memory_are_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 14)

    def fail(*arguments: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(np, "empty", fail)
    with pytest.raises(RarebeatError, match=r"signals of .*train take 0\.0 GB.*train\.memory stream"):
        load_split(tmp_path, "train")


def test_damage_is_named_when_it_is_reached(tmp_path: Path) -> None:
    write(tmp_path, 21)
    split = open_split(tmp_path, "train")
    path = tmp_path / "train" / "shard-00001.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    parts = signals_of(split).parts(7)
    next(parts)
    with pytest.raises(RarebeatError, match=r"shard-00001\.parquet.*CRC"):
        next(parts)


def test_a_shard_that_was_replaced_is_named(tmp_path: Path) -> None:
    write(tmp_path, 21)
    split = open_split(tmp_path, "train")
    write(tmp_path, 6, "other")
    (tmp_path / "other" / "shard-00000.parquet").replace(tmp_path / "train" / "shard-00002.parquet")
    with pytest.raises(RarebeatError, match=r"shard-00002\.parquet has changed .* it held 7 records"):
        np.asarray(split.signals)


@pytest.mark.parametrize("number", [0, 1])
def test_a_missing_shard_is_named_at_once(tmp_path: Path, number: int) -> None:
    write(tmp_path, 14)
    (tmp_path / "train" / f"shard-0000{number}.parquet").unlink()
    with pytest.raises(RarebeatError, match=rf"missing, or too many: shard-0000{number}\.parquet"):
        open_split(tmp_path, "train")


def test_splits_of_which_only_one_is_in_memory_are_told_apart(tmp_path: Path) -> None:
    signals = write(tmp_path, 5)
    opened = open_split(tmp_path, "train")
    np.testing.assert_array_equal(join([opened, opened]).signals, np.concatenate([signals, signals]))
    mixed = join([replace(opened, signals=signals), opened])
    np.testing.assert_array_equal(mixed.signals, np.concatenate([signals, signals]))
