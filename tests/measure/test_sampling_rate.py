"""A wrong sampling rate is told by hearts that are all too fast and too narrow, or all too slow and too wide."""

import numpy as np
import numpy.typing as npt
import pytest
from tests.measure.conftest import draw

from rarebeat.measure.sampling_rate import FEWEST_RECORDS, Pace, pace, rate_warnings

RATE = 500.0


def hearts(count: int, claimed: float, source: str = "ward") -> list[Pace]:
    """Drawn ECGs at 500 Hz, from 50 to 110 beats per minute, with headers that may say something else."""
    return [
        pace(ecg(beats), claimed, source) for beats in np.linspace(50, 110, count)
    ]  # fmt: skip


def ecg(beats_per_minute: float) -> npt.NDArray[np.int16]:
    return draw(np.arange(0.4, 9.8, 60 / beats_per_minute), rate=RATE)


def test_the_pace_of_a_record_follows_the_rate_that_its_header_says() -> None:
    true, fast, slow = (pace(ecg(70), claimed, "ward") for claimed in (500, 1000, 250))
    assert true.heart_rate == pytest.approx(70, abs=1)
    assert fast.heart_rate == pytest.approx(140, abs=2)
    assert slow.heart_rate == pytest.approx(35, abs=1)
    assert fast.qrs < true.qrs < slow.qrs


def test_nothing_is_said_of_a_true_rate_or_of_few_records() -> None:
    assert rate_warnings(hearts(24, RATE)) == {}
    assert rate_warnings(hearts(FEWEST_RECORDS - 1, 1000)) == {}
    assert rate_warnings([]) == {}


@pytest.mark.parametrize(("claimed", "word"), [(1000.0, "high"), (250.0, "low")])
def test_a_source_at_another_rate_than_its_headers_say_is_found_among_others(
    claimed: float, word: str
) -> None:
    found = rate_warnings(hearts(20, RATE, "ward a") + hearts(20, claimed, "ward b"))
    assert list(found) == [("ward b", claimed)]
    assert (
        f"by their rate of {claimed:g} Hz the records of ward b have a median of" in found["ward b", claimed]
    )
    assert found["ward b", claimed].endswith(f"the rate is probably too {word}")


def test_fast_or_slow_hearts_alone_are_no_wrong_rate() -> None:
    def group(heart_rate: float, qrs: float) -> list[Pace]:
        return [Pace("ward", RATE, heart_rate, qrs)] * FEWEST_RECORDS

    assert rate_warnings(group(180, 80)) == {}, "supraventricular tachycardia"
    assert rate_warnings(group(75, 62)) == {}, "narrow complexes"
    assert rate_warnings(group(40, 90)) == {}, "sinus bradycardia"
    assert rate_warnings(group(75, 160)) == {}, "bundle branch block"
    assert len(rate_warnings(group(40, 160))) == 1
    assert len(rate_warnings(group(20, np.nan))) == 1, "no QRS complex can be told in a signal so slow"
