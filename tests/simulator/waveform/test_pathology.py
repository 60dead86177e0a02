"""Findings outside the classes change the leads that readers look at."""

import numpy as np
import pytest
from tests.simulator.waveform.average import average_heart

from rarebeat.simulator.waveform.anatomy import Anatomy, draw_anatomy
from rarebeat.simulator.waveform.beats import p_wave, qrs_complex, t_wave
from rarebeat.simulator.waveform.leads import TORSO
from rarebeat.simulator.waveform.pathology import draw_findings, show
from rarebeat.simulator.waveform.vectors import turn

LEAD_I, II, V1, V2, V3, V5, V6 = 0, 1, 2, 3, 4, 6, 7  # rows of TORSO
NOBODY = average_heart("normal")


def heart(*findings: str) -> Anatomy:
    found = frozenset(findings)
    vectors = show(NOBODY.vectors, found, np.random.default_rng(3))
    return Anatomy("normal", found, vectors, NOBODY.shares, 1.0, 1.0)


def leads(anatomy: Anatomy, what: str = "qrs") -> np.ndarray:
    """The eight leads of QRS (0.2 s), P (0.2 s) or T wave (in shares of QT)."""
    rng = np.random.default_rng(1)
    qrs = qrs_complex("his", anatomy, rng)
    make = {"qrs": qrs, "p": p_wave("sinus", anatomy, rng), "t": t_wave("his", qrs, anatomy, rng)}[what]
    times = np.linspace(-0.04, 1.1 if what == "t" else 0.2, 500)
    bells = np.exp(-0.5 * ((times - make.centre[:, None]) / make.width[:, None]) ** 2)
    return np.asarray(TORSO @ (make.vector.T @ bells))


def test_the_average_heart_is_a_normal_ecg() -> None:
    qrs, t, p = (leads(NOBODY, what) for what in ("qrs", "t", "p"))
    assert 0 < NOBODY.axis < 75
    assert qrs[V1].max() < abs(qrs[V1].min())
    assert qrs[V5].max() > abs(qrs[V5].min())
    assert 0.05 < p[II].max() < 0.25
    assert t[V2].max() > 0.1
    assert t[V6].max() > 0.1


def test_left_ventricular_hypertrophy_meets_the_voltage_criterion_of_sokolow_and_lyon() -> None:
    normal, large = leads(NOBODY), leads(heart("left_ventricular_hypertrophy"))
    assert -large[V1].min() + large[V5].max() > 1.3 * (-normal[V1].min() + normal[V5].max())


def test_an_anterior_infarct_takes_the_r_wave_from_v2() -> None:
    assert leads(heart("anterior_infarct"))[V2].max() < 0.5 * leads(NOBODY)[V2].max()


def test_an_inferior_infarct_leaves_a_q_wave_in_the_inferior_leads() -> None:
    scar = leads(heart("inferior_infarct"))
    foot = scar[II] - scar[LEAD_I] / 2
    assert foot[:200].min() < -0.1
    assert foot[:200].argmin() < foot.argmax()


@pytest.mark.parametrize(
    ("finding", "low", "high"), [("left_anterior_fascicle", -90, -30), ("left_posterior_fascicle", 80, 140)]
)
def test_block_of_a_fascicle_turns_the_axis(finding: str, low: float, high: float) -> None:
    assert low < heart(finding).axis < high


def test_low_voltage_is_below_half_a_millivolt_in_the_limbs() -> None:
    assert np.ptp(leads(heart("low_voltage"))[[LEAD_I, II]], axis=1).max() < 0.6


def test_t_waves_flatten_or_turn() -> None:
    normal, flat, turned = (leads(one, "t")[V5] for one in (NOBODY, heart("flat_t"), heart("inverted_t")))
    assert flat.max() < 0.6 * normal.max()
    assert turned.min() < -0.05


def test_preexcitation_starts_the_qrs_early() -> None:
    early = slice(0, 60)
    delta, normal = leads(heart("preexcitation")), leads(NOBODY)
    assert np.abs(delta[:, early]).max() > 2 * np.abs(normal[:, early]).max()


def test_a_large_left_atrium_deepens_the_end_of_p_in_v1() -> None:
    assert leads(heart("left_atrial_enlargement"), "p")[V1].min() < 1.5 * leads(NOBODY, "p")[V1].min()


def test_findings_come_with_age_and_with_the_marks_of_diseases() -> None:
    def share(name: str, age: float, conditions: frozenset[str] = frozenset()) -> float:
        drawn = [
            draw_findings(np.random.default_rng(seed), "normal", age, "female", conditions)
            for seed in range(400)
        ]
        return float(np.mean([name in one for one in drawn]))

    assert share("left_anterior_fascicle", 80) > share("left_anterior_fascicle", 25)
    assert share("inferior_infarct", 70, frozenset({"inferior_infarct", "hypertension"})) == 1
    assert share("inferior_infarct", 70) == 0


def test_no_delta_wave_goes_unread() -> None:
    """Reports tell of one where the bundle branches conduct normally; all other states must not show it."""
    for conduction in ("delayed", "left"):
        drawn = [draw_findings(np.random.default_rng(seed), conduction, 50, "male") for seed in range(2000)]
        assert not any("preexcitation" in one for one in drawn)


def test_left_bundle_branch_block_hides_scars() -> None:
    marks = frozenset({"anterior_infarct", "lateral_ischemia"})
    assert not draw_findings(np.random.default_rng(0), "left", 70, "male", marks) & marks


def test_a_heart_depends_on_its_random_numbers_only() -> None:
    first, second = (draw_anatomy(np.random.default_rng(4), "right", 60, "male") for _ in range(2))
    assert np.array_equal(first.vectors.qrs, second.vectors.qrs)
    assert first.findings == second.findings


def test_turns_keep_lengths_and_go_where_they_say() -> None:
    assert np.allclose(turn(np.pi / 2, 0) @ [1, 0, 0], [0, 1, 0])
    assert np.allclose(turn(0, np.pi / 2) @ [1, 0, 0], [0, 0, -1])
    assert np.linalg.norm(turn(0.3, -0.7) @ [1, 2, 3]) == pytest.approx(np.linalg.norm([1, 2, 3]))
