"""Does the signal bear out the labels? Contradictions are listed and counted; no label is changed.

A check takes a class that is positive and asks whether a measurement makes it implausible. Its limit lies beyond
the one that defines the class, so that a borderline measurement is no contradiction. A check proves nothing: the
label, the measurement or the detection of beats may be wrong. It says where to look.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from tqdm import tqdm

from rarebeat.core.errors import RarebeatError
from rarebeat.core.parallel import Workers
from rarebeat.core.parquet import read_table, write_table
from rarebeat.core.record_files import read_metadata
from rarebeat.labels.states import POSITIVE, UNCERTAIN, State
from rarebeat.measure.cohort import measure_cohort
from rarebeat.measure.measurements import Extent, Measurements

SIGNAL_CHECKS_SCHEMA = pa.schema(
    [
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("origin", pa.string(), nullable=False),  # "text" or "codes"
        pa.field("class", pa.string(), nullable=False),
        pa.field("check", pa.string(), nullable=False),  # Check.id
        pa.field("value", pa.float64(), nullable=False),  # what was measured
        pa.field("limit", pa.float64(), nullable=False),
        pa.field("message", pa.string(), nullable=False),
    ]
)

ORIGINS = ("text", "codes")
OUTCOMES = ("checked", "contradicted", "unmeasurable")

_FINDINGS = {
    "rate": "the ventricular rate is {value:.1f} per minute, {side} {limit:.0f}",
    "variation": "consecutive RR intervals differ by {value:.1%} on average, {side} {limit:.0%}",
    "qrs": "the QRS complex takes {value:.0f} ms, {side} {limit:.0f}",
}


@dataclass(frozen=True, slots=True)
class Check:
    """A measurement that contradicts a positive class.

    Attributes:
        id: says what is wrong: ``tachycardia_is_slow``.
        class_id: the class that is positive.
        measurement: an attribute of :class:`rarebeat.measure.measurements.Measurements`.
        side: on which side of the limit the contradiction lies.
        limit: in the unit of the measurement.
        unless: classes that explain the measurement. With one of them positive or uncertain nothing is checked.
    """

    id: str
    class_id: str
    measurement: Literal["rate", "variation", "qrs"]
    side: Literal["below", "above"]
    limit: float
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A positive class that the signal does not bear out.

    Attributes:
        class_id: the class.
        check: id of the check.
        value: what was measured.
        limit: of the check.
        message: for a person.
    """

    class_id: str
    check: str
    value: float
    limit: float
    message: str


_SINUS = ("sinus_rhythm", "sinus_bradycardia")
_AV_BLOCKS = ("av_block_2nd_degree_mobitz_i", "av_block_2nd_degree_advanced", "complete_heart_block")
_ECTOPY = (
    "premature_atrial_complexes",
    "premature_ventricular_complexes",
    "fusion_complexes",
    "bigeminy",
)
_OTHER_RHYTHMS = (
    "sinus_tachycardia",
    "supraventricular_tachycardia",
    "avnrt",
    "atrial_tachycardia",
    "atrial_fibrillation",
    "atrial_flutter",
    "junctional_rhythm",
    "ectopic_atrial_rhythm",
)
_WIDE_RHYTHMS = ("ventricular_tachycardia", "idioventricular_rhythm", "paced_rhythm")
_BUNDLES = ("left_bundle_branch_block", "right_bundle_branch_block")
_WIDE = (*_BUNDLES, *_WIDE_RHYTHMS, "premature_ventricular_complexes", "fusion_complexes", "bigeminy")
_FAST = (*_OTHER_RHYTHMS, *_WIDE_RHYTHMS, "bigeminy")
_STEADY = (*_WIDE_RHYTHMS, "complete_heart_block", "atrial_flutter", "junctional_rhythm")
"""What can give atrial fibrillation a regular ventricular rhythm, or be taken for it."""
_IRREGULAR = (*_ECTOPY, *_OTHER_RHYTHMS, *_WIDE_RHYTHMS, *_AV_BLOCKS, "sinus_arrhythmia")

CHECKS = (
    Check("bradycardia_is_fast", "sinus_bradycardia", "rate", "above", 65, ("bigeminy", "paced_rhythm")),
    Check("tachycardia_is_slow", "sinus_tachycardia", "rate", "below", 95, _AV_BLOCKS),
    Check("sinus_rhythm_is_slow", "sinus_rhythm", "rate", "below", 47, ("sinus_bradycardia", *_AV_BLOCKS)),
    Check("sinus_rhythm_is_fast", "sinus_rhythm", "rate", "above", 110, _FAST),
    Check("svt_is_slow", "supraventricular_tachycardia", "rate", "below", 90, _SINUS),
    Check("avnrt_is_slow", "avnrt", "rate", "below", 90, _SINUS),
    Check("atrial_tachycardia_is_slow", "atrial_tachycardia", "rate", "below", 90, (*_SINUS, *_AV_BLOCKS)),
    Check("fibrillation_is_regular", "atrial_fibrillation", "variation", "below", 0.06, _STEADY),
    Check("sinus_rhythm_is_irregular", "sinus_rhythm", "variation", "above", 0.2, _IRREGULAR),
    Check("left_block_is_narrow", "left_bundle_branch_block", "qrs", "below", 105, ("paced_rhythm",)),
    Check("right_block_is_narrow", "right_bundle_branch_block", "qrs", "below", 105, ("paced_rhythm",)),
    Check("sinus_rhythm_is_wide", "sinus_rhythm", "qrs", "above", 150, _WIDE),
)
"""Limits chosen on folds 1 to 6 of PTB-XL and four fifths of the records of other databases (small samples)."""


