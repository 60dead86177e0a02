"""Measuring one 12-lead signal, from its samples to :class:`rarebeat.measure.measurements.Measurements`."""

import numpy as np
import numpy.typing as npt

from rarebeat.core.records import Signal
from rarebeat.core.signals import resample
from rarebeat.measure.beat import median_beat, qrs_axis, qrs_bounds, qrs_duration, qrs_voltages
from rarebeat.measure.measurements import (
    FEWEST_BEATS,
    Extent,
    Measurements,
    entropy,
    mean_rate,
    median_rate,
    variation,
)
from rarebeat.measure.qrs import RATE, find_beats


def measure(
    signal: Signal, rate: float, calibrated: bool = True, extent: Extent = Extent.COMPLEXES
) -> Measurements:
    """Measure one recording.

    Args:
        signal: int16, shape (12, samples), leads in the order of :data:`rarebeat.core.records.LEADS`; microvolts, or
            any unit of each lead's own where ``calibrated`` is False. In less than a second no beat is found.
        rate: samples per second.
        calibrated: whether the leads share one unit.
        extent: what is not measured is None, as what cannot be measured is.
    """
    if signal.shape[1] < rate or extent == Extent.NOTHING:
        return Measurements(())
    values = resample(signal, rate, RATE)
    middles = find_beats(values)
    beats = tuple((middles / RATE).tolist())
    if len(beats) < FEWEST_BEATS:
        return Measurements(beats)
    intervals = np.diff(middles) / RATE
    return Measurements(
        beats,
        median_rate(intervals),
        mean_rate(intervals),
        variation(intervals),
        entropy(intervals),
        **(_qrs(values, middles, calibrated) if extent == Extent.COMPLEXES else {}),
    )


def _qrs(
    values: npt.NDArray[np.float64], middles: npt.NDArray[np.int64], calibrated: bool
) -> dict[str, float | None]:
    """What can be told of the QRS complex, by attribute of :class:`Measurements`."""
    beat = median_beat(values, middles)
    bounds = None if beat is None else qrs_bounds(beat)
    if beat is None or bounds is None:
        return {}
    told: dict[str, float | None] = {"qrs": qrs_duration(bounds)}
    if calibrated:
        limb, chest = qrs_voltages(beat, bounds)
        told |= {"axis": qrs_axis(beat, bounds), "limb_voltage": limb / 1000, "chest_voltage": chest / 1000}
    return told
