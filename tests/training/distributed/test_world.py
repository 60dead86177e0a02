"""What each process takes of a batch, and what it draws for it."""

import numpy as np
import pytest
import torch
from tests.training.distributed.cases import toy_split
from torch import nn

from rarebeat.inference.examples import load_examples
from rarebeat.models.layers import MaskedBatchNorm
from rarebeat.training.augment import random_batch
from rarebeat.training.distributed import batch_norm
from rarebeat.training.distributed.batch_norm import SyncedBatchNorm, synchronised
from rarebeat.training.distributed.world import ALONE, World
from rarebeat.training.settings import AugmentSettings

CHANGES = AugmentSettings(gain=2, stretch=0.2, lead_dropout=0.2, hide_person=0.5)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_the_parts_are_the_batch(size: int) -> None:
    """Windows, stretching, gains and dropped leads are those that the examples have in one process."""
    examples = load_examples(toy_split(20, 0, padded=True), ("one", "two"), torch.device("cpu"), window=64)
    indices = np.arange(7)
    whole = random_batch(examples, indices, CHANGES, np.random.default_rng(3))
    parts = [
        random_batch(examples, indices, CHANGES, np.random.default_rng(3), World(rank, size).part(7))
        for rank in range(size)
    ]
    assert torch.equal(torch.cat([signals for signals, _, _ in parts]), whole[0])
    assert torch.equal(torch.cat([labels for _, _, labels in parts]), whole[2])
    lengths = [context.lengths for _, context, _ in parts if context.lengths is not None]
    assert whole[1].lengths is not None
    assert torch.equal(torch.cat(lengths), whole[1].lengths)
    assert all(len(labels) in (7 // size, 7 // size + 1) for _, _, labels in parts)


def test_parts_of_fewer_batches_than_processes_leave_some_without_any() -> None:
    parts = [World(rank, 4).part(3) for rank in range(4)]
    assert sorted(part.stop - part.start for part in parts) == [0, 1, 1, 1]
    assert [part.start for part in parts[1:]] == [part.stop for part in parts[:-1]]


def test_one_process_changes_nothing() -> None:
    network = nn.Sequential(nn.Conv2d(12, 4, (1, 3)), nn.BatchNorm2d(4))
    before = network[1]
    with synchronised(network, ALONE):
        assert network[1] is before
    assert ALONE.wrap(network) is network
    assert ALONE.part(5) == slice(0, 5)
    values = torch.ones(3)
    assert ALONE.sum(values) is values


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_synchronised_batch_norm_of_one_process_is_the_layer(
    monkeypatch: pytest.MonkeyPatch, masked: bool, precision: torch.dtype
) -> None:
    """Its arithmetic against that of the layer: outputs, gradients, running statistics; no process beside this one."""
    monkeypatch.setattr(batch_norm, "sum_with_gradient", lambda values: values)
    random = torch.Generator().manual_seed(0)
    x = (torch.randn(6, 4, 1, 50, generator=random) * 3 + 1).to(precision)
    mask = torch.arange(50) < torch.tensor([50, 40, 30, 50, 20, 9])[:, None, None] if masked else None
    weigh = torch.randn(6, 4, 1, 50, generator=random)
    results = []
    for synced in (False, True):
        layer = MaskedBatchNorm(4)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor([1.0, 2.0, 0.5, -1.0]))
        used = SyncedBatchNorm(layer, ALONE) if synced else layer
        used.train()
        given = x.clone().requires_grad_()
        out = used(given, mask)
        assert out.dtype == precision
        (out.float() * weigh).sum().backward()  # type: ignore[no-untyped-call]
        assert given.grad is not None
        assert layer.weight.grad is not None
        running = [layer.running_mean, layer.running_var, layer.num_batches_tracked]
        results.append([out.float(), given.grad.float(), layer.weight.grad, *running])
        used.eval()
        results[-1].append(used(x, mask).float())
    close = 1e-4 if precision == torch.float32 else 0.05
    for expected, found in zip(*results, strict=True):
        assert expected is not None
        torch.testing.assert_close(found, expected, atol=close, rtol=close)
    assert torch.equal(results[0][-2], results[1][-2])


def test_the_layers_of_a_network_are_put_back_with_what_they_have_learnt() -> None:
    network = nn.Sequential(nn.Conv2d(12, 4, (1, 3)), nn.Sequential(nn.BatchNorm2d(4), nn.ReLU()))
    layer, names = network[1][0], list(network.state_dict())
    with synchronised(network, World(0, 2)):
        assert isinstance(network[1][0], SyncedBatchNorm)
        assert list(network.state_dict()) == names
        network.state_dict()["1.0.running_mean"].add_(1.0)
        network.eval()
    assert network[1][0] is layer
    assert torch.equal(layer.running_mean, torch.ones(4))
    assert not layer.training


def test_on_a_gpu_torchs_own_layer_has_the_same_weights_and_statistics() -> None:
    layer = nn.BatchNorm2d(4, eps=1e-3, momentum=0.2)
    _, on_gpu = SyncedBatchNorm(layer, World(0, 2))._layers
    assert isinstance(on_gpu, nn.SyncBatchNorm)
    assert on_gpu.training
    assert (on_gpu.eps, on_gpu.momentum) == (1e-3, 0.2)
    assert on_gpu.weight is layer.weight
    for name, value in layer.state_dict(keep_vars=True).items():
        assert getattr(on_gpu, name) is value
