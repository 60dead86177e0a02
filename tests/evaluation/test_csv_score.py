import csv
import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score, roc_auc_score

from rarebeat.core.errors import RarebeatError
from rarebeat.evaluation.csv_score import format_score, score_tables


@pytest.fixture
def tables(tmp_path):
    def write(truth: str, predictions: str):
        paths = tmp_path / "truth.csv", tmp_path / "predictions.csv"
        for path, content in zip(paths, (truth, predictions), strict=True):
            path.write_text(content)
        return paths

    return write


SMALL = (
    "id,af,pac,avnrt\nr1,1,0,0\nr2,1,0,\nr3,0,1,0\nr4,0,,0\n",
    "id,pac,af,avnrt\nr4,0.9,0.4,0.1\nr3,0.8,0.6,0.2\nr2,0.7,0.4,0.3\nr1,0.1,0.9,0.7\n",
)


def test_a_small_example_by_hand(tables):
    result = score_tables(*tables(*SMALL))
    # af: called r1 r3, true r1 r2: TP 1, FP 1, FN 1. Positives .9 .4 against .6 .4: (2 + 0 + .5) of 4 pairs.
    # Average precision: 1/2 * 1 at .9, and 1/2 * 2/4 at the tie of .4.
    af = {"f1": 0.5, "precision": 0.5, "recall": 0.5, "auroc": 2.5 / 4, "auprc": 0.75, "positives": 2}
    # pac: r4 is unknown; called r3 r2, true r3.
    pac = {"f1": 2 / 3, "precision": 0.5, "recall": 1.0, "auroc": 1.0, "auprc": 1.0, "positives": 1}
    undefined = dict.fromkeys(("f1", "precision", "recall", "auroc", "auprc"))
    assert result["classes"] == {"af": af, "pac": pac, "avnrt": {**undefined, "positives": 0}}
    assert result["macro"] == pytest.approx(
        {"f1": 7 / 12, "precision": 0.5, "recall": 0.75, "auroc": 3.25 / 4, "auprc": 0.875}
    )
    # All known pairs: TP 2 (af r1, pac r3), FP 3 (af r3, pac r2, avnrt r1), FN 1 (af r2).
    assert result["micro"]["f1"] == pytest.approx(4 / (4 + 3 + 1))
    assert result["records"] == 4


def test_the_result_has_exactly_the_promised_keys_and_is_json(tables):
    result = score_tables(*tables(*SMALL))
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert list(result) == ["classes", "macro", "micro", "records"]
    metrics = ["f1", "precision", "recall", "auroc", "auprc"]
    assert list(result["macro"]) == list(result["micro"]) == metrics
    assert all(list(entry) == [*metrics, "positives"] for entry in result["classes"].values())


def save(path, names, values):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["record", *names])
        writer.writerows([f"{index:05d}", *row] for index, row in enumerate(values))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("threshold", [0.0, 0.35, 1.0])
def test_random_tables_agree_with_scikit_learn(tmp_path, make_case, seed, threshold):
    truth, probability = make_case(seed, records=120, levels=10)
    paths, names = (tmp_path / "truth.csv", tmp_path / "predictions.csv"), ("a", "b", "c", "d")
    save(paths[0], names, [["" if cell < 0 else cell for cell in row] for row in truth.tolist()])
    scores = probability.astype(float).round(3)
    save(paths[1], names, scores.tolist())
    result = score_tables(*paths, threshold)
    for index, name in enumerate(names):
        known = truth[:, index] >= 0
        y, p = truth[known, index], scores[known, index]
        assert result["classes"][name] == pytest.approx(expected(y, p, threshold) | {"positives": y.sum()})
    known = truth >= 0
    assert result["micro"] == pytest.approx(expected(truth[known], scores[known], threshold))
    for metric, value in result["macro"].items():
        assert value == pytest.approx(np.mean([result["classes"][name][metric] for name in names]))


def expected(y, p, threshold):
    return {
        "f1": f1_score(y, p >= threshold, zero_division=0),
        "precision": precision_score(y, p >= threshold, zero_division=0),
        "recall": recall_score(y, p >= threshold),
        "auroc": roc_auc_score(y, p),
        "auprc": average_precision_score(y, p),
    }


def test_decisions_in_place_of_probabilities_are_scored_as_they_are(tables):
    result = score_tables(*tables("id,af\na,1\nb,0\nc,1\n", "id,af\na,1\nb,0\nc,0\n"))
    assert result["classes"]["af"]["recall"] == 0.5
    assert result["classes"]["af"]["auroc"] == 0.75


def test_record_ids_are_text(tables):
    result = score_tables(*tables("id,af\n00123,1\n123,0\n", "id,af\n123,0.1\n00123,0.9\n"))
    assert result["classes"]["af"]["auroc"] == 1
    with pytest.raises(RarebeatError, match="lacks 1 of the 1 records in the truth: 00123"):
        score_tables(*tables("id,af\n00123,1\n", "id,af\n123,0.9\n"))


def test_records_and_classes_without_truth_are_left_out_with_a_note(tables, capsys):
    truth, predictions = "id,af\na,1\nb,0\n", "id,af\na,0.9\nb,0.2\n"
    more = "id,af,pac\na,0.9,1\nb,0.2,1\nx,0.9,1\ny,0.9,0\n"
    assert score_tables(*tables(truth, more)) == score_tables(*tables(truth, predictions))
    output = capsys.readouterr()
    assert output.out == ""
    assert "predictions.csv: left out 2 of 4 records, which the truth lacks: x, y" in output.err
    assert "predictions.csv: left out 1 of 2 classes, which the truth lacks: pac" in output.err
    assert output.err.count("note:") == 2


def test_a_record_of_the_truth_without_prediction_is_refused(tables):
    truth = "id,af\n" + "".join(f"r{index},1\n" for index in range(9))
    with pytest.raises(
        RarebeatError, match="lacks 8 of the 9 records in the truth: r1, r2, r3, r4, r5 and 3 more"
    ):
        score_tables(*tables(truth, "id,af\nr0,1\n"))


def test_a_class_of_the_truth_without_prediction_is_refused(tables):
    with pytest.raises(RarebeatError, match=r"predictions\.csv lacks 1 of the 2 classes in the truth: PAC"):
        score_tables(*tables("id,af,PAC\na,1,1\n", "id,af,pac\na,1,1\n"))


@pytest.mark.parametrize("threshold", [-0.1, 1.5, float("nan")])
def test_a_threshold_outside_0_to_1_is_refused(tables, threshold):
    with pytest.raises(RarebeatError, match="threshold must be a number from 0 to 1"):
        score_tables(*tables(*SMALL), threshold)


def test_a_wholly_unknown_truth_has_no_metric(tables):
    result = score_tables(*tables("id,af\na,\nb,\n", "id,af\na,1\nb,0\n"))
    assert set(result["macro"].values()) == set(result["micro"].values()) == {None}
    assert result["classes"]["af"]["positives"] == 0


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_text_for_people_has_a_line_per_class_and_average(tables):
    lines = format_score(score_tables(*tables(*SMALL))).splitlines()
    assert cells(lines[0]) == ["class", "f1", "precision", "recall", "auroc", "auprc", "positives"]
    assert cells(lines[2]) == ["af", "0.500", "0.500", "0.500", "0.625", "0.750", "2"]
    assert cells(lines[4]) == ["avnrt", "–", "–", "–", "–", "–", "0"]
    assert [line.split()[1] for line in lines[5:7]] == ["macro", "micro"]
    assert lines[6].split()[-2] == "3"
    assert lines[-1] == "4 records"
