"""Simulated records as RestingECG files of GE MUSE: eight leads in base64, statements in fragments."""

import base64
import re
import zlib
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np
import numpy.typing as npt

from rarebeat.core.records import LEADS
from rarebeat.simulator.archives.export import Export
from rarebeat.simulator.waveform.leads import INDEPENDENT

STEP = 4.88
"""Microvolts per step, as in the exports of hospitals: amplitudes are true to 2.44 microvolts."""

_FRAGMENTS = re.compile(r" (?=with |and )|(?<=,) ")
_HEAD = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n'
_BASE64_LINE = 76


def write_muse(folder: Path, ecg: Export) -> None:
    """Write ``<name>.xml``; the patient has a number and no name."""
    (folder / f"{ecg.name}.xml").write_bytes(muse_xml(ecg))


def is_confirmed(ecg: Export) -> bool:
    """Tell whether a reader has confirmed the report of a record.

    Args:
        ecg: the record.

    Returns:
        False for about one record in eight.
    """
    return zlib.crc32(ecg.name.encode()) % 8 != 0


def muse_xml(ecg: Export) -> bytes:
    """One RestingECG document.

    An unconfirmed one holds the machine's statements alone. A statement of ``Diagnosis`` that the machine
    (``OriginalDiagnosis``) has not made carries the flag USERINSERT; the last fragment of each line carries ENDSLINE.
    """
    root = Element("RestingECG")
    _add(root, "MuseInfo", MuseVersion="simulated")
    _add(
        root,
        "PatientDemographics",
        PatientID=f"SIM-{ecg.patient:06d}",
        PatientAge=str(ecg.age),
        AgeUnits="YEARS",
        Gender=ecg.sex.upper(),
    )
    _add(
        root,
        "TestDemographics",
        DataType="RESTING",
        Status="CONFIRMED" if is_confirmed(ecg) else "UNCONFIRMED",
        AcquisitionDate=f"{ecg.time:%m-%d-%Y}",
        AcquisitionTime=f"{ecg.time:%H:%M:%S}",
    )
    machine = ecg.machine.splitlines()
    _add_statements(root, "Diagnosis", ecg.text.splitlines() if is_confirmed(ecg) else machine, machine)
    _add_statements(root, "OriginalDiagnosis", machine, machine)
    _add_waveform(root, ecg)
    indent(root, "  ")
    return (_HEAD + tostring(root, encoding="unicode") + "\n").encode("iso-8859-1", "xmlcharrefreplace")


def _add(parent: Element, tag: str, **texts: str) -> Element:
    """Add an element with children that hold texts."""
    element = SubElement(parent, tag)
    for name, text in texts.items():
        SubElement(element, name).text = text
    return element


def _add_statements(root: Element, tag: str, lines: list[str], machine: list[str]) -> None:
    diagnosis = _add(root, tag, Modality="RESTING")
    for line in lines:
        fragments = _FRAGMENTS.split(line)
        for index, fragment in enumerate(fragments):
            statement = SubElement(diagnosis, "DiagnosisStatement")
            if index == len(fragments) - 1:
                SubElement(statement, "StmtFlag").text = "ENDSLINE"
            if line not in machine:
                SubElement(statement, "StmtFlag").text = "USERINSERT"
            SubElement(statement, "StmtText").text = fragment


def _add_waveform(root: Element, ecg: Export) -> None:
    samples = ecg.signal.shape[1]
    base, exponent = _decimal(ecg.rate)
    waveform = _add(
        root,
        "Waveform",
        WaveformType="Rhythm",
        NumberofLeads=str(len(INDEPENDENT)),
        SampleType="CONTINUOUS_SAMPLES",
        SampleBase=base,
        SampleExponent=exponent,
    )
    for name in INDEPENDENT:
        steps = np.rint(ecg.signal[LEADS.index(name)] / STEP).astype("<i2")
        _add(
            waveform,
            "LeadData",
            LeadByteCountTotal=str(2 * samples),
            LeadTimeOffset="0",
            LeadSampleCountTotal=str(samples),
            LeadAmplitudeUnitsPerBit=str(STEP),
            LeadAmplitudeUnits="MICROVOLTS",
            LeadHighLimit="32767",
            LeadLowLimit="-32768",
            LeadID=name,
            LeadOffsetFirstSample="0",
            FirstSampleBaseline="0",
            LeadSampleSize="2",
            LeadOff="FALSE",
            BaselineSway="FALSE",
            LeadDataCRC32=str(zlib.crc32(steps.tobytes())),
            WaveFormData=_encode(steps),
        )


def _decimal(rate: float) -> tuple[str, str]:
    """A rate as a whole number and a power of ten.

    >>> _decimal(500.0), _decimal(257.5)
    (('500', '0'), ('2575', '-1'))
    """
    whole, _, rest = f"{rate:.6f}".rstrip("0").rstrip(".").partition(".")
    return whole + rest, str(-len(rest))


def _encode(steps: npt.NDArray[np.int16]) -> str:
    """Samples as base64 in short lines."""
    text = base64.b64encode(steps.tobytes()).decode("ascii")
    lines = [text[start : start + _BASE64_LINE] for start in range(0, len(text), _BASE64_LINE)]
    return "\n" + "\n".join(lines) + "\n"
