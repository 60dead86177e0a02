"""Which examples make which batch, and what a batch holds."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from rarebeat.errors import RarebeatError
from rarebeat.shards import Split
from rarebeat.training.data import Examples, lead_statistics, load_examples, ordered_batches, shuffled_batches

CPU = torch.device("cpu")


@pytest.mark.parametrize(("examples", "batch"), [(100, 32), (96, 32), (5, 32), (33, 32), (1, 1)])
def test_every_example_comes_once_an_epoch_in_batches_of_nearly_one_size(examples: int, batch: int) -> None:
    batches = shuffled_batches(examples, batch, seed=0, epoch=0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(examples))
    sizes = [len(indices) for indices in batches]
    assert max(sizes) <= batch
    assert max(sizes) - min(sizes) <= 1


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
    signals, labels = examples.batch(np.array([7, 2]))
    assert signals.dtype == torch.float32
    np.testing.assert_allclose(signals.numpy(), split.signals[[7, 2]] * np.float32(0.001))
    np.testing.assert_array_equal(labels.numpy(), split.labels[[7, 2]][:, [2, 0]])


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


def test_lead_statistics_are_those_of_all_samples(make_split: Callable[..., Split]) -> None:
    split = make_split(records=30)
    mean, deviation = lead_statistics(split, chunk=7)
    millivolts = split.signals * 0.001
    np.testing.assert_allclose(mean.numpy(), millivolts.mean(axis=(0, 2)), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(deviation.numpy(), millivolts.std(axis=(0, 2)), rtol=1e-5)


def test_statistics_of_a_constant_lead_are_exact(make_split: Callable[..., Split]) -> None:
    split = make_split(records=3)
    constant = replace(split, signals=np.full_like(split.signals, 1000))
    mean, deviation = lead_statistics(constant)
    assert mean.tolist() == pytest.approx([1.0] * 12)
    assert deviation.tolist() == [0.0] * 12


# The device "meta" has no content and needs no GPU, but refuses to be mixed with the CPU just as a GPU does.
META = torch.device("meta")


@pytest.mark.parametrize("place", ["meta", "cpu"])
def test_batches_reach_a_gpu_from_its_own_memory_and_from_main_memory(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
    signals = torch.empty((50, 12, 30), dtype=torch.int16, device=place)
    labels = torch.empty((50, 3), dtype=torch.int8, device=place)
    batch = Examples(signals, labels, 0.001, META).batch(np.array([7, 2]))
    assert [tensor.device for tensor in batch] == [META, META]
    assert batch[0].shape == (2, 12, 30)
    assert batch[0].dtype == torch.float32


@pytest.mark.parametrize(("free", "place"), [(10**9, "meta"), (10_000, "cpu")])
def test_a_split_lies_on_the_gpu_where_it_leaves_room_for_the_network(
    monkeypatch: pytest.MonkeyPatch, make_split: Callable[..., Split], free: int, place: str
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, 10**9))
    examples = load_examples(make_split(records=10), ("up",), META)
    assert examples.signals.device.type == place
    assert examples.labels.device.type == place
