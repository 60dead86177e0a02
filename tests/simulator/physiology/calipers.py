"""Simulated records of a class, and the calipers with which a reader would measure them."""

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from itertools import islice

import numpy as np

from rarebeat.simulator.clinic import Recording, Simulated, recording_at, simulate
from rarebeat.simulator.rhythm.events import Atrial, Ventricular
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import CLASSES

SETTINGS = SimulatorSettings(seed=2, preset="balanced")
RATE = 500
LEAD_I, II, AVF, V1, V2, V4, V5, V6 = 0, 1, 5, 6, 7, 9, 10, 11
INDEPENDENT = [0, 1, 6, 7, 8, 9, 10, 11]
FIRED = ("premature_ventricular_complexes", "fusion_complexes", "premature_atrial_complexes")
SINUS = {"sinus_rhythm", "sinus_bradycardia", "sinus_tachycardia", "sinus_arrhythmia"}


recorded = cache(recording_at)
shown = cache(simulate)


def recordings(fits: Callable[[Recording], bool], settings: SimulatorSettings = SETTINGS) -> Iterator[int]:
    """Numbers of the recordings that are as asked for, with cables on their places."""
    for index in range(5000):
        recording = recorded(index, settings)
        if not recording.recorder.limbs and not recording.recorder.chest and fits(recording):
            yield index


@lru_cache(maxsize=64)
def examples(name: str, count: int = 12, others: tuple[str, ...] = ()) -> list[Simulated]:
    """Records that show a class; none of ``others`` beside it."""
    found = recordings(lambda one: name in one.truth and not one.truth & set(others))
    return [shown(index, SETTINGS) for index in islice(found, count)]


@lru_cache(maxsize=16)
def variants(mechanism: str, variant: str, count: int = 12) -> list[Simulated]:
    """Records of one form of a mechanism."""
    found = recordings(lambda one: (one.rhythm.mechanism, one.rhythm.variant) == (mechanism, variant))
    return [shown(index, SETTINGS) for index in islice(found, count)]


def around(
    record: Simulated, times: list[float], before: float, after: float, lead: int | slice = slice(None)
) -> np.ndarray:
    """Mean signal around events in millivolts, (leads, samples) or (samples,), over its first 8 ms."""
    signal = record.signal / 1000
    first = [round((time - before) * RATE) for time in times]
    length = round((before + after) * RATE)
    cuts = [signal[lead, start : start + length] for start in first if 0 <= start <= 5000 - length]
    mean = np.mean(cuts, axis=0)
    return np.asarray(mean - mean[..., :4].mean(axis=-1, keepdims=True))


def beats(record: Simulated, origin: str = "conducted") -> list[Ventricular]:
    return [one for one in record.recording.rhythm.ventricular if one.origin == origin and not one.premature]


def starts(events: list[Ventricular] | list[Atrial]) -> list[float]:
    return [event.time for event in events]


def p_wave(record: Simulated, lead: int) -> float:
    """Deflection of the mean P wave of the atrial rhythm, millivolts: its middle over its onset."""
    atrial = [one for one in record.recording.rhythm.atrial if one.focus != "premature"]
    mean = around(record, starts(atrial), 0.02, 0.10, lead)
    return float(mean[30:45].mean() - mean[:8].mean())


def rr(record: Simulated) -> np.ndarray:
    return np.diff([one.time for one in record.recording.rhythm.ventricular if 0 < one.time < 9.8])


def planned_pr(record: Simulated) -> float:
    """Milliseconds."""
    return 1000 * float(np.median([one.pr for one in beats(record) if one.pr is not None]))


def plain(*names: str) -> tuple[str, ...]:
    """All classes but the given ones and sinus rhythms: what a record must not show besides."""
    return tuple(sorted(set(CLASSES) - SINUS - set(names)))


def usual() -> list[Simulated]:
    """Sinus rhythm, and nothing else."""
    return examples("sinus_rhythm", 15, others=plain())
