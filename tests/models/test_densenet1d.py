"""The DenseNet-121 of Avetisyan et al. in one dimension: its size, its shapes, and what each layer adds."""

import pytest
import torch
from torch import nn

from rarebeat.models.densenet1d import DenseLayer, DenseNet1d121, DenseNet1d121Settings
from rarebeat.models.registry import build
from rarebeat.models.size import flops, parameters


def make(classes: int, samples: int) -> DenseNet1d121:
    network = build("densenet1d121", classes, samples, {"width": 2})
    assert isinstance(network, DenseNet1d121)
    return network


@pytest.mark.parametrize(("classes", "count"), [(1, 5_535_681), (24, 5_535_681 + 23 * 1025)])
def test_it_has_the_size_of_the_public_library(classes: int, count: int) -> None:
    with torch.device("meta"):
        assert parameters(build("densenet1d121", classes, 5000, {})) == count


def test_ten_seconds_at_500_hz_take_3_75_gflops() -> None:
    assert flops(build("densenet1d121", 1, 5000, {}), 5000) == pytest.approx(3.75e9, rel=0.005)


def test_one_hundred_and_twenty_one_layers() -> None:
    network = make(1, 100)
    convolutions = sum(isinstance(layer, nn.Conv2d) for layer in network.modules())
    assert convolutions + sum(isinstance(layer, nn.Linear) for layer in network.modules()) == 121


@pytest.mark.parametrize("samples", [1000, 5000])
def test_its_input_is_five_thousand_samples_and_any_other_number_will_do(samples: int) -> None:
    network = make(7, samples).eval()
    assert network(torch.zeros(2, 12, samples)).shape == (2, 7)
    assert network.features(torch.zeros(2, 12, samples)).shape == (2, 1024 * 2 // 32)


def test_blocks_add_channels_and_transitions_halve_channels_and_time() -> None:
    network = make(1, 320)
    shapes: list[tuple[int, ...]] = []
    for layer in network.trunk:
        if isinstance(layer, DenseLayer | nn.AvgPool2d):
            layer.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[1:])))
    network(torch.randn(2, 12, 320))
    ends = [shapes[5], shapes[6], shapes[18], shapes[19], shapes[43], shapes[44], shapes[60]]
    assert ends == [
        (16, 1, 80),
        (8, 1, 40),
        (32, 1, 40),
        (16, 1, 20),
        (64, 1, 20),
        (32, 1, 10),
        (64, 1, 10),
    ]


def test_a_layer_keeps_what_came_before_it() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 6, 1, 9)
    found = DenseLayer(6, DenseNet1d121Settings(width=3))(x)
    assert found.shape == (2, 9, 1, 9)
    assert torch.equal(found[:, :6], x)


def test_the_heads_see_the_mean_over_time_and_begin_undecided() -> None:
    torch.manual_seed(0)
    network = make(2, 320).eval()
    x = torch.randn(3, 12, 320)
    features = network.features(x)
    expected = network.trunk(network.standardise(x)).relu()[:, :, 0].mean(dim=2)
    torch.testing.assert_close(features, expected)
    assert (network.heads.regressions.bias == 0).all()
