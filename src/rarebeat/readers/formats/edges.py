"""Where a recording begins and ends in its file: fillers and calibration pulses stand before and behind it."""

import numpy as np
import numpy.typing as npt

from rarebeat.readers.quality import RATES, RawLeads

STILL_SECONDS = 0.1
"""All leads together hold their values for so long in a filler or a pulse, and never in a beat."""


def without_fillers(raw: RawLeads, rate: float) -> RawLeads:
    """Cut what is no recording at both ends: zeros that fill a last block, and a calibration pulse.

    All leads hold their values there at once, for at least :data:`STILL_SECONDS`, then perhaps other values for as
    long: Philips writes zeros, a pulse of 1 mV in all leads, and zeros.

    Args:
        raw: leads as a file holds them.
        rate: samples per second.

    Returns:
        The leads from the first to the last sample of the recording; all of them where nothing moves.

    Example:
        >>> beat = np.sin(np.arange(200.0) / 5) * np.arange(1, 13)[:, None]
        >>> padded = np.hstack([beat, np.zeros((12, 60)), np.full((12, 60), 200.0), np.zeros((12, 60))])
        >>> raw = RawLeads(padded, ["V1"] * 12, [1.0] * 12, [0.0] * 12, ["uV"] * 12)
        >>> without_fillers(raw, 500).samples.shape
        (12, 200)
    """
    samples = raw.samples
    moves = np.flatnonzero((samples[:, 1:] != samples[:, :-1]).any(axis=0))
    if not moves.size or not RATES[0] <= rate <= RATES[1]:  # which the checks of all readers refuse
        return raw
    still = max(2, round(STILL_SECONDS * rate))
    last = _last_kept(samples.shape[1], moves + 1, still)
    first = samples.shape[1] - _last_kept(samples.shape[1], samples.shape[1] - moves[::-1] - 1, still)
    if last - first <= 0 or (first, last) == (0, samples.shape[1]):
        return raw
    return RawLeads(samples[:, first:last], raw.names, raw.gains, raw.baselines, raw.units)


def _last_kept(count: int, starts: npt.NDArray[np.intp], still: int) -> int:
    """Where the plateaus at the end begin, each at least ``still`` samples long; ``starts`` are those of all values."""
    end = count
    for start in starts[::-1].tolist():
        if end - start < still:
            break
        end = start
    return end
