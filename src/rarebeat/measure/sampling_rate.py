"""Whether the rate in the headers of an archive is the rate that its signals were sampled at.

One record does not show it. At twice the true rate a heart beats twice as fast, and its QRS complexes are half as wide,
which is what a child's heart does; at half the true rate both are what complete heart block with a ventricular escape
rhythm looks like. Records together do show it: most people in a cohort have neither. :data:`TOO_FAST` and
:data:`TOO_SLOW` were chosen on 553 public recordings with known rates. Of 5,000 random groups of 20 the medians were 60
to 91 beats per minute and 76 to 110 ms; at twice the rate 119 to 180 and 46 to 64, at half the rate 28 to 46 and 142 to
188. The mains line does not help: 8 % of the recordings have one that stands out tenfold at 50 or 60 Hz, and 13 % have
something that does so at 25 or 30 Hz.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rarebeat.core.records import Signal

FEWEST_RECORDS = 20
"""Records of one source and rate without which nothing is said."""

TOO_FAST = (110.0, 66.0)
"""Beats per minute above which and milliseconds below which the medians of heart rate and QRS duration tell of a rate
that is too high."""

TOO_SLOW = (52.0, 130.0)
"""Beats per minute below which and milliseconds above which they tell of a rate that is too low."""

SLOWEST = 30.0
"""Beats per minute that no cohort has as its median; the QRS complex need not be measurable then."""

SECONDS = 10.0
"""Seconds of a record that are measured: of a longer one, its beginning."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one record is by the rate in its header.

    Attributes:
        source: the database, or the part of it, that the record comes from.
        rate: samples per second, as the header says.
        heart_rate: beats per minute; NaN where it cannot be measured.
        qrs: duration of the QRS complex, ms; NaN where it cannot be measured.
    """

    source: str
    rate: float
    heart_rate: float
    qrs: float


def pace(signal: Signal, rate: float, source: str) -> Pace:
    """Measure how fast one record is.

    Args:
        signal: int16, shape (12, samples).
        rate: samples per second.
        source: the database, or the part of it, that the record comes from.
    """
    from rarebeat.measure.measuring import measure  # imports SciPy, which takes half a second

    found = measure(signal[:, : int(SECONDS * rate)], rate, calibrated=False)
    numbers = (np.nan if value is None else value for value in (found.rate, found.qrs))
    return Pace(source, rate, *numbers)


def rate_warnings(paces: Sequence[Pace]) -> dict[tuple[str, float], str]:
    """Find the sources of a cohort whose sampling rate is probably wrong.

    Args:
        paces: of some of its records, taken regardless of what they show.

    Returns:
        Source and rate to what is wrong with the records that have both.
    """
    groups: dict[tuple[str, float], list[Pace]] = defaultdict(list)
    for entry in paces:
        groups[entry.source, entry.rate].append(entry)
    found = {}
    for (source, rate), group in groups.items():
        beating = [entry.heart_rate for entry in group if not np.isnan(entry.heart_rate)]
        if len(beating) < FEWEST_RECORDS:
            continue
        widths = [entry.qrs for entry in group if not np.isnan(entry.qrs)]
        heart_rate, qrs = float(np.median(beating)), float(np.median(widths)) if widths else np.nan
        high = heart_rate > TOO_FAST[0] and qrs < TOO_FAST[1]
        low = heart_rate < SLOWEST or (heart_rate < TOO_SLOW[0] and qrs > TOO_SLOW[1])
        if high or low:
            width = f" and QRS complexes of {qrs:.0f} ms" if widths else ""
            found[source, rate] = (
                f"by their rate of {rate:g} Hz the records of {source} have a median of {heart_rate:.0f} beats per "
                f"minute{width}: the rate is probably too {'high' if high else 'low'}"
            )
    return found
