"""Where the signal contradicts the labels."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.core.parquet import read_table, write_table
from rarebeat.core.record_files import write_part
from rarebeat.core.records import Record
from rarebeat.labels import signal_checks
from rarebeat.labels.signal_checks import (
    CHECKS,
    SIGNAL_CHECKS_SCHEMA,
    Check,
    applicable,
    check_cohort,
    check_record,
)
from rarebeat.labels.vocabulary import load_vocabulary
from rarebeat.measure.cohort import Measured, measure_cohort
from rarebeat.measure.measurements import Extent, Measurements

PLAIN = Measurements((), rate=75.0, mean_rate=75.0, variation=0.02, entropy=-2.3, qrs=90.0, axis=40.0)


def contradicted(measurements: Measurements, **states: int | None) -> list[str]:
    return [one.check for one in check_record(states, measurements)]


def measured(**values: float | None) -> Measurements:
    return Measurements((), **({"rate": 75.0, "variation": 0.02, "qrs": 90.0} | values))


@pytest.mark.parametrize(
    ("states", "values", "check"),
    [
        ({"sinus_bradycardia": 1}, {"rate": 75.0}, "bradycardia_is_fast"),
        ({"sinus_tachycardia": 1}, {"rate": 75.0}, "tachycardia_is_slow"),
        ({"sinus_rhythm": 1}, {"rate": 40.0}, "sinus_rhythm_is_slow"),
        ({"sinus_rhythm": 1}, {"rate": 130.0}, "sinus_rhythm_is_fast"),
        ({"supraventricular_tachycardia": 1}, {"rate": 75.0}, "svt_is_slow"),
        ({"avnrt": 1}, {"rate": 75.0}, "avnrt_is_slow"),
        ({"atrial_tachycardia": 1}, {"rate": 75.0}, "atrial_tachycardia_is_slow"),
        ({"atrial_fibrillation": 1}, {"variation": 0.02}, "fibrillation_is_regular"),
        ({"sinus_rhythm": 1}, {"variation": 0.35}, "sinus_rhythm_is_irregular"),
        ({"left_bundle_branch_block": 1}, {"qrs": 90.0}, "left_block_is_narrow"),
        ({"right_bundle_branch_block": 1}, {"qrs": 90.0}, "right_block_is_narrow"),
        ({"sinus_rhythm": 1}, {"qrs": 170.0}, "sinus_rhythm_is_wide"),
    ],
)
def test_each_check_finds_its_contradiction(
    states: dict[str, int | None], values: dict[str, float], check: str
) -> None:
    assert contradicted(measured(**values), **states) == [check]


def test_every_check_is_tried_above() -> None:
    (mark,) = test_each_check_finds_its_contradiction.pytestmark
    assert [check for *_, check in mark.args[1]] == [check.id for check in CHECKS]


@pytest.mark.parametrize(
    ("states", "values"),
    [
        ({"sinus_bradycardia": 1}, {"rate": 60.0}),  # borderline: 60 is the limit of the class
        ({"sinus_tachycardia": 1}, {"rate": 98.0}),
        ({"sinus_rhythm": 1}, {"rate": 102.0}),
        ({"right_bundle_branch_block": 1}, {"qrs": 112.0}),
        ({"sinus_rhythm": 1}, {"qrs": 130.0}),
        ({"atrial_fibrillation": 1}, {"variation": 0.1}),
    ],
)
def test_a_borderline_measurement_is_no_contradiction(
    states: dict[str, int | None], values: dict[str, float]
) -> None:
    assert not contradicted(measured(**values), **states)


@pytest.mark.parametrize(
    ("class_id", "values", "reason"),
    [
        ("atrial_fibrillation", {"variation": 0.02}, "paced_rhythm"),
        ("atrial_fibrillation", {"variation": 0.02}, "complete_heart_block"),
        ("atrial_fibrillation", {"variation": 0.02}, "atrial_flutter"),
        ("sinus_rhythm", {"variation": 0.35}, "premature_atrial_complexes"),
        ("sinus_rhythm", {"variation": 0.35}, "av_block_2nd_degree_mobitz_i"),
        ("sinus_rhythm", {"qrs": 170.0}, "left_bundle_branch_block"),
        ("sinus_tachycardia", {"rate": 60.0}, "av_block_2nd_degree_advanced"),
    ],
)
def test_what_another_class_explains_is_not_checked(
    class_id: str, values: dict[str, float], reason: str
) -> None:
    for state, found in ((1, 0), (-1, 0), (0, 1), (None, 1)):
        assert len(contradicted(measured(**values), **{class_id: 1, reason: state})) == found


@pytest.mark.parametrize("state", [0, -1, None])
def test_only_positive_classes_are_checked(state: int | None) -> None:
    assert not contradicted(PLAIN, **{check.class_id: state for check in CHECKS})


def test_what_was_not_measured_contradicts_nothing() -> None:
    assert not contradicted(Measurements(()), **{check.class_id: 1 for check in CHECKS})


def test_a_message_names_class_value_and_limit() -> None:
    (rate,) = check_record({"sinus_tachycardia": 1}, PLAIN)
    assert (rate.class_id, rate.value, rate.limit) == ("sinus_tachycardia", 75.0, 95)
    assert rate.message == "sinus tachycardia, but the ventricular rate is 75.0 per minute, below 95"
    (regular,) = check_record({"atrial_fibrillation": 1}, PLAIN)
    assert regular.message == (
        "atrial fibrillation, but consecutive RR intervals differ by 2.0% on average, below 6%"
    )
    (narrow,) = check_record({"left_bundle_branch_block": 1}, PLAIN)
    assert narrow.message == "left bundle branch block, but the QRS complex takes 90 ms, below 105"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_checks_name_classes_of_the_vocabulary(check: Check) -> None:
    assert {check.class_id, *check.unless} <= set(load_vocabulary("hughes24").class_ids)
    assert check.class_id not in check.unless


def ecg(bpm: float, width: float = 0.09) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Ten seconds of regular beats at 250 Hz."""
    clock = np.arange(2500) / 250
    phase = np.clip(((clock - 0.4) % (60 / bpm) - 0.2) / width, -0.5, 0.5)
    leads = np.outer(np.linspace(0.4, 1.6, 12), (1 + np.cos(2 * np.pi * phase)) / 2)
    leads += 0.01 * np.random.default_rng(0).standard_normal(leads.shape)
    return np.rint(1000 * leads).astype(np.int16)


