"""Cohen's kappa of many classes at once."""

import numpy as np
from sklearn.metrics import cohen_kappa_score

from rarebeat.audit.kappa import cohen_kappas


def test_it_is_that_of_scikit_learn_on_what_both_have_read() -> None:
    rng = np.random.default_rng(1)
    one = rng.random((80, 3)) < 0.3
    other = np.where(rng.random((80, 3)) < [0.0, 0.2, 1.0], ~one, one)
    known = rng.random((80, 3)) < 0.8
    found = cohen_kappas(one, other, known, np.arange(80).astype(str), replicates=0)
    expected = [
        cohen_kappa_score(one[rows, column], other[rows, column]) for column, rows in enumerate(known.T)
    ]
    np.testing.assert_allclose(found.value, expected)
    assert found.value[0] == 1 > found.value[1] > 0 > found.value[2]
    np.testing.assert_array_equal(found.records, known.sum(axis=0))
    assert np.isnan(found.low).all()


def test_the_interval_covers_the_value_and_is_wider_for_fewer_patients() -> None:
    rng = np.random.default_rng(2)
    patient = np.repeat(
        np.arange(20), 10
    )  # ten records each, on which the readings differ throughout or never
    one = rng.random((200, 1)) < 0.4
    other = np.where((patient < 5)[:, None], ~one, one)
    known = np.ones((200, 1), bool)
    many = cohen_kappas(one, other, known, np.arange(200).astype(str), replicates=200)
    few = cohen_kappas(one, other, known, patient.astype(str), replicates=200)
    assert many.value == few.value
    assert many.low[0] < many.value[0] < many.high[0]
    assert few.high[0] - few.low[0] > 2 * (many.high[0] - many.low[0])
    again = cohen_kappas(one, other, known, np.arange(200).astype(str), replicates=200)
    assert (again.low, again.high) == (many.low, many.high)


def test_it_is_undefined_without_records_or_where_both_always_say_the_same() -> None:
    one = np.array([[True, True, True], [True, True, False]])
    other = np.array([[True, False, True], [True, False, True]])
    known = np.array([[True, True, False], [True, True, False]])
    found = cohen_kappas(one, other, known, np.array(["a", "b"]), replicates=0)
    np.testing.assert_array_equal(found.value, [np.nan, 0, np.nan])
