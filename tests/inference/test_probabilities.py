"""Probabilities do not depend on how the ECGs are batched."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from rarebeat.core.context import Context
from rarebeat.dataset.windows import WindowSettings, windows_of
from rarebeat.inference.probabilities import predict_probabilities
from rarebeat.models.registry import build

SIGNALS = np.random.default_rng(0).integers(-2000, 2000, (9, 12, 200), dtype=np.int16)


@pytest.fixture(scope="module")
def network() -> Iterator[nn.Module]:
    """A network whose batch norms have seen data, on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    module = build("hughes34", 3, 200, {"width": 4})
    module(torch.from_numpy(SIGNALS) * 0.001)
    yield module
    torch.set_num_threads(before)


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_the_batch_size_does_not_change_the_probabilities(network: nn.Module, batch_size: int) -> None:
    whole = predict_probabilities(network, SIGNALS, 0.001, batch_size=9)
    parts = predict_probabilities(network, SIGNALS, 0.001, batch_size=batch_size)
    assert whole.dtype == np.float32
    assert whole.shape == (9, 3)
    np.testing.assert_allclose(parts, whole, atol=1e-5)


def test_probabilities_are_sigmoids_of_the_logits_in_evaluation_mode(network: nn.Module) -> None:
    network.eval()
    with torch.no_grad():
        expected = network(torch.from_numpy(SIGNALS) * 0.001).sigmoid().numpy()
    network.train()
    np.testing.assert_allclose(predict_probabilities(network, SIGNALS, 0.001), expected, atol=1e-5)


def test_prediction_is_exact_also_where_training_would_not_be(network: nn.Module) -> None:
    expected = predict_probabilities(network, SIGNALS, 0.001)
    with torch.autocast("cpu", torch.bfloat16):
        np.testing.assert_array_equal(predict_probabilities(network, SIGNALS, 0.001), expected)


def test_the_scale_turns_steps_into_the_unit_of_the_network(network: nn.Module) -> None:
    halved = (SIGNALS // 2 * 2) // 2
    np.testing.assert_allclose(
        predict_probabilities(network, halved, 0.002),
        predict_probabilities(network, SIGNALS // 2 * 2, 0.001),
        atol=1e-5,
    )


def test_no_ecgs_give_no_rows_but_all_columns(network: nn.Module) -> None:
    assert predict_probabilities(network, SIGNALS[:0], 0.001).shape == (0, 3)


LENGTHS = np.array([200, 150, 100, 60, 64, 199, 65, 130, 200])


@pytest.fixture(scope="module")
def small(network: nn.Module) -> nn.Module:
    """The same network, for windows of 64 samples."""
    torch.manual_seed(0)
    module = build("hughes34", 3, 64, {"width": 4})
    module(torch.from_numpy(np.ascontiguousarray(SIGNALS[:, :, :64])) * 0.001)
    return module.eval()


def by_hand(module: nn.Module, signal: npt.NDArray[np.int16], length: int, how: str) -> list[float]:
    """One window after another, and then their mean or the largest."""
    starts = windows_of(np.array([length]), 64).starts
    with torch.no_grad():
        windows = [
            torch.from_numpy(signal[None, :, start : start + 64] * np.float32(0.001)) for start in starts
        ]
        found = [module(window).sigmoid()[0].tolist() for window in windows]
    return [
        sum(column) / len(column) if how == "mean" else max(column) for column in zip(*found, strict=True)
    ]


@pytest.mark.parametrize("how", ["mean", "max"])
@pytest.mark.parametrize("records", [9, 1])
def test_a_long_ecg_is_judged_by_its_windows(
    small: nn.Module, records: int, how: Literal["mean", "max"]
) -> None:
    signals, lengths = SIGNALS[:records], LENGTHS[:records]
    context = Context(lengths=torch.from_numpy(lengths))
    found = predict_probabilities(
        small, signals, 0.001, batch_size=4, context=context, windows=WindowSettings(64, how)
    )
    expected = [by_hand(small, *record, how) for record in zip(signals, lengths, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_mean_and_max_of_the_windows_differ(small: nn.Module) -> None:
    mean, largest = (
        predict_probabilities(small, SIGNALS, 0.001, windows=WindowSettings(64, how))
        for how in ("mean", "max")
    )
    assert (largest > mean).all()


@pytest.mark.parametrize("how", ["mean", "max"])
def test_no_ecgs_have_no_windows_but_all_columns(small: nn.Module, how: Literal["mean", "max"]) -> None:
    found = predict_probabilities(small, SIGNALS[:0], 0.001, windows=WindowSettings(64, how))
    assert found.shape == (0, 3)


@pytest.mark.parametrize("network", ["hughes34", "global_skip", "se_resnet", "xresnet1d101", "densenet1d121"])
def test_an_ecg_has_one_probability_whatever_the_others_in_its_batch(network: str) -> None:
    torch.manual_seed(0)
    module = build(network, 3, 500, {"width": 4})
    signals = np.random.default_rng(0).normal(0, 300, (21, 12, 500)).astype(np.int16)
    together = predict_probabilities(module, signals, 0.001)
    for batch in (1, 2, 4, 5, 7, 16):
        found = predict_probabilities(module, signals, 0.001, batch)
        np.testing.assert_allclose(found, together, rtol=0, atol=2**-20)
    alone = predict_probabilities(module, signals[20:], 0.001)
    np.testing.assert_allclose(alone, together[20:], rtol=0, atol=2**-20)
