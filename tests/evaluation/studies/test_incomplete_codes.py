"""One set of predictions under three readings of incomplete codes, from records with such codes on."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from rarebeat.core.errors import RarebeatError
from rarebeat.core.parquet import write_table
from rarebeat.core.record_files import RECORD_SCHEMA
from rarebeat.core.records import INCOMPLETE
from rarebeat.dataset.catalogue import read_labels, resolve_uncertain
from rarebeat.evaluation.evaluate import EvaluateSettings
from rarebeat.evaluation.studies.cells import Cell
from rarebeat.evaluation.studies.compare import AVERAGE
from rarebeat.evaluation.studies.incomplete_codes import (
    ABSENT,
    COMPLETE,
    LEFT_OUT,
    READING,
    reading_rows,
    readings,
    shared_columns,
    truth_as_complete,
)
from rarebeat.inference.predictions import Predictions
from rarebeat.labels.codes import Incomplete
from rarebeat.labels.extract import label_cohort
from rarebeat.reporting.studies.incomplete_codes_section import incomplete_codes_section

COHORT, RECORDS = "ward", 240
QUICK = EvaluateSettings(replicates=20, at_least=5)
CODES = (["scp:SR"], ["scp:AFIB"], ["scp:SR", "scp:CLBBB"], ["scp:AFIB", "scp:CRBBB"])
"""Of records in turn; every second four lack codes."""

Labelled = Callable[[Incomplete], Path]


@pytest.fixture
def labelled(tmp_path: Path) -> Labelled:
    """Labels of records of which every second four have incomplete codes, under either setting."""
    rows = []
    for index in range(RECORDS):
        row = dict.fromkeys(RECORD_SCHEMA.names) | {"record_id": f"r{index}", "cohort": COHORT}
        row |= {"source": "PTB-XL", "rate": 500, "samples": 1, "calibrated": True}
        row |= {"fingerprint": str(index), "signal": bytes(24)}
        row["codes"] = [*CODES[index % 4], *([INCOMPLETE] if index // 4 % 2 else [])]
        rows.append(row)
    table = pa.Table.from_pylist(rows, schema=RECORD_SCHEMA)
    write_table(tmp_path / "records" / COHORT / "part-00000.parquet", table)

    def label(incomplete: Incomplete) -> Path:
        out = tmp_path / incomplete
        label_cohort(tmp_path / "records" / COHORT, out / COHORT, "hughes24", False, incomplete)
        return out

    return label


def cell_of(labels: Path, seed: int = 0) -> Cell:
    """Random predictions that know something: half of the records to choose thresholds, half to test on."""
    classes, states = read_labels(labels, [COHORT], {})
    truth = resolve_uncertain(np.array([states[COHORT, f"r{index}"] for index in range(RECORDS)]), "mask")
    random = np.random.default_rng([seed])
    probability = np.clip(random.normal(0.3, 0.15, truth.shape) + 0.2 * (truth == 1), 0, 1)
    predictions = Predictions(
        record_ids=np.array([f"r{index}" for index in range(RECORDS)], dtype=object),
        cohorts=np.full(RECORDS, COHORT, dtype=object),
        patients=np.array([f"p{index}" for index in range(RECORDS)], dtype=object),
        splits=np.repeat(["validation", "test"], RECORDS // 2),
        classes=classes.ids,
        thresholds=np.full(truth.shape[1], 0.4),
        probability=probability.astype(np.float32),
        truth=truth,
        vocabulary="hughes24",
    )
    return Cell({"learnt_from": "ward", "seed": str(seed)}, predictions)


def test_absent_codes_become_negatives_and_nothing_else_changes(labelled: Labelled) -> None:
    test = cell_of(labelled("unknown")).predictions.only("test")
    truth = truth_as_complete(test, labelled("negative"), {})
    changed = truth != test.truth
    assert set(test.truth[changed]) == {-1}
    assert set(truth[changed]) == {0}
    incomplete = np.array([int(name[1:]) // 4 % 2 == 1 for name in test.record_ids])
    assert changed.any(axis=1).tolist() == incomplete.tolist()


def test_the_three_readings_differ_in_the_test_split_alone(labelled: Labelled) -> None:
    cell = cell_of(labelled("unknown"))
    truth = truth_as_complete(cell.predictions.only("test"), labelled("negative"), {})
    read = readings(cell, truth)
    assert {name: len(found.predictions.only("test")) for name, found in read.items()} == {
        LEFT_OUT: 120,
        COMPLETE: 60,
        ABSENT: 120,
    }
    for name, found in read.items():
        assert found.factors == {**cell.factors, READING: name}
        validation = (part.predictions.only("validation").truth for part in (found, cell))
        assert np.array_equal(*validation)
    assert np.array_equal(read[ABSENT].predictions.only("test").truth, truth)


def test_scores_are_those_of_the_records_and_labels_of_each_reading(labelled: Labelled) -> None:
    cell = cell_of(labelled("unknown"))
    read = readings(cell, truth_as_complete(cell.predictions.only("test"), labelled("negative"), {}))
    shown, averaged = shared_columns([read], QUICK.at_least)
    column = cell.predictions.classes.index("left_bundle_branch_block")
    assert column in shown
    assert column in averaged
    for found in read.values():
        rows = {row["class"]: row for row in reading_rows(found, shown, averaged, QUICK, ("fixed", "max_f1"))}
        row, test = rows["left_bundle_branch_block"], found.predictions.only("test")
        known = test.truth[:, column] >= 0
        truth, probability = test.truth[known, column], test.probability[known, column]
        assert (row["positives"], row["negatives"]) == (np.sum(truth == 1), np.sum(truth == 0))
        assert row["auroc"] == pytest.approx(roc_auc_score(truth, probability), abs=1e-4)
        assert row["auprc"] == pytest.approx(average_precision_score(truth, probability), abs=1e-4)
        assert row["f1"] == pytest.approx(f1_score(truth, probability >= 0.4), abs=1e-4)
        mean = rows[AVERAGE]
        names = [test.classes[place] for place in averaged]
        assert mean["auroc"] == pytest.approx(np.mean([rows[name]["auroc"] for name in names]), abs=1e-4)
        assert mean["records"] == len(test)
        assert mean["f1_max_f1"] != mean["f1_fixed"]


def test_a_class_without_a_known_negative_under_one_reading_is_shown_and_not_averaged(
    labelled: Labelled,
) -> None:
    cell = cell_of(labelled("unknown"))
    read = readings(cell, truth_as_complete(cell.predictions.only("test"), labelled("negative"), {}))
    _, before = shared_columns([read], QUICK.at_least)
    column = cell.predictions.classes.index("left_bundle_branch_block")
    truth = read[LEFT_OUT].predictions.truth.copy()
    truth[truth[:, column] == 0, column] = -1
    read |= {LEFT_OUT: replace(read[LEFT_OUT], predictions=replace(read[LEFT_OUT].predictions, truth=truth))}
    shown, averaged = shared_columns([read], QUICK.at_least)
    assert column in shown
    assert averaged.tolist() == [place for place in before if place != column]
    mean = reading_rows(read[LEFT_OUT], shown, averaged, QUICK)[-1]
    assert mean["auroc_low"] is not None


def test_the_section_sets_the_three_side_by_side(labelled: Labelled) -> None:
    cells = [cell_of(labelled("unknown"), seed) for seed in (0, 1)]
    truth = truth_as_complete(cells[0].predictions.only("test"), labelled("negative"), {})
    text = incomplete_codes_section(cells, truth, QUICK)
    assert text.startswith("## Incomplete codes\n\nOf 120 test records 60 (60 of 120 of ward) have codes")
    lines = [
        [part.strip() for part in line.split("|")[1:-1]] for line in text.splitlines() if line[:1] == "|"
    ]
    assert lines[0][:4] == ["unknown classes", "records", "positives", "negatives"]
    assert [line[:2] for line in lines[2:5]] == [[LEFT_OUT, "120"], [COMPLETE, "60"], [ABSENT, "120"]]
    (row,) = [line for line in lines if line[0] == "left_bundle_branch_block"]
    assert row[1:4] == ["30/45", "15/45", "30/90"]
    by_rule = incomplete_codes_section(cells, truth, QUICK, ("fixed", "max_f1"), {"ward-0": 3}, workers=2)
    assert "macro F1, max_f1" in by_rule


def test_where_all_codes_are_complete_there_is_no_section(labelled: Labelled) -> None:
    cell = cell_of(labelled("negative"))
    truth = truth_as_complete(cell.predictions.only("test"), labelled("negative"), {})
    assert incomplete_codes_section([cell], truth, QUICK) == ""


def test_labels_of_other_records_or_made_in_another_way_are_refused(labelled: Labelled) -> None:
    test = cell_of(labelled("unknown")).predictions.only("test")
    labels = labelled("negative")
    with pytest.raises(RarebeatError, match="no labels of record elsewhere of cohort ward"):
        truth_as_complete(replace(test, record_ids=np.full(len(test), "elsewhere")), labels, {})
    with pytest.raises(RarebeatError, match=r"record r120 .* sinus_rhythm is 1, and was 0 when"):
        truth_as_complete(replace(test, truth=np.where(test.truth == 1, 0, test.truth)), labels, {})
    with pytest.raises(RarebeatError, match="no class something"):
        truth_as_complete(replace(test, classes=("something", *test.classes[1:])), labels, {})
    with pytest.raises(RarebeatError, match="no class that all models know has 1000 positive patients"):
        shared_columns([readings(cell_of(labelled("unknown")), truth_as_complete(test, labels, {}))], 1000)


def test_rules_of_the_challenge_are_left_out_where_its_classes_are_not_all_averaged(
    labelled: Labelled,
) -> None:
    cells = [cell_of(labelled("unknown"), seed) for seed in (0, 1)]
    truth = truth_as_complete(cells[0].predictions.only("test"), labelled("negative"), {})
    text = incomplete_codes_section(cells, truth, QUICK, ("fixed", "challenge_coordinate"))
    assert "macro F1, fixed" in text
    assert "macro F1, challenge_coordinate" not in text


def test_cells_of_other_records_are_refused(labelled: Labelled) -> None:
    cell = cell_of(labelled("unknown"))
    truth = truth_as_complete(cell.predictions.only("test"), labelled("negative"), {})
    turned = replace(cell, predictions=cell.predictions.rows(np.arange(RECORDS)[::-1]))  # type: ignore[arg-type]
    with pytest.raises(RarebeatError, match="the cells were not tested on the same records"):
        incomplete_codes_section([cell, turned], truth, QUICK)
