"""The contract of a cohort: what its recordings were like, counted while they are read."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rarebeat.core.records import INCOMPLETE, Record
from rarebeat.measure.amplitude import Amplitude

NOT_TOLD = "not told"
COMMON = 0.05
"""A value that this share of the records has is a habit of the archive."""

_STEPS = 5  # of the most frequent steps
_FEWEST_RECORDS = 5
_LABEL = "label:"


@dataclass
class Observed:
    """Counts of the stored records of a chunk; they add up.

    Attributes:
        units: records by unit as stored.
        leads: records by the stored leads in their order.
        filters: records by the filters that the recordings tell.
        seconds: records by length, in tenths of a second.
        sexes: records by sex.
        ages: known ages.
        systems: records by the code systems of their codes.
        codes: records by code, ready-made labels (``label:class=1``) among them.
        cut: records by how much was cut off their ends, in tenths of a second.
    """

    units: Counter[str] = field(default_factory=Counter)
    leads: Counter[str] = field(default_factory=Counter)
    filters: Counter[str] = field(default_factory=Counter)
    seconds: Counter[int] = field(default_factory=Counter)
    sexes: Counter[str] = field(default_factory=Counter)
    ages: Counter[int] = field(default_factory=Counter)
    systems: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    cut: Counter[int] = field(default_factory=Counter)

    def count(self, record: Record) -> None:
        """Count a record."""
        self.units[record.stored.unit or NOT_TOLD] += 1
        self.leads[record.stored.leads or NOT_TOLD] += 1
        self.filters[record.stored.filters or NOT_TOLD] += 1
        self.seconds[round(10 * record.signal.shape[1] / record.rate)] += 1
        if record.sex:
            self.sexes[record.sex] += 1
        if record.age is not None:
            self.ages[int(record.age)] += 1
        codes = set(record.codes) - {INCOMPLETE}
        self.codes.update(codes)
        self.systems.update({code.partition(":")[0] for code in codes})
        if record.stored.cut:
            self.cut[round(10 * record.stored.cut)] += 1

    def add(self, other: "Observed") -> None:
        """Add the counts of another chunk."""
        for name in vars(self):
            getattr(self, name).update(getattr(other, name))


def contract_of(
    observed: Observed, amplitudes: Sequence[Amplitude], counts: Mapping[str, int], rates: Mapping[str, int]
) -> dict[str, Any]:
    """Put the contract of a cohort into numbers.

    Args:
        observed: counts of its records.
        amplitudes: of its calibrated records.
        counts: ``records``, ``quarantined``, ``calibrated``, ``without_patient``, ``with_text`` and ``with_codes``.
        rates: records by samples per second.

    Returns:
        Records by unit, rate, leads and filters; quantiles of length (seconds), amplitude (microvolts) and age (years);
        the most frequent steps (microvolts); shares of what is missing, of frequent codes, and of ready-made labels
        that are known and positive.
    """
    records, known = counts["records"], observed.sexes.total()

    def share(part: int) -> float:
        return round(part / records, 4) if records else 0.0

    spans = Counter(round(entry.microvolts) for entry in amplitudes)
    steps = Counter(str(entry.step) for entry in amplitudes)
    return {
        "records": records,
        "units": _sorted(observed.units),
        "rates": dict(rates),
        "leads": _sorted(observed.leads),
        "filters": _sorted(observed.filters),
        "seconds": {name: value / 10 for name, value in _quantiles(observed.seconds).items()},
        "amplitude": _quantiles(spans),
        "steps": dict(steps.most_common(_STEPS)),
        "ages": _quantiles(observed.ages),
        "code_systems": {name: share(count) for name, count in sorted(observed.systems.items())},
        "codes": {code: share(count) for code, count in _frequent(observed.codes, records)},
        "labels": _labels(observed.codes, records),
        "shares": {
            "quarantined": round(counts["quarantined"] / max(records + counts["quarantined"], 1), 4),
            "not calibrated": share(records - counts["calibrated"]),
            "age missing": share(records - observed.ages.total()),
            "sex missing": share(records - known),
            **({"female": round(observed.sexes["female"] / known, 4)} if known else {}),
            "patient missing": share(counts["without_patient"]),
            "text missing": share(records - counts["with_text"]),
            "codes or labels missing": share(records - counts["with_codes"]),
            **({"cut at its ends": share(observed.cut.total())} if observed.cut else {}),
        },
    }


def least_frequent(records: int) -> float:
    """Records that must have a code for it to be stored: a twentieth, at least five. A rare one could name a person.

    Args:
        records: of the cohort.

    Returns:
        Their number.
    """
    return max(_FEWEST_RECORDS, COMMON * records)


def _frequent(codes: Counter[str], records: int) -> list[tuple[str, int]]:
    least = least_frequent(records)
    found = [(code, count) for code, count in codes.items() if count >= least and not code.startswith(_LABEL)]
    return sorted(found, key=lambda item: (-item[1], item[0]))


def _labels(codes: Counter[str], records: int) -> dict[str, dict[str, float]]:
    """Of each class with ready-made labels, the share of records that tell it, and of those the share that have it."""
    told: dict[str, Counter[str]] = {}
    for code, count in codes.items():
        if code.startswith(_LABEL):
            name, _, state = code.removeprefix(_LABEL).partition("=")
            told.setdefault(name, Counter())[state] += count
    return {
        name: {
            "known": round(states.total() / records, 4),
            "positive": round(states["1"] / states.total(), 4),
        }
        for name, states in sorted(told.items())
    }


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items(), key=lambda item: (-item[1], item[0])))


def _quantiles(counter: Counter[int]) -> dict[str, int]:
    """The smallest, the 5th, 50th and 95th percentile and the largest of counted values; {} of none."""
    if not counter:
        return {}
    values = np.array(sorted(counter))
    upto = np.cumsum([counter[int(value)] for value in values]) / counter.total()
    at = {"smallest": 0.0, "p5": 0.05, "median": 0.5, "p95": 0.95, "largest": 1.0}
    return {name: int(values[np.searchsorted(upto, part - 1e-9)]) for name, part in at.items()}