def applicable(states: Mapping[str, State]) -> Iterator[Check]:
    """The checks of what the labels of a record say."""
    for check in CHECKS:
        explained = any(states.get(name) in (POSITIVE, UNCERTAIN) for name in check.unless)
        if states.get(check.class_id) == POSITIVE and not explained:
            yield check


def check_record(states: Mapping[str, State], measurements: Measurements) -> list[Contradiction]:
    """What the signal of one record contradicts in its labels.

    Args:
        states: state per class id; classes that are not there count as unknown.
        measurements: of its signal. What could not be measured contradicts nothing.
    """
    return [
        contradiction
        for check in applicable(states)
        if (value := getattr(measurements, check.measurement)) is not None
        and (contradiction := _contradiction(check, value)) is not None
    ]


def _contradiction(check: Check, value: float) -> Contradiction | None:
    if not (value > check.limit if check.side == "above" else value < check.limit):
        return None
    finding = _FINDINGS[check.measurement].format(value=value, side=check.side, limit=check.limit)
    message = f"{check.class_id.replace('_', ' ')}, but {finding}"
    return Contradiction(check.class_id, check.id, value, check.limit, message)


def check_cohort(
    records: Path, labels: Path, workers: Workers | None = None
) -> dict[str, dict[str, dict[str, int]]]:
    """Measure the signals of a cohort and compare them with its labels; write ``signal_checks.parquet``.

    Args:
        records: cohort folder written by ingest.
        labels: folder with the states of these records in ``text.parquet`` and ``codes.parquet``; the table goes
            there, too.
        workers: processes that measure, or a cluster; None takes one process per core, fewer for a small cohort.

    Returns:
        Per origin and check: how many records were ``checked``, how many of these the signal ``contradicted``, and
        how many were ``unmeasurable``. Checks that no record calls for are left out.

    Raises:
        RarebeatError: when the records or the labels cannot be read, or do not belong together.
    """
    states = {origin: read_table(labels / f"{origin}.parquet") for origin in ORIGINS}
    ids = read_metadata(records, ["record_id"]).column("record_id")
    for origin, table in states.items():
        if not table.column("record_id").equals(ids):
            raise RarebeatError(f"{labels / origin}.parquet does not hold the records of {records}")
    counts = {origin: Counter[tuple[str, str]]() for origin in ORIGINS}
    found: list[tuple[str, str, Contradiction]] = []
    progress = tqdm(total=len(ids), desc=f"measure {records.name}", unit="record", disable=None, delay=2)
    with progress:
        rows = zip(*(_iterate_rows(states[origin]) for origin in ORIGINS), strict=True)
        extents = map(_extent, *(_iterate_rows(states[origin]) for origin in ORIGINS))
        measured = measure_cohort(records, workers, extents)
        for (record_id, measurements), told in zip(measured, rows, strict=True):
            for origin, row in zip(ORIGINS, told, strict=True):
                contradictions = check_record(row, measurements)
                found += [(record_id, origin, one) for one in contradictions]
                counts[origin].update(_outcomes(row, measurements, contradictions))
            progress.update()
    write_table(labels / "signal_checks.parquet", _to_table(found))
    return {origin: _summary(counter) for origin, counter in counts.items()}


def _extent(*origins: Mapping[str, State]) -> Extent:
    """How much of a record must be measured for the checks that its labels call for."""
    asked = {check.measurement for states in origins for check in applicable(states)}
    if "qrs" in asked:
        return Extent.COMPLEXES
    return Extent.BEATS if asked else Extent.NOTHING


def _iterate_rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=1000):
        yield from batch.to_pylist()


def _outcomes(
    states: Mapping[str, State], measurements: Measurements, contradictions: Iterable[Contradiction]
) -> Iterator[tuple[str, str]]:
    """What is counted for one record: pairs of check and outcome."""
    for check in applicable(states):
        measured = getattr(measurements, check.measurement) is not None
        yield check.id, "checked" if measured else "unmeasurable"
    for one in contradictions:
        yield one.check, "contradicted"


def _summary(counter: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    called = {check for check, _ in counter}
    return {
        check.id: {outcome: counter[check.id, outcome] for outcome in OUTCOMES}
        for check in CHECKS
        if check.id in called
    }


def _to_table(found: Iterable[tuple[str, str, Contradiction]]) -> pa.Table:
    rows = [
        (record_id, origin, one.class_id, one.check, one.value, one.limit, one.message)
        for record_id, origin, one in found
    ]
    names = SIGNAL_CHECKS_SCHEMA.names
    return pa.Table.from_pylist(
        [dict(zip(names, row, strict=True)) for row in rows], schema=SIGNAL_CHECKS_SCHEMA
    )
