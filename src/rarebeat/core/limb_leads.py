"""The six limb leads are two signals: what is missing follows from the rest, and what contradicts is refused.

With Einthoven's equation any two of leads I, II and III give the third; with Goldberger's they give aVR, aVL and
aVF. Twelve stored leads that break these equations hold a swapped, scaled, inverted or misnamed lead.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import BadRecordError
from rarebeat.core.records import LEADS, Signal

LARGEST_RESIDUAL = 50.0
"""Microvolts that a limb lead may be away from what leads I and II give (found: 3.5; a scaled, inverted or swapped
lead is hundreds away)."""

RESIDUAL_STEPS = 4.0
"""Steps that it may be away in coarsely stored signals: each of three leads is rounded."""

RESIDUAL_SHARE = 0.01
"""Share of the samples that may be farther away, for artefacts that one lead alone shows."""

EXACT_SHARE = 0.9
STRAY_PLACES = 8
SINGLE_LEAD = 0.99
"""A file is damaged where at least EXACT_SHARE of the samples agree, the others lie at no more than STRAY_PLACES
places, and the residuals at one of them are those of one wrong lead, by a cosine of at least SINGLE_LEAD."""

_OF_ONE_LEAD = np.array(
    [[1, 0.5, -1, 0.5], [-1, 0.5, 0.5, -1], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
)
"""Residuals of III, aVR, aVL and aVF where one of the six limb leads is off by one."""

_LENGTHS = np.linalg.norm(_OF_ONE_LEAD, axis=1)[:, None]
_SIXTH = np.iinfo(np.int16).max // 6  # sums of six values up to it fit into 16 bits, which are twice as fast
_EXPECTED = {2: "II - I", 3: "-(I + II) / 2", 4: "I - II / 2", 5: "II - I / 2"}


def derivable(stored: Sequence[bool]) -> list[bool]:
    """Tell which leads follow from the others.

    Args:
        stored: for each of the twelve leads whether it is stored.

    Returns:
        For each of the twelve leads whether it is not stored and can be derived.

    Example:
        >>> [LEADS[i] for i, given in enumerate(derivable([True, False, True] + [False] * 9)) if given]
        ['II', 'aVR', 'aVL', 'aVF']
    """
    enough = sum(stored[:3]) >= 2
    return [enough and index < 6 and not found for index, found in enumerate(stored)]


def derive_limb_leads(physical: npt.NDArray[np.float64], missing: Sequence[int]) -> None:
    """Fill in limb leads that are not stored.

    Args:
        physical: shape (12, samples), changed in place; at least two of leads I, II and III are there.
        missing: indices of the leads to fill in.

    Source:
        Einthoven, III = II - I; Goldberger, aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2.
    """
    one, two, three = physical[:3]
    if 0 in missing:
        np.subtract(two, three, out=one)
    if 1 in missing:
        np.add(one, three, out=two)
    derived = {
        2: lambda: two - one,
        3: lambda: -(one + two) / 2,
        4: lambda: one - two / 2,
        5: lambda: two - one / 2,
    }
    for index in missing:
        if index in derived:
            physical[index] = derived[index]()


def check_limb_leads(signal: Signal, step: float) -> None:
    """Refuse a recording whose limb leads contradict each other.

    Args:
        signal: int16, shape (12, samples), calibrated microvolts.
        step: microvolts per step of the coarsest lead, as stored in the file.

    Raises:
        BadRecordError: ``inconsistent_leads``, with the lead that is farthest away.
    """
    limit = max(LARGEST_RESIDUAL, RESIDUAL_STEPS * step)
    doubled = _doubled_residuals(signal)
    # Reading the extremes is fast, and nearly every recording is decided by them.
    if max(doubled.max(), -doubled.min()) <= 2 * limit:
        return
    away = np.abs(doubled) > 2 * limit
    shares = np.count_nonzero(away, axis=1) / signal.shape[1]
    wrong = [int(index) + 2 for index in np.flatnonzero(shares > RESIDUAL_SHARE)]
    if not wrong:
        return
    residuals = np.percentile(np.abs(doubled), 100 * (1 - RESIDUAL_SHARE), axis=1) / 2
    worst = max(wrong, key=lambda index: float(residuals[index - 2]))
    others = [LEADS[index] for index in wrong if index != worst]
    raise BadRecordError(
        "inconsistent_leads",
        f"lead {LEADS[worst]} is {residuals[worst - 2]:.0f} microvolts away from {_EXPECTED[worst]} "
        f"(99th percentile; at most {limit:.0f} are expected)"
        + (f"; {', '.join(others)} contradict leads I and II as well" if others else ""),
    )


def check_stray_samples(signal: Signal, step: float) -> None:
    """Refuse a recording with single samples that are damaged, where a file has no checksum to tell.

    Where nearly all samples of the limb leads obey Einthoven's and Goldberger's equations to the rounding, the recorder
    has derived them from two, and a sample of one lead that is far off was changed later. What all leads show at once,
    such as the pulse of a pacemaker that a recorder draws into each, is no such sample.

    Args:
        signal: int16, shape (12, samples), calibrated microvolts.
        step: microvolts per step of the coarsest lead, as stored in the file.

    Raises:
        BadRecordError: ``inconsistent_leads``, with the number of samples.
    """
    limit = max(LARGEST_RESIDUAL, RESIDUAL_STEPS * step)
    doubled = _doubled_residuals(signal)
    if max(doubled.max(), -doubled.min()) <= 2 * limit:
        return
    largest = np.abs(doubled).max(axis=0) / 2
    away = np.flatnonzero(largest > limit)
    exact = np.count_nonzero(largest <= RESIDUAL_STEPS * max(step, 1.0)) / signal.shape[1]
    places = 1 + np.count_nonzero(np.diff(away) > 1)
    if exact < EXACT_SHARE or places > STRAY_PLACES:
        return
    found = doubled[:, away].astype(np.float64)
    alike = np.abs(_OF_ONE_LEAD @ found) / (_LENGTHS * np.linalg.norm(found, axis=0))
    if alike.max() > SINGLE_LEAD:
        raise BadRecordError(
            "inconsistent_leads",
            f"{away.size} samples of the limb leads are up to {largest.max():.0f} microvolts away from what leads I "
            "and II give, and nearly all others agree: the file is damaged",
        )


def _doubled_residuals(signal: Signal) -> npt.NDArray[np.int16] | npt.NDArray[np.int32]:
    """Twice the residuals of III, aVR, aVL and aVF, which keeps them whole; shape (4, samples)."""
    limbs = signal[:6]
    fits = max(int(limbs.max()), -int(limbs.min())) <= _SIXTH
    one, two, *_ = limbs = limbs if fits else limbs.astype(np.int32)
    doubled: npt.NDArray[np.int16] | npt.NDArray[np.int32] = limbs[2:6] * 2
    difference = one - two
    doubled[0] += 2 * difference
    doubled[1] += one + two
    doubled[2] -= difference + one
    doubled[3] += difference - two
    return doubled
