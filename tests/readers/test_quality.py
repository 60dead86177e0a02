import numpy as np
import numpy.typing as npt
import pytest

from rarebeat.core.errors import BadRecordError
from rarebeat.core.records import LEADS
from rarebeat.readers.quality import RawLeads, trusted_signal

RATE = 500.0
Steps = npt.NDArray[np.int16]


@pytest.fixture
def ecg() -> Steps:
    """Four seconds of something like an ECG: microvolts, shape (12, 2000), limb leads in agreement."""
    rng = np.random.default_rng(0)
    beat = np.exp(-0.5 * ((np.arange(2000) % 400 - 200) / 8) ** 2)
    signal = np.rint(beat * rng.uniform(400, 900, (12, 1)) + rng.normal(0, 8, (12, 2000)))
    one, two = signal[:2]
    signal[2:6] = two - one, -(one + two) / 2, one - two / 2, two - one / 2
    return np.rint(signal).astype(np.int16)


def raw(samples: npt.NDArray[np.int16] | npt.NDArray[np.float64], **changes: object) -> RawLeads:
    fields: dict[str, object] = {
        "names": LEADS,
        "gains": [1000.0] * 12,
        "baselines": [0] * 12,
        "units": ["mV"] * 12,
    }
    return RawLeads(samples, **fields | changes)  # type: ignore[arg-type]


def refusal(leads: RawLeads, rate: float = RATE) -> BadRecordError:
    with pytest.raises(BadRecordError) as caught:
        trusted_signal(leads, rate)
    return caught.value


# ------------------------------------------------------------------ what is accepted


def test_microvolts_come_out_as_they_went_in(ecg: Steps) -> None:
    signal, calibrated = trusted_signal(raw(ecg), RATE)
    np.testing.assert_array_equal(signal, ecg)
    assert calibrated


