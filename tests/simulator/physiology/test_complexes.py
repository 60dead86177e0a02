"""QRS complexes have the width, the direction and the proportions of what activates the ventricles."""

import numpy as np
import pytest
from tests.simulator.physiology.calipers import (
    AVF,
    FIRED,
    INDEPENDENT,
    LEAD_I,
    RATE,
    V1,
    V6,
    around,
    beats,
    examples,
    plain,
    starts,
    usual,
    variants,
)

from rarebeat.measure.measuring import measure
from rarebeat.simulator.clinic import Simulated


def qrs_width(record: Simulated, times: list[float]) -> float:
    """Seconds in which the vector of all leads moves with more than a tenth of its greatest speed."""
    mean = around(record, times, 0.05, 0.25)[INDEPENDENT]
    smooth = np.array([np.convolve(lead, np.ones(7) / 7, "valid") for lead in mean])
    fast = np.linalg.norm(np.diff(smooth, axis=1), axis=0)
    moving = np.flatnonzero(fast > 0.10 * fast.max())
    return float(moving[-1] - moving[0]) / RATE


def test_ventricular_complexes_are_wide_and_their_t_waves_discordant() -> None:
    wide, discordant = [], []
    for record in examples("premature_ventricular_complexes", others=("left_bundle_branch_block",)):
        ectopic = [one for one in beats(record, "pvc") if one.focus == "focus-a" and 0.2 < one.time < 9]
        if not ectopic or record.recording.visit.patient.conduction != "normal":
            continue
        wide.append(qrs_width(record, starts(ectopic)))
        mean = around(record, starts(ectopic), 0.0, 0.5)
        lead = np.abs(mean[:, :80].sum(axis=1)).argmax()
        discordant.append(mean[lead, :80].sum() * mean[lead, 120:200].sum() < 0)
    assert np.median(wide) > 0.12
    assert np.mean(discordant) > 0.8


def test_fusion_complexes_lie_between_conducted_and_ectopic_ones() -> None:
    between = []
    for record in examples("fusion_complexes", 20):
        ventricular = record.recording.rhythm.ventricular
        fused = [one for one in ventricular if one.share < 1 and 0.2 < one.time < 9.5]
        ectopic = [one for one in ventricular if fused and one.focus == fused[0].focus and one.share == 1]
        normal = beats(record)
        if fused and normal and any(0.2 < one.time < 9.5 for one in ectopic):
            shapes = [around(record, starts(group), 0.04, 0.20) for group in (normal, fused, ectopic)]
            apart = np.linalg.norm(shapes[0] - shapes[2])
            between.append(max(np.linalg.norm(shapes[1] - shapes[k]) for k in (0, 2)) < 1.1 * apart)
    assert len(between) > 5
    assert np.mean(between) > 0.8


def test_bundle_branch_blocks_are_wide_with_late_forces_on_their_side() -> None:
    quiet = (*FIRED, "bigeminy", "paced_rhythm", "ventricular_tachycardia", "idioventricular_rhythm")
    right = examples("right_bundle_branch_block", others=quiet)
    left = examples("left_bundle_branch_block", others=quiet)
    normal = examples(
        "sinus_rhythm", others=(*quiet, "right_bundle_branch_block", "left_bundle_branch_block")
    )
    for group, narrow in ((right, False), (left, False), (normal, True)):
        widths = [qrs_width(one, starts(beats(one) or beats(one, "junction"))) for one in group]
        assert (np.median(widths) < 0.11) == narrow
    peaks = [
        around(one, starts(beats(one) or beats(one, "junction")), 0.0, 0.16, V1).argmax() / RATE
        for one in right
    ]
    assert np.mean(np.array(peaks) > 0.05) > 0.8
    for record in left:
        mean = around(record, starts(beats(record) or beats(record, "junction")), 0.0, 0.15)
        assert abs(mean[V1].min()) > mean[V1].max()
    upright = [around(one, starts(beats(one) or beats(one, "junction")), 0.0, 0.15, V6) for one in left]
    assert np.mean([mean.max() > abs(mean.min()) for mean in upright]) > 0.8


def proportions(side: str, lead: int) -> tuple[float, float]:
    """Medians over sinus rhythms with a bundle branch block: S to R, and T to the larger of both."""
    name = f"{side}_bundle_branch_block"
    found = []
    for record in examples(name, 15, others=plain(name)):
        mean = around(record, starts(beats(record)), 0.02, 0.45, lead)
        r, s, rest = mean[:85].max(), -mean[:85].min(), mean[100:]
        found.append((s / max(r, 0.05), rest[np.abs(rest).argmax()] / max(r, s)))
    middle = np.median(found, axis=0)
    return float(middle[0]), float(middle[1])


def test_bundle_branch_blocks_have_the_proportions_of_real_ones() -> None:
    """Quartiles of 79 real right and 51 real left blocks, a little wider.

    S to R in V6 with right block 0.20 to 0.54, T to S in V1 with left block 0.22 to 0.35, T to R in V6 -0.33 to -0.14.
    """
    assert 0.15 < proportions("right", V6)[0] < 0.65
    assert proportions("right", V1)[1] < -0.1
    assert 0.18 < proportions("left", V1)[1] < 0.40
    assert -0.38 < proportions("left", V6)[1] < -0.10


def test_pacing_both_ventricles_turns_the_axis_up_and_right_and_takes_less_time() -> None:
    def shape(record: Simulated) -> np.ndarray:
        fired = [one for one in beats(record, "pacemaker") if one.share == 1]
        return around(record, starts(fired), 0.02, 0.16)

    both = [shape(record) for record in variants("paced", "biventricular")]
    right = [shape(record) for record in variants("paced", "atrial sensed")]
    upwards = [mean[AVF].sum() < 0 for mean in both]
    rightwards = [mean[LEAD_I].sum() < 0 for mean in both]
    in_front = [mean[V1].sum() > 0 for mean in both]
    assert min(np.mean(upwards), np.mean(rightwards), np.mean(in_front)) > 0.7
    assert np.mean([mean[V1].sum() > 0 for mean in right]) < 0.2
    assert np.mean([mean[LEAD_I].sum() < 0 for mean in right]) < 0.4
    widths = [
        np.median([qrs_width(one, starts(beats(one, "pacemaker"))) for one in variants("paced", variant)])
        for variant in ("biventricular", "atrial sensed")
    ]
    assert widths[0] < widths[1] - 0.01


def test_pacing_leaves_spikes() -> None:
    sharp = []
    for record in examples("paced_rhythm"):
        rhythm = record.recording.rhythm
        spikes = starts([one for one in rhythm.ventricular if one.origin == "pacemaker"])
        spikes = spikes or starts([one for one in rhythm.atrial if one.paced])
        steps = np.abs(np.diff(around(record, spikes, 0.1, 0.02), n=2, axis=1)).max(axis=0)
        sharp.append(steps[44:54].max() > 3 * np.median(steps))
    assert np.mean(sharp) > 0.7


@pytest.mark.parametrize("side", ["left", "right"])
def test_bundle_branch_blocks_take_120_ms_and_more(side: str) -> None:
    """Measured by the library that measures real ECGs: the delineator above looks no further than 100 ms."""
    name = f"{side}_bundle_branch_block"
    found = [measure(record.signal, RATE).qrs for record in examples(name, 15, others=plain(name))]
    assert np.median([width for width in found if width is not None]) >= 120
    assert np.median([measure(one.signal, RATE).qrs or 0.0 for one in usual()]) < 110
