"""Einthoven's and Goldberger's equations: limb leads that follow, and limb leads that contradict."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from rarebeat.core.errors import BadRecordError
from rarebeat.core.limb_leads import check_limb_leads, check_stray_samples, derive_limb_leads
from rarebeat.core.records import LEADS
from rarebeat.readers.quality import RawLeads, trusted_signal

Steps = npt.NDArray[np.int16]


@pytest.fixture
def ecg() -> Steps:
    """Two seconds of something like an ECG: microvolts, shape (12, 1000), limb leads in agreement."""
    rng = np.random.default_rng(0)
    beat = np.exp(-0.5 * ((np.arange(1000) % 400 - 200) / 8) ** 2)
    signal = np.rint(beat * rng.uniform(300, 900, (12, 1)) + rng.normal(0, 8, (12, 1000)))
    signal[:2] = 2 * np.rint(signal[:2] / 2)  # even, so that the derived leads are whole numbers
    one, two = signal[:2]
    signal[2:6] = two - one, -(one + two) / 2, one - two / 2, two - one / 2
    return signal.astype(np.int16)


def raw(samples: Steps, names: list[str], gain: float = 1000.0) -> RawLeads:
    count = len(names)
    return RawLeads(samples, names, [gain] * count, [0.0] * count, ["mV"] * count)


@pytest.mark.parametrize("pair", [(0, 1), (0, 2), (1, 2)])
def test_any_two_of_the_first_three_leads_give_the_rest(ecg: Steps, pair: tuple[int, int]) -> None:
    kept = [*pair, *range(6, 12)]
    signal, calibrated = trusted_signal(raw(ecg[kept], [LEADS[i] for i in kept]), 500.0)
    np.testing.assert_array_equal(signal, ecg)
    assert calibrated


def test_stored_augmented_leads_stay_when_lead_ii_is_derived(ecg: Steps) -> None:
    ecg[3] += 3
    kept = [0, *range(2, 12)]
    signal, _ = trusted_signal(raw(ecg[kept], [LEADS[i] for i in kept]), 500.0)
    np.testing.assert_array_equal(signal, ecg)


@pytest.mark.parametrize("lead", [0, 1, 2])
def test_one_lead_and_the_augmented_ones_are_not_enough(ecg: Steps, lead: int) -> None:
    kept = [lead, *range(3, 12)]
    with pytest.raises(BadRecordError, match="missing_leads"):
        trusted_signal(raw(ecg[kept], [LEADS[i] for i in kept]), 500.0)


def test_derived_leads_obey_the_equations() -> None:
    physical = np.random.default_rng(0).normal(0, 300, (12, 50))
    expected = physical[1] + physical[0]
    physical[2] = physical[1]
    derive_limb_leads(physical, [1, 3, 4, 5])
    np.testing.assert_allclose(physical[1], expected)
    np.testing.assert_allclose(physical[3] + physical[4] + physical[5], 0, atol=1e-9)


def doubled(ecg: Steps) -> None:
    ecg[1] *= 2


def inverted(ecg: Steps) -> None:
    ecg[3] *= -1


def swapped(ecg: Steps) -> None:
    ecg[[2, 5]] = ecg[[5, 2]]


def copied(ecg: Steps) -> None:
    ecg[2] = ecg[0]


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (doubled, "as well"),
        (inverted, "lead aVR is"),
        (swapped, "contradict leads I and II as well"),
        (copied, "lead III is"),
    ],
)
def test_leads_that_contradict_each_other_are_refused(
    ecg: Steps, spoil: Callable[[Steps], None], named: str
) -> None:
    spoil(ecg)
    with pytest.raises(BadRecordError, match=named) as caught:
        trusted_signal(raw(ecg, list(LEADS)), 500.0)
    assert caught.value.reason == "inconsistent_leads"


def test_one_wrong_lead_is_named_alone(ecg: Steps) -> None:
    ecg[4] += 200
    with pytest.raises(BadRecordError) as caught:
        check_limb_leads(ecg, 1.0)
    assert caught.value.detail == (
        "lead aVL is 200 microvolts away from I - II / 2 (99th percentile, and up to 200; 50 are tolerated)"
    )


def test_a_short_artefact_in_one_lead_is_tolerated(ecg: Steps) -> None:
    ecg[2, 500:510] += 2000  # 10 of 1000 samples
    check_limb_leads(ecg, 1.0)
    ecg[2, 510] += 2000
    with pytest.raises(BadRecordError, match="inconsistent_leads"):
        check_limb_leads(ecg, 1.0)


@pytest.mark.parametrize("step", [5, 25, 50])
def test_coarse_steps_are_no_contradiction(ecg: Steps, step: int) -> None:
    coarse = (ecg // step).astype(np.int16)  # rounding downwards is the coarser way
    signal, _ = trusted_signal(raw(coarse, list(LEADS), gain=1000.0 / step), 500.0)
    np.testing.assert_array_equal(signal, coarse * step)


def test_large_values_do_not_wrap_around(ecg: Steps) -> None:
    ecg[0], ecg[1] = 20_000, -12_000
    ecg[2:6] = np.array([-32_000, -4_000, 26_000, -22_000])[:, None]
    check_limb_leads(ecg, 1.0)


def test_leads_without_calibration_are_not_compared(ecg: Steps) -> None:
    ecg[2] *= -1
    signal, calibrated = trusted_signal(
        RawLeads(ecg, list(LEADS), [1000.0] * 12, [0.0] * 12, ["NU"] * 12), 500.0
    )
    np.testing.assert_array_equal(signal, ecg)
    assert not calibrated


@pytest.mark.parametrize("lead", range(6))
def test_a_damaged_sample_stands_out_where_the_recorder_has_derived_the_leads(ecg: Steps, lead: int) -> None:
    check_stray_samples(ecg, 1.0)
    ecg[lead, 321] ^= 1 << 11
    check_limb_leads(ecg, 1.0)  # which tolerates what is short
    with pytest.raises(BadRecordError, match="1 samples of the limb leads are"):
        check_stray_samples(ecg, 1.0)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_pulses_of_a_pacemaker_in_all_leads_are_no_damage(ecg: Steps, count: int) -> None:
    ecg[:, 100 : 100 + 200 * count : 200] += 1500
    check_stray_samples(ecg, 1.0)


@pytest.fixture
def apart(ecg: Steps) -> Steps:
    """The same, each limb lead filtered by itself."""
    ecg[2:6] += np.random.default_rng(1).integers(-20, 21, (4, ecg.shape[1])).astype(np.int16)
    return ecg


def test_leads_that_were_filtered_apart_hide_a_single_sample(apart: Steps) -> None:
    apart[2, 321] += 1000
    check_stray_samples(apart, 1.0)


def test_no_recorder_has_a_sample_so_far_off(apart: Steps) -> None:
    apart[2, 321] += 12_000
    with pytest.raises(BadRecordError, match="1 samples of the limb leads"):
        check_stray_samples(apart, 1.0)


def test_a_lead_that_agrees_tells_that_the_others_were_derived_too(ecg: Steps) -> None:
    ecg[5, 400:] += np.random.default_rng(1).integers(-30, 31, 600).astype(np.int16)
    check_stray_samples(ecg, 1.0)  # as far as leads may be away that were filtered apart
    ecg[5, [420, 520, 620, 720]] += 100
    with pytest.raises(BadRecordError, match="4 samples of the limb leads"):
        check_stray_samples(ecg, 1.0)
    check_stray_samples(ecg, 1.0, stored=[0, 1, 5])  # the reader itself has made the others


def test_a_lead_that_was_moved_by_a_sample_is_refused_where_it_is_far_off_in_few_places(ecg: Steps) -> None:
    beat = np.exp(-0.5 * ((np.arange(1000) % 400 - 200) / 8) ** 2)
    ecg[0], ecg[1] = 0, 2 * np.rint(beat * 342)
    ecg[2], ecg[3], ecg[4], ecg[5] = ecg[1], -ecg[1] // 2, -ecg[1] // 2, ecg[1]
    check_limb_leads(ecg, 1.0)
    ecg[5, 1:] = ecg[5, :-1].copy()
    assert 0 < np.mean(np.abs(ecg[5] - (ecg[1] - ecg[0] / 2)) > 50) < 0.01
    with pytest.raises(BadRecordError, match=r"lead aVF is .* microvolts away from II - I / 2"):
        check_limb_leads(ecg, 1.0)


def test_an_artefact_that_one_lead_alone_shows_is_tolerated(ecg: Steps) -> None:
    ecg[5, 100:900:200] += 3000
    check_limb_leads(ecg, 1.0)


def test_few_microvolts_are_enough_where_all_else_agrees_and_they_lie_together(ecg: Steps) -> None:
    ecg[4, 300:370] = 30  # between two beats
    assert 20 < np.abs(ecg[4] - (ecg[0] - ecg[1] / 2)).max() < 50
    check_limb_leads(ecg, 1.0)
    with pytest.raises(BadRecordError, match="of the limb leads are up to"):
        check_stray_samples(ecg, 1.0)


def test_a_lead_that_was_filtered_apart_differs_by_few_microvolts_in_every_beat(ecg: Steps) -> None:
    ecg[4, [190, 590, 990]] += 45
    check_stray_samples(ecg, 1.0)
