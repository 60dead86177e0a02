"""Weighted shares: what they estimate, and how often their intervals hold the truth. Agreement of readers."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from rarebeat.audit.statistics import cohen_kappa, weighted_share
from rarebeat.audit.strata import draw

WORDS = ("right", "wrong", "cannot say")

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
        indices, weights = zip(*draw(keys, seats, np.random.default_rng([seed, seats])), strict=True)
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
        indices, weights = zip(*draw(keys, 20, np.random.default_rng(seed)), strict=True)
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


def test_kappa_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    one = rng.choice(WORDS, 200, p=[0.7, 0.2, 0.1])
    other = np.where(rng.random(200) < 0.6, one, rng.choice(WORDS, 200))
    agreement, kappa = cohen_kappa(list(zip(one, other, strict=True)), WORDS)
    assert agreement == pytest.approx(np.mean(one == other))
    assert kappa == pytest.approx(cohen_kappa_score(one, other))


def test_kappa_is_undefined_where_nothing_was_to_be_decided() -> None:
    assert cohen_kappa([("right", "right")] * 5, WORDS) == (1, None)
    assert cohen_kappa([("right", "wrong")] * 5, WORDS) == (0, 0)
