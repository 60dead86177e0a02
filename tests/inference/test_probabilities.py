"""Probabilities do not depend on how the ECGs are batched."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

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
