"""The network of Hughes et al. 2018: its size, its shapes, its options."""

from typing import Any

import pytest
import torch
from torch import nn

from rarebeat.models.hughes34 import Block
from rarebeat.models.registry import build


@pytest.mark.parametrize(
    ("settings", "parameters"),
    [({}, 15_228_120), ({"pool": "max"}, 15_228_120), ({"width": 32, "growth": "double"}, 10_532_216)],
)
def test_both_readings_have_the_published_size_and_end_with_256_x_10(
    settings: dict[str, Any], parameters: int
) -> None:
    with torch.device("meta"):
        network = build("hughes34", 24, 2500, settings)
        x = torch.zeros(1, 12, 2500)
        assert sum(weight.numel() for weight in network.parameters()) == parameters
        assert network.trunk(network.standardise(x)).shape == (1, 256, 1, 10)
        assert network.heads.regressions.weight.shape == (24, 2560)


def test_one_class_costs_2561_parameters() -> None:
    with torch.device("meta"):
        sizes = [sum(p.numel() for p in build("hughes34", n, 2500, {}).parameters()) for n in (1, 2)]
    assert sizes[1] - sizes[0] == 256 * 10 + 1


def test_thirty_four_layers_have_weights() -> None:
    network = build("hughes34", 24, 2500, {"width": 1})
    assert sum(isinstance(layer, nn.Conv2d | nn.Linear) for layer in network.modules()) == 34


@pytest.mark.parametrize(("growth", "channels"), [("linear", (2, 4, 6, 8)), ("double", (2, 4, 8, 16))])
def test_the_time_axis_halves_every_second_block_and_channels_grow_every_fourth(
    growth: str, channels: tuple[int, ...]
) -> None:
    network = build("hughes34", 1, 2500, {"width": 2, "growth": growth})
    shapes: list[tuple[int, int]] = []
    for layer in network.modules():
        if isinstance(layer, Block):
            layer.register_forward_hook(
                lambda _, __, output: shapes.append((output.shape[1], output.shape[3]))
            )
    network(torch.zeros(1, 12, 2500))
    lengths = [2500, 1250, 1250, 625, 625, 313, 313, 157, 157, 79, 79, 40, 40, 20, 20, 10]
    assert [length for _, length in shapes] == lengths
    assert [width for width, _ in shapes] == [width for width in channels for _ in range(4)]


@pytest.mark.parametrize("samples", [500, 333, 17])
def test_any_length_of_signal_fits(samples: int) -> None:
    network = build("hughes34", 3, samples, {"width": 2})
    assert network(torch.randn(2, 12, samples)).shape == (2, 3)


def test_a_shortcut_carries_its_input_past_silent_convolutions() -> None:
    network = build("hughes34", 1, 64, {"width": 2})
    block = next(layer for layer in network.modules() if isinstance(layer, Block) and layer.new_channels)
    for layer in block.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.zeros_(layer.weight)
    x = torch.randn(3, 2, 1, 9)
    output = block(x)
    assert torch.equal(output[:, :2], x)
    assert output[:, 2:].eq(0).all()


def test_dropout_makes_training_random_and_leaves_prediction_alone() -> None:
    torch.manual_seed(0)
    network = build("hughes34", 2, 256, {"width": 2, "dropout": 0.5})
    x = torch.randn(4, 12, 256)
    assert not torch.equal(network(x), network(x))
    network.eval()
    assert torch.equal(network(x), network(x))


def test_explicit_pooling_is_another_network_of_the_same_shape() -> None:
    x = torch.randn(2, 12, 100)
    outputs = []
    for pool in ("stride", "max"):
        torch.manual_seed(0)
        outputs.append(build("hughes34", 3, 100, {"width": 2, "pool": pool})(x))
    assert outputs[0].shape == outputs[1].shape
    assert not torch.allclose(outputs[0], outputs[1])


def test_bf16_points_the_same_way_as_fp32_and_its_logits_are_fp32() -> None:
    torch.manual_seed(0)
    network = build("hughes34", 5, 512, {"width": 8})
    x = torch.randn(8, 12, 512)
    exact = network(x)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = network(x)
    assert rounded.dtype == torch.float32
    assert torch.cosine_similarity(rounded.flatten(), exact.flatten(), dim=0) > 0.98


def test_equal_seeds_give_equal_weights() -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(build("hughes34", 2, 128, {"width": 2}).state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
