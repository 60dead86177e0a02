import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve

from rarebeat.evaluation.curves import (
    CALIBRATION_COLUMNS,
    CURVE_COLUMNS,
    calibration_rows,
    confusion_rows,
    precision_recall_rows,
)

NAMES = ("a", "b", "c", "d")


def points(rows):
    return [(row["recall"], row["precision"], row["threshold"]) for row in rows]


def test_a_small_curve_by_hand():
    truth = np.array([[1], [0], [1], [0], [0]], dtype=np.int8)
    probability = np.array([[0.9], [0.8], [0.6], [0.3], [0.1]])
    curve = precision_recall_rows(truth, probability, ("af",))["af"]
    # .3 and .1 hold no positives and are one step: everything is called from .1 on.
    assert points(curve) == [
        (0.5, 1.0, 0.9),
        (0.5, 0.5, 0.8),
        (1.0, pytest.approx(2 / 3, abs=1e-6), 0.6),
        (1.0, 0.4, 0.1),
    ]
    assert {row["class"] for row in curve} == {"af"}
    assert tuple(curve[0]) == CURVE_COLUMNS


@pytest.mark.parametrize("seed", range(5))
def test_every_point_is_a_point_of_the_full_curve(make_case, seed):
    truth, probability = make_case(seed, records=800, levels=10**6)
    for index, curve in enumerate(precision_recall_rows(truth, probability, NAMES, points=50).values()):
        known = truth[:, index] >= 0
        precision, recall, cuts = precision_recall_curve(truth[known, index], probability[known, index])
        full = {round(float(cut), 6): (r, p) for r, p, cut in zip(recall, precision, cuts, strict=False)}
        assert len(curve) <= 50
        for r, p, cut in points(curve):
            assert full[cut] == pytest.approx((r, p), abs=1e-6)


def test_a_thinned_curve_keeps_its_ends_and_leaves_no_gap_in_recall(make_case):
    truth, probability = make_case(1, records=3000, levels=10**6)
    truth[np.argsort(probability[:, 3])[:50], 3] = 0  # recall is complete before all records are called
    full = precision_recall_rows(truth, probability, NAMES, points=10**9)["d"]
    thin = precision_recall_rows(truth, probability, NAMES)["d"]
    assert len(full) > 600
    assert len(thin) <= 200
    assert (thin[0], thin[-1]) == (full[0], full[-1])
    assert np.diff([row["recall"] for row in thin]).max() < 0.01
    assert thin[-1]["recall"] == 1


def test_a_class_without_positives_has_no_curve():
    truth = np.array([[0], [-1]], dtype=np.int8)
    assert precision_recall_rows(truth, np.array([[0.1], [0.9]]), ("af",)) == {"af": []}


def test_calibration_bins_by_hand():
    truth = np.array([[0], [1], [1], [1], [-1]], dtype=np.int8)
    probability = np.array([[0.12], [0.18], [0.95], [1.0], [0.5]])
    rows = calibration_rows(truth, probability, ("af",))
    assert [tuple(row.values()) for row in rows] == [("af", 0.15, 0.5, 2), ("af", 0.975, 1.0, 2)]
    assert tuple(rows[0]) == CALIBRATION_COLUMNS


def test_calibration_equals_scikit_learn(make_case):
    truth, probability = make_case(0, records=500, levels=10**6)
    rows = calibration_rows(truth, probability, NAMES)
    known = truth[:, 2] >= 0
    observed, predicted = calibration_curve(truth[known, 2], probability[known, 2], n_bins=10)
    mine = [row for row in rows if row["class"] == "c"]
    assert [row["observed"] for row in mine] == pytest.approx(observed, abs=1e-5)
    assert [row["probability"] for row in mine] == pytest.approx(predicted, abs=1e-5)
    assert sum(row["records"] for row in mine) == known.sum()


RHYTHMS = ("af", "pac", "pvc", "lbbb")


def pairs(truth, called):
    rows = confusion_rows(np.array(truth, dtype=np.int8), np.array(called, dtype=bool), RHYTHMS)
    return [(row["actual"], row["predicted"]) for row in rows]


def test_a_class_that_is_true_and_called_is_paired_with_itself():
    assert pairs([[1, 1, 0, 0]], [[1, 1, 0, 0]]) == [("af", "af"), ("pac", "pac")]


def test_missed_classes_are_paired_with_wrongly_called_ones():
    assert pairs([[1, 1, 0, 0]], [[1, 0, 1, 0]]) == [("af", "af"), ("pac", "pvc")]
    assert pairs([[1, 1, 0, 0]], [[0, 0, 1, 1]]) == [
        *(("af", "pvc"), ("af", "lbbb")),
        *(("pac", "pvc"), ("pac", "lbbb")),
    ]


def test_a_missed_class_without_a_wrong_one_was_taken_for_none():
    assert pairs([[1, 1, 0, 0]], [[0, 1, 0, 0]]) == [("pac", "pac"), ("af", "none")]


def test_a_wrong_class_without_a_missed_one_was_made_of_none():
    assert pairs([[0, 1, 0, 0]], [[1, 1, 0, 0]]) == [("pac", "pac"), ("none", "af")]


def test_unknown_classes_and_silent_records_add_nothing():
    assert pairs([[-1, 0, 0, 0], [0, 0, 0, 0]], [[1, 0, 0, 0], [0, 0, 0, 0]]) == []


def test_records_come_in_order():
    assert pairs([[1, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]], np.eye(4)[[0, 3, 2]]) == [
        *(("af", "af"), ("none", "lbbb"), ("pac", "pvc")),
    ]
