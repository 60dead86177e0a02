"""DICOM ECG waveforms: units, factors, baselines, padding and groups, as the standard has them."""

from collections.abc import Callable
from copy import deepcopy
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.data import get_testdata_file
from tests.readers.formats.changing import refusal

from rarebeat.core.records import LEADS
from rarebeat.readers.formats.dicom import read_file
from rarebeat.simulator.archives.dicom import dicom_bytes
from rarebeat.simulator.archives.export import Export, export
from rarebeat.simulator.settings import SimulatorSettings

Change = Callable[[Any], None]


@pytest.fixture(scope="module")
def simulated() -> Export:
    return export(0, SimulatorSettings(seconds=5.0))


@pytest.fixture
def changed(simulated: Export, tmp_path: Path) -> Callable[..., Path]:
    """A simulated DICOM file after a change of its dataset."""

    def make(change: Change = lambda dataset: None) -> Path:
        dataset = pydicom.dcmread(BytesIO(dicom_bytes(simulated)))
        change(dataset)
        dataset.save_as(tmp_path / "one.dcm")
        return tmp_path / "one.dcm"

    return make


def channels(dataset: Any) -> Any:
    return dataset.WaveformSequence[0].ChannelDefinitionSequence


def test_a_real_file_is_what_pydicom_makes_of_it() -> None:
    path = Path(str(get_testdata_file("waveform_ecg.dcm")))
    ecg = read_file(path)
    dataset = pydicom.dcmread(path)
    physical = dataset.waveform_array(0).T  # microvolts, as its channels say
    meanings = [channel.ChannelSourceSequence[0].CodeMeaning for channel in channels(dataset)]
    assert meanings[0] == "Lead I (Einthoven)"
    assert meanings[1:] == [f"Lead {name}" for name in LEADS[1:]]
    assert np.abs(ecg.signal - physical).max() <= 0.5
    assert (ecg.rate, ecg.signal.shape, ecg.calibrated) == (1000.0, (12, 10_000), True)
    assert ecg.person[:3] == ("642341", 42.0, "female")
    assert ecg.text == "RITMO SINUSALE\nECG NORMALE"  # the statements, not the 75 measurements


def test_what_is_simulated_comes_back(simulated: Export, changed: Callable[..., Path]) -> None:
    ecg = read_file(changed())
    assert (ecg.signal == simulated.signal).all()
    assert (ecg.person.age, ecg.person.sex, ecg.rate) == (simulated.age, simulated.sex, simulated.rate)


def test_the_baseline_is_added_after_scaling_in_the_unit_of_the_sensitivity(
    simulated: Export, changed: Callable[..., Path]
) -> None:
    def scale(dataset: Any) -> None:
        for channel in channels(dataset)[6:]:
            channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor = 0.0005, 2
            channel.ChannelBaseline = -0.05  # before scaling it would be 50 nanovolts
            channel.ChannelSensitivityUnitsSequence[0].CodeValue = "mV"

    path = changed(scale)
    told = pydicom.dcmread(path).waveform_array(0).T[6:] * 1000
    chest = read_file(path).signal[6:]
    assert np.abs(chest - told).max() <= 0.5
    assert (chest == simulated.signal[6:] - 50).all()


def test_units_are_never_assumed(changed: Callable[..., Path]) -> None:
    def without(name: str) -> Change:
        return lambda dataset: delattr(channels(dataset)[3], name)

    for name in ("ChannelSensitivityUnitsSequence", "ChannelSensitivity"):
        assert refusal(read_file, changed(without(name))).reason == "unknown_units"

    def pressure(dataset: Any) -> None:
        channels(dataset)[0].ChannelSensitivityUnitsSequence[0].CodeValue = "mm[Hg]"

    assert refusal(read_file, changed(pressure)).reason == "unknown_units"


def replace_samples(dataset: Any, change: Callable[[npt.NDArray[np.int16]], None]) -> None:
    group = dataset.WaveformSequence[0]
    samples = np.frombuffer(group.WaveformData, "<i2").reshape(-1, 12).copy()
    change(samples)
    group.WaveformData = samples.tobytes()


def test_padding_is_missing_and_no_voltage(changed: Callable[..., Path]) -> None:
    def pad(dataset: Any) -> None:
        replace_samples(dataset, lambda samples: samples[-20:].fill(-32768))

    path = changed(pad)
    assert pydicom.dcmread(path).waveform_array(0).min() == -32768.0  # scaled, as if it were one
    assert refusal(read_file, path).reason == "not_a_number"


def test_a_padding_value_of_zero_is_a_voltage_where_other_leads_go_on(changed: Callable[..., Path]) -> None:
    def zero(dataset: Any) -> None:
        dataset.WaveformSequence[0].WaveformPaddingValue = b"\x00\x00"

    def and_a_gap(dataset: Any) -> None:
        zero(dataset)
        replace_samples(dataset, lambda samples: samples[100:120].fill(0))

    assert (read_file(changed(zero)).signal == 0).any()
    assert refusal(read_file, changed(and_a_gap)).reason == "not_a_number"


def test_the_median_beat_is_not_the_recording(simulated: Export, changed: Callable[..., Path]) -> None:
    def prepend(dataset: Any) -> None:
        beat = deepcopy(dataset.WaveformSequence[0])
        beat.WaveformOriginality, beat.NumberOfWaveformSamples = "DERIVED", 600
        beat.WaveformData = beat.WaveformData[: 600 * 24]
        dataset.WaveformSequence.insert(0, beat)

    assert (read_file(changed(prepend)).signal == simulated.signal).all()


