"""The errors of which a model is most certain, of different kinds, classes and patients."""

import numpy as np
import pytest

from rarebeat.evaluation.worst import worst_errors
from rarebeat.inference.predictions import Predictions


def predictions(probability: list[list[float]], truth: list[list[int]], patients: str = "") -> Predictions:
    count, classes = np.shape(truth)
    names = np.array([f"r{row}" for row in range(count)], dtype=object)
    return Predictions(
        record_ids=names,
        cohorts=np.full(count, "clinic", dtype=object),
        patients=np.array(list(patients), dtype=object) if patients else names,
        splits=np.full(count, "test", dtype=object),
        classes=tuple("abcdefgh"[:classes]),
        thresholds=np.full(classes, 0.4),
        probability=np.array(probability, dtype=np.float32),
        truth=np.array(truth, dtype=np.int8),
    )


def found(own: Predictions, most: int = 6) -> list[tuple[int, int, bool]]:
    return [(error.row, error.column, error.missed) for error in worst_errors(own, most)]


def test_the_most_certain_error_comes_first() -> None:
    own = predictions([[0.1, 0.9], [0.7, 0.02], [0.3, 0.5]], [[1, 1], [0, 1], [0, 1]])
    first, second = worst_errors(own)
    assert (first.row, first.column, first.missed) == (1, 1, True)
    assert (first.probability, first.threshold) == (pytest.approx(0.02), 0.4)
    assert (second.row, second.column, second.missed) == (0, 0, True)


def test_what_is_right_or_unknown_is_no_error() -> None:
    assert found(predictions([[0.9, 0.1], [0.9, 0.1]], [[1, 0], [-1, -1]])) == []


def test_a_patient_and_a_kind_of_error_come_once() -> None:
    one_patient = predictions([[0.1, 0.9], [0.9, 0.2]], [[1, 0], [0, 1]], patients="pp")
    assert len(found(one_patient)) == 1
    one_class = predictions([[0.1], [0.2], [0.9], [0.8]], [[1], [1], [0], [0]])
    assert found(one_class) == [(0, 0, True), (2, 0, False)]


def test_half_of_them_are_missed_where_there_are_enough_of_both() -> None:
    alarms = [[0.99 if row == column else 0.0 for column in range(8)] for row in range(4)]
    misses = [[0.2 if row == column else 0.0 for column in range(8)] for row in range(4, 8)]
    truth = [[int(row == column and row > 3) for column in range(8)] for row in range(8)]
    own = predictions(alarms + misses, truth)
    assert sum(missed for *_, missed in found(own, 6)) == 3
    assert sum(missed for *_, missed in found(own, 8)) == 4
    only = own.rows(np.arange(8) < 4)
    assert len(found(only, 4)) == 4
