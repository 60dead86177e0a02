"""Measurements on whole recordings, drawn and simulated."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from rarebeat.measure.measurements import Extent, Measurements
from rarebeat.measure.measuring import measure
from rarebeat.simulator.clinic import Simulated, simulate
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import ventricular_rate

Draw = Callable[..., npt.NDArray[np.int16]]

TIMES = np.arange(0.5, 9.8, 0.8)


def test_a_drawn_ecg_is_measured(draw: Draw) -> None:
    result = measure(draw(TIMES, width=0.1, axis=30), 500)
    np.testing.assert_allclose(result.beats, TIMES, atol=0.02)
    assert result.rate == pytest.approx(75, abs=0.5)
    assert result.mean_rate == pytest.approx(75, abs=0.5)
    assert result.variation == pytest.approx(0, abs=0.01)
    assert result.entropy == pytest.approx(np.log(2 * 0.03 / 0.8), abs=0.01)  # all intervals alike
    assert result.qrs == pytest.approx(100, abs=12)
    assert result.axis == pytest.approx(30, abs=3)
    assert result.limb_voltage == pytest.approx(1.2 * np.cos(np.pi / 6), rel=0.08)
    assert result.chest_voltage == pytest.approx(1.2, rel=0.08)


def test_less_than_all_is_measured_where_no_more_is_asked_for(draw: Draw) -> None:
    signal = draw(TIMES, width=0.1)
    beats = measure(signal, 500, extent=Extent.BEATS)
    no_complex = {"qrs": None, "axis": None, "limb_voltage": None, "chest_voltage": None}
    assert beats == replace(measure(signal, 500), **no_complex)
    assert beats.variation is not None
    assert measure(signal, 500, extent=Extent.NOTHING) == Measurements(())


def test_leads_with_units_of_their_own_have_no_axis_but_all_else(draw: Draw) -> None:
    signal = draw(TIMES, width=0.1)
    scores = (signal - signal.mean(axis=1, keepdims=True)) / signal.std(axis=1, keepdims=True)
    result = measure(np.rint(1000 * scores).astype(np.int16), 500, calibrated=False)
    assert (result.axis, result.limb_voltage, result.chest_voltage) == (None, None, None)
    assert result.rate == pytest.approx(75, abs=0.5)
    assert result.qrs == pytest.approx(100, abs=12)


def test_what_cannot_be_measured_is_none(draw: Draw) -> None:
    assert measure(np.zeros((12, 5000), np.int16), 500) == Measurements(())
    assert measure(draw(TIMES)[:, :400], 500) == Measurements(())  # less than a second
    two = measure(draw([1.0, 2.0], seconds=3), 500)
    assert len(two.beats) == 2
    assert (two.rate, two.qrs) == (None, None)
    four = measure(draw([1.0, 2.0, 3.0, 4.0], seconds=5), 500)
    assert four.rate == pytest.approx(60, abs=1)
    assert four.qrs is not None
    assert (four.variation, four.entropy) == (None, None)


def test_saturated_samples_do_no_harm(draw: Draw) -> None:
    signal = draw(TIMES, height=80)
    assert measure(signal, 500).rate == pytest.approx(75, abs=0.5)


@pytest.fixture(scope="module")
def clinic() -> list[tuple[Simulated, Measurements]]:
    settings = SimulatorSettings(seed=5)
    records = (simulate(index, settings) for index in range(150))
    return [(record, measure(record.signal, settings.rate)) for record in records]


def test_the_rate_of_simulated_records_is_the_true_one(clinic: list[tuple[Simulated, Measurements]]) -> None:
    errors = [
        abs((result.mean_rate or 0) - ventricular_rate(record.recording.rhythm, 10.0))
        for record, result in clinic
    ]
    assert np.mean(np.array(errors) < 3) > 0.95


def test_simulated_fibrillation_is_irregular_and_sinus_rhythm_regular(
    clinic: list[tuple[Simulated, Measurements]],
) -> None:
    sinus = [r.entropy for s, r in clinic if s.recording.truth == {"sinus_rhythm"}]
    fibrillation = [r.entropy for s, r in clinic if s.recording.truth == {"atrial_fibrillation"}]
    assert min(len(sinus), len(fibrillation)) >= 3
    assert np.median(np.array(sinus, float)) < -2 < -1 < np.median(np.array(fibrillation, float))


def test_simulated_bundle_branch_blocks_are_wide(clinic: list[tuple[Simulated, Measurements]]) -> None:
    blocks = {"left_bundle_branch_block", "right_bundle_branch_block"}
    wide = [r.qrs for s, r in clinic if s.recording.truth & blocks and r.qrs is not None]
    narrow = [r.qrs for s, r in clinic if s.recording.truth == {"sinus_rhythm"} and r.qrs is not None]
    assert min(len(wide), len(narrow)) >= 3
    assert np.median(narrow) < 115 < 120 < np.median(wide)
