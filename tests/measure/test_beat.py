"""Width and direction of drawn QRS complexes."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from rarebeat.core.signals import resample
from rarebeat.measure.beat import AFTER, BEFORE, median_beat, qrs_axis, qrs_bounds, qrs_duration, qrs_voltages
from rarebeat.measure.qrs import RATE, find_beats

Signal = npt.NDArray[np.int16]
Draw = Callable[..., Signal]

TIMES = np.arange(0.5, 9.8, 0.8)


def beat_of(signal: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    values = resample(signal.astype(np.int16), 500, RATE)
    beat = median_beat(values, find_beats(values))
    assert beat is not None
    return beat


def width_of(signal: npt.NDArray[np.generic]) -> float:
    bounds = qrs_bounds(beat_of(signal))
    assert bounds is not None
    return qrs_duration(bounds)


@pytest.mark.parametrize("width", [70, 90, 110, 130, 150, 180])
def test_the_width_is_measured_to_within_twelve_milliseconds(draw: Draw, width: float) -> None:
    assert width_of(draw(TIMES, width=width / 1000)) == pytest.approx(width, abs=12)


def test_the_width_does_not_depend_on_amplitude_noise_or_wander(draw: Draw) -> None:
    clean = width_of(draw(TIMES, noise=0))
    small = draw(TIMES, height=0.3, p_wave=0.03, t_wave=0.08, noise=0.003)
    wander = 500 * np.sin(2 * np.pi * 0.3 * np.arange(5000) / 500)
    for signal in (small, draw(TIMES, noise=0.02), draw(TIMES) + wander):
        assert width_of(signal) == pytest.approx(clean, abs=12)


def test_the_width_spans_the_earliest_and_the_latest_lead(draw: Draw) -> None:
    early, late = draw(TIMES, width=0.08), draw(TIMES + 0.04, width=0.08)
    assert width_of(np.vstack([early[:9], late[9:]])) == pytest.approx(120, abs=16)


def test_the_median_beat_is_of_the_prevailing_kind(draw: Draw) -> None:
    ectopic = np.arange(len(TIMES)) % 3 == 2
    width = np.where(ectopic, 0.16, 0.08)
    assert width_of(draw(TIMES, width=width, height=np.where(ectopic, 2.5, 1.2))) == pytest.approx(80, abs=12)
    assert width_of(draw(TIMES, width=np.where(ectopic, 0.08, 0.16))) == pytest.approx(160, abs=12)


def test_the_beats_are_aligned_though_their_places_were_found_roughly(draw: Draw) -> None:
    values = resample(draw(TIMES), 500, RATE)
    beats = find_beats(values)
    shifted = beats + np.random.default_rng(0).integers(-4, 5, len(beats))
    exact, rough = median_beat(values, beats), median_beat(values, shifted)
    assert exact is not None
    assert rough is not None
    assert np.ptp(rough, axis=1) == pytest.approx(np.ptp(exact, axis=1), rel=0.03)


@pytest.mark.parametrize(("middle", "found"), [(55, 71), (2435, 2419)])
def test_a_beat_that_is_moved_beyond_an_end_of_the_recording_is_left_out(middle: int, found: int) -> None:
    others = np.arange(200, 2300, 200)
    bumps = np.exp(-(((np.arange(2500) - np.append(others, middle)[:, None]) / 8) ** 2)).sum(axis=0)
    values = np.outer(np.arange(1, 13), 100 * bumps) + np.random.default_rng(0).standard_normal((12, 2500))
    beat, without = median_beat(values, np.sort(np.append(others, found))), median_beat(values, others)
    assert beat is not None
    assert without is not None
    np.testing.assert_array_equal(beat, without)


@pytest.mark.parametrize("axis", [-150, -60, -30, 0, 45, 90, 120, 180])
def test_the_axis_is_measured_to_within_two_degrees(draw: Draw, axis: float) -> None:
    beat = beat_of(draw(TIMES, axis=axis, noise=0.003))
    bounds = qrs_bounds(beat)
    assert bounds is not None
    measured = qrs_axis(beat, bounds)
    assert measured is not None
    assert (measured - axis + 180) % 360 - 180 == pytest.approx(0, abs=2)


def test_an_axis_needs_a_net_area(draw: Draw) -> None:
    beat = beat_of(draw(TIMES))
    beat[:6] = 0
    assert qrs_axis(beat, (50, 70)) is None


def test_beats_that_are_too_few_or_not_alike_give_no_median(draw: Draw) -> None:
    values = resample(draw(TIMES), 500, RATE)
    assert median_beat(values, find_beats(values)[:2]) is None
    noise = 100 * np.random.default_rng(0).standard_normal((12, 2500))
    assert median_beat(noise, np.arange(100, 2400, 200)) is None


def test_where_the_complex_does_not_stand_out_it_has_no_width() -> None:
    phase = 2 * np.pi * 4 * np.arange(BEFORE + AFTER) / RATE
    turning = np.vstack([np.tile(np.sin(phase), (6, 1)), np.tile(np.cos(phase), (6, 1))])
    assert qrs_bounds(turning) is None
    assert qrs_bounds(np.random.default_rng(0).standard_normal((12, BEFORE + AFTER))) is None
    assert qrs_bounds(np.zeros((12, BEFORE + AFTER))) is None


def test_the_tallest_complex_of_limb_and_chest_leads_is_measured_from_peak_to_peak(draw: Draw) -> None:
    beat = beat_of(draw(TIMES, height=0.8, axis=60))  # along lead II; V5 is the tallest chest lead
    bounds = qrs_bounds(beat)
    assert bounds is not None
    assert qrs_voltages(beat, bounds) == pytest.approx((800, 800), rel=0.08)
    assert qrs_voltages(beat_of(draw(TIMES, height=0.8, axis=90)), bounds)[0] == pytest.approx(
        800 * np.sqrt(3) / 2, rel=0.08
    )
