"""Where a model and the labels disagree: ranking, what is refused, and groups that stand out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from rarebeat.audit.disagreement import Group, Opinions, group_disagreements, not_ranked, read_opinions
from rarebeat.audit.statistics import wilson
from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.evaluation.members import out_of_fold_predictions
from rarebeat.inference.predictions import Predictions, write_predictions


def predictions(
    truth: list[list[int]], probability: list[list[float]], first: int = 0, **changes: object
) -> Predictions:
    """Records r<first>, r<first+1> ... of cohort "ward", each of a patient of its own, in two classes."""
    count = len(truth)
    names = np.array([f"r{first + number}" for number in range(count)], dtype=object)
    whole = Predictions(
        record_ids=names,
        cohorts=np.full(count, "ward", dtype=object),
        patients=names,
        splits=np.full(count, "fold-1", dtype=object),
        classes=("af", "lad"),
        thresholds=np.array([0.5, 0.1]),
        probability=np.array(probability, dtype=np.float32),
        truth=np.array(truth, dtype=np.int8),
    )
    return replace(whole, **changes)


def read(folder: Path, *tables: Predictions, classes: tuple[str, ...] = ()) -> Opinions:
    paths = [folder / f"{number}.parquet" for number in range(len(tables))]
    for path, table in zip(paths, tables, strict=True):
        write_predictions(path, table)
    return read_opinions(paths, classes)


def test_surprise_is_the_logarithm_of_the_calibrated_probability_of_the_label(tmp_path: Path) -> None:
    rng = np.random.default_rng([1])
    odds = rng.normal(0, 2, (4000, 2))
    truth = (rng.random(odds.shape) < expit([1.0, 0.5] * odds + [0.0, -2.0])).astype(int)
    found = read(tmp_path, predictions(truth.tolist(), expit(odds).tolist()))
    right = expit([1.0, 0.5] * odds + [0.0, -2.0])  # the second class is too certain, and called too often
    np.testing.assert_allclose(found.calibrated, right, atol=0.04)
    np.testing.assert_allclose(
        found.surprise, -np.log(np.where(truth == 1, found.calibrated, 1 - found.calibrated))
    )
    np.testing.assert_array_equal(found.disagreement, (expit(odds) >= [0.5, 0.1]) != (truth == 1))


def test_a_false_call_of_a_class_the_model_cannot_tell_surprises_little(tmp_path: Path) -> None:
    rng = np.random.default_rng([2])
    truth = np.stack([rng.random(500) < 0.3, rng.random(500) < 0.03], axis=1).astype(int)
    odds = np.stack(
        [6.0 * (2 * truth[:, 0] - 1), rng.normal(3, 2, 500)], axis=1
    )  # sure of the second, by chance
    odds[0, 0] *= -1  # one label of the first is wrong
    found = read(tmp_path, predictions(truth.tolist(), expit(odds).tolist()))
    surprise = np.where(found.disagreement, found.surprise, 0)
    assert np.unravel_index(surprise.argmax(), surprise.shape) == (0, 0)
    false_calls = found.disagreement[:, 1] & (truth[:, 1] == 0)
    assert false_calls.sum() > 300
    assert surprise[false_calls, 1].max() < 0.2


def test_a_label_that_is_unknown_surprises_nobody(tmp_path: Path) -> None:
    found = read(tmp_path, predictions([[1, 0], [0, -1]], [[0.2, 0.5], [0.2, 0.5]]))
    np.testing.assert_array_equal(np.isnan(found.surprise), [[False, False], [False, True]])


def test_certain_probabilities_have_finite_surprise(tmp_path: Path) -> None:
    found = read(tmp_path, predictions([[1, 0]], [[0.0, 1.0]], thresholds=np.array([0.0, 1.0])))
    assert np.isfinite(found.surprise).all()


def test_classes_of_few_patients_and_classes_the_input_does_not_show_are_not_ranked(tmp_path: Path) -> None:
    names = ("low_qrs_voltage", "left_axis_deviation")
    truth = [[1, int(number < 9)] for number in range(20)]
    table = predictions(truth, [[0.5, 0.5]] * 20, classes=names, units="z")
    assert list(not_ranked(read(tmp_path, table), 10)) == list(names)
    assert not_ranked(read(tmp_path, table), 9).keys() == {"low_qrs_voltage"}
    assert "unit variance" in not_ranked(read(tmp_path, table), 9)["low_qrs_voltage"]
    assert not_ranked(read(tmp_path, replace(table, units="mV")), 9) == {}
    one = replace(table, patients=np.full(20, "one", dtype=object), units="mV")
    assert not_ranked(read(tmp_path, one), 2) == dict.fromkeys(names, "1 patients with a positive label")


def out_of_fold(*folds: Predictions) -> Predictions:
    """The folds as splits "fold-0", "fold-1" ... of one table."""
    return out_of_fold_predictions(
        [
            replace(fold, splits=np.full(len(fold.truth), f"fold-{number}", dtype=object))
            for number, fold in enumerate(folds)
        ]
    )


def test_out_of_fold_decisions_are_those_of_the_model_that_decided(tmp_path: Path) -> None:
    low = predictions([[0, 0]], [[0.3, np.nan]], thresholds=np.array([0.05, np.nan]))
    high = predictions([[1, 0]], [[0.6, 0.2]], first=1, thresholds=np.array([0.9, 0.1]))
    found = read(tmp_path, out_of_fold(low, high))
    np.testing.assert_array_equal(found.threshold, [[0.05, np.nan], [0.9, 0.1]])
    np.testing.assert_array_equal(found.decision, [[True, False], [False, True]])
    np.testing.assert_array_equal(found.label, [[0, -1], [1, 0]])  # a class that is not known has no label
    np.testing.assert_array_equal(found.disagreement, [[True, False], [True, True]])


def test_tables_are_joined_each_with_its_thresholds(tmp_path: Path) -> None:
    test = predictions([[1, 1]], [[0.3, 0.3]], first=5, thresholds=np.array([0.2, 0.4]))
    found = read(tmp_path, predictions([[1, 0]], [[0.3, 0.3]]), test, classes=("lad",))
    assert found.classes == ("lad",)
    assert found.record_ids.tolist() == ["r0", "r5"]
    np.testing.assert_array_equal(found.threshold, [[0.1], [0.4]])
    np.testing.assert_array_equal(found.decision, [[True], [False]])


def test_what_cannot_be_audited_is_refused(tmp_path: Path) -> None:
    one = predictions([[1, 0]], [[0.3, 0.3]])
    with pytest.raises(RarebeatError, match=r"the model was trained on \(split 'train'\)"):
        read(tmp_path, replace(one, splits=np.array(["train"], dtype=object)))
    with pytest.raises(RarebeatError, match="other classes"):
        read(tmp_path, one, predictions([[1, 0]], [[0.3, 0.3]], first=1, classes=("af", "rad")))
    with pytest.raises(RarebeatError, match="record r0 of ward comes twice"):
        read(tmp_path, one, one)
    with pytest.raises(ParamsError, match="no class 'bigeminy'"):
        read(tmp_path, one, classes=("bigeminy",))


def test_a_source_with_more_disagreements_than_the_others_stands_out(tmp_path: Path) -> None:
    truth = [[0, 1]] * 60
    wrong = np.arange(60) >= 50  # ten of the last twenty
    probability = [[0.1, 0.01 if bad else 0.9] for bad in wrong]
    sources = np.repeat(np.array(["north", "south"], dtype=object), [40, 20])
    groups = group_disagreements(read(tmp_path, predictions(truth, probability)), sources)
    told = {
        (g.class_id, g.source, g.label): (g.disagreements, g.records, g.others, g.stands_out) for g in groups
    }
    assert told["lad", "south", True] == (10, 20, 0.0, True)
    assert told["lad", "north", True] == (0, 40, 0.5, False)
    assert told["lad", "", True] == (10, 60, None, False)  # no other class has a positive record
    assert told["af", "", False] == (0, 60, None, False)
    assert ("lad", "north", False) not in told  # has no such record
    (south,) = (group for group in groups if group.source == "south" and group.class_id == "lad")
    assert (south.share, south.low, south.high) == pytest.approx((0.5, 0.299, 0.701), abs=0.001)


def ward(disagreements: int, records: int, other_disagreements: int, other_records: int) -> Group:
    """A source, and what the others have."""
    ends = wilson(disagreements, records)
    return Group("lad", "c", "north", True, records, disagreements, *ends, other_records, other_disagreements)


def test_few_records_elsewhere_are_no_measure() -> None:
    assert not ward(5, 400, 0, 3).stands_out
    assert not ward(5, 400, 0, 0).stands_out
    assert ward(5, 100, 0, 400).stands_out


@pytest.mark.parametrize(
    ("records", "others", "share"), [(40, 40, 0.25), (400, 30, 0.2), (60, 600, 0.1), (20, 200, 0.5)]
)
def test_a_source_like_the_others_stands_out_in_one_draw_of_forty_at_most(
    records: int, others: int, share: float
) -> None:
    draws = 3000
    rng = np.random.default_rng(5)
    pairs = zip(rng.binomial(records, share, draws), rng.binomial(others, share, draws), strict=True)
    alarms = sum(ward(int(inside), records, int(outside), others).stands_out for inside, outside in pairs)
    assert 0 < alarms / draws <= 0.025


def test_fewer_than_five_disagreements_do_not_stand_out(tmp_path: Path) -> None:
    probability = [[0.1, 0.9]] * 40 + [[0.1, 0.01]] * 4
    sources = np.repeat(np.array(["north", "south"], dtype=object), [40, 4])
    groups = group_disagreements(read(tmp_path, predictions([[0, 1]] * 44, probability)), sources)
    assert not any(group.stands_out for group in groups)
