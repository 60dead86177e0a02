import numpy as np
import pytest

from rarebeat.evaluation import bootstrap as module
from rarebeat.evaluation.bootstrap import bootstrap, patient_weights, replicate_scores, resample
from rarebeat.evaluation.scores import MACRO, METRICS, MICRO, prepare, score


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


@pytest.mark.parametrize("each", [1, 2, 7])
def test_replicates_are_the_scores_of_their_record_weights(make_case, each):
    # The plain computation: every replicate's weights, record by record.
    prepared, patients = prepare(*make_case(6), [0.3, 0.4, 0.5, 0.6]), people(200, each=each)
    (weights,) = patient_weights(patients, 130, seed=4, block=130)
    plain, fast = score(prepared, weights).values, replicate_scores(prepared, patients, 130, seed=4)
    assert tuple(fast) == METRICS
    for metric in METRICS:
        np.testing.assert_allclose(fast[metric], plain[metric], rtol=1e-12, atol=1e-12)


def test_replicates_of_tied_and_of_unknown_scores_are_equal_to_the_plain_ones():
    rng = np.random.default_rng([7])
    truth = rng.choice(np.array([-1, 0, 1], np.int8), (300, 3), p=[0.2, 0.7, 0.1])
    prepared, patients = prepare(truth, rng.integers(0, 6, (300, 3)) / 5, 0.5), people(300, each=3)
    (weights,) = patient_weights(patients, 70, seed=1, block=70)
    plain, fast = score(prepared, weights).values, replicate_scores(prepared, patients, 70, seed=1)
    for metric in METRICS:
        np.testing.assert_allclose(fast[metric], plain[metric], rtol=1e-12)


def test_the_ends_are_percentiles_of_whatever_is_computed_from_weights(make_case):
    prepared, patients = prepare(*make_case(6), 0.5), people(200, each=2)
    (weights,) = patient_weights(patients, 300, seed=4, block=300)
    low, high = resample(lambda rows: score(prepared, rows).values, patients, 4, 300, 0.9, 4)
    for metric in METRICS:
        expected = np.quantile(score(prepared, weights).values[metric], [0.05, 0.95], axis=0)
        np.testing.assert_allclose([low[metric], high[metric]], expected, rtol=1e-12)


def test_the_intervals_of_areas_hold_the_percentiles_of_their_replicates(make_case):
    prepared, patients = prepare(*make_case(6), 0.5), people(200, each=2)
    drawn = replicate_scores(prepared, patients, 300, seed=4)
    intervals = bootstrap(prepared, patients, 300, confidence=0.9, seed=4)
    for metric in ("auroc", "auprc"):
        low, high = np.delete(np.quantile(drawn[metric], [0.05, 0.95], axis=0), MACRO, axis=1)
        found = np.delete(ends(intervals, metric), MACRO, axis=1)
        assert (found[0] <= low).all()
        assert (found[1] >= high).all()


def test_every_replicate_of_a_macro_average_is_over_the_same_classes():
    # Class 1 has one positive patient: it is missing from a third of the replicates, and so is the macro average.
    truth = np.zeros((30, 2), np.int8)
    truth[:15, 0] = truth[0, 1] = 1
    probability = np.random.default_rng([3]).random((30, 2))
    both = replicate_scores(prepare(truth, probability, 0.5), people(30), 200)
    one = replicate_scores(
        prepare(truth, probability, 0.5, averaged=np.array([True, False])), people(30), 200
    )
    lacking = np.isnan(both["auroc"][:, 1])
    assert 40 < lacking.sum() < 110
    np.testing.assert_array_equal(np.isnan(both["auroc"][:, MACRO]), lacking)
    np.testing.assert_array_equal(one["auroc"][:, MACRO], one["auroc"][:, 0])


def test_no_interval_has_width_zero_where_nothing_goes_wrong():
    truth = np.zeros((60, 2), np.int8)
    truth[:20, 0] = truth[20:24, 1] = 1
    intervals = bootstrap(prepare(truth, truth.astype(float), 0.5), people(60, each=2), 100)
    for metric in METRICS:
        low, high = ends(intervals, metric)
        assert (high == 1).all()
        assert ((low > 0.3) & (low < 1)).all(), metric


def test_equal_seeds_give_equal_intervals_and_others_do_not(make_case):
    prepared = prepare(*make_case(0), 0.5)
    first, again, other = (bootstrap(prepared, people(200), 50, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(ends(first, "auroc"), ends(again, "auroc"))
    assert (ends(first, "auroc") != ends(other, "auroc")).any()


def test_working_in_blocks_changes_nothing(make_case, monkeypatch):
    prepared = prepare(*make_case(0), 0.5)
    whole = bootstrap(prepared, people(200), 20)
    monkeypatch.setattr(module, "_DRAWS", 3)
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
        classes = np.delete(np.stack([ends(once, metric), ends(twice, metric)]), MICRO, axis=2)
        np.testing.assert_allclose(*classes, rtol=1e-12)
        # Pooled pairs vary less than independent ones would, which counts for no more pairs than there are.
        assert np.ptp(ends(twice, metric)[:, MICRO]) > 0.95 * np.ptp(ends(once, metric)[:, MICRO])


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


def test_one_positive_patient_says_little():
    # .9^10 = 35 % of the replicates lack the class, the others have recall 1.
    truth = np.array([[1]] + [[0]] * 9, dtype=np.int8)
    prepared = prepare(truth, np.linspace(1, 0, 10)[:, None], 0.95)
    intervals = bootstrap(prepared, people(10), 300)
    assert ends(intervals, "recall")[:, 0].tolist() == pytest.approx([0.2065, 1], abs=1e-4)  # Wilson, 1 of 1
    for metric in ("auroc", "auprc"):
        low, high = ends(intervals, metric)[:, 0]
        assert low < 0.5
        assert high == 1


def test_a_class_without_positives_has_no_interval():
    truth = np.array([[1, 0], [0, 0]] * 5, dtype=np.int8)
    prepared = prepare(truth, np.linspace(1, 0, 20).reshape(10, 2), 0.5)
    intervals = bootstrap(prepared, people(10), 100)
    for metric in METRICS:
        assert np.isnan(ends(intervals, metric)[:, 1]).all()
        assert np.isfinite(ends(intervals, metric)[:, 0]).all()


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
