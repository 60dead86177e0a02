"""Where a recording begins and ends in its file: fillers and calibration pulses stand before and behind it."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.quality import RATES, RawLeads

STILL_SECONDS = 0.1
"""All leads together hold their values for so long in a filler or a pulse, and never in a beat."""

LONGEST_SECONDS = 1.0
"""Above it, an end at which each lead holds a value of its own is no filler: electrodes may have come off."""

MOST = 0.5
"""Share of a file above which what is left is no recording of it."""


MOST_STRAY = 4
"""Steps up or down of one lead alone in a filler that are damage: noise has more, and a lead that rests has none."""


class Trimmed(NamedTuple):
    """Leads without fillers.

    Attributes:
        leads: from the first to the last sample of the recording.
        seconds: how much was cut off at both ends together.
    """

    leads: RawLeads
    seconds: float


def without_fillers(raw: RawLeads, rate: float, longest: float = LONGEST_SECONDS) -> Trimmed:
    """Cut what is no recording at both ends: zeros that fill a last block, and a calibration pulse.

    All leads hold their values there at once, for at least :data:`STILL_SECONDS`, then perhaps other values for as
    long: Philips writes zeros, a pulse of 1 mV in all leads, and zeros. Where all leads rest at one height (zero, the
    pulse), it is a filler however long it is. Where each lead holds a value of its own, some writers have repeated the
    last sample up to the end of a block, and only a short rest is cut: a longer one is left to the checks of all
    readers, for electrodes that have come off look alike.

    Args:
        raw: leads as a file holds them.
        rate: samples per second.
        longest: seconds up to which leads at heights of their own are a filler; the length of a block.

    Returns:
        The leads and what was cut off them; all of them where nothing moves.

    Raises:
        BadRecordError: when more than half of the file is no recording, or one lead is damaged within a filler.

    Example:
        >>> beat = np.sin(np.arange(200.0) / 5) * np.arange(1, 13)[:, None]
        >>> padded = np.hstack([beat, np.zeros((12, 60)), np.full((12, 60), 200.0), np.zeros((12, 60))])
        >>> raw = RawLeads(padded, ["V1"] * 12, [1.0] * 12, [0.0] * 12, ["uV"] * 12)
        >>> found = without_fillers(raw, 500)
        >>> found.leads.samples.shape, found.seconds
        ((12, 200), 0.36)
    """
    count = raw.samples.shape[1]
    moves = (raw.samples[:, 1:] != raw.samples[:, :-1]).any()
    if not moves or not RATES[0] <= rate <= RATES[1]:  # which the checks of all readers refuse
        return Trimmed(raw, 0.0)
    heights = raw.samples - np.asarray(raw.baselines, dtype=np.float64)[:, None]
    step = float(np.array_equal(raw.samples, np.rint(raw.samples)))  # zero may lie between two steps
    lengths = max(2, round(STILL_SECONDS * rate)), round(longest * rate)
    before, behind = (_still_at_end(end, *lengths, step) for end in (heights[:, ::-1], heights))
    _check_filler(heights[:, ::-1], before, lengths[0], step)
    _check_filler(heights, behind, lengths[0], step)
    if not before and not behind:
        return Trimmed(raw, 0.0)
    if before + behind > MOST * count:
        raise BadRecordError(
            "flat_lead",
            f"all leads rest at the ends for {(before + behind) / rate:.1f} of {count / rate:.1f} s",
        )
    kept = replace(raw, samples=raw.samples[:, before : count - behind])
    return Trimmed(kept, (before + behind) / rate)


def _check_filler(heights: npt.NDArray[Any], found: int, still: int, step: float) -> None:
    """Refuse a filler in which one lead differs from all others for a moment: it would not be known as one."""
    moving = np.flatnonzero((heights[:, 1 - still :] != heights[:, -still:-1]).any(axis=1))
    if len(moving) > 1:  # as in nearly every recording
        return
    for lead in moving.tolist() or range(len(heights)):
        others = np.delete(heights, lead, axis=0)
        longer = _still_at_end(others, still, 0, step)
        if longer <= found:
            continue
        alone = np.diff(heights[lead, -longer:]) != 0
        alone &= (others[:, 1 - longer :] == others[:, -longer:-1]).all(axis=0)
        if 0 < np.count_nonzero(alone) <= MOST_STRAY:
            raise BadRecordError(
                "flat_lead",
                f"all leads but one rest at an end of the file for {longer} samples, and that one differs from them "
                "at single samples: the file is damaged",
            )


def _still_at_end(heights: npt.NDArray[Any], still: int, most: int, step: float) -> int:
    """How many samples at the end are fillers: all leads rest, at one height or not for long."""
    count = heights.shape[1]
    starts = np.flatnonzero((heights[:, 1:] != heights[:, :-1]).any(axis=0)) + 1
    end = count
    for start in starts[::-1].tolist():
        length = end - start
        if length < still or (length > most and np.ptp(heights[:, start]) > step):
            break
        end = start
    return int(count - end)
