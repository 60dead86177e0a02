"""Signals in shards as batches: an order that mixes shards and repeats, and reading ahead of whoever takes them."""

import threading
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.dataset.test_stored import SAMPLES, write

from rarebeat.core.signals import Int16
from rarebeat.dataset import stored
from rarebeat.dataset.shards import load_split, open_split
from rarebeat.dataset.split import Split, take
from rarebeat.dataset.stream import StreamedSignals, buffered_order, read_ahead
from rarebeat.inference.examples import Examples, load_examples

CPU = torch.device("cpu")
CLASSES = ("sinus_rhythm", "atrial_fibrillation")


def buffer_of(monkeypatch: pytest.MonkeyPatch, records: int) -> None:
    monkeypatch.setattr(stored, "KEPT_MOST", records * 12 * SAMPLES * 2)


def batches(examples: Examples, seed: int = 0, epoch: int = 0) -> list[np.ndarray]:
    return examples.order(8, seed, epoch)


def test_every_example_comes_once_and_the_first_shards_again_where_batches_want_more() -> None:
    shards = np.repeat(np.arange(10), 10)
    order = buffered_order(shards, 25, 100, 0, 0)
    assert sorted(order.tolist()) == list(range(100))
    longer = buffered_order(shards, 25, 104, 0, 0)
    counts = np.bincount(longer, minlength=100)
    assert counts.min() == 1
    assert counts.sum() == 104
    assert len(set(shards[counts == 2])) == 1


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    shards = np.repeat(np.arange(10), 10)

    def order(seed: int, epoch: int) -> tuple[int, ...]:
        return tuple(buffered_order(shards, 20, 100, seed, epoch).tolist())

    np.random.default_rng().random()
    assert order(1, 2) == order(1, 2)
    assert len({order(seed, epoch) for seed in range(3) for epoch in range(3)}) == 9


def test_batches_mix_as_many_shards_as_the_buffer_holds_twice() -> None:
    """Forty shards of 64 records: a batch of 32 in the order of a full shuffle has records of 22 of them.

    From a buffer of b shards, records leave after a time that is distributed exponentially with the mean of b shards:
    two of them are of one shard with a probability of 1 / 2b. Without a buffer a batch would be of one shard or two.
    """
    shards = np.repeat(np.arange(40), 64)

    def same_shard(order: np.ndarray) -> float:
        found = shards[order[1024:1536]].reshape(-1, 32)
        pairs = [np.mean(row[:, None] == row[None, :]) * 32 / 31 - 1 / 31 for row in found]
        return float(np.mean(pairs))

    for held in (2, 4, 8):
        found = np.mean(
            [same_shard(buffered_order(shards, held * 64, len(shards), seed, 0)) for seed in range(8)]
        )
        assert found == pytest.approx(1 / (2 * held), rel=0.25)
    unmixed = buffered_order(shards, 1, len(shards), 0, 0)
    assert same_shard(unmixed) > 0.9


def test_where_a_record_stands_says_little_of_when_it_comes() -> None:
    """Shards come in random order: over epochs, place in storage and place in the epoch are not correlated."""
    shards = np.repeat(np.arange(50), 20)
    found = []
    for epoch in range(20):
        order = buffered_order(shards, 80, 1000, 0, epoch)
        found.append(np.corrcoef(order, np.arange(1000))[0, 1])
    assert abs(np.mean(found)) < 3 / np.sqrt(
        20 * 50
    )  # 50 shards in random order: a deviation of 1 / sqrt(50) each


