"""What the machine makes of the leads: cables on wrong electrodes, filters, steps of its converter."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, lfilter, sosfilt, sosfilt_zi

from rarebeat.simulator.rhythm.clocks import Rng

Float = npt.NDArray[np.float32]
Choice = TypeVar("Choice")

ARMS = "right arm and left arm"
"""The exchange of limb cables that readers notice."""

_LIMB_SWAPS = {  # what the cables call I and II, from the true I and II
    ARMS: np.array([[-1, 0], [-1, 1]]),
    "right arm and left leg": np.array([[1, -1], [0, -1]]),
    "left arm and left leg": np.array([[0, 1], [1, 0]]),
}
_CHEST_SWAPS = ((0, 1), (1, 2), (0, 2), (3, 4), (4, 5))
_LIMBS = {"": 0.992, ARMS: 0.005, "right arm and left leg": 0.0015, "left arm and left leg": 0.0015}
_CHEST = 0.01
_HIGHPASS = {0.05: 0.50, 0.15: 0.20, 0.3: 0.15, 0.5: 0.15}
_LOWPASS = {150.0: 0.78, 100.0: 0.14, 40.0: 0.08}
_STEP = {1: 0.80, 2: 0.07, 5: 0.13}


@dataclass(frozen=True)
class Recorder:
    """One machine and how it was connected.

    Attributes:
        limbs: the two limb cables that were exchanged, or "".
        chest: the two chest electrodes (0 is V1) that were exchanged, or None.
        highpass: corner in hertz of the first order high-pass.
        lowpass: corner in hertz of the second order low-pass.
        step: microvolts of the converter's smallest step.
    """

    limbs: str = ""
    chest: tuple[int, int] | None = None
    highpass: float = 0.05
    lowpass: float = 150.0
    step: int = 1


def draw_recorder(rng: Rng) -> Recorder:
    """A machine of a hospital: mostly the diagnostic band of 0.05-150 Hz, sometimes the one of monitors."""
    swapped = rng.random() < _CHEST
    return Recorder(
        _pick(rng, _LIMBS),
        _CHEST_SWAPS[int(rng.integers(len(_CHEST_SWAPS)))] if swapped else None,
        _pick(rng, _HIGHPASS),
        _pick(rng, _LOWPASS),
        _pick(rng, _STEP),
    )


def _pick(rng: Rng, shares: Mapping[Choice, float]) -> Choice:
    draw = rng.random()
    for value, share in shares.items():
        draw -= share
        if draw < 0:
            return value
    return value


def record(recorder: Recorder, signal: Float, rate: float) -> Float:
    """What a machine stores of eight leads.

    Args:
        recorder: the machine.
        signal: (8, samples) millivolts, rows I II V1-V6.
        rate: samples per second.

    Returns:
        (8, samples) millivolts, whole multiples of the machine's step.
    """
    connected = connect(recorder, signal)
    filtered = _highpass(connected, recorder.highpass, rate)
    if recorder.lowpass < 0.4 * rate:
        sections, settled = _sections(recorder.lowpass, rate)
        filtered, _ = sosfilt(sections, filtered, axis=1, zi=settled * filtered[None, :, :1])
    size = np.float32(recorder.step / 1000)
    return np.asarray(np.rint(filtered / size) * size, np.float32)


@lru_cache(maxsize=16)
def _sections(corner: float, rate: float) -> tuple[Float, Float]:
    """A low-pass, and its state after a long time at a level of one."""
    sections = butter(2, corner, fs=rate, output="sos").astype(np.float32)
    return sections, sosfilt_zi(sections).astype(np.float32)[:, None, :]


def connect(recorder: Recorder, signal: Float) -> Float:
    """The leads as the cables name them; exchanged limb cables obey the algebra of Einthoven's triangle."""
    if not recorder.limbs and recorder.chest is None:
        return signal
    connected = signal.copy()
    if recorder.limbs:
        connected[:2] = _LIMB_SWAPS[recorder.limbs].astype(np.float32) @ signal[:2]
    if recorder.chest is not None:
        first, second = recorder.chest
        connected[[2 + first, 2 + second]] = signal[[2 + second, 2 + first]]
    return connected


def _highpass(signal: Float, corner: float, rate: float) -> Float:
    """First order, settled on the level of the first two seconds: the machine has been running before."""
    share = np.exp(-2 * np.pi * corner / rate)
    gain = (1 + share) / 2
    settled = -gain * signal[:, : round(2 * rate)].mean(axis=1, keepdims=True)
    taps = np.array([gain, -gain], np.float32), np.array([1, -share], np.float32)
    return np.asarray(lfilter(*taps, signal, axis=1, zi=settled)[0], np.float32)
