import numpy as np

from rarebeat.evaluation.confusion import confusion_rows

NAMES = ("af", "pac", "pvc", "lbbb")


def pairs(truth, called):
    rows = confusion_rows(np.array(truth, dtype=np.int8), np.array(called, dtype=bool), NAMES)
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
