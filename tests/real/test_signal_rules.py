"""Rules on real recordings: how far the signal and the labels of PTB-XL agree (a small sample)."""

from pathlib import Path

import pytest
from sklearn.metrics import cohen_kappa_score

from rarebeat.core.parquet import read_table
from rarebeat.labels.extract import label_cohort
from rarebeat.labels.signal_rules import RULES
from rarebeat.measure.cohort import measure_cohort
from rarebeat.measure.measurements import Measurements

pytestmark = pytest.mark.slow

Labelled = list[tuple[Measurements, dict[str, int | None]]]


@pytest.fixture(scope="module")
def measured(real_records: Path, tmp_path_factory: pytest.TempPathFactory) -> Labelled:
    """The records of PTB-XL with what their reports say."""
    records, labels = real_records / "ptb-xl", tmp_path_factory.mktemp("rules") / "labels"
    label_cohort(records, labels, "cinc2020", signal_checks=False)
    rows = read_table(labels / "text.parquet").to_pylist()
    return [
        (measurements, row)
        for (_, measurements), row in zip(measure_cohort(records, workers=1), rows, strict=True)
    ]


def told(measured: Labelled, class_id: str) -> list[tuple[int, bool]]:
    """Label and verdict of the records that have both."""
    rule = RULES[class_id]
    found = [(row[class_id], rule.verdict(measurements)) for measurements, row in measured]
    return [(label, verdict) for label, verdict in found if label in (0, 1) and verdict is not None]


@pytest.mark.parametrize(("class_id", "fewest"), [("left_axis_deviation", 0.6), ("sinus_tachycardia", 0.8)])
def test_rule_and_report_agree(measured: Labelled, class_id: str, fewest: float) -> None:
    pairs = told(measured, class_id)
    assert len(pairs) > 0.9 * len(measured)
    labels, verdicts = zip(*pairs, strict=True)
    assert cohen_kappa_score(labels, [int(verdict) for verdict in verdicts]) > fewest


@pytest.mark.parametrize(
    "class_id", ["sinus_bradycardia", "sinus_tachycardia", "atrial_fibrillation", "left_bundle_branch_block"]
)
def test_rules_exclude_hardly_a_report_on_rate_rhythm_or_left_block(
    measured: Labelled, class_id: str
) -> None:
    present = [row for _, row in measured if row[class_id] == 1]
    excluded = [label for label, verdict in told(measured, class_id) if label == 1 and not verdict]
    assert len(present) >= 5
    assert len(excluded) <= 1


def test_slow_records_are_seldom_called_bradycardia_in_ptb_xl(measured: Labelled) -> None:
    slow = [label for label, verdict in told(measured, "sinus_bradycardia") if verdict]
    assert len(slow) > 30
    assert sum(slow) < len(slow) / 2
