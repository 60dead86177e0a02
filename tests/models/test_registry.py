"""Networks by name."""

import inspect

import pytest
import torch
from torch import nn

from rarebeat.core.context import UNKNOWN
from rarebeat.core.errors import ParamsError
from rarebeat.models.layers import Standardise
from rarebeat.models.registry import NETWORKS, build
from rarebeat.training.losses import sum_of_cross_entropies


def test_an_unknown_network_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ParamsError, match="unknown network 'hughes35': the networks are ") as caught:
        build("hughes35", 1, 100, {})
    assert "densenet1d121, global_skip, hughes34, se_resnet, xresnet1d101" in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"witdh": 8}, "witdh"),
        ({"width": 0}, "width"),
        ({"growth": "triple"}, "growth"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_a_setting_that_the_network_does_not_have_is_named(
    settings: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ParamsError, match=f"network hughes34.{complaint}"):
        build("hughes34", 1, 100, settings)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_begins_with_standardisation(name: str) -> None:
    assert isinstance(build(name, 1, 100, {"width": 2}).standardise, Standardise)


@pytest.mark.parametrize("samples", [101, 250, 333])
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_signals_become_logits_whatever_their_length(name: str, samples: int) -> None:
    network = build(name, 3, samples, {"width": 2})
    assert network(torch.randn(2, 12, samples)).shape == (2, 3)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_what_may_be_known_besides_the_signals_is_unknown_by_default(name: str) -> None:
    _, *others = inspect.signature(build(name, 1, 100, {"width": 2}).forward).parameters.values()
    assert all(parameter.default is UNKNOWN for parameter in others)


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_half_precision_points_the_same_way_as_fp32_and_its_logits_are_fp32(
    name: str, precision: torch.dtype
) -> None:
    torch.manual_seed(0)
    network = build(name, 5, 256, {"width": 8}).eval()
    x = torch.randn(4, 12, 256)
    with torch.no_grad():
        exact = network(x)
        with torch.autocast("cpu", precision):
            rounded = network(x)
    assert rounded.dtype == torch.float32
    assert torch.cosine_similarity(rounded.flatten(), exact.flatten(), dim=0) > 0.98


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_weight_learns(name: str) -> None:
    torch.manual_seed(0)
    network = build(name, 3, 256, {"width": 8})
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    before = {key: weight.detach().clone() for key, weight in network.named_parameters()}
    x, labels = torch.randn(4, 12, 256), torch.randint(0, 2, (4, 3), dtype=torch.int8)
    for _ in range(3):  # what stands behind a batch norm that begins at zero learns from the second step on
        optimiser.zero_grad()
        sum_of_cross_entropies(network(x), labels).backward()
        optimiser.step()
    assert [key for key, weight in network.named_parameters() if torch.equal(weight, before[key])] == []


@pytest.mark.parametrize(
    ("name", "shares"),
    [
        ("hughes34", [0.4] * 16),
        ("se_resnet", [0.4] * 8),
        ("xresnet1d101", [0.2, 0.4]),
        ("densenet1d121", [0.4] * 58),
    ],
)
def test_dropout_stands_where_the_paper_has_it(name: str, shares: list[float]) -> None:
    network = build(name, 1, 100, {"width": 2, "dropout": 0.4})
    assert [layer.p for layer in network.modules() if isinstance(layer, nn.Dropout)] == shares


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_equal_seeds_give_equal_networks(name: str) -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(build(name, 2, 128, {"width": 2}).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