TEXT: Mapping[str, Mapping[str, int]] = {
    "slow": {"sinus_bradycardia": 1, "left_bundle_branch_block": 0},
    "fast": {"sinus_bradycardia": 1},
    "flat": {"sinus_bradycardia": 1},
    "wide": {"left_bundle_branch_block": 1},
}
CODES: Mapping[str, Mapping[str, int]] = {
    "slow": {"atrial_fibrillation": 1},
    "fast": {},
    "flat": {},
    "wide": {"sinus_bradycardia": -1},
}


@pytest.fixture
def cohort(tmp_path: Path) -> tuple[Path, Path]:
    """Folders of records and of labels."""
    signals = {
        "slow": ecg(50),
        "fast": ecg(90),
        "flat": np.zeros((12, 2500), np.int16),
        "wide": ecg(70, width=0.16),
    }
    records, labels = tmp_path / "records", tmp_path / "labels"
    records.mkdir()
    made = [Record(name, signal, 250.0, "made-up") for name, signal in signals.items()]
    write_part(records / "part-00000.parquet", "made_up", made[:3])
    write_part(records / "part-00001.parquet", "made_up", made[3:])
    classes = ("sinus_bradycardia", "left_bundle_branch_block", "atrial_fibrillation")
    schema = pa.schema([("record_id", pa.string()), *((name, pa.int8()) for name in classes)])
    for origin, states in (("text", TEXT), ("codes", CODES)):
        rows = [{"record_id": name, **found} for name, found in states.items()]
        write_table(labels / f"{origin}.parquet", pa.Table.from_pylist(rows, schema=schema))
    return records, labels


def test_a_cohort_is_counted_per_origin_and_check(cohort: tuple[Path, Path]) -> None:
    assert check_cohort(*cohort) == {
        "text": {
            "bradycardia_is_fast": {"checked": 2, "contradicted": 1, "unmeasurable": 1},
            "left_block_is_narrow": {"checked": 1, "contradicted": 0, "unmeasurable": 0},
        },
        "codes": {"fibrillation_is_regular": {"checked": 1, "contradicted": 1, "unmeasurable": 0}},
    }


def test_what_no_check_calls_for_is_not_measured(
    cohort: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Extent] = []

    def spy(records: Path, workers: None, extents: Iterable[Extent]) -> Iterator[Measured]:
        asked.extend(extents := list(extents))
        return measure_cohort(records, workers, extents)

    monkeypatch.setattr(signal_checks, "measure_cohort", spy)
    check_cohort(*cohort)
    assert asked == [Extent.BEATS, Extent.BEATS, Extent.BEATS, Extent.COMPLEXES]
    write_table(cohort[1] / "text.parquet", read_table(cohort[1] / "codes.parquet"))
    asked.clear()
    check_cohort(*cohort)
    assert asked == [Extent.BEATS, Extent.NOTHING, Extent.NOTHING, Extent.NOTHING]


def test_contradictions_are_listed_beside_the_labels_which_stay_as_they_are(
    cohort: tuple[Path, Path],
) -> None:
    records, labels = cohort
    before = [(labels / name).read_bytes() for name in ("text.parquet", "codes.parquet")]
    check_cohort(records, labels)
    table = read_table(labels / "signal_checks.parquet")
    assert table.schema.equals(SIGNAL_CHECKS_SCHEMA)
    assert [(row["record_id"], row["origin"], row["class"], row["check"]) for row in table.to_pylist()] == [
        ("slow", "codes", "atrial_fibrillation", "fibrillation_is_regular"),
        ("fast", "text", "sinus_bradycardia", "bradycardia_is_fast"),
    ]
    assert table.column("value")[1].as_py() == pytest.approx(90, abs=1)
    assert before == [(labels / name).read_bytes() for name in ("text.parquet", "codes.parquet")]


def test_the_same_cohort_gives_the_same_bytes(cohort: tuple[Path, Path]) -> None:
    records, labels = cohort
    contents = []
    for _ in range(2):
        check_cohort(records, labels)
        contents.append((labels / "signal_checks.parquet").read_bytes())
    assert contents[0] == contents[1]


def test_labels_of_other_records_are_refused(cohort: tuple[Path, Path]) -> None:
    records, labels = cohort
    write_table(labels / "codes.parquet", read_table(labels / "codes.parquet").slice(1))
    with pytest.raises(RarebeatError, match=r"codes\.parquet does not hold the records of"):
        check_cohort(records, labels)
    assert not (labels / "signal_checks.parquet").exists()


def test_a_record_without_labels_calls_for_no_check() -> None:
    assert list(applicable({})) == []
