"""An evaluation becomes a folder of reports that people and DVC can read."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.reporting.sheets.run import card_of

from rarebeat.core.errors import RarebeatError
from rarebeat.evaluation.evaluate import EvaluateSettings, Evaluation, evaluate
from rarebeat.inference.model_card import ModelCard
from rarebeat.inference.predictions import Predictions
from rarebeat.reporting.folder import write_reports

CLASSES = ("sinus_rhythm", "atrial_fibrillation", "avnrt")


@pytest.fixture(scope="module")
def test_split() -> Predictions:
    """80 records of 40 patients and two cohorts; nobody has the third class."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, (80, 3)).astype(np.int8)
    truth[:, 2] = 0
    names = np.array([f"r{index}" for index in range(80)], dtype=object)
    return Predictions(
        record_ids=names,
        cohorts=np.repeat(np.array(["clinic", "ludb"], dtype=object), 40),
        patients=np.array([f"p{index // 2}" for index in range(80)], dtype=object),
        splits=np.full(80, "test", dtype=object),
        classes=CLASSES,
        thresholds=np.full(3, 0.5),
        probability=np.clip(0.5 * truth + 0.6 * random.random((80, 3)), 0, 1).astype(np.float32),
        truth=truth,
    )


@pytest.fixture(scope="module")
def evaluation(test_split: Predictions) -> Evaluation:
    return evaluate(test_split, EvaluateSettings(replicates=50))


def test_everything_that_is_promised_is_written(
    test_split: Predictions, evaluation: Evaluation, tmp_path: Path
) -> None:
    written = write_reports(tmp_path, test_split, evaluation, "Label set all")
    assert all(path.exists() for path in written)
    assert set(tmp_path.iterdir()) == set(written)
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        "precision_recall.png",
        "calibration.png",
    }
    assert (tmp_path / "figures" / "calibration.png").read_bytes().startswith(b"\x89PNG")


def test_thresholds_are_said_to_be_those_of_the_training_or_of_a_site(
    test_split: Predictions, evaluation: Evaluation, tmp_path: Path
) -> None:
    def words(card: ModelCard | None) -> str:
        write_reports(tmp_path, test_split, evaluation, "Label set all", card=card)
        return (tmp_path / "results.md").read_text(encoding="utf-8")

    for card in (None, card_of()):
        assert "; it is chosen on the validation split, and F1" in words(card)
    adapted = words(card_of(adapted={"records": 40}))
    assert "; it is fitted to 40 labelled records of one site, and F1" in adapted
    assert "validation split" not in adapted


def test_records_without_a_patient_are_not_called_patients(test_split: Predictions, tmp_path: Path) -> None:
    alone = np.array(
        [f"{c}/{r}" for c, r in zip(test_split.cohorts, test_split.record_ids, strict=True)], dtype=object
    )
    mixed = replace(test_split, patients=np.where(test_split.cohorts == "ludb", alone, test_split.patients))
    evaluation = evaluate(mixed, EvaluateSettings(replicates=0))
    write_reports(tmp_path, mixed, evaluation, "Label set all")
    page = (tmp_path / "results.md").read_text()
    assert "80 records (40 of 20 patients, 40 of patients who are not told apart)" in page
    assert json.loads((tmp_path / "metrics.json").read_text())["records_without_patient"] == 40
    none = replace(test_split, patients=alone)
    write_reports(tmp_path, none, evaluate(none, EvaluateSettings(replicates=0)), "Label set all")
    assert "80 records of patients who are not told apart" in (tmp_path / "results.md").read_text()


def test_a_file_beside_the_curves_is_not_lost(
    test_split: Predictions, evaluation: Evaluation, tmp_path: Path
) -> None:
    write_reports(tmp_path, test_split, evaluation, "Label set all")
    (tmp_path / "precision_recall" / "notes.txt").write_text("precious")
    with pytest.raises(RarebeatError, match=r"holds notes\.txt"):
        write_reports(tmp_path, test_split, evaluation, "Label set all")


def test_an_undefined_metric_is_null_and_its_curve_empty(
    test_split: Predictions, evaluation: Evaluation, tmp_path: Path
) -> None:
    write_reports(tmp_path, test_split, evaluation, "Label set all")
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["classes"]["avnrt"]["auroc"] is None
    assert metrics["classes"]["sinus_rhythm"]["auroc"] > 0.5
    assert set(metrics["cohorts"]) == {"clinic", "ludb"}
    assert (tmp_path / "precision_recall" / "avnrt.csv").read_text() == "class,recall,precision,threshold\n"


def test_the_table_of_classes_has_a_row_per_cohort_and_class(
    test_split: Predictions, evaluation: Evaluation, tmp_path: Path
) -> None:
    write_reports(tmp_path, test_split, evaluation, "Label set all")
    with (tmp_path / "classes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["cohort"], row["class"]) for row in rows] == [
        (cohort, name) for cohort in ("all", "clinic", "ludb") for name in CLASSES
    ]


def test_writing_twice_gives_the_same_bytes(
    test_split: Predictions, evaluation: Evaluation, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        write_reports(tmp_path / name, test_split, evaluation, "Label set all")
    files = [
        path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*") if path.is_file()
    ]
    for file in files:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes(), file


def test_a_class_name_does_not_lead_out_of_the_folder(
    test_split: Predictions, evaluation: Evaluation, tmp_path: Path
) -> None:
    named = replace(test_split, classes=("../../outside", *CLASSES[1:]))
    with pytest.raises(RarebeatError, match="leads out of"):
        write_reports(tmp_path / "reports", named, evaluation, "Label set all")
    assert not list(tmp_path.rglob("outside*"))
