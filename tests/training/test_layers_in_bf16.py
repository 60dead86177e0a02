"""Each convolution is held against itself in fp32 before a network is trained in bf16."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.training.toy import MakeSplit, equal
from torch import Tensor, nn

from rarebeat.core.context import persons
from rarebeat.core.errors import RarebeatError
from rarebeat.models.registry import NETWORKS, build
from rarebeat.training import loop
from rarebeat.training.layers_in_bf16 import wrong_layers
from rarebeat.training.loop import train
from rarebeat.training.settings import ModelSettings, TrainSettings

CPU = torch.device("cpu")


class WrongInBf16(nn.Conv2d):
    """A convolution that shifts its output by a sample where it computes in bf16."""

    def forward(self, input: Tensor) -> Tensor:
        output = super().forward(input)
        return output.roll(1, -1) if torch.is_autocast_enabled("cpu") else output


class WrongWithoutGradients(WrongInBf16):
    """One that does so only while nothing is learnt, as in the validation after an epoch."""

    def forward(self, input: Tensor) -> Tensor:
        return nn.Conv2d.forward(self, input) if torch.is_grad_enabled() else super().forward(input)


class NotANumber(torch.autograd.Function):
    """Its gradient is none."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0] * torch.nan


class WithoutGradientsInBf16(nn.Conv2d):
    """A convolution whose output is right in bf16, and whose gradients are no numbers."""

    def forward(self, input: Tensor) -> Tensor:
        output = super().forward(input)
        return NotANumber.apply(output) if torch.is_autocast_enabled("cpu") else output  # type: ignore[no-any-return,no-untyped-call]


class WrongOnLongSignals(WrongInBf16):
    """One that is right for inputs as short as those of its second place in a network."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input) if input.shape[-1] > 40 else nn.Conv2d.forward(self, input)


def network(second: type[nn.Conv2d]) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(12, 8, (1, 5)), nn.BatchNorm2d(8), nn.ReLU(), second(8, 4, (1, 3)))


def test_rounding_is_not_wrong() -> None:
    assert wrong_layers(network(nn.Conv2d), lambda own: own(torch.randn(4, 12, 1, 50)), CPU) == []


@pytest.mark.parametrize("wrong", [WrongInBf16, WrongWithoutGradients, WithoutGradientsInBf16])
def test_a_convolution_that_is_wrong_is_named_and_the_network_stays_as_it_is(
    wrong: type[nn.Conv2d],
) -> None:
    own = network(wrong).eval()
    before = {name: value.clone() for name, value in own.state_dict().items()}
    state = torch.get_rng_state()
    batch = torch.randn(4, 12, 1, 50, generator=torch.Generator().manual_seed(0))
    assert wrong_layers(own, lambda given: given(batch), CPU) == ["3"]
    assert all(torch.equal(value, before[name]) for name, value in own.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in own.parameters())
    assert not own[3]._forward_pre_hooks


def test_a_convolution_that_stands_in_two_places_is_compared_in_both() -> None:
    shared = WrongOnLongSignals(12, 12, (1, 3))
    own = nn.Sequential(shared, nn.MaxPool2d((1, 2)), shared)
    assert wrong_layers(own, lambda given: given(torch.randn(4, 12, 1, 50)), CPU) == ["0"]


@pytest.mark.parametrize("name", NETWORKS)
def test_no_network_is_wrong_on_this_processor(name: str) -> None:
    """oneDNN's kernels for AMX are, of the first layer of hughes34, unless its channels are more."""
    people, batch = persons([50.0] * 2, ["female"] * 2), torch.randn(2, 12, 400)
    assert wrong_layers(build(name, 2, 400, {"width": 8}), lambda own: own(batch, people), CPU) == []


def test_a_training_that_chooses_goes_on_in_fp32_and_one_that_was_told_bf16_is_refused(
    make_split: MakeSplit,
    tiny: ModelSettings,
    quick: TrainSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def trained(folder: str, precision: str) -> nn.Module:
        settings = replace(quick, epochs=1, precision=precision)
        return train(make_split(32), make_split(8, 1), ("up",), tiny, settings, tmp_path / folder)

    exact = trained("exact", "fp32")
    monkeypatch.setattr(loop, "choose_precision", lambda *_: torch.bfloat16)
    monkeypatch.setattr(loop, "wrong_layers", lambda *_: ["trunk.0"])
    assert equal(trained("chosen", "auto"), exact)
    assert "such as trunk.0, compute something else in bf16 than in fp32" in capsys.readouterr().err
    with pytest.raises(RarebeatError, match=r"set train\.precision to auto or fp32"):
        trained("told", "bf16")
