import numpy as np
import pytest

from rarebeat.evaluation import bootstrap as module
from rarebeat.evaluation.bootstrap import bootstrap, patient_weights
from rarebeat.evaluation.scores import METRICS, prepare, score


def people(records: int, each: int = 1):
    return np.array([f"p{index // each}" for index in range(records)], dtype=object)


def ends(intervals, metric):
    return np.stack([intervals.low.values[metric], intervals.high.values[metric]])


def test_a_weight_is_how_often_the_patient_was_drawn():
    patients = np.array(["b", "a", "b", "c"])
    (weights,) = patient_weights(patients, replicates=50, seed=0, block=50)
    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])  # both recordings of b
    np.testing.assert_array_equal(weights[:, [0, 1, 3]].sum(axis=1), 3)  # as many draws as patients
    assert weights.std() > 0


def test_the_weights_do_not_depend_on_the_block():
    patients = people(30, each=2)
    (whole,) = patient_weights(patients, 7, seed=3, block=7)
    np.testing.assert_array_equal(whole, np.concatenate(list(patient_weights(patients, 7, seed=3, block=2))))


def test_the_interval_holds_the_point_estimate(make_case):
    prepared = prepare(*make_case(0, records=400), 0.5)
    intervals, point = bootstrap(prepared, people(400), replicates=200), score(prepared)
    for metric in METRICS:
        low, high = ends(intervals, metric)
        assert (low < point.values[metric]).all()
        assert (point.values[metric] < high).all()


def test_the_ends_are_percentiles_of_the_replicates(make_case):
    prepared, patients = prepare(*make_case(6), 0.5), people(200, each=2)
    (weights,) = patient_weights(patients, 300, seed=4, block=300)
    replicates = score(prepared, weights).values
    intervals = bootstrap(prepared, patients, 300, confidence=0.9, seed=4)
    for metric in METRICS:
        expected = np.quantile(replicates[metric], [0.05, 0.95], axis=0)
        np.testing.assert_allclose(ends(intervals, metric), expected, rtol=1e-12)


def test_equal_seeds_give_equal_intervals_and_others_do_not(make_case):
    prepared = prepare(*make_case(0), 0.5)
    first, again, other = (bootstrap(prepared, people(200), 50, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(ends(first, "auroc"), ends(again, "auroc"))
    assert (ends(first, "auroc") != ends(other, "auroc")).any()


def test_working_in_blocks_changes_nothing(make_case, monkeypatch):
    prepared = prepare(*make_case(0), 0.5)
    whole = bootstrap(prepared, people(200), 20)
    monkeypatch.setattr(module, "_BLOCK", 3 * prepared.truth.size)
    parts = bootstrap(prepared, people(200), 20)
    for metric in METRICS:
        np.testing.assert_allclose(ends(whole, metric), ends(parts, metric), rtol=1e-12)


def test_a_second_copy_of_every_recording_narrows_nothing(make_case):
    # Twice the recordings of the same patients are no new information: the interval must stay the same.
    truth, probability = make_case(4, records=150)
    patients = people(150)
    once = bootstrap(prepare(truth, probability, 0.5), patients, 100)
    twice = bootstrap(
        prepare(np.tile(truth, (2, 1)), np.tile(probability, (2, 1)), 0.5), np.tile(patients, 2), 100
    )
    for metric in METRICS:
        np.testing.assert_allclose(ends(once, metric), ends(twice, metric), rtol=1e-12)


def test_treating_copies_as_patients_of_their_own_would_narrow_the_interval(make_case):
    truth, probability = make_case(4, records=150)
    prepared = prepare(np.tile(truth, (4, 1)), np.tile(probability, (4, 1)), 0.5)
    right = ends(bootstrap(prepared, np.tile(people(150), 4), 200), "recall")
    naive = ends(bootstrap(prepared, people(600), 200), "recall")
    assert (np.ptp(right, axis=0) > 1.5 * np.ptp(naive, axis=0)).all()  # in theory 2 times


def test_about_95_of_100_intervals_hold_the_truth():
    # Recall of a classifier that finds 70 % of the positives; 80 patients, all positive.
    rng = np.random.default_rng([5])
    held = 0
    for repetition in range(200):
        found = rng.random((80, 1)) < 0.7
        prepared = prepare(np.ones((80, 1), dtype=np.int8), found.astype(float), 0.5, areas=False)
        low, high = ends(bootstrap(prepared, people(80), 200, seed=repetition), "recall")[:, 0]
        held += low <= 0.7 <= high
    assert 180 <= held <= 199


def test_replicates_without_the_class_are_left_out_of_its_interval():
    # One positive patient in ten: .9^10 = 35 % of the replicates lack the class, the others have recall 1.
    truth = np.array([[1]] + [[0]] * 9, dtype=np.int8)
    prepared = prepare(truth, np.linspace(1, 0, 10)[:, None], 0.95)
    intervals = bootstrap(prepared, people(10), 300)
    assert ends(intervals, "recall")[:, 0].tolist() == [1, 1]


def test_a_class_that_most_replicates_lack_has_no_interval():
    truth = np.array([[1, 1], [0, 0]] + [[-1, 0]] * 8, dtype=np.int8)
    prepared = prepare(truth, np.linspace(1, 0, 20).reshape(10, 2), 0.5)
    intervals = bootstrap(prepared, people(10), 300)
    # AUROC of class 0 needs patients 0 and 1 in one replicate, which 1 - 2 * .9^10 + .8^10 = 41 % have.
    assert np.isnan(ends(intervals, "auroc")[:, 0]).all()
    assert np.isfinite(ends(intervals, "auroc")[:, 1]).all()


@pytest.mark.parametrize(("patients", "replicates"), [(people(200, each=200), 100), (people(200), 0)])
def test_a_single_patient_or_no_replicates_give_no_interval(make_case, patients, replicates):
    intervals = bootstrap(prepare(*make_case(0), 0.5), patients, replicates)
    for metric in METRICS:
        assert np.isnan(ends(intervals, metric)).all()


def test_more_confidence_gives_a_wider_interval(make_case):
    prepared = prepare(*make_case(0), 0.5)
    wide, narrow = (ends(bootstrap(prepared, people(200), 200, share), "f1") for share in (0.95, 0.5))
    assert (np.ptp(wide, axis=0) > np.ptp(narrow, axis=0)).all()


def test_patients_and_records_must_fit(make_case):
    with pytest.raises(ValueError, match="3 patients for 200 records"):
        bootstrap(prepare(*make_case(0), 0.5), people(3))
