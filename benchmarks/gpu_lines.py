"""JSON lines, one per finding: a run that is cut off has told what it found until then."""

import json
import time
import traceback
from collections.abc import Callable
from typing import Any


class Deadline:
    """A time at which something must have ended.

    Args:
        seconds: from now.
        clock: tells the time in seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left; 0 when the time has passed."""
        return max(0.0, self._end - self._clock())

    def box(self, seconds: float, reserve: float = 0.0) -> float:
        """How much of so many seconds there is, when a reserve is kept for what comes later.

        >>> Deadline(100, clock=lambda: 0.0).box(90, reserve=30)
        70.0
        """
        return min(seconds, max(0.0, self.left - reserve))


def emit(kind: str, **facts: Any) -> None:
    """Print one finding, at once."""
    print(json.dumps({"kind": kind} | facts), flush=True)


def attempt(kind: str, what: dict[str, Any], measure: Callable[[], dict[str, Any]]) -> None:
    """Print what was measured, or the error in its place: the next measurement is made in any case.

    Args:
        kind: of the line.
        what: is measured, in words.
        measure: returns the figures.
    """
    start = time.perf_counter()
    try:
        figures = measure()
    except Exception as error:  # whatever goes wrong with one measurement is itself a finding
        trace = traceback.format_exc()[-1500:]
        emit(kind, **what, error=f"{type(error).__name__}: {error}"[:400], traceback=trace)
    else:
        emit(kind, **what, **figures, took=round(time.perf_counter() - start, 2))
