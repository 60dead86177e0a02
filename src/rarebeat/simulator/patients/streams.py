"""Streams of random numbers: one for each purpose and each record or patient, whatever else is drawn.

They are those of ``numpy.random.default_rng([seed, purpose, number])``. Most of the time that NumPy takes to start one
goes into hashing these numbers; here they are hashed for 64 records at once.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.random.bit_generator import ISeedSequence

from rarebeat.simulator.rhythm.clocks import Rng

STREAMS = {
    "block": 0,
    "patient": 1,
    "visit": 2,
    "rhythm": 3,
    "anatomy": 4,
    "placement": 5,
    "noise": 6,
    "report": 7,
    "draws": 8,
    "torso": 9,
    "waves": 10,
    "wording": 11,
}
_TOGETHER = 64
_WAVES = 16
"""Wave forms of a patient that can be told apart."""
_Words = npt.NDArray[np.uint32]


def stream(seed: int, name: str, number: int) -> Rng:
    """Start the random numbers of one purpose for one record or patient.

    Args:
        seed: of the cohort.
        name: of the purpose, a key of :data:`STREAMS`.
        number: of the record or patient.

    Returns:
        A generator that no other purpose shares.
    """
    block, place = divmod(number, _TOGETHER)
    return _generator(_states(seed, name, block)[place])


def wave_stream(seed: int, number: int, wave: int) -> Rng:
    """Start the random numbers of one wave form of a patient.

    Args:
        seed: of the cohort.
        number: of the patient.
        wave: number of the wave form, below 16.
    """
    block, place = divmod(number, _TOGETHER)
    return _generator(_wave_states(seed, block)[place * _WAVES + wave])


class _Hashed(ISeedSequence):
    """Numbers that are hashed already."""

    def __init__(self, state: npt.NDArray[np.uint64]) -> None:
        self.state = state

    def generate_state(self, n_words: int, dtype: object = np.uint32) -> npt.NDArray[np.uint64]:
        return self.state


def _generator(state: npt.NDArray[np.uint64]) -> Rng:
    seed: Any = _Hashed(state)  # NumPy takes any ISeedSequence, though its types do not say so
    return np.random.Generator(np.random.PCG64(seed))


@lru_cache(maxsize=64)
def _states(seed: int, name: str, block: int) -> npt.NDArray[np.uint64]:
    return hashed(seed, STREAMS[name], block * _TOGETHER + np.arange(_TOGETHER))


@lru_cache(maxsize=4)
def _wave_states(seed: int, block: int) -> npt.NDArray[np.uint64]:
    numbers = np.repeat(block * _TOGETHER + np.arange(_TOGETHER), _WAVES)
    return hashed(seed, STREAMS["waves"], numbers, np.tile(np.arange(_WAVES), _TOGETHER))


def hashed(seed: int, purpose: int, *numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Hash ``[seed, purpose, number, ...]`` for many numbers, below 2^32, as ``numpy.random.SeedSequence`` does.

    Args:
        seed: any size.
        purpose: a number.
        numbers: (count,) each.

    Returns:
        (count, 4) what ``SeedSequence.generate_state(4, np.uint64)`` returns.

    Source:
        M. E. O'Neill, "Developing a seed_seq alternative", 2015; the constants are those of NumPy.

    Example:
        >>> int(hashed(7, 3, np.array([5]))[0, 0]) == int(
        ...     np.random.SeedSequence([7, 3, 5]).generate_state(4, np.uint64)[0])
        True
    """
    entropy = [*_split(seed), purpose, *numbers]
    words = [np.full(len(numbers[0]), word, np.uint32) for word in entropy]
    hashing = _Hash(0x43B0D7E5, 0x931E8875)
    pool = [hashing(words[place] if place < len(words) else np.zeros_like(words[0])) for place in range(4)]
    for source in range(4):
        for target in range(4):
            if source != target:
                pool[target] = _mix(pool[target], hashing(pool[source]))
    for word in words[4:]:
        pool = [_mix(one, hashing(word)) for one in pool]
    last = _Hash(0x8B51F9DD, 0x58F38DED)
    state = np.stack([last(pool[place % 4]) for place in range(8)], axis=1)
    return np.ascontiguousarray(state.astype("<u4")).view("<u8").astype(np.uint64)


def _split(number: int) -> list[int]:
    """A number in words of 32 bits, the lowest first."""
    words = [number & 0xFFFFFFFF]
    while number := number >> 32:
        words.append(number & 0xFFFFFFFF)
    return words


class _Hash:
    """A hash of 32 bits whose constant changes from call to call."""

    def __init__(self, constant: int, factor: int) -> None:
        self.constant, self.factor = constant, factor

    def __call__(self, words: _Words) -> _Words:
        mixed = words ^ np.uint32(self.constant)
        self.constant = self.constant * self.factor & 0xFFFFFFFF
        mixed *= np.uint32(self.constant)
        mixed ^= mixed >> np.uint32(16)
        return mixed


def _mix(one: _Words, other: _Words) -> _Words:
    mixed = one * np.uint32(0xCA01F9DD)
    mixed -= other * np.uint32(0x4973F715)
    mixed ^= mixed >> np.uint32(16)
    return mixed
