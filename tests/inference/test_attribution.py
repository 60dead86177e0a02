"""Integrated gradients: they add up to the logit's difference from a flat ECG, for every network and with windows."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from rarebeat.core.context import UNKNOWN, Context
from rarebeat.dataset.windows import WHOLE, WindowSettings
from rarebeat.inference.attribution import attribute
from rarebeat.inference.examples import make_examples
from rarebeat.inference.probabilities import record_logits
from rarebeat.models.layers import TwoStepNetwork
from rarebeat.models.registry import NETWORKS, build

SAMPLES = 256
SCALE = 0.001
CPU = torch.device("cpu")
PEOPLE = Context(age=torch.tensor([20.0, 80.0]), sex=torch.tensor([1, 2]))
SMALL = {
    "densenet1d121": {"width": 2},
    "hughes34": {"width": 2, "kernel": 5},
    "global_skip": {"width": 2},
    "se_resnet": {"width": 2},
    "xresnet1d101": {"width": 2},
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def noise(samples: int = SAMPLES) -> npt.NDArray[np.int16]:
    """Two recordings, each lead around a level of its own."""
    random = np.random.default_rng(0)
    level = random.integers(-500, 500, (2, 12, 1))
    return (level + random.normal(0, 300, (2, 12, samples))).astype(np.int16)


def network(name: str, samples: int = SAMPLES) -> nn.Module:
    """Random weights, and batch norm that knows the noise, so that logits are neither tiny nor huge."""
    torch.manual_seed(0)
    module = build(name, 3, samples, SMALL[name])
    with torch.no_grad():
        for _ in range(40):
            module(torch.from_numpy(noise(samples)).float() * SCALE, UNKNOWN)
    return module.eval()


def logits(
    module: nn.Module, signals: npt.NDArray[np.int16], windows: WindowSettings, context: Context
) -> Tensor:
    examples = make_examples(signals, SCALE, CPU, context, windows.of(signals.shape[2]))
    return record_logits(module, examples, 8, windows)


def flat(signals: npt.NDArray[np.int16], length: int | None = None) -> npt.NDArray[np.int16]:
    """Each lead at its median, without its padding."""
    still = signals.copy()
    inside = np.sort(signals[..., :length], axis=2)
    still[..., :length] = inside[..., [(inside.shape[2] - 1) // 2]]
    return still


class FirstLead(TwoStepNetwork):
    """A network whose second logit is the mean of the first lead: its attribution is known."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([0.0, 1.0]))

    def features(self, x: Tensor, context: Context = UNKNOWN) -> Tensor:
        return x[:, :1].mean(dim=2)

    def classify(self, features: Tensor, context: Context = UNKNOWN) -> Tensor:
        return features * self.weight


def test_the_attribution_of_a_mean_is_known() -> None:
    signals = noise()
    found = attribute(FirstLead(), signals, SCALE, np.array([1, 0]))
    expected = (signals[0, 0] - flat(signals)[0, 0]) * SCALE / SAMPLES
    assert found.values[0, 0] == pytest.approx(expected, abs=1e-7)
    assert not found.values[0, 1:].any()
    assert not found.values[1].any()  # the first logit knows nothing


@pytest.mark.parametrize("name", sorted(NETWORKS))
@pytest.mark.parametrize("windows", [WHOLE, WindowSettings(128, "mean"), WindowSettings(128, "max")], ids=str)
def test_attributions_add_up_to_the_difference_from_a_flat_ecg(name: str, windows: WindowSettings) -> None:
    signals, module = noise(), network(name)
    columns = np.array([2, 0])
    found = attribute(module, signals, SCALE, columns, PEOPLE, windows, steps=128)
    differences = logits(module, signals, windows, PEOPLE) - logits(module, flat(signals), windows, PEOPLE)
    expected = differences[[0, 1], columns.tolist()].numpy()
    assert found.values.shape == signals.shape
    assert found.differences == pytest.approx(expected, abs=1e-5)
    error = np.abs(found.values.sum(axis=(1, 2)) - expected)
    limit = 0.1 if name == "densenet1d121" else 0.03  # 121 random layers make a rough path
    assert (error < limit * np.abs(found.values).sum(axis=(1, 2))).all()


def test_age_and_sex_are_what_they_are_in_both_ecgs() -> None:
    module, signals = network("se_resnet"), noise()
    known = attribute(module, signals, SCALE, np.array([0, 0]), PEOPLE)
    unknown = attribute(module, signals, SCALE, np.array([0, 0]))
    assert known.differences == pytest.approx(unknown.differences, abs=1e-5)  # they are added at the end


@pytest.mark.parametrize("windows", [WHOLE, WindowSettings(128, "mean")], ids=str)
def test_padding_is_worth_nothing(windows: WindowSettings) -> None:
    signals = noise()
    signals[..., 200:] = 0
    padded = Context(lengths=torch.tensor([200, 200]))
    module = network("global_skip")
    found = attribute(module, signals, SCALE, np.array([0, 1]), padded, windows)
    assert not found.values[..., 200:].any()
    assert found.values[..., :200].any()
    difference = logits(module, signals, windows, padded) - logits(
        module, flat(signals, 200), windows, padded
    )
    assert found.differences == pytest.approx(difference[[0, 1], [0, 1]].numpy(), abs=1e-5)


def test_an_attribution_repeats_and_does_not_depend_on_its_neighbours() -> None:
    signals, module = noise(), network("hughes34")
    both = attribute(module, signals, SCALE, np.array([1, 2]))
    again = attribute(module, signals, SCALE, np.array([1, 2]))
    alone = attribute(module, signals[1:], SCALE, np.array([2]))
    assert np.array_equal(both.values, again.values)
    assert np.array_equal(both.values[1], alone.values[0])


def test_the_network_keeps_its_weights_and_may_be_trained_on() -> None:
    module = network("hughes34")
    before = {name: value.clone() for name, value in module.state_dict().items()}
    attribute(module, noise(), SCALE, np.array([0, 0]))
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(weight.requires_grad and weight.grad is None for weight in module.parameters())


def test_no_ecg_has_no_attribution() -> None:
    found = attribute(network("hughes34"), noise()[:0], SCALE, np.array([], dtype=np.int64))
    assert found.values.shape == (0, 12, SAMPLES)
