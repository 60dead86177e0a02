import numpy as np
import pytest
from tests.predicted import predicted

from rarebeat.core.tables import interval_text
from rarebeat.evaluation.evaluate import EvaluateSettings, evaluate
from rarebeat.reporting.results import class_rows, cohort_rows, cohort_table, heading, results_table


@pytest.fixture(scope="module")
def evaluation(make_case):
    truth, probability = make_case(0)
    cohorts = np.array(["georgia", "ptb-xl"] * 100, dtype=object)
    people = np.arange(200).astype(str)
    settings = EvaluateSettings(replicates=100)
    names = ("af", "afl", "pac", "pvc")
    return evaluate(predicted(truth, probability, 0.4, people, names, cohorts=cohorts), settings)


def test_a_class_row_is_flat_and_holds_both_thresholds_with_intervals(evaluation):
    row = class_rows(evaluation)[0]
    assert row["class"] == "af"
    assert row["f1_low"] < row["f1"] < row["f1_high"]
    assert row["f1_low_at_0.5"] <= row["f1_at_0.5"] <= row["f1_high_at_0.5"]
    assert row["recall"] > row["recall_at_0.5"]
    assert row["auprc_low"] < row["auprc"] < row["auprc_high"]
    assert "auprc_at_0.5" not in row  # it has no threshold
    assert row["records"] == evaluation.known[0] < evaluation.records


def test_the_cohort_rows_add_up_to_the_class_rows(evaluation):
    rows = cohort_rows(evaluation)
    assert [row["cohort"] for row in rows] == ["georgia"] * 4 + ["ptb-xl"] * 4
    af = sum(row["positives"] for row in rows if row["class"] == "af")
    assert af == class_rows(evaluation)[0]["positives"]


def test_the_results_table_ends_with_the_averages_and_says_what_the_brackets_are(evaluation):
    lines = results_table(evaluation).splitlines()
    titles = [cell.strip() for cell in lines[0].strip("|").split("|")]
    assert titles == ["Class", "Positives", "F1", "F1 at 0.5", "Precision", "Recall", "AUROC", "AUPRC"]
    assert [line.split()[1] for line in lines[2:8]] == ["af", "afl", "pac", "pvc", "**macro**", "**micro**"]
    assert lines[9].startswith(
        "200 records of 200 patients; in brackets: 95 % intervals over patients. They hold the "
    )
    assert lines[11].startswith(
        "Macro averages are over the 4 of 4 classes with at least 10 positive patients"
    )
    half = evaluation.at_half.scores.values["f1"]
    assert [line.split("|")[4].strip() for line in lines[2:8]] == [f"{value:.2f}" for value in half]
    assert interval_text(*(end[0] for end in _f1(evaluation))) in lines[2]


def test_a_class_without_negatives_shows_dashes_for_what_it_cannot_have():
    truth = np.array([[1, 1], [0, 1], [1, -1], [0, 1]], dtype=np.int8)
    probability = np.array([[0.9, 0.9], [0.6, 0.8], [0.4, 0.2], [0.1, 0.7]])
    settings = EvaluateSettings(replicates=0)
    only_positive = results_table(
        evaluate(predicted(truth, probability, 0.5, np.arange(4).astype(str), ("af", "vt")), settings)
    ).splitlines()[3]
    assert [cell.strip() for cell in only_positive.strip("|").split("|")] == [
        "vt",
        "3",
        "–",
        "–",
        "–",
        "1.00",
        "–",
        "–",
    ]


def _f1(evaluation):
    tuned = evaluation.tuned
    return [scores.values["f1"] for scores in (tuned.scores, tuned.intervals.low, tuned.intervals.high)]


def test_the_cohort_table_has_a_line_per_cohort(evaluation):
    lines = cohort_table(evaluation).splitlines()
    assert [line.split()[1] for line in lines[2:]] == ["georgia", "ptb-xl"]
    assert lines[2].split()[3] == "100"
    assert lines[2].split()[7] == "4"


def test_the_heading_names_the_cohorts_of_each_role():
    assert heading("all", ["a", "b"], ["c"], ["b", "a"]) == "Label set all, trained on a, b, tested on c"
    assert heading("all", ["a"], ["a"], ["c"]) == "Label set all, trained on a, validated on c, tested on a"
    assert heading("all", ["a"], ["a"], ["a"]) == "Label set all, trained and tested on a"
