"""The xresnet1d101 of the PTB-XL benchmark: its size, its shapes, and how it begins."""

import pytest
import torch
from torch import nn

from rarebeat.models.registry import build
from rarebeat.models.size import flops, parameters
from rarebeat.models.xresnet1d import Block


@pytest.mark.parametrize(("classes", "count"), [(71, 1_880_775), (24, 1_874_712)])
def test_it_has_the_size_of_the_benchmark(classes: int, count: int) -> None:
    with torch.device("meta"):
        assert parameters(build("xresnet1d101", classes, 250, {})) == count


def test_a_window_of_the_benchmark_takes_41_million_multiply_adds() -> None:
    assert flops(build("xresnet1d101", 71, 250, {}), 250) // 2 == pytest.approx(41e6, rel=0.01)


def test_one_hundred_and_one_convolutions_and_linear_layers_and_what_the_stem_adds() -> None:
    network = build("xresnet1d101", 5, 250, {"width": 2})
    convolutions = sum(isinstance(layer, nn.Conv2d) for layer in network.modules())
    assert convolutions == 3 + 3 * 33 + 1  # stem, blocks, the one shortcut that changes its channels
    assert sum(isinstance(layer, nn.Linear) for layer in network.modules()) == 2


def test_stages_halve_the_rate_and_keep_the_channels() -> None:
    network = build("xresnet1d101", 1, 250, {"width": 2})
    shapes: list[tuple[int, ...]] = []
    for layer in network.trunk:
        if isinstance(layer, Block):
            layer.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape)))
    network(torch.zeros(2, 12, 250))
    times = [63] * 3 + [32] * 4 + [16] * 23 + [8] * 3
    assert shapes == [(2, 8, 1, time) for time in times]


def test_a_fresh_block_is_its_shortcut() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 8, 1, 9).relu()
    assert torch.equal(Block(8, 2, stride=1)(x), x)
    halves = Block(8, 2, stride=2)(x)
    torch.testing.assert_close(halves[..., :4], (x[..., 0:8:2] + x[..., 1:8:2]) / 2)
    torch.testing.assert_close(halves[..., 4], x[..., 8])  # the odd last sample is a pool of its own


def test_the_heads_see_the_largest_value_and_the_mean() -> None:
    torch.manual_seed(0)
    network = build("xresnet1d101", 1, 250, {"width": 2}).eval()
    seen: list[torch.Tensor] = []
    network.hidden.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    x = torch.randn(3, 12, 250)
    network(x)
    features = network.trunk(network.standardise(x))[:, :, 0]
    torch.testing.assert_close(seen[0], torch.cat([features.max(dim=2).values, features.mean(dim=2)], dim=1))
