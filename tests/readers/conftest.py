"""Hand-made archives: a plausible ECG, and writers of WFDB records and of GE MUSE XML files."""

import base64
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rarebeat.core.records import LEADS

RATE = 500
Microvolts = npt.NDArray[np.int16]


@pytest.fixture
def ecg() -> Microvolts:
    """Two seconds of something like an ECG: int16 microvolts, shape (12, 1000), limb leads in agreement."""
    rng = np.random.default_rng(0)
    beat = np.exp(-0.5 * ((np.arange(1000) % 400 - 200) / 8) ** 2)
    signal = np.rint(beat * rng.uniform(300, 900, (12, 1)) + rng.normal(0, 8, (12, 1000)))
    signal[:2] = 2 * np.rint(signal[:2] / 2)  # even, so that the derived leads are whole numbers
    one, two = signal[0], signal[1]
    signal[2:6] = two - one, -(one + two) / 2, one - two / 2, two - one / 2
    return signal.astype(np.int16)


def checksum(samples: npt.NDArray[np.integer]) -> int:
    return int(samples.astype(np.int64).sum()) & 0xFFFF


@pytest.fixture
def write_wfdb(tmp_path: Path) -> Callable[..., Path]:
    """Write a record in format 16, interleaved; returns its header."""

    def write(
        signal: npt.NDArray[np.integer],
        name: str = "rec",
        folder: Path = tmp_path,
        data_name: str | None = None,
        names: Sequence[str] = LEADS,
        gains: Sequence[str] = ("1000/mV",) * 12,
        offset: int = 0,
        rate: float = RATE,
        samples: int | None = None,
        checksums: Sequence[int] | None = None,
        comments: Sequence[str] = (),
        first_line: str | None = None,
    ) -> Path:
        data_name = data_name or f"{name}.dat"
        count = signal.shape[1] if samples is None else samples
        lines = [first_line or f"{name} {len(signal)} {rate:g} {count}"]
        sums = checksums or [checksum(lead) for lead in signal]
        storage = f"16+{offset}" if offset else "16"
        for lead_name, gain, lead, total in zip(names, gains, signal, sums, strict=False):
            lines.append(f"{data_name} {storage} {gain} 16 0 {lead[0]} {total} 0 {lead_name}")
        lines += [f"#{comment}" for comment in comments]
        header = folder / f"{name}.hea"
        header.parent.mkdir(parents=True, exist_ok=True)
        header.write_text("\n".join(lines) + "\n", encoding="utf-8")
        content = b"\0" * offset + signal.T.astype("<i2").tobytes()
        (header.parent / Path(data_name).name).write_bytes(content)
        return header

    return write


def muse_lead(name: str, samples: npt.NDArray[np.int16], **changes: str) -> str:
    """One LeadData element; ``changes`` replaces the text of its children."""
    content = samples.astype("<i2").tobytes()
    fields = {
        "LeadByteCountTotal": str(2 * samples.size),
        "LeadTimeOffset": "0",
        "LeadSampleCountTotal": str(samples.size),
        "LeadAmplitudeUnitsPerBit": "4.88",
        "LeadAmplitudeUnits": "MICROVOLTS",
        "LeadHighLimit": "32767",
        "LeadLowLimit": "-32768",
        "LeadID": name,
        "LeadOffsetFirstSample": "0",
        "FirstSampleBaseline": "0",
        "LeadSampleSize": "2",
        "LeadOff": "FALSE",
        "BaselineSway": "FALSE",
        "LeadDataCRC32": str(zlib.crc32(content)),
        "WaveFormData": base64.encodebytes(content).decode(),
    } | changes
    return "<LeadData>" + "".join(f"<{tag}>{text}</{tag}>" for tag, text in fields.items()) + "</LeadData>"


def muse_waveform(kind: str, leads: dict[str, npt.NDArray[np.int16]], **changes: str) -> str:
    """One Waveform element; ``changes`` goes to each lead."""
    content = "".join(muse_lead(name, samples, **changes) for name, samples in leads.items())
    return (
        f"<Waveform><WaveformType>{kind}</WaveformType><SampleBase>{RATE}</SampleBase>"
        "<SampleExponent>0</SampleExponent><HighPassFilter>16</HighPassFilter><LowPassFilter>150</LowPassFilter>"
        f"<ACFilter>NONE</ACFilter>{content}</Waveform>"
    )


def muse_statements(tag: str, lines: Sequence[Sequence[str]]) -> str:
    """Statements of one line each, in fragments; the last fragment of a line carries ENDSLINE."""
    fragments = [
        f"<DiagnosisStatement>{'<StmtFlag>ENDSLINE</StmtFlag>' if index == len(line) - 1 else ''}"
        f"<StmtText>{text}</StmtText></DiagnosisStatement>"
        for line in lines
        for index, text in enumerate(line)
    ]
    return f"<{tag}><Modality>RESTING</Modality>{''.join(fragments)}</{tag}>"


@pytest.fixture
def muse_leads(ecg: Microvolts) -> dict[str, Microvolts]:
    """The eight leads that MUSE stores, in steps of 4.88 microvolts."""
    steps = np.rint(ecg / 4.88).astype(np.int16)
    return {name: steps[LEADS.index(name)] for name in ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")}


@pytest.fixture
def muse_xml(muse_leads: dict[str, Microvolts]) -> Callable[..., bytes]:
    """Make a RestingECG file with a patient, statements, a median beat and a rhythm waveform."""

    def make(
        leads: dict[str, Microvolts] | None = None,
        diagnosis: Sequence[Sequence[str]] = (("Normal sinus rhythm",),),
        original: Sequence[Sequence[str]] = (("Machine statement",),),
        demographics: str = "<PatientAge>56</PatientAge><AgeUnits>YEARS</AgeUnits><Gender>FEMALE</Gender>",
        waveforms: str | None = None,
        status: str = "<Status>CONFIRMED</Status>",
        **changes: str,
    ) -> bytes:
        leads = leads or muse_leads
        median = muse_waveform("Median", {name: samples[:300] for name, samples in leads.items()})
        rhythm = muse_waveform("Rhythm", leads, **changes)
        return (
            '<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n'
            "<RestingECG><PatientDemographics><PatientID>00123456</PatientID>"
            f"<PatientLastName>Doe</PatientLastName><PatientFirstName>Jane</PatientFirstName>{demographics}"
            f"</PatientDemographics><TestDemographics>{status}<AcquisitionDate>05-17-2011</AcquisitionDate>"
            "<AcquisitionTechLastName>Techname</AcquisitionTechLastName>"
            "<OverreaderLastName>Readername</OverreaderLastName></TestDemographics>"
            f"{muse_statements('Diagnosis', diagnosis)}{muse_statements('OriginalDiagnosis', original)}"
            f"{waveforms if waveforms is not None else median + rhythm}</RestingECG>"
        ).encode("latin-1")

    return make