def split(dataset: Any, offsets: tuple[float, ...]) -> None:
    """Put leads into groups of their own, as many as there are offsets."""
    whole = dataset.WaveformSequence[0]
    samples = np.frombuffer(whole.WaveformData, "<i2").reshape(-1, 12)
    groups, size = [], 12 // len(offsets)
    for number, offset in enumerate(offsets):
        group = deepcopy(whole)
        chosen = slice(number * size, (number + 1) * size)
        group.ChannelDefinitionSequence = whole.ChannelDefinitionSequence[chosen]
        group.NumberOfWaveformChannels, group.MultiplexGroupTimeOffset = size, offset
        group.WaveformData = samples[:, chosen].tobytes()
        groups.append(group)
    dataset.WaveformSequence = groups


def test_leads_in_several_groups_belong_together_when_recorded_together(
    simulated: Export, changed: Callable[..., Path]
) -> None:
    ecg = read_file(changed(lambda dataset: split(dataset, (0, 0))))
    assert (ecg.signal == simulated.signal).all()
    sheet = refusal(read_file, changed(lambda dataset: split(dataset, (0, 2500, 5000, 7500))))
    assert sheet.reason == "header_mismatch"
    assert "parts of a sheet" in sheet.detail


def add_group(dataset: Any, leads: slice, **changes: Any) -> None:
    """A group of some of the leads, as ``changes`` of it, or of its first channel (``Channel...``), say."""
    whole = dataset.WaveformSequence[0]
    samples = np.frombuffer(whole.WaveformData, "<i2").reshape(-1, 12)[:, leads]
    group = deepcopy(whole)
    group.ChannelDefinitionSequence = whole.ChannelDefinitionSequence[leads]
    group.NumberOfWaveformChannels, group.WaveformData = samples.shape[1], samples.tobytes()
    for name, value in changes.items():
        setattr(group.ChannelDefinitionSequence[0] if name.startswith("Channel") else group, name, value)
    dataset.WaveformSequence.append(group)


def test_a_rhythm_strip_beside_the_twelve_leads_repeats_one(
    simulated: Export, changed: Callable[..., Path]
) -> None:
    ecg = read_file(changed(lambda dataset: add_group(dataset, slice(1, 2))))
    assert (ecg.signal == simulated.signal).all()
    twice = refusal(read_file, changed(lambda dataset: add_group(dataset, slice(12))))
    assert twice.detail == "lead I is there twice"


@pytest.mark.parametrize(
    "changes",
    [
        {"ChannelStatus": "DISCONNECTED"},
        {"ChannelTimeSkew": 0.1},
        {"WaveformSampleInterpretation": "MB", "SamplingFrequency": 100},
        {"NumberOfWaveformSamples": 1},
    ],
)
def test_a_signal_that_is_no_lead_does_not_refuse_the_ecg(
    simulated: Export, changed: Callable[..., Path], changes: dict[str, Any]
) -> None:
    def breathe(dataset: Any) -> None:
        add_group(dataset, slice(1), **changes)
        source = dataset.WaveformSequence[1].ChannelDefinitionSequence[0].ChannelSourceSequence[0]
        source.CodeValue, source.CodeMeaning = "2:19456", "Respiration"

    assert (read_file(changed(breathe)).signal == simulated.signal).all()


def test_codes_name_the_leads_and_must_agree_with_the_labels(
    simulated: Export, changed: Callable[..., Path]
) -> None:
    def scp(dataset: Any) -> None:
        for channel in channels(dataset):
            source = channel.ChannelSourceSequence[0]
            source.CodeValue = "5.6.3-9-" + source.CodeValue.partition(":")[2]
            source.CodingSchemeDesignator, source.CodeMeaning = "SCPECG", ""

    def by_label(dataset: Any) -> None:
        for name, channel in zip(LEADS, channels(dataset), strict=True):
            channel.ChannelSourceSequence[0].CodeValue = "1"
            channel.ChannelSourceSequence[0].CodeMeaning = f"Lead {name} (Einthoven)"

    def swapped(dataset: Any) -> None:
        channels(dataset)[0].ChannelSourceSequence[0].CodeMeaning = "Lead II"

    for change in (scp, by_label):
        assert (read_file(changed(change)).signal == simulated.signal).all()
    assert refusal(read_file, changed(swapped)).reason == "header_mismatch"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d.pop("WaveformSequence"), "missing_leads"),
        (lambda d: setattr(d.WaveformSequence[0], "NumberOfWaveformSamples", 2000), "header_mismatch"),
        (lambda d: setattr(d.WaveformSequence[0], "NumberOfWaveformSamples", 5000), "truncated"),
        (lambda d: setattr(d.WaveformSequence[0], "WaveformSampleInterpretation", "AB"), "unreadable"),
        (lambda d: setattr(channels(d)[2], "ChannelTimeSkew", 0.1), "header_mismatch"),
        (lambda d: setattr(channels(d)[2], "ChannelStatus", "DISCONNECTED"), "missing_leads"),
        (lambda d: setattr(d.file_meta, "TransferSyntaxUID", "1.2.840.10008.1.2.1.99"), "unreadable"),
    ],
)
def test_what_is_no_whole_ecg_is_refused(changed: Callable[..., Path], change: Change, reason: str) -> None:
    assert refusal(read_file, changed(change)).reason == reason
