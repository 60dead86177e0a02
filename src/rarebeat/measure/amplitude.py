"""How large a signal is, in what steps it was stored, and what the two say of its gain beside the rest of a cohort.

A header that names a fifth of the true gain makes a signal five times too large. One record alone does not show that:
five times a small ECG is a large one. Two things that hold for a whole cohort do: hearts are alike whatever cart
recorded them, and a gain that is wrong makes the steps too large together with the signal.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rarebeat.core.records import Signal

FEWEST_RECORDS = 20
"""Records with equal steps without which nothing is said of a cohort."""

TYPICAL = (400.0, 2500.0)
"""Microvolts between which the median amplitude of a cohort lies (found: 890 to 1,530 in eight databases)."""

FAR = 4.0
"""How many times larger or smaller than those of its cohort a record's amplitude may be (found: 0.38 to 3.9 times)."""

GROUP_FAR = 2.0
"""The same for the median of records that were stored in other steps than the rest: by half the step or less, or by
twice or more."""

_LEAD = 7  # V2, where no lead is derived and most hearts are tall
_EVERY = 5  # samples: steps are found in a fifth of them as well
_NO_STEP = 1 << 16  # more than int16 can be apart


@dataclass(frozen=True, slots=True)
class Amplitude:
    """Amplitude and step of one calibrated record.

    Attributes:
        record_id: of the record.
        source: the database, or the part of it, that the record comes from.
        microvolts: see :func:`typical_span`.
        step: see :func:`smallest_step`.
    """

    record_id: str
    source: str
    microvolts: float
    step: int


def typical_span(signal: Signal, rate: float) -> float:
    """The span of a signal, second by second: the median of the seconds and of the leads (the upper one of two).

    It is about the height of the QRS complex, and a short artefact does not change it.

    Args:
        signal: int16, shape (12, samples), microvolts; a second at least.
        rate: samples per second.

    Returns:
        Microvolts.
    """
    width = min(int(rate), signal.shape[1])
    count = signal.shape[1] // width
    pieces = signal[:, : count * width].reshape(len(signal), count, width)
    spans = np.subtract(pieces.max(axis=2), pieces.min(axis=2), dtype=np.int32)
    middle = np.partition(spans, count // 2, axis=1)[:, count // 2]
    return float(np.partition(middle, len(middle) // 2)[len(middle) // 2])


def smallest_step(signal: Signal) -> int:
    """The smallest difference between two values of lead V2, which is the step of the converter where it used that.

    Args:
        signal: int16, shape (12, samples), microvolts.

    Returns:
        Microvolts, 1 at least; 0 where the lead is constant.

    Example:
        >>> smallest_step(np.tile(np.arange(0, 100, 5, dtype=np.int16), (12, 1)))
        25
    """
    gaps = np.diff(np.sort(signal[_LEAD, ::_EVERY]).astype(np.int32))
    return int(gaps[gaps > 0].min(initial=_NO_STEP)) % _NO_STEP


def gain_warnings(amplitudes: Sequence[Amplitude]) -> dict[str, str]:
    """Find records of a cohort whose gain is probably wrong.

    Records are compared with those of their source where there are enough of them, else with the whole cohort.

    Args:
        amplitudes: of all calibrated records of the cohort.

    Returns:
        Record id to what is wrong. Where fewer than :data:`FEWEST_RECORDS` of equal steps are to be compared with,
        nothing is said.
    """
    counts = Counter(entry.source for entry in amplitudes)
    places: dict[str, list[Amplitude]] = defaultdict(list)
    for entry in amplitudes:
        places[entry.source if counts[entry.source] >= FEWEST_RECORDS else ""].append(entry)
    whole = _usual(amplitudes)
    found: dict[str, str] = {}
    for place, entries in places.items():
        usual = (_usual(entries) if place else None) or whole
        if usual is not None:
            found |= _compare(entries, usual)
    return found


def _usual(entries: Sequence[Amplitude]) -> tuple[float, int] | None:
    """Median amplitude and step of the most records with equal steps, where they are enough."""
    groups = _by_step(entries)
    step = max(groups, key=lambda step: (len(groups[step]), -step), default=0)
    return (_median(groups[step]), step) if len(groups[step]) >= FEWEST_RECORDS else None


def _by_step(entries: Sequence[Amplitude]) -> dict[int, list[Amplitude]]:
    groups: dict[int, list[Amplitude]] = defaultdict(list)
    for entry in entries:
        groups[entry.step].append(entry)
    return groups


def _compare(entries: Sequence[Amplitude], usual: tuple[float, int]) -> dict[str, str]:
    """What is wrong with some records, beside the usual amplitude and step."""
    amplitude, usual_step = usual
    if not TYPICAL[0] <= amplitude <= TYPICAL[1]:
        text = (
            f"the median record of the cohort or source spans {amplitude / 1000:.3g} mV, expected "
            f"{TYPICAL[0] / 1000:g} to {TYPICAL[1] / 1000:g}: all gains are probably wrong"
        )
        return {entry.record_id: text for entry in entries}
    found = {}
    for step, group in _by_step(entries).items():
        ratio, steps = _median(group) / amplitude, step / max(usual_step, 1)
        together = (ratio >= GROUP_FAR and steps >= 2) or (ratio <= 1 / GROUP_FAR and steps <= 1 / 2)
        for entry in group:
            if together or not 1 / FAR <= entry.microvolts / amplitude <= FAR:
                also = f" in steps of {step} microvolts instead of {usual_step}" if together else ""
                found[entry.record_id] = (
                    f"the signal spans {entry.microvolts / 1000:.3g} mV{also}, others of the cohort "
                    f"{amplitude / 1000:.3g} mV: the gain is probably wrong"
                )
    return found


def _median(group: Sequence[Amplitude]) -> float:
    return float(np.median([entry.microvolts for entry in group]))
