"""From the numbers of an array to the stored signal. No checksum tells what was damaged, so the leads have to."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import BadRecordError
from rarebeat.core.limb_leads import check_stray_samples
from rarebeat.core.records import Signal
from rarebeat.readers.quality import MICROVOLTS, RawLeads, stored_leads, trusted_signal


def trusted_array(raw: RawLeads, rate: float) -> tuple[Signal, bool]:
    """Turn an array into the stored signal, or refuse.

    Args:
        raw: leads in one unit. Whole numbers are taken for steps, others for exact to the microvolt.
        rate: samples per second.

    Returns:
        The signal, int16 of shape (12, samples), microvolts, and whether its amplitude is calibrated.

    Raises:
        BadRecordError: for a signal that cannot be trusted, also where single samples of the limb leads are away from
            what the other leads give.
    """
    step, leads = 1.0, raw
    factor, gain = MICROVOLTS.get(raw.units[0].strip().lower()), raw.gains[0]
    if factor is not None and gain:
        if np.isinf(raw.samples).any():
            raise BadRecordError("not_a_number", "the array holds infinite numbers")
        if _are_whole(raw.samples):
            step = factor / gain
        else:
            leads = _in_microvolts(raw, factor / gain)
    signal, calibrated = trusted_signal(leads, rate)
    if calibrated:
        check_stray_samples(signal, step, stored_leads(raw.names))
    return signal, calibrated


def _are_whole(samples: npt.NDArray[Any]) -> bool:
    return bool(np.issubdtype(samples.dtype, np.integer) or (np.fmod(np.nan_to_num(samples), 1) == 0).all())


def _in_microvolts(raw: RawLeads, scale: float) -> RawLeads:
    """The checks of :func:`trusted_signal` take a gain for the size of a step, and a millivolt is none."""
    count = len(raw.names)
    microvolts = (raw.samples.astype(np.float64) - raw.baselines[0]) * scale
    return replace(
        raw, samples=microvolts, gains=(1.0,) * count, baselines=(0.0,) * count, units=("uV",) * count
    )
