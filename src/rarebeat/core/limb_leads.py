"""The six limb leads are two signals: what is missing follows from the rest, and what contradicts is refused.

With Einthoven's equation any two of leads I, II and III give the third; with Goldberger's they give aVR, aVL and
aVF. Twelve stored leads that break these equations hold a swapped, scaled, inverted or misnamed lead.
"""

from collections.abc import Collection, Sequence
from typing import Any

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

LARGEST_RELATIVE = 0.08
"""Deviation of the residuals, artefacts cut down to LARGEST_RESIDUAL, relative to that of the lead, which is refused
where some are larger: a lead that was moved by a sample is far from the others in the steep parts of a beat only."""

EXACT_SHARE = 0.9
"""Share of the samples that agree to the rounding where the recorder has derived limb leads from two of them."""

LOCAL_SPAN = 0.1
LOCAL_RESIDUAL = 20.0
"""Where all that does not agree lies within LOCAL_SPAN of the recording, so many microvolts are damage: leads that were
filtered apart disagree in every beat."""

STRAY_PLACES = 8
"""Places at which LARGEST_RESIDUAL is damage where EXACT_SHARE of the samples agree."""

DAMAGE = 10_000.0
"""Microvolts that are damage anywhere."""

ALL_LEADS = 0.98
"""Cosine from which residuals are those of the same pulse in all leads, which is no damage."""

LIMB_LEADS = range(6)

_OF_ALL_LEADS = np.array([1, 2, 0.5, 0.5])
"""Residuals of III, aVR, aVL and aVF where all six limb leads are off by one."""

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
    wrong = [
        index + 2
        for index in range(len(doubled))
        if np.count_nonzero(away[index]) > RESIDUAL_SHARE * signal.shape[1]
        or (
            away[index].any() and _relative(doubled[index], signal[index + 2], limit, step) > LARGEST_RELATIVE
        )
    ]
    if not wrong:
        return
    residuals = np.percentile(np.abs(doubled), 100 * (1 - RESIDUAL_SHARE), axis=1) / 2
    worst = max(wrong, key=lambda index: float(residuals[index - 2]))
    others = [LEADS[index] for index in wrong if index != worst]
    raise BadRecordError(
        "inconsistent_leads",
        f"lead {LEADS[worst]} is {residuals[worst - 2]:.0f} microvolts away from {_EXPECTED[worst]} "
        f"(99th percentile, and up to {np.abs(doubled[worst - 2]).max() / 2:.0f}; {limit:.0f} are tolerated)"
        + (f"; {', '.join(others)} contradict leads I and II as well" if others else ""),
    )


def check_stray_samples(signal: Signal, step: float, stored: Collection[int] = LIMB_LEADS) -> None:
    """Refuse a recording of which samples are damaged, where a file has no checksum to tell.

    Where nearly all samples of the limb leads obey Einthoven's and Goldberger's equations to the rounding, or all of
    one lead, the recorder has derived leads from two, and what is far off was changed later. The same pulse in all
    leads, as a recorder may draw it where a pacemaker fires, is no damage.

    Args:
        signal: int16, shape (12, samples), calibrated microvolts.
        step: microvolts per step of the coarsest lead, as stored in the file.
        stored: indices of the leads that the file holds; what was derived by the reader agrees, and tells nothing.

    Raises:
        BadRecordError: ``inconsistent_leads``, with the number of samples.
    """
    rounding = RESIDUAL_STEPS * max(step, 1.0)
    doubled = _doubled_residuals(signal)
    if max(doubled.max(), -doubled.min()) <= 2 * max(LOCAL_RESIDUAL, rounding):
        return
    largest = np.abs(doubled).max(axis=0) / 2
    limit, most = _tolerated(doubled, largest, rounding, stored)
    away = np.flatnonzero(largest > max(limit, rounding))
    if not away.size or 1 + np.count_nonzero(np.diff(away) > 1) > most:
        return
    found = doubled[:, away].astype(np.float64)
    alike = np.abs(_OF_ALL_LEADS @ found) / (np.linalg.norm(_OF_ALL_LEADS) * np.linalg.norm(found, axis=0))
    if alike.min() < ALL_LEADS:
        raise BadRecordError(
            "inconsistent_leads",
            f"{away.size} samples of the limb leads are up to {largest.max():.0f} microvolts away from what leads I "
            "and II give, and others agree: the file is damaged",
        )


def _tolerated(
    doubled: npt.NDArray[Any], largest: npt.NDArray[np.float64], rounding: float, stored: Collection[int]
) -> tuple[float, float]:
    """Microvolts above which a residual is damage, and at how many places at most."""
    inexact = np.flatnonzero(largest > rounding)
    if inexact[-1] - inexact[0] < LOCAL_SPAN * len(largest):
        return LOCAL_RESIDUAL, np.inf
    exact = np.flatnonzero(np.abs(doubled).max(axis=1) <= 2 * rounding) + 2
    if not set(stored).isdisjoint(exact.tolist()):
        return LARGEST_RESIDUAL, np.inf
    if len(inexact) <= (1 - EXACT_SHARE) * len(largest):
        return LARGEST_RESIDUAL, STRAY_PLACES
    return DAMAGE, np.inf


def _relative(doubled: npt.NDArray[Any], lead: npt.NDArray[np.int16], limit: float, step: float) -> float:
    """How far a lead is from what leads I and II give, relative to it; a constant counts in neither."""
    residuals = np.clip(doubled, -2 * limit, 2 * limit) / 2
    return float(residuals.std() / max(lead.std(), LARGEST_RESIDUAL, 10 * step))


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
