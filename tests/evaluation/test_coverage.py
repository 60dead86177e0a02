"""Whether 95 % intervals hold the truth: simulated tables whose true scores are known by integration."""

from collections import defaultdict

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from rarebeat.evaluation.bootstrap import bootstrap, replicate_scores
from rarebeat.evaluation.scores import MACRO, METRICS, prepare, score

pytestmark = pytest.mark.slow

PEOPLE, THRESHOLD, ALIKE = 400, 1.6, 0.6  # ALIKE: correlation of the records of one patient
SHARE = np.array([0.3, 0.1, 0.05, 0.03, 0.02, 0.02, 0.012, 0.006])
SHIFT = np.array(
    [2.0, 3.0, 2.5, 4.0, 2.5, 5.0, 4.0, 3.5]
)  # of the scores of positives, in standard deviations
LEAST = 10


def true_scores():
    """Of scores that are normal with variance 1, shifted for positives."""
    t = np.linspace(-8, 16, 60_001)[:, None]
    hits, alarms = SHARE * ndtr(SHIFT - t), (1 - SHARE) * ndtr(-t)
    precision = hits / np.maximum(hits + alarms, 1e-300)
    recall = hits / SHARE
    at = SHARE * ndtr(SHIFT - THRESHOLD), (1 - SHARE) * ndtr(-THRESHOLD)
    return {
        "auroc": ndtr(SHIFT / np.sqrt(2)),
        "auprc": -np.trapezoid(precision, recall, axis=0),
        "precision": at[0] / (at[0] + at[1]),
        "recall": at[0] / SHARE,
        "f1": 2 * at[0] / (at[0] + at[1] + SHARE),
    }


def table(rng):
    """Truth, scores and patients; each has 1 to 3 records that are alike in truth and score."""
    patients = np.repeat(np.arange(PEOPLE), rng.integers(1, 4, PEOPLE))

    def alike():
        shared, own = rng.normal(size=(PEOPLE, SHARE.size)), rng.normal(size=(patients.size, SHARE.size))
        return np.sqrt(ALIKE) * shared[patients] + np.sqrt(1 - ALIKE) * own

    truth = (alike() > ndtri(1 - SHARE)).astype(np.int8)
    return truth, alike() + SHIFT * truth, patients.astype(str)


@pytest.fixture(scope="module")
def held():
    """For each metric whether the interval held the truth: of macro averages, and of classes by their positives."""
    right, found = true_scores(), defaultdict(list)
    for seed in range(120):
        truth, scores, patients = table(np.random.default_rng([seed]))
        positive = np.array([np.unique(patients[column == 1]).size for column in truth.T])
        averaged = positive >= LEAST
        prepared = prepare(truth, scores, THRESHOLD, averaged=averaged)
        intervals, point = bootstrap(prepared, patients, 100, seed=seed), score(prepared).values
        for metric in METRICS:
            low, high = intervals.low.values[metric], intervals.high.values[metric]
            mean = right[metric][averaged].mean()
            found["macro", metric].append(low[MACRO] <= mean <= high[MACRO])
            assert low[MACRO] < point[metric][MACRO] < high[MACRO]
            for k in np.flatnonzero(positive):
                kind = "class" if averaged[k] else "rare class"
                found[kind, metric].append(low[k] <= right[metric][k] <= high[k])
                assert low[k] < high[k]
    return {key: (np.mean(values), len(values)) for key, values in found.items()}


@pytest.mark.parametrize("metric", METRICS)
def test_intervals_of_macro_averages_hold_the_truth(held, metric):
    share, sets = held["macro", metric]
    assert sets == 120
    assert share >= 0.9, share


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", ["class", "rare class"])
def test_intervals_of_classes_hold_the_truth(held, kind, metric):
    share, intervals = held[kind, metric]
    assert intervals > 100
    assert share >= 0.9, share


def test_percentiles_alone_would_not():
    # What these intervals replaced: recall of a class whose positives are nearly all found.
    held = 0
    for seed in range(60):
        truth, scores, patients = table(np.random.default_rng([seed]))
        prepared = prepare(truth[:, 5:6], scores[:, 5:6], THRESHOLD)
        drawn = replicate_scores(prepared, patients, 100, seed)["recall"][:, 0]
        held += np.nanquantile(drawn, 0.025) <= true_scores()["recall"][5] <= np.nanquantile(drawn, 0.975)
    assert held < 30
