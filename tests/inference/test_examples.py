"""Which examples make which batch, and what a batch holds."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from rarebeat.core.context import MALE, UNKNOWN, UNKNOWN_SEX, Context
from rarebeat.core.errors import RarebeatError
from rarebeat.dataset.split import Split
from rarebeat.inference.examples import (
    Examples,
    load_examples,
    ordered_batches,
    shuffled_batches,
)

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("examples", "batch", "batches", "size"),
    [
        (100, 32, 4, 25),
        (96, 32, 3, 32),
        (5, 32, 1, 5),
        (33, 32, 2, 17),
        (1, 1, 1, 1),
        (41_522, 128, 325, 128),
    ],
)
def test_every_example_comes_in_an_epoch_and_all_batches_have_one_size(
    examples: int, batch: int, batches: int, size: int
) -> None:
    found = shuffled_batches(examples, batch, seed=0, epoch=0)
    assert [len(indices) for indices in found] == [size] * batches
    counts = np.bincount(np.concatenate(found), minlength=examples)
    assert counts.min() == 1
    assert (counts - 1).sum() < batches


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        return list(np.concatenate(shuffled_batches(50, 8, seed, epoch)))

    np.random.default_rng().random()
    assert order(1, 2) == order(1, 2)
    assert len({tuple(order(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9


def test_ordered_batches_keep_the_order() -> None:
    assert [indices.tolist() for indices in ordered_batches(5, 2)] == [[0, 1], [2, 3], [4]]


def test_a_batch_is_in_millivolts_with_the_columns_of_the_label_set(make_split: Callable[..., Split]) -> None:
    split = make_split(records=10)
    examples = load_examples(split, ("rare", "up"), CPU)
    signals, context, labels = examples.batch(np.array([7, 2]))
    assert context == UNKNOWN
    assert signals.dtype == torch.float32
    np.testing.assert_allclose(signals.numpy(), split.signals[[7, 2]] * np.float32(0.001))
    np.testing.assert_array_equal(labels.numpy(), split.labels[[7, 2]][:, [2, 0]])


def test_age_sex_and_length_come_with_a_batch(make_split: Callable[..., Split]) -> None:
    split = replace(
        make_split(records=3),
        lengths=np.array([96, 40, 96]),
        ages=np.array([30, np.nan, 70], np.float32),
        sexes=np.array(["female", None, "male"], dtype=object),
    )
    context = load_examples(split, ("up",), CPU).batch(np.array([2, 1]))[1]
    assert context.lengths is not None
    assert context.lengths.tolist() == [96, 40]
    assert context.age is not None
    assert context.age.nan_to_num(-1).tolist() == [70, -1]
    assert context.sex is not None
    assert context.sex.tolist() == [MALE, UNKNOWN_SEX]


def test_recordings_without_padding_have_no_lengths_to_look_at(make_split: Callable[..., Split]) -> None:
    split = replace(make_split(records=2), lengths=np.array([96, 96]))
    assert split.context.lengths is None


def test_a_window_is_cut_where_it_starts_and_knows_how_much_of_it_is_recording(
    make_split: Callable[..., Split],
) -> None:
    split = replace(make_split(records=3), lengths=np.array([96, 40, 96]))
    examples = load_examples(split, ("up",), CPU, window=60)
    signals, context, _ = examples.batch(np.array([0, 1]), np.array([36, 0]))
    np.testing.assert_allclose(signals[0].numpy(), split.signals[0, :, 36:] * np.float32(0.001))
    np.testing.assert_allclose(signals[1].numpy(), split.signals[1, :, :60] * np.float32(0.001))
    assert context.lengths is not None
    assert context.lengths.tolist() == [60, 40]


def test_random_windows_lie_within_the_recordings_and_reach_both_ends(
    make_split: Callable[..., Split],
) -> None:
    split = replace(make_split(records=2), lengths=np.array([70, 40]))
    examples = load_examples(split, ("up",), CPU, window=60)
    starts = [
        examples.random_starts(np.array([0, 1]), 60, np.random.default_rng(seed)) for seed in range(200)
    ]
    assert {int(first) for first, _ in starts} == set(range(11))
    assert {int(second) for _, second in starts} == {0}  # it is shorter than a window


def test_read_only_signals_are_used_where_they_lie_without_a_warning(
    make_split: Callable[..., Split], recwarn: pytest.WarningsRecorder
) -> None:
    split = make_split(records=4)
    split.signals.flags.writeable = False
    examples = load_examples(split, ("up",), CPU)
    assert examples.signals.data_ptr() == split.signals.ctypes.data
    assert not recwarn.list


def test_an_unknown_class_is_answered_with_the_known_ones(make_split: Callable[..., Split]) -> None:
    with pytest.raises(RarebeatError, match="names sideways, but the shards hold up, down, rare"):
        load_examples(make_split(records=2), ("up", "sideways"), CPU)


# The device "meta" has no content and needs no GPU, but refuses to be mixed with the CPU just as a GPU does.
META = torch.device("meta")


@pytest.mark.parametrize("window", [30, 20])
@pytest.mark.parametrize("place", ["meta", "cpu"])
def test_batches_reach_a_gpu_from_its_own_memory_and_from_main_memory(
    monkeypatch: pytest.MonkeyPatch, place: str, window: int
) -> None:
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
    signals = torch.empty((50, 12, 30), dtype=torch.int16, device=place)
    labels = torch.empty((50, 3), dtype=torch.int8, device=place)
    context = Context(lengths=torch.full((50,), 30), age=torch.zeros(50))
    examples = Examples(signals, labels, 0.001, META, context, window)
    found, facts, truth = examples.batch(np.array([7, 2]), None if window == 30 else np.array([0, 5]))
    assert {tensor.device for tensor in (found, truth, facts.age, facts.lengths)} == {META}
    assert found.shape == (2, 12, window)
    assert found.dtype == torch.float32


@pytest.mark.parametrize(("free", "place"), [(10**9, "meta"), (10_000, "cpu")])
def test_a_split_lies_on_the_gpu_where_it_leaves_room_for_the_network(
    monkeypatch: pytest.MonkeyPatch, make_split: Callable[..., Split], free: int, place: str
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, 10**9))
    examples = load_examples(make_split(records=10), ("up",), META)
    assert examples.signals.device.type == place
    assert examples.labels.device.type == place
