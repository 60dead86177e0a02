"""Bare numbers pass the checks of ingest, whose ECG it is is checked, and length is told."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rarebeat.core.errors import BadRecordError, ParamsError
from rarebeat.core.records import Signal
from rarebeat.core.signals import Preprocessing, preprocess
from rarebeat.dataset.windows import WindowSettings
from rarebeat.inference.gate import input_windows, known_age, known_sex, network_input, trusted_ecg
from rarebeat.inference.model_folder import ModelCard
from rarebeat.readers.read_file import read_file

CARD = ModelCard(
    architecture="hughes34",
    settings={},
    classes=("one",),
    thresholds={"one": 0.5},
    preprocessing=Preprocessing(),
    units="mV",
    heads="one",
    cohorts=("toy",),
    vocabulary="toy",
)


@pytest.fixture
def signal(wfdb_record: Path) -> Signal:
    """Ten seconds at 500 Hz in microvolts."""
    return read_file(wfdb_record).signal


def seconds(signal: Signal, wanted: float) -> Signal:
    """So many seconds at 500 Hz, the recording again and again."""
    return np.tile(signal, 1 + round(wanted / 10))[:, : round(500 * wanted)]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_millivolts_become_the_microvolts_that_a_file_holds(signal: Signal, kind: type) -> None:
    found, calibrated = trusted_ecg(signal.astype(kind) / kind(1000), 500)
    assert np.array_equal(found, signal)
    assert found.dtype == np.int16
    assert calibrated


def test_whole_numbers_of_millivolts_do_not_wrap_around(signal: Signal) -> None:
    with pytest.raises(BadRecordError, match=r"^implausible_amplitude: .* mV; at most 32\.767 fits"):
        trusted_ecg(signal, 500)  # microvolts


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda ecg: ecg * 0, "flat_lead: I, II, III"),
        (lambda ecg: ecg * np.nan, "not_a_number: samples marked as invalid in I "),
        (lambda ecg: ecg / 1000, "implausible_amplitude: .*probably in volts instead of millivolts"),
        (lambda ecg: ecg * 1000, "implausible_amplitude: .*at most 32.767 fits"),
        (lambda ecg: ecg / ecg * np.inf, "not_a_number|implausible_amplitude"),
        (
            lambda ecg: np.where(np.arange(12)[:, None] < 6, ecg, 0),
            "flat_lead: V1, V2, V3, V4, V5, V6 constant",
        ),
        (lambda ecg: np.minimum(ecg, 0.2), "clipped: "),
        (lambda ecg: ecg[:8], r"missing_leads: an array of shape \(8, 5000\)"),
        (lambda ecg: ecg[0], "missing_leads: an array of shape"),
        (lambda ecg: ecg[:, :0], "missing_leads: an array of shape"),
        (lambda ecg: ecg[:, :499], "too_short: 499 samples"),
        (lambda ecg: ecg.astype(str), "unreadable: "),
    ],
)
def test_what_is_no_ecg_is_refused_with_the_reason(signal: Signal, change, reason: str) -> None:  # type: ignore[no-untyped-def]
    with np.errstate(all="ignore"), pytest.raises(BadRecordError, match=f"^({reason})"):
        trusted_ecg(change(signal.astype(np.float32) / 1000), 500)


@pytest.mark.parametrize("rate", [0.0, -500.0, 5.0, float("nan"), float("inf")])
def test_a_rate_that_no_ecg_has_is_refused(signal: Signal, rate: float) -> None:
    with pytest.raises(BadRecordError, match=r"^implausible_header"):
        trusted_ecg(signal.astype(np.float32) / 1000, rate)


def test_ages_and_sexes() -> None:
    assert [known_age(age) for age in (None, -1, float("nan"), 0, 56.5, 90, 120)] == [
        *(None, None, None),
        *(0.0, 56.5, 90.0, 90.0),
    ]
    assert [known_sex(sex) for sex in (None, "", "f", "FEMALE", "M", "male")] == [
        *(None, None),
        *("female", "female", "male", "male"),
    ]
    for age in (540.0, -2.0, 121.0, 300.0, float("inf")):
        with pytest.raises(ParamsError, match="age takes 0 to 120 years"):
            known_age(age)
    for sex in ("x", "1", "unknown"):
        with pytest.raises(ParamsError, match="sex takes female or male, found"):
            known_sex(sex)


@pytest.mark.parametrize("wanted", [9.0, 10.0, 10.05])
def test_a_recording_of_the_expected_length_is_what_training_sees(signal: Signal, wanted: float) -> None:
    recording = seconds(signal, wanted)
    found = network_input(recording, 500, True, CARD)
    assert np.array_equal(found.signal, preprocess(recording, 500, CARD.preprocessing))
    assert found.length == min(2500, 250 * wanted)
    assert found.warning == ""


def test_a_short_recording_is_padded_with_a_warning(signal: Signal) -> None:
    found = network_input(seconds(signal, 1), 500, True, CARD)
    assert found.signal.shape == (12, 2500)
    assert found.length == 250
    assert found.warning == "1 s of signal, the model expects 10 s: the rest is padded with zeros"


def test_a_long_recording_is_kept_whole_with_a_warning(signal: Signal) -> None:
    found = network_input(seconds(signal, 600), 500, True, CARD)
    assert found.signal.shape == (12, 150_000)
    assert found.length == 150_000
    assert found.warning == (
        "600 s of signal, the model expects 10 s: judged by the mean of 119 windows over all of it"
    )
    assert input_windows(CARD) == WindowSettings(2500, "mean")


def test_a_model_that_sees_windows_expects_recordings_of_the_length_that_it_was_trained_with(
    signal: Signal,
) -> None:
    card = replace(CARD, window=WindowSettings(1000, "max"))
    assert input_windows(card) == card.window
    assert [network_input(seconds(signal, wanted), 500, True, card).warning for wanted in (4, 7, 10)] == [
        ""
    ] * 3
    assert "expects 4 s" in network_input(seconds(signal, 3), 500, True, card).warning
    warning = network_input(seconds(signal, 20), 500, True, card).warning
    assert warning == "20 s of signal, the model expects 10 s: judged by the max of 9 windows over all of it"


def test_all_warnings_are_told(signal: Signal) -> None:
    warning = network_input(seconds(signal, 5), 500, False, CARD).warning
    assert warning.startswith("the amplitude of this record was normalised away")
    assert warning.endswith("; 5 s of signal, the model expects 10 s: the rest is padded with zeros")
