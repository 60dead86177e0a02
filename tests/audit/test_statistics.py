"""Weighted shares: what they estimate, and how often their intervals hold the truth. Agreement of readers."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from rarebeat.audit.sample import draw_strata
from rarebeat.audit.statistics import cohen_kappa, kappa_cell, weighted_share

# pattern, its records, how many statements they have, and the share of them that are rightly positive
PATTERNS = {
    "rare patterns are wrong": [("usual", 900, 30, 0.98), ("rare", 80, 10, 0.7), ("rarest", 20, 5, 0.1)],
    "one pattern": [("usual", 1000, 200, 0.85)],
    "no statement twice": [("usual", 500, 10_000, 0.8), ("other", 100, 10_000, 0.5)],
}


def population(name: str) -> tuple[list[tuple[str, str]], np.ndarray]:
    """Pattern and statement of each record, and whether its label is right."""
    rng = np.random.default_rng(1)
    keys, right = [], []
    for pattern, records, statements, precision in PATTERNS[name]:
        keys += [(pattern, f"{pattern} {rng.zipf(1.6) % statements}") for _ in range(records)]
        right += list(rng.random(records) < precision)
    return keys, np.array(right)


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("seats", [20, 60])
def test_precision_is_unbiased_and_its_interval_holds_the_truth(name: str, seats: int) -> None:
    keys, right = population(name)
    truth, draws = right.mean(), 400
    shares, covered = [], []
    for seed in range(draws):
        indices, weights = zip(*draw_strata(keys, seats, np.random.default_rng([seed, seats])), strict=True)
        share, low, high, _ = weighted_share(right[list(indices)], weights)
        shares.append(share)
        covered.append(low <= truth <= high)
    standard_error = np.std(shares) / np.sqrt(draws)
    assert abs(np.mean(shares) - truth) < 3.5 * standard_error
    assert np.mean(covered) >= 0.93  # nominal: 0.95, with a standard error of 0.011 over 400 draws


def test_without_weights_rare_wrong_patterns_would_count_too_much() -> None:
    keys, right = population("rare patterns are wrong")
    plain, weighted = [], []
    for seed in range(200):
        indices, weights = zip(*draw_strata(keys, 20, np.random.default_rng(seed)), strict=True)
        plain.append(right[list(indices)].mean())
        weighted.append(weighted_share(right[list(indices)], weights)[0])
    assert np.mean(plain) < right.mean() - 0.05
    assert np.mean(weighted) == pytest.approx(right.mean(), abs=0.01)


def test_the_interval_is_wilsons_where_weights_are_equal() -> None:
    # Newcombe, Stat Med 17 (1998), table I: 81 of 263, and 0 of 20.
    share, low, high, effective = weighted_share([1] * 81 + [0] * 182, [1] * 263)
    assert (share, effective) == (pytest.approx(81 / 263), pytest.approx(263))
    assert (low, high) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    assert weighted_share([0] * 20, [1] * 20)[1:3] == (0, pytest.approx(0.1611, abs=5e-5))


def test_unequal_weights_widen_the_interval() -> None:
    _, low, high, effective = weighted_share([1] * 10, [50, *[1] * 9])
    assert effective == pytest.approx(59**2 / 2509)
    assert (low < 0.5, high) == (True, 1)


def test_kappa_is_that_of_scikit_learn_on_what_both_have_read() -> None:
    rng = np.random.default_rng(1)
    one = rng.integers(0, 2, (80, 3))
    other = np.where(rng.random((80, 3)) < [0.0, 0.2, 1.0], 1 - one, one)
    known = rng.random((80, 3)) < 0.8
    other[~known] = -1
    found = cohen_kappa(one, other)
    for column, rows in enumerate(known.T):
        expected = cohen_kappa_score(one[rows, column], other[rows, column])
        assert found.value[column] == pytest.approx(expected)
    assert found.value[0] == 1 > found.value[1] > 0 > found.value[2]
    np.testing.assert_array_equal(found.records, known.sum(axis=0))
    np.testing.assert_allclose(found.agreement, [1, np.mean((one == other)[known[:, 1], 1]), 0])
    assert np.isnan(found.low).all()


def test_kappa_counts_every_word_that_readers_have() -> None:
    rng = np.random.default_rng(0)
    one = rng.choice(3, (200, 1), p=[0.7, 0.2, 0.1])
    other = np.where(rng.random((200, 1)) < 0.6, one, rng.choice(3, (200, 1)))
    found = cohen_kappa(one, other)
    assert found.agreement[0] == pytest.approx(np.mean(one == other))
    assert found.value[0] == pytest.approx(cohen_kappa_score(one[:, 0], other[:, 0]))


def test_the_interval_of_kappa_covers_its_value_and_is_wider_for_fewer_patients() -> None:
    rng = np.random.default_rng(2)
    patient = np.repeat(
        np.arange(20), 10
    )  # ten records each, on which the readings differ throughout or never
    one = rng.choice(2, (200, 1), p=[0.6, 0.4])
    other = np.where((patient < 5)[:, None], 1 - one, one)
    many = cohen_kappa(one, other, np.arange(200).astype(str), replicates=200)
    few = cohen_kappa(one, other, patient.astype(str), replicates=200)
    assert many.value == few.value
    assert many.low[0] < many.value[0] < many.high[0]
    assert few.high[0] - few.low[0] > 2 * (many.high[0] - many.low[0])
    again = cohen_kappa(one, other, replicates=200)
    assert again.high[0] - again.low[0] == pytest.approx(many.high[0] - many.low[0], rel=0.3)
    again = cohen_kappa(one, other, np.arange(200).astype(str), replicates=200)
    assert (again.low, again.high) == (many.low, many.high)


def test_kappa_is_undefined_without_records_or_where_both_always_say_the_same() -> None:
    one = np.array([[1, 1, 1, 1], [1, 1, -1, 0]])
    other = np.array([[1, 0, -1, 0], [1, 0, 1, 1]])
    found = cohen_kappa(one, other)
    np.testing.assert_array_equal(found.value, [np.nan, 0, np.nan, -1])
    np.testing.assert_array_equal(found.agreement, [1, 0, np.nan, 0])
    np.testing.assert_array_equal(found.constant, [True, True, True, False])
    nothing = cohen_kappa(np.empty((0, 1), int), np.empty((0, 1), int))
    assert (nothing.records[0], np.isnan(nothing.value[0])) == (0, True)


def test_a_kappa_that_tells_nothing_is_a_dash() -> None:
    """Where one side never varies, kappa is 0 whatever the other says."""
    one = np.array([[1, 1, -1], [1, 0, -1], [1, 0, -1]])
    other = np.array([[1, 1, -1], [0, 0, -1], [0, 0, -1]])
    found = cohen_kappa(one, other, replicates=50)
    assert found.value[0] == 0
    assert [kappa_cell(found, index) for index in range(3)] == ["– [3]", "1.00 (1.00–1.00) [3]", None]