def test_a_split_that_fits_into_the_buffer_has_the_order_of_signals_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 40)
    buffer_of(monkeypatch, 40)
    rows = np.random.default_rng(0).permutation(40)  # as joined folds may stand
    splits = [take(split, rows) for split in (load_split(tmp_path, "train"), open_split(tmp_path, "train"))]
    whole, streamed = (load_examples(split, CLASSES, CPU) for split in splits)
    for epoch in range(2):
        for one, other in zip(batches(whole, 3, epoch), batches(streamed, 3, epoch), strict=True):
            assert one.tolist() == other.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_batches_from_shards_hold_what_batches_from_memory_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    write(tmp_path, 61)
    buffer_of(monkeypatch, 9)
    rows = np.random.default_rng(seed).permutation(61)[:50]
    splits = [take(split, rows) for split in (load_split(tmp_path, "train"), open_split(tmp_path, "train"))]
    whole, streamed = (load_examples(split, CLASSES, CPU) for split in splits)
    assert isinstance(streamed.signals, StreamedSignals)
    plan = [part for epoch in range(2) for part in batches(streamed, seed, epoch)]
    assert {len(part) for part in plan} == {8}
    for indices in streamed.following(plan):
        for one, other in zip(streamed.batch(indices), whole.batch(indices), strict=True):
            if isinstance(one, torch.Tensor):
                assert torch.equal(one, other)
        assert torch.equal(streamed.batch(indices[:3])[0], whole.batch(indices[:3])[0])  # not announced


def test_ranks_that_share_batches_read_their_own_examples_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals = write(tmp_path, 40)
    buffer_of(monkeypatch, 9)
    examples = load_examples(open_split(tmp_path, "train"), CLASSES, CPU)
    plan = batches(examples)
    found = []
    for rank in range(2):
        part = slice(4 * rank, 4 * rank + 4)
        with monkeypatch.context() as patch:
            patch.setattr(stored.StoredSignals, "__array__", None)  # nothing is read but what was announced
            for indices in examples.following(plan, part):
                values = examples.batch(indices[part])[0].numpy()
                np.testing.assert_allclose(values, signals[indices[part]] * np.float32(0.001))
                found += indices[part].tolist()
    assert sorted(found) == sorted(np.concatenate(plan).tolist())


def test_a_slice_stays_in_its_shards(tmp_path: Path) -> None:
    signals = write(tmp_path, 20)
    part = StreamedSignals(stored_signals(tmp_path))[5:9]
    assert isinstance(part, StreamedSignals)
    np.testing.assert_array_equal(part[torch.tensor([3, 0])].numpy(), signals[[8, 5]])


def stored_signals(folder: Path) -> stored.StoredSignals:
    found = open_split(folder, "train").signals
    assert isinstance(found, stored.StoredSignals)
    return found


def test_reading_ahead_stops_with_whoever_takes(tmp_path: Path) -> None:
    write(tmp_path, 70)
    examples = load_examples(open_split(tmp_path, "train"), CLASSES, CPU)
    before = threading.active_count()
    following = iter(examples.following(batches(examples)))
    next(following)
    assert threading.active_count() == before + 1
    following.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_what_reading_raises_is_raised_where_it_is_taken() -> None:
    def source() -> Generator[Int16]:
        yield np.zeros(1, np.int16)
        raise OSError("the disk is gone")

    taken = 0
    with pytest.raises(OSError, match="the disk is gone"), read_ahead(source(), 2) as results:
        for _ in results:
            taken += 1
    assert taken == 1


def test_no_more_is_read_ahead_than_is_allowed() -> None:
    made = 0

    def source() -> Generator[Int16]:
        nonlocal made
        for _ in range(100):
            made += 1
            yield np.zeros(1, np.int16)

    with read_ahead(source(), 3) as results:
        for taken, _ in enumerate(results, 1):
            assert made <= taken + 4  # three that wait, and one in the hand of the thread
    assert made == 100


def test_labels_and_lengths_belong_to_their_signals(tmp_path: Path) -> None:
    write(tmp_path, 30)

    def examples(split: Split) -> Examples:
        return load_examples(split, CLASSES, CPU, window=SAMPLES - 2)

    one, other = examples(open_split(tmp_path, "train")), examples(load_split(tmp_path, "train"))
    assert torch.equal(one.labels, other.labels)
    assert one.lengths.tolist() == other.lengths.tolist()
    assert (one.whole, len(one)) == (False, 30)
    starts = np.full(4, 2)
    assert torch.equal(one.batch(np.arange(4), starts)[0], other.batch(np.arange(4), starts)[0])
