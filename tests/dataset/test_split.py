"""A split in memory knows its labels, its records and its signals."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rarebeat.dataset.split import Split


def test_lead_statistics_are_those_of_all_samples(make_split: Callable[..., Split]) -> None:
    split = make_split(records=30)
    mean, deviation = split.lead_statistics(chunk=7)
    millivolts = split.signals * 0.001
    np.testing.assert_allclose(mean, millivolts.mean(axis=(0, 2)), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(deviation, millivolts.std(axis=(0, 2)), rtol=1e-5)


def test_padding_does_not_count_in_the_statistics(make_split: Callable[..., Split]) -> None:
    split = make_split(records=30)
    padded = np.pad(split.signals, ((0, 0), (0, 0), (0, 400)))
    longer = replace(split, signals=padded, lengths=np.full(30, split.signals.shape[2]))
    for expected, found in zip(split.lead_statistics(), longer.lead_statistics(chunk=7), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_statistics_of_a_constant_lead_are_exact(make_split: Callable[..., Split]) -> None:
    split = make_split(records=3)
    constant = replace(split, signals=np.full_like(split.signals, 1000))
    mean, deviation = constant.lead_statistics()
    assert mean.tolist() == pytest.approx([1.0] * 12)
    assert deviation.tolist() == [0.0] * 12