@pytest.mark.parametrize(
    ("unit", "gain"),
    [("mV", 200), ("mv", 200), ("uV", 0.2), ("µV", 0.2), ("μV", 0.2), (" V ", 200_000), ("nV", 0.0002)],
)
def test_every_spelling_of_a_voltage_gives_microvolts(ecg: Steps, unit: str, gain: float) -> None:
    signal, calibrated = trusted_signal(raw(ecg // 5, units=[unit] * 12, gains=[gain] * 12), RATE)
    np.testing.assert_array_equal(signal, ecg // 5 * 5)
    assert calibrated


def test_gain_and_baseline_belong_to_each_lead(ecg: Steps) -> None:
    gains, baselines = np.arange(500, 1700, 100.0), np.arange(-60, 60, 10)
    steps = np.rint(ecg * gains[:, None] / 1000 + baselines[:, None]).astype(np.int16)
    signal, _ = trusted_signal(raw(steps, gains=list(gains), baselines=list(baselines)), RATE)
    expected = (steps - baselines[:, None]) / gains[:, None] * 1000
    assert np.abs(signal - expected).max() <= 0.5 + 1e-9


def test_leads_are_put_in_order_whatever_their_names_look_like(ecg: Steps) -> None:
    names = [f" Lead {name.lower()} " for name in LEADS]
    signal, _ = trusted_signal(raw(ecg[::-1].copy(), names=names[::-1]), RATE)
    np.testing.assert_array_equal(signal, ecg)


def test_limb_leads_follow_from_leads_i_and_ii(ecg: Steps) -> None:
    eight = [0, 1, *range(6, 12)]
    leads = raw(
        ecg[eight], names=[LEADS[i] for i in eight], gains=[1000.0] * 8, baselines=[0] * 8, units=["mV"] * 8
    )
    signal, _ = trusted_signal(leads, RATE)
    one, two = ecg[0].astype(float), ecg[1].astype(float)
    np.testing.assert_array_equal(signal[2], two - one)
    for row, exact in ((3, -(one + two) / 2), (4, one - two / 2), (5, two - one / 2)):
        assert np.abs(signal[row] - exact).max() <= 0.5
    np.testing.assert_array_equal(signal[6:], ecg[6:])


def test_normalised_units_are_stored_in_thousandths_and_marked(ecg: Steps) -> None:
    signal, calibrated = trusted_signal(raw(ecg, units=["NU"] * 12, gains=[500.0] * 12), RATE)
    np.testing.assert_array_equal(signal, ecg * 2)
    assert not calibrated


def test_leads_that_all_span_the_same_range_are_not_calibrated(ecg: Steps) -> None:
    spans = np.ptp(ecg, axis=1).astype(float)
    signal, calibrated = trusted_signal(raw(ecg, gains=list(spans)), RATE)
    assert not calibrated
    assert np.abs(np.ptp(signal, axis=1) - 1000).max() <= 1


def test_signals_in_physical_units_are_rounded(ecg: Steps) -> None:
    signal, _ = trusted_signal(raw(ecg / 1000.0, gains=[1.0] * 12), RATE)
    np.testing.assert_array_equal(signal, ecg)


# ------------------------------------------------------------------ what is refused


def test_a_missing_chest_lead_cannot_be_derived(ecg: Steps) -> None:
    error = refusal(raw(ecg, names=[*LEADS[:6], "vx", *LEADS[7:]]))
    assert error.reason == "missing_leads"
    assert error.detail.startswith("V1 missing; found 'I II III")


def test_without_lead_i_the_limb_leads_are_missing_too(ecg: Steps) -> None:
    leads = raw(ecg[6:], names=LEADS[6:], gains=[1000.0] * 6, baselines=[0] * 6, units=["mV"] * 6)
    assert refusal(leads).detail.startswith("I, II, III, aVR, aVL, aVF missing")


def test_a_lead_that_is_there_twice(ecg: Steps) -> None:
    assert refusal(raw(ecg, names=["II", *LEADS[1:]])).reason == "header_mismatch"


@pytest.mark.parametrize("unit", ["", "mmHg", "bpm", "adu"])
def test_units_that_are_no_voltage(ecg: Steps, unit: str) -> None:
    assert refusal(raw(ecg, units=["mV"] * 11 + [unit])).reason == "unknown_units"


def test_leads_with_and_without_calibration_do_not_mix(ecg: Steps) -> None:
    assert refusal(raw(ecg, units=["mV"] * 11 + ["NU"])).reason == "unknown_units"


@pytest.mark.parametrize("gain", [None, 0.0, -200.0, float("inf"), float("nan")])
def test_gains_that_are_none(ecg: Steps, gain: float | None) -> None:
    assert refusal(raw(ecg, gains=[1000.0] * 11 + [gain])).reason == "unknown_units"


@pytest.mark.parametrize("gain", [1000.0, 500.0])
def test_samples_marked_as_invalid(ecg: Steps, gain: float) -> None:
    ecg[9, 77:80] = -32768
    error = refusal(raw(ecg, gains=[gain] * 12))
    assert error.reason == "not_a_number"
    assert "V4 (3)" in error.detail


def test_not_a_number_in_a_physical_signal(ecg: Steps) -> None:
    physical = ecg / 1000.0
    physical[0, 0] = np.nan
    assert refusal(raw(physical, gains=[1.0] * 12)).reason == "not_a_number"


def test_infinity_is_no_amplitude(ecg: Steps) -> None:
    physical = ecg / 1000.0
    physical[0, 0] = np.inf
    assert refusal(raw(physical, gains=[1.0] * 12)).reason == "implausible_amplitude"


def test_a_constant_lead_is_flat(ecg: Steps) -> None:
    ecg[[7, 9]] = 12
    error = refusal(raw(ecg))
    assert (error.reason, error.detail) == ("flat_lead", "V2, V4 constant")


def test_a_lead_that_is_constant_for_more_than_half_is_flat(ecg: Steps) -> None:
    ecg[7, 900:] = 12
    error = refusal(raw(ecg))
    assert (error.reason, error.detail) == ("flat_lead", "V2 constant for 2.2 of 4.0 s")


def test_a_lead_that_is_constant_for_less_than_half_is_not(ecg: Steps) -> None:
    ecg[7, 1100:] = 12
    trusted_signal(raw(ecg), RATE)


def test_the_tops_of_beats_cut_off_at_a_rail_are_clipped(ecg: Steps) -> None:
    wide = np.exp(-0.5 * ((np.arange(2000) % 400 - 200) / 30) ** 2)
    ecg[6] = np.minimum(ecg[6] / 8 + 2000 * wide, 1500)
    error = refusal(raw(ecg))
    assert error.reason == "clipped"
    assert "V1" in error.detail


def test_one_long_stay_at_the_lower_rail_is_clipped(ecg: Steps) -> None:
    ecg[6, 500:650] = -3000
    assert refusal(raw(ecg)).reason == "clipped"


def test_a_last_value_that_is_held_for_a_moment_is_not_clipped(ecg: Steps) -> None:
    ecg[6, -60:] = 2000
    trusted_signal(raw(ecg), RATE)


def test_a_silent_baseline_at_the_lowest_value_is_not_clipped(ecg: Steps) -> None:
    beat = np.exp(-0.5 * ((np.arange(2000) % 400 - 200) / 8) ** 2)
    heights = np.linspace(400, 900, 12)
    heights[:6] = 800, 1200, 400, 1000, 200, 800  # aVR is inverted
    silent = np.rint(beat * heights[:, None]).astype(np.int16)
    silent[3] *= -1
    assert np.count_nonzero(silent == silent.min(axis=1, keepdims=True)) > 11 * 1000
    trusted_signal(raw(silent), RATE)


@pytest.mark.parametrize("gain", [1.0, 10.0, 50_000.0])
def test_amplitudes_that_no_ecg_has(ecg: Steps, gain: float) -> None:
    assert refusal(raw(ecg, gains=[gain] * 12)).reason == "implausible_amplitude"


def test_amplitudes_that_fit_but_are_far_too_large() -> None:
    rng = np.random.default_rng(0)
    assert refusal(raw(rng.normal(0, 5, (12, 2000)), gains=[1.0] * 12)).reason == "implausible_amplitude"


def test_values_made_for_another_gain(ecg: Steps) -> None:
    microvolts = np.rint(np.rint(2 * ecg / 4.88) * 4.88).astype(np.int16)  # a converter of 4.88 microvolts
    trusted_signal(raw(microvolts), RATE)
    error = refusal(raw(microvolts, gains=[200.0] * 12))
    assert error.reason == "implausible_amplitude"
    assert "in steps of 20 microvolts, where the header promises 5" in error.detail


def test_large_signals_that_use_every_step_are_accepted(ecg: Steps) -> None:
    signal, _ = trusted_signal(raw(ecg, gains=[1000 / 6] * 12), RATE)  # coarse, and no step is skipped
    assert np.median(np.ptp(signal, axis=1)) > 4000
    np.testing.assert_array_equal(signal, 6 * ecg)


def test_a_median_second_of_more_than_5_mv_is_no_ecg_whatever_its_steps(ecg: Steps) -> None:
    error = refusal(raw(ecg, gains=[100.0] * 12))
    assert error.reason == "implausible_amplitude"
    assert "mV in the median second, expected at most 5: the gain is probably wrong" in error.detail


def test_a_short_artefact_of_20_mv_is_no_reason_to_doubt_the_gain(ecg: Steps) -> None:
    electrode = np.array([0, 1, 1, -0.5, -0.5, 1, *[0.5] * 6])  # the left leg, in each lead
    ecg[:, 1900:1950] += (20_000 * electrode[:, None]).astype(np.int16)
    trusted_signal(raw(ecg), RATE)


def test_less_than_a_second_is_too_short(ecg: Steps) -> None:
    assert refusal(raw(ecg[:, :499])).reason == "too_short"
    trusted_signal(raw(ecg[:, :600]), RATE)


@pytest.mark.parametrize("rate", [0.001, 1.0, 1e9])
def test_rates_that_no_ecg_has(ecg: Steps, rate: float) -> None:
    assert refusal(raw(ecg), rate).reason == "implausible_header"
