"""From dipoles to twelve leads: identities, amplitudes, widths and rank."""

import numpy as np
import pytest
from tests.simulator.waveform.average import average_heart as anatomy

from rarebeat.simulator.waveform.anatomy import draw_anatomy
from rarebeat.simulator.waveform.beats import Waveform, p_wave, qrs_complex, t_wave
from rarebeat.simulator.waveform.leads import TORSO, draw_wave, patient_matrix, see, twelve_leads

LEAD_I, LEAD_II, V1, V6 = 0, 1, 2, 7  # rows of TORSO


def drawn(waveform: Waveform, seconds: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Times and the eight leads of a wave form."""
    times = np.arange(-0.05, seconds, 0.001)
    bells = np.exp(-0.5 * ((times - waveform.centre[:, None]) / waveform.width[:, None]) ** 2)
    return times, TORSO @ (waveform.vector.T @ bells)


def width(waveform: Waveform) -> float:
    """Seconds during which the dipole is longer than 7 % of its maximum."""
    times, leads = drawn(waveform)
    length = np.linalg.norm(leads, axis=0)
    strong = times[length > 0.07 * length.max()]
    return float(strong[-1] - strong[0])


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_limb_leads_obey_einthoven_and_goldberger() -> None:
    signal = twelve_leads(np.random.default_rng(0).normal(0, 0.7, (8, 1000)).astype(np.float32)).astype(int)
    one, two, three, right, left, foot = signal[:6]
    assert (three == two - one).all()
    assert (np.abs(2 * right + one + two) <= 1).all()
    assert (np.abs(2 * left - 2 * one + two) <= 1).all()
    assert (np.abs(2 * foot - 2 * two + one) <= 1).all()


def test_extreme_values_do_not_wrap_around() -> None:
    signal = twelve_leads(np.array([[-500.0], [500.0], *[[500.0]] * 6], np.float32))
    assert signal[1, 0] == 10_000
    assert signal[2, 0] == 20_000


def test_the_normal_qrs_is_narrow_and_upright_in_the_left_leads() -> None:
    qrs = qrs_complex("his", anatomy("normal"), rng())
    _, leads = drawn(qrs)
    assert 0.06 < width(qrs) < 0.11
    assert 0.4 < leads[LEAD_I].max() < 1.2
    assert 0.5 < leads[LEAD_II].max() < 1.6
    assert leads[V1].min() < -0.5
    assert leads[V6].max() > 0.5


def test_normal_p_and_t_waves_have_normal_amplitudes() -> None:
    _, p = drawn(p_wave("sinus", anatomy("normal"), rng()))
    qrs = qrs_complex("his", anatomy("normal"), rng())
    _, t = drawn(t_wave("his", qrs, anatomy("normal"), rng()), 1.2)
    assert 0.07 < p[LEAD_II].max() < 0.25
    assert 0.10 < t[LEAD_II].max() < 0.5
    assert t[3].max() > t[V6].max() > 0.05


def test_right_bundle_branch_block_ends_late_and_to_the_right() -> None:
    qrs = qrs_complex("his", anatomy("right"), rng())
    times, leads = drawn(qrs)
    late = times > 0.09
    assert width(qrs) >= 0.12
    assert leads[V1][late].max() > 0.4
    assert leads[LEAD_I][late].min() < -0.15
    assert leads[V6][late].min() < -0.2
    assert times[leads[V1].argmax()] > 0.05


def test_left_bundle_branch_block_is_broad_without_q_and_its_t_wave_discordant() -> None:
    qrs = qrs_complex("his", anatomy("left"), rng())
    times, leads = drawn(qrs)
    assert width(qrs) >= 0.12
    assert leads[V6].min() > -0.1
    assert times[leads[V6].argmax()] > 0.045
    assert leads[V1].min() < -0.7
    _, t = drawn(t_wave("his", qrs, anatomy("left"), rng()), 1.2)
    assert t[V1].max() > 0.1
    assert t[V6].min() < -0.05


@pytest.mark.parametrize("focus", ["focus-a", "focus-b", "escape", "pacemaker"])
def test_beats_from_a_focus_are_wide_and_their_t_waves_discordant(focus: str) -> None:
    for seed in range(10):
        random = np.random.default_rng(seed)
        qrs = qrs_complex(focus, anatomy("normal"), random)
        t = t_wave(focus, qrs, anatomy("normal"), random)
        area = (qrs.width[:, None] * qrs.vector).sum(axis=0)
        assert width(qrs) >= 0.1
        assert area @ t.vector[2] < 0


def test_low_and_retrograde_p_waves_are_negative_in_the_inferior_leads() -> None:
    for focus in ("low", "retrograde"):
        _, p = drawn(p_wave(focus, anatomy("normal"), rng()))
        assert p[LEAD_II].min() < -0.05


def test_each_patient_has_another_matrix_near_the_published_one() -> None:
    first, second = patient_matrix(np.random.default_rng(1)), patient_matrix(np.random.default_rng(2))
    assert not np.allclose(first, second)
    assert np.abs(first - TORSO).max() < 0.6


def test_electrodes_see_more_than_a_dipole() -> None:
    qrs = see([draw_wave("p", qrs_complex("his", anatomy("normal"), rng()), rng())])
    times = np.arange(0, 0.12, 0.002)
    bells = np.exp(-0.5 * ((times - qrs.centre[..., None]) / qrs.width[..., None]) ** 2)
    amplitude = qrs.vector @ TORSO.T + qrs.residual
    values = np.linalg.svd((amplitude[..., None] * bells).sum(axis=0), compute_uv=False)
    assert values[3] > 0.01 * values[0]
    assert values[3] < 0.3 * values[0]


def test_the_qrs_has_sharp_notches_that_a_dipole_of_slow_waves_has_not() -> None:
    complexes = qrs_complex("his", anatomy("normal"), rng())
    slow = see([draw_wave("p", complexes, rng())])
    sharp = see([draw_wave("qrs", complexes, rng())])
    assert sharp.width.min() < 0.0035 < slow.width.min()
    assert sharp.vector.shape == (len(sharp.centre), 3)
    notches = np.linalg.norm(sharp.vector[5:], axis=1)
    assert notches.max() < 0.25 * np.linalg.norm(sharp.vector[:5], axis=1).max()


def test_waves_that_are_seen_together_do_not_change_each_other() -> None:
    qrs = qrs_complex("his", anatomy("normal"), rng())
    t = t_wave("his", qrs, anatomy("normal"), rng())
    waves = [draw_wave("t", t, rng()), draw_wave("qrs", qrs, rng()), draw_wave("spike", qrs, rng())]
    together = see(waves)
    assert together.counts.tolist() == [5, 9, 5]
    for name in ("centre", "width", "vector", "residual"):
        alone = np.concatenate([getattr(see([wave]), name) for wave in waves])
        assert np.array_equal(getattr(together, name), alone)


def test_hearts_differ_with_age_and_sex_as_groups() -> None:
    young = [draw_anatomy(np.random.default_rng(seed), "normal", 25, "male") for seed in range(200)]
    old = [draw_anatomy(np.random.default_rng(seed), "normal", 85, "female") for seed in range(200)]
    for attribute in ("qrs", "t"):
        sizes = [
            np.median([np.linalg.norm(getattr(heart.vectors, attribute)) for heart in group])
            for group in (young, old)
        ]
        assert sizes[0] > sizes[1]
    assert np.median([heart.axis for heart in young]) > np.median([heart.axis for heart in old])


def test_the_axis_of_left_bundle_branch_block_goes_with_the_axis_that_the_heart_had() -> None:
    hearts = [draw_anatomy(np.random.default_rng(seed), "left", 60, "female") for seed in range(150)]
    blocked = [qrs_complex("his", heart, rng()).vector.sum(axis=0) for heart in hearts]
    axes = [np.degrees(np.arctan2(y, x)) for x, y, _ in blocked]
    assert np.corrcoef([heart.axis for heart in hearts], axes)[0, 1] > 0.7
    assert 8 < np.std(axes) < 30


def test_waves_go_together_as_in_real_hearts() -> None:
    """ST segments and T waves point to the front together; the size of T loosely follows that of the QRS."""
    hearts = [draw_anatomy(np.random.default_rng(seed), "normal", 50, "male").vectors for seed in range(400)]
    qrs = [np.linalg.norm(heart.qrs) for heart in hearts]
    assert 0.1 < np.corrcoef(qrs, [np.linalg.norm(heart.t) for heart in hearts])[0, 1] < 0.7
    assert np.corrcoef([heart.st[2] for heart in hearts], [heart.t[2] for heart in hearts])[0, 1] > 0.3
