"""The network of Zhao et al. 2020: its size, its shapes, age and sex, the gate over the leads."""

import pytest
import torch
from torch import nn

from rarebeat.core.context import FEMALE, MALE, UNKNOWN, UNKNOWN_SEX, Context
from rarebeat.models.registry import build
from rarebeat.models.se_resnet import Block, LeadGate, SqueezeExcite, person_vector
from rarebeat.models.size import flops, parameters

NAN = float("nan")


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({}, 8_837_060),
        ({"lead_gate": True}, 8_837_060 + 312),
        ({"person": False}, 8_837_060 - (5 + 1) * 10 - 10 * 24),
    ],
)
def test_it_has_the_published_size(settings: dict[str, bool], count: int) -> None:
    with torch.device("meta"):
        assert parameters(build("se_resnet", 24, 4096, settings)) == count


def test_the_stem_quarters_the_rate_and_three_stages_halve_it() -> None:
    network = build("se_resnet", 1, 4096, {"width": 2})
    shapes: list[tuple[int, ...]] = []
    for layer in network.trunk:
        if isinstance(layer, nn.MaxPool2d | Block):
            layer.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape)))
    network(torch.zeros(3, 12, 4096))
    channels, times = [2, 2, 2, 4, 4, 8, 8, 16, 16], [1024, 1024, 1024, 512, 512, 256, 256, 128, 128]
    assert shapes == [(3, *shape) for shape in zip(channels, [1] * 9, times, strict=True)]


def test_flops_are_those_counted_by_hand() -> None:
    stem = 2 * 12 * 15 * 50
    first = 4 * (2 * 2 * 7 * 25) + 2 * (2 * 2 * 1)
    later = 0
    for inputs, outputs, time in ((2, 4, 13), (4, 8, 7), (8, 16, 4)):
        convolutions = (inputs + 3 * outputs) * outputs * 7 * time
        later += (
            convolutions + inputs * outputs * time + 2 * (2 * outputs)
        )  # shortcut; squeeze to one, excite
    heads = 5 * 10 + (16 + 10) * 3
    network = build("se_resnet", 3, 100, {"width": 2})
    assert flops(network, 100) == 2 * (stem + first + later + heads)


def test_the_person_vector_tells_unknown_from_zero() -> None:
    context = Context(
        age=torch.tensor([60.0, 0.0, NAN, NAN]), sex=torch.tensor([FEMALE, MALE, FEMALE, UNKNOWN_SEX])
    )
    vector = person_vector(context, torch.zeros(4, 7))
    expected = [[0.6, 0, 1, 0, 1], [0, 0, 0, 1, 1], [0, 1, 1, 0, 1], [0, 1, 0, 0, 0]]
    torch.testing.assert_close(vector, torch.tensor(expected))
    torch.testing.assert_close(person_vector(UNKNOWN, torch.zeros(1, 7)), torch.tensor(expected[3:]).float())


def test_unknown_age_and_sex_are_not_those_of_a_newborn_nor_of_either_sex() -> None:
    torch.manual_seed(0)
    network = build("se_resnet", 2, 128, {"width": 2}).eval()
    x = torch.randn(1, 12, 128).expand(4, -1, -1)
    context = Context(
        age=torch.tensor([NAN, 0.0, NAN, NAN]), sex=torch.tensor([UNKNOWN_SEX, UNKNOWN_SEX, FEMALE, MALE])
    )
    logits = network(x, context)
    torch.testing.assert_close(logits[0], network(x)[0])
    for one, other in ((0, 1), (0, 2), (0, 3), (2, 3)):
        assert (logits[one] - logits[other]).abs().max() > 1e-3


def test_age_and_sex_can_be_learnt() -> None:
    network = build("se_resnet", 2, 128, {"width": 2})
    context = Context(age=torch.tensor([60.0, 70.0]), sex=torch.tensor([FEMALE, MALE]))
    network(torch.randn(2, 12, 128), context).square().sum().backward()
    age, unknown, female, male, known = network.person.weight.grad.abs().sum(dim=0).tolist()
    assert min(age, female, male, known) > 0
    assert unknown == 0


def test_convolutions_begin_with_variance_two_over_fan_out() -> None:
    torch.manual_seed(0)
    stem = build("se_resnet", 1, 128, {}).trunk[0]
    assert stem.weight.std().item() == pytest.approx((2 / (64 * 15)) ** 0.5, rel=0.03)


def test_squeeze_and_excitation_weighs_channels_by_their_means() -> None:
    torch.manual_seed(0)
    layer = SqueezeExcite(32)
    x = torch.randn(2, 32, 1, 9)
    first, _, second, _ = layer.gate
    weights = (x.mean(dim=(2, 3)) @ first.weight.T).relu() @ second.weight.T
    assert first.weight.shape == (2, 32)
    torch.testing.assert_close(layer(x), x * weights.sigmoid()[:, :, None, None])


def test_the_lead_gate_changes_nothing_before_the_training() -> None:
    torch.manual_seed(0)
    plain, gated = (
        build("se_resnet", 2, 128, {"width": 2, "lead_gate": gate}).eval() for gate in (False, True)
    )
    missing = gated.load_state_dict(plain.state_dict(), strict=False).missing_keys
    assert {name.partition(".")[0] for name in missing} == {"lead_gate"}
    x = torch.randn(2, 12, 128)
    assert torch.equal(gated(x), plain(x))


def test_the_lead_gate_can_close_one_lead_of_one_recording_and_learns_to() -> None:
    torch.manual_seed(0)
    gate = LeadGate()
    x = torch.randn(2, 12, 1, 100)
    x[1, 3] *= 10  # a loose electrode
    optimiser = torch.optim.Adam(gate.parameters(), lr=0.05)
    wanted = torch.ones(2, 12)
    wanted[1, 3] = 0
    for _ in range(100):
        optimiser.zero_grad()
        (gate.weights(x) - wanted).square().sum().backward()
        optimiser.step()
    weights = gate.weights(x)
    torch.testing.assert_close(weights, wanted, atol=0.1, rtol=0)
    torch.testing.assert_close(gate(x), x * weights[:, :, None, None])
