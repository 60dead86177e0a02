"""From what a reader found to the stored signal: twelve leads in microvolts, every check in one place.

The limits were chosen on 2,118 public 12-lead recordings, so that each catches what it names and no sound
recording: see ``tests/real/test_sources.py``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import BadRecordError
from rarebeat.core.limb_leads import check_limb_leads, derivable, derive_limb_leads
from rarebeat.core.records import LEADS, Signal
from rarebeat.measure.amplitude import typical_span

MICROVOLTS = {
    "nv": 1e-3, "nanovolts": 1e-3, "uv": 1.0, "µv": 1.0, "μv": 1.0, "microvolts": 1.0, "mv": 1e3,
    "millivolts": 1e3, "v": 1e6, "volts": 1e6,
}  # fmt: skip
"""Microvolts in a unit (lower case)."""

NORMALISED = "nu"
"""WFDB's unit of a signal whose amplitude was normalised away; stored in thousandths."""

RATES = (50.0, 50_000.0)
"""Hz that a 12-lead ECG can have."""

MIN_SECONDS = 1.0
FLAT_SHARE = 0.5
"""A lead that holds one value for more than this share of the recording (one half or more) is flat."""

PLATEAU_SECONDS = 0.02
RAIL_SECONDS = 0.1
LONG_RAIL_SECONDS = 0.2
RAIL_VISITS = 3
RAIL_TOLERANCE = 0.002
RAIL_DISTANCE = 0.25
"""A lead is clipped when it rests (exactly constant for PLATEAU_SECONDS) within RAIL_TOLERANCE of its range
from its highest or lowest value, for RAIL_SECONDS in RAIL_VISITS visits or for LONG_RAIL_SECONDS at once, and
this value is RAIL_DISTANCE of its range away from the median (a silent baseline is no rail)."""

SMALLEST_RANGE = 150.0
"""Microvolts that the median lead must span at least (found: 496)."""

LARGEST_RANGE = 6000.0
"""Microvolts that the middle nine tenths of the median lead may span (found: 3,600; artefacts span more)."""

LARGEST_TYPICAL_SPAN = 5000.0
"""Microvolts that the median lead may span in the median second (found: 4,446 in one record, 3,220 in all others)."""

SUSPICIOUS_RANGE = 4000.0
SUSPICIOUS_GAP = 15.0
"""Where the median lead spans more than SUSPICIOUS_RANGE microvolts, its values must lie closer together than
SUSPICIOUS_GAP, or use every step: values that skip steps were made for another gain (found: at most 5 microvolts)."""

LARGEST = float(np.iinfo(np.int16).max)
_INVALID = np.iinfo(np.int16).min  # WFDB's mark of an invalid sample in format 16, and GE MUSE's
_LEAD_INDEX = {name.upper(): index for index, name in enumerate(LEADS)}

Samples = npt.NDArray[np.int16] | npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RawLeads:
    """Leads as a file holds them. A physical value is ``(sample - baseline) / gain`` in the lead's unit.

    Attributes:
        samples: shape (leads, samples). int16 with -32768 as "invalid", or float64 with NaN as "invalid".
        names: one per lead, in any case.
        gains: steps per unit; None where unknown.
        baselines: the step at zero.
        units: such as "mV", in any case.
    """

    samples: Samples
    names: Sequence[str]
    gains: Sequence[float | None]
    baselines: Sequence[float]
    units: Sequence[str]


def trusted_signal(raw: RawLeads, rate: float) -> tuple[Signal, bool]:
    """Turn raw leads into the stored signal, or refuse.

    Args:
        raw: the leads of one record.
        rate: samples per second.

    Returns:
        The signal, int16 of shape (12, samples), microvolts (or thousandths of the normalised unit), and
        whether its amplitude is calibrated. It is not when the unit says so, or when all twelve leads span
        exactly the same range, as in LUDB, whose gains scale each lead to 1 mV.

    Raises:
        BadRecordError: for a signal that cannot be trusted.
    """
    rows = _find_leads(raw.names)
    if not RATES[0] <= rate <= RATES[1]:
        raise BadRecordError("implausible_header", f"{rate:g} Hz; expected {RATES[0]:g} to {RATES[1]:g}")
    if raw.samples.shape[1] < MIN_SECONDS * rate:
        raise BadRecordError(
            "too_short", f"{raw.samples.shape[1]} samples at {rate:g} Hz; expected at least 1 s"
        )
    scales, calibrated = _scales(raw, rows)
    signal = _to_steps(raw, rows, scales)
    lowest, highest = signal.min(axis=1).astype(np.int64), signal.max(axis=1).astype(np.int64)
    if lowest.min() == _INVALID:
        _refuse_invalid(raw)
    spans = highest - lowest
    _check_flat(signal, spans, rate)
    _check_clipped(signal, lowest, highest, rate)
    if np.ptp(spans) <= 2:  # rounding of both ends
        calibrated = False
    if calibrated:
        _check_gain(signal, spans, max(scales.values()))
        _check_amplitude(signal, spans, rate)
        check_limb_leads(signal, max(scales.values()))
    return signal, calibrated


