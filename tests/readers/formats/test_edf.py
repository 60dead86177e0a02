"""EDF files: limits, dimensions, rates and lengths, against pyedflib."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import edfio
import numpy as np
import pyedflib
import pytest
from tests.readers.formats.changing import refusal

from rarebeat.core.records import LEADS
from rarebeat.readers.formats.edf import read_file
from rarebeat.simulator.archives.edf import edf_bytes
from rarebeat.simulator.archives.export import Export, export
from rarebeat.simulator.settings import SimulatorSettings

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def simulated() -> Export:
    return export(0, SimulatorSettings(seconds=5.0))


@pytest.fixture
def write(simulated: Export, tmp_path: Path) -> Write:
    """An EDF file of a simulated ECG whose leads are stored as edfio is told to."""

    def make(count: int = 12, records: dict[str, Any] | None = None, **lead: Any) -> Path:
        scale = {"mV": 1e-3, "V": 1e-6, "nV": 1e3}.get(lead.get("physical_dimension", ""), 1.0)
        settings = {"physical_dimension": "uV", "physical_range": (-5000 * scale, 5000 * scale)} | lead
        signals = [
            edfio.EdfSignal(samples * scale, simulated.rate, label=name, **settings)
            for name, samples in zip(LEADS[:count], simulated.signal, strict=False)
        ]
        edfio.Edf(signals, **{"data_record_duration": 1.0} | (records or {})).write(tmp_path / "one.edf")
        return tmp_path / "one.edf"

    return make


def test_pyedflib_reads_the_same(write: Write, simulated: Export) -> None:
    path = write()
    ecg = read_file(path)
    with pyedflib.EdfReader(str(path)) as reader:
        assert reader.getSignalLabels() == list(LEADS)
        assert [reader.getPhysicalDimension(index) for index in range(12)] == ["uV"] * 12
        told = np.stack([reader.readSignal(index) for index in range(12)])
        assert reader.getSampleFrequency(0) == ecg.rate
    assert np.abs(ecg.signal - told).max() <= 0.5
    assert np.abs(ecg.signal - simulated.signal).max() <= 1


@pytest.mark.parametrize("unit", ["uV", "mV", "V", "nV", "µV"])
def test_the_dimension_is_read(write: Write, simulated: Export, unit: str) -> None:
    if unit == "µV":
        path = write()
        path.write_bytes(path.read_bytes().replace(b"uV ", "µV ".encode("latin-1")))
    else:
        path = write(physical_dimension=unit)
    assert np.abs(read_file(path).signal - simulated.signal).max() <= 1


@pytest.mark.parametrize("unit", ["", "mmHg", "bpm"])
def test_another_dimension_is_no_voltage(write: Write, unit: str) -> None:
    assert refusal(read_file, write(physical_dimension=unit)).reason == "unknown_units"


def test_an_inverting_amplifier_is_turned_back(write: Write, simulated: Export) -> None:
    path = write()
    data = path.read_bytes().replace(b"-5000   ", b"x       ").replace(b"5000    ", b"-5000   ")
    path.write_bytes(data.replace(b"x       ", b"5000    "))
    with pyedflib.EdfReader(str(path)) as reader:
        assert np.abs(reader.readSignal(1) + simulated.signal[1]).max() <= 1
    assert np.abs(read_file(path).signal + simulated.signal).max() <= 1


def test_a_filled_last_record_is_cut(write: Write, simulated: Export, tmp_path: Path) -> None:
    padded = np.pad(simulated.signal.astype(float), ((0, 0), (0, 500)))  # what pyedflib writes behind 5 s
    signals = [
        edfio.EdfSignal(lead, 500, label=f"ECG {name}", physical_dimension="uV", physical_range=(-5000, 5000))
        for name, lead in zip(LEADS, padded, strict=True)
    ]
    edfio.Edf(signals, data_record_duration=2.0).write(tmp_path / "two.edf")
    assert read_file(tmp_path / "two.edf").signal.shape == simulated.signal.shape


def test_leads_of_different_rates_are_not_brought_to_one(simulated: Export, tmp_path: Path) -> None:
    signals = [
        edfio.EdfSignal(
            lead[:: 1 + (name == "V6")], 500 / (1 + (name == "V6")), label=name, physical_dimension="uV"
        )
        for name, lead in zip(LEADS, simulated.signal.astype(float), strict=True)
    ]
    edfio.Edf(signals, data_record_duration=1.0).write(tmp_path / "one.edf")
    assert "rates" in refusal(read_file, tmp_path / "one.edf").detail


@pytest.mark.parametrize("told", ["", "X", "12 M", "12 M X"])
def test_a_patient_who_is_not_told_in_full_does_not_refuse_the_ecg(
    write: Write, simulated: Export, told: str
) -> None:
    path = write(records={"annotations": [edfio.EdfAnnotation(0, None, "sinus rhythm")]})
    data = path.read_bytes()
    path.write_bytes(data[:8] + told.encode().ljust(80) + data[88:])
    ecg = read_file(path)
    assert np.abs(ecg.signal - simulated.signal).max() <= 1
    in_part = told == "12 M X"
    assert (ecg.person.patient, ecg.person.sex) == (("12", "male") if in_part else (None, None))
    assert ecg.person.not_understood == (() if in_part else ("age", "patient", "sex"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data[:-2], "truncated"),
        (lambda data: data + b"\0\0", "header_mismatch"),
        (lambda data: data.replace(b"+2\x14\x14", b"+3\x14\x14"), "truncated"),
        (lambda data: b"\xffBIOSEMI" + data[8:], "unreadable"),
        (lambda data: data.replace(b"V6", b"V7"), "missing_leads"),
        (lambda data: data.replace(b"-32768", b"-1    "), "header_mismatch"),
        (lambda data: data.replace(b"-5000", b"5000 "), "unknown_units"),
    ],
)
def test_what_contradicts_itself_is_refused(
    simulated: Export, write: Write, change: Callable[[bytes], bytes], reason: str
) -> None:
    path = write(records={"annotations": [edfio.EdfAnnotation(0, None, "sinus rhythm")]})
    path.write_bytes(change(path.read_bytes()))
    assert refusal(read_file, path).reason == reason


def test_age_and_sex_are_those_of_edf_plus(simulated: Export, tmp_path: Path) -> None:
    (tmp_path / "one.edf").write_bytes(edf_bytes(simulated))
    person = read_file(tmp_path / "one.edf").person
    assert person == (str(simulated.patient), simulated.age, simulated.sex, ())


def test_plain_edf_has_no_form_for_them(write: Write) -> None:
    path = write()
    data = path.read_bytes()
    path.write_bytes(data[:8] + b"Jane Doe, 63 years, F".ljust(80) + data[88:])
    assert read_file(path).person == (None, None, None, ("age", "patient", "sex"))