def lead_index(name: str) -> int | None:
    """Find where a lead stands among the twelve.

    Args:
        name: as a file has it, in any case, also with "Lead" before it.

    Returns:
        Its index in :data:`rarebeat.core.records.LEADS`; None for any other signal.

    Example:
        >>> lead_index("avr"), lead_index("Lead V1"), lead_index("vx")
        (3, 6, None)
    """
    return _LEAD_INDEX.get(name.replace(" ", "").upper().removeprefix("LEAD"))


def stored_leads(names: Sequence[str]) -> list[int]:
    """Which of the twelve leads signals are.

    Args:
        names: of the signals.

    Returns:
        Indices in :data:`rarebeat.core.records.LEADS`; other signals have none.

    Example:
        >>> stored_leads(["I", "II", "pleth", "V1"])
        [0, 1, 6]
    """
    return [index for index in map(lead_index, names) if index is not None]


def shown_name(name: str) -> str:
    """Write the name of a signal for a message: quoted where it is no lead, for then it can be any word.

    Args:
        name: as a file has it.

    Returns:
        What stands in a message: quotations are left out of the quarantine of a private archive.

    Example:
        >>> shown_name("V1"), shown_name("Jane Doe")
        ('V1', "'Jane Doe'")
    """
    return name if lead_index(name) is not None else repr(name[:40])


def _find_leads(names: Sequence[str]) -> list[int | None]:
    """For each of the twelve leads its row, or None where it can be derived from other limb leads."""
    rows: list[int | None] = [None] * len(LEADS)
    for row, name in enumerate(names):
        index = lead_index(name)
        if index is None:
            continue
        if rows[index] is not None:
            raise BadRecordError("header_mismatch", f"lead {LEADS[index]} is there twice")
        rows[index] = row
    derived = derivable([row is not None for row in rows])
    missing = [LEADS[i] for i, row in enumerate(rows) if row is None and not derived[i]]
    if missing:
        raise BadRecordError(
            "missing_leads", f"{', '.join(missing)} missing; found {' '.join(names)[:200]!r}"
        )
    return rows


def _scales(raw: RawLeads, rows: list[int | None]) -> tuple[dict[int, float], bool]:
    """Microvolts (or thousandths of the normalised unit) per step of each row in use; whether calibrated."""
    used = [row for row in rows if row is not None]
    normalised = {raw.units[row].strip().lower() == NORMALISED for row in used}
    if len(normalised) > 1:
        raise BadRecordError("unknown_units", "some leads are normalised and others are not")
    scales = {}
    for row in used:
        unit, gain = raw.units[row].strip().lower(), raw.gains[row]
        factor = 1000.0 if unit == NORMALISED else MICROVOLTS.get(unit)
        if factor is None:
            raise BadRecordError(
                "unknown_units", f"lead {raw.names[row]} is in {raw.units[row]!r}, expected a voltage"
            )
        if gain is None or not 0 < gain < np.inf:
            raise BadRecordError(
                "unknown_units", f"lead {raw.names[row]} has a gain of {gain}, expected steps per unit"
            )
        scales[row] = factor / gain
    return scales, not normalised.pop()


def _to_steps(raw: RawLeads, rows: list[int | None], scales: dict[int, float]) -> Signal:
    """The twelve leads as int16, missing limb leads derived before rounding."""
    in_microvolts = all(scale == 1 and raw.baselines[row] == 0 for row, scale in scales.items())
    if in_microvolts and raw.samples.dtype == np.int16 and rows == list(range(len(LEADS))):
        return np.ascontiguousarray(raw.samples[: len(LEADS)])  # invalid samples are found in its minima
    samples = raw.samples
    _refuse_invalid(raw)
    physical = np.empty((len(LEADS), samples.shape[1]))
    for index, row in enumerate(rows):
        if row is not None:
            np.subtract(samples[row], raw.baselines[row], out=physical[index], dtype=np.float64)
            physical[index] *= scales[row]
    derive_limb_leads(physical, [index for index, row in enumerate(rows) if row is None])
    if not np.abs(physical).max() <= LARGEST:
        lead = LEADS[int(np.abs(physical).max(axis=1).argmax())]
        raise BadRecordError(
            "implausible_amplitude",
            f"lead {lead} reaches {np.abs(physical).max() / 1000:.4g} mV; at most 32.767 fits",
        )
    return np.rint(physical, out=physical).astype(np.int16)


def _refuse_invalid(raw: RawLeads) -> None:
    invalid = raw.samples == _INVALID if raw.samples.dtype == np.int16 else np.isnan(raw.samples)
    counts = {
        name: int(count)
        for name, count in zip(raw.names, invalid.sum(axis=1), strict=True)
        if count and lead_index(name) is not None
    }
    if counts:
        found = ", ".join(f"{name} ({count})" for name, count in counts.items())
        raise BadRecordError("not_a_number", f"samples marked as invalid in {found}, of {invalid.shape[1]}")


def _check_flat(signal: Signal, spans: npt.NDArray[np.int64], rate: float) -> None:
    flat = [LEADS[index] for index in np.flatnonzero(spans == 0)]
    if flat:
        raise BadRecordError("flat_lead", f"{', '.join(flat)} constant")
    # A run of more than half of the samples holds the middle ones, and few leads are constant there.
    count = signal.shape[1]
    middle = signal[:, count // 2 - count // 50 : count // 2 + count // 50]
    for index in np.flatnonzero(middle.min(axis=1) == middle.max(axis=1)):
        longest = max((length for _, length in _constant_runs(signal[index])), default=0)
        if longest > FLAT_SHARE * count:
            raise BadRecordError(
                "flat_lead",
                f"{LEADS[index]} constant for {longest / rate:.1f} of {count / rate:.1f} s",
            )


def _check_clipped(
    signal: Signal, lowest: npt.NDArray[np.int64], highest: npt.NDArray[np.int64], rate: float
) -> None:
    tolerance = (RAIL_TOLERANCE * (highest - lowest)).astype(np.int16)
    # Of every step-th sample, a rest of n holds at least n / (3 step) pairs of neighbours: few leads have as
    # many at their limits, and only those need a closer look.
    step = max(1, int(PLATEAU_SECONDS * rate / 2))
    sparse = np.ascontiguousarray(signal[:, ::step])
    needed = RAIL_SECONDS * rate / (3 * step)
    for sign, extreme in ((1, highest), (-1, lowest)):
        limit = (extreme - sign * tolerance).astype(np.int16)[:, None]
        at_rail = sparse >= limit if sign > 0 else sparse <= limit
        pairs = at_rail[:, 1:] & at_rail[:, :-1]
        if np.count_nonzero(pairs) < needed:
            continue
        for index in np.flatnonzero(np.count_nonzero(pairs, axis=1) >= needed):
            _check_rail(signal[index], LEADS[index], int(extreme[index]), int(tolerance[index]), rate)


def _check_rail(lead: Signal, name: str, rail: int, tolerance: int, rate: float) -> None:
    rests = [
        length
        for value, length in _constant_runs(lead)
        if abs(value - rail) <= tolerance and length >= PLATEAU_SECONDS * rate
    ]
    distance = abs(rail - float(np.median(lead)))
    if not rests or distance < RAIL_DISTANCE * np.ptp(lead.astype(np.int32)):
        return
    seconds = sum(rests) / rate
    if (len(rests) >= RAIL_VISITS and seconds >= RAIL_SECONDS) or max(rests) >= LONG_RAIL_SECONDS * rate:
        raise BadRecordError(
            "clipped",
            f"{name} rests at its limit for {seconds:.2f} s, the longest time for {max(rests) / rate:.2f} s",
        )


def _constant_runs(lead: Signal) -> list[tuple[int, int]]:
    """Value and length of each run of at least two equal samples."""
    still = np.concatenate(([False], lead[1:] == lead[:-1], [False]))
    edges = np.flatnonzero(still[1:] != still[:-1])
    starts, ends = edges[::2], edges[1::2]
    return list(zip(lead[starts].tolist(), (ends - starts + 1).tolist(), strict=True))


def _check_amplitude(signal: Signal, spans: npt.NDArray[np.int64], rate: float) -> None:
    span = float(np.median(spans))
    if span < SMALLEST_RANGE:
        raise BadRecordError(
            "implausible_amplitude",
            f"the median lead spans {span / 1000:.4g} mV, expected at least {SMALLEST_RANGE / 1000:g}: "
            "the gain is probably wrong",
        )
    if span <= LARGEST_TYPICAL_SPAN:
        return  # a part of it spans less
    if (typical := typical_span(signal, rate)) > LARGEST_TYPICAL_SPAN:
        raise BadRecordError(
            "implausible_amplitude",
            f"the median lead spans {typical / 1000:.4g} mV in the median second, expected at most "
            f"{LARGEST_TYPICAL_SPAN / 1000:g}: the gain is probably wrong",
        )
    low, high = np.percentile(signal, (5, 95), axis=1)
    middle = float(np.median(high - low))
    if middle > LARGEST_RANGE:
        raise BadRecordError(
            "implausible_amplitude",
            f"nine tenths of the median lead span {middle / 1000:.4g} mV, expected at most "
            f"{LARGEST_RANGE / 1000:g}: the gain is probably wrong",
        )


def _check_gain(signal: Signal, spans: npt.NDArray[np.int64], step: float) -> None:
    if np.median(spans) <= SUSPICIOUS_RANGE:
        return
    low, high = np.percentile(signal, (0.1, 99.9), axis=1)
    span = float(np.median(high - low))
    gap = float(np.median([np.diff(np.unique(lead).astype(np.int64)).min() for lead in signal]))
    if span > SUSPICIOUS_RANGE and gap >= max(SUSPICIOUS_GAP, 2 * step):
        raise BadRecordError(
            "implausible_amplitude",
            f"the median lead spans {span / 1000:.4g} mV in steps of {gap:g} microvolts, where the header promises "
            f"{step:g}: the gain is probably wrong",
        )
