"""Simulated records as HL7 annotated ECGs (ANSI/HL7 V3 ECG R1-2004)."""

import uuid
from datetime import timedelta
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from rarebeat.core.records import LEADS
from rarebeat.simulator.archives.export import Export

_MDC = "2.16.840.1.113883.6.24"
_ACT_CODE = "2.16.840.1.113883.5.4"
_GENDER = "2.16.840.1.113883.5.1"
_HALF_A_YEAR = 182.625  # days
_YEAR = 365.25


def write_aecg(folder: Path, ecg: Export) -> None:
    """Write ``<name>.xml``; the patient has a number and no name."""
    (folder / f"{ecg.name}.xml").write_bytes(aecg_xml(ecg))


def aecg_xml(ecg: Export) -> bytes:
    """One annotated ECG. Digits are whole microvolts, so that nothing is rounded.

    The format knows no age but through the date of birth, which lies half a year before the last birthday. A statement
    is an annotation of the machine.
    """
    attributes = {"xmlns": "urn:hl7-org:v3", "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance"}
    root = Element("AnnotatedECG", attributes)
    _add(root, "id", root=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{ecg.name}/{ecg.time}")))
    _add(root, "code", code="93000", codeSystem="2.16.840.1.113883.6.12")
    _add_times(root, ecg)
    _add_subject(root, ecg)
    series = _add(_add(root, "component"), "series")
    _add(series, "code", code="RHYTHM", codeSystem=_ACT_CODE)
    _add_times(series, ecg)
    sequences = _add(_add(series, "component"), "sequenceSet")
    value = _sequence(sequences, "TIME_ABSOLUTE", _ACT_CODE, "GLIST_TS")
    _add(value, "head", value=f"{ecg.time:%Y%m%d%H%M%S}.000")
    _add(value, "increment", value=repr(1 / ecg.rate), unit="s")
    for name, lead in zip(LEADS, ecg.signal, strict=True):
        value = _sequence(sequences, f"MDC_ECG_LEAD_{name.upper()}", _MDC, "SLIST_PQ")
        _add(value, "origin", value="0", unit="uV")
        _add(value, "scale", value="1", unit="uV")
        SubElement(value, "digits").text = " ".join(map(str, lead.tolist()))
    _add_statements(series, ecg.text.splitlines())
    indent(root, " ")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode").encode() + b"\n"


def _add(parent: Element, tag: str, **attributes: str) -> Element:
    return SubElement(parent, tag, attributes)


def _add_times(parent: Element, ecg: Export) -> None:
    end = ecg.time + timedelta(seconds=ecg.signal.shape[1] / ecg.rate)
    times = _add(parent, "effectiveTime")
    _add(times, "low", value=f"{ecg.time:%Y%m%d%H%M%S}.000", inclusive="true")
    _add(times, "high", value=f"{end:%Y%m%d%H%M%S}.{end.microsecond // 1000:03d}", inclusive="false")


def _add_subject(root: Element, ecg: Export) -> None:
    event = _add(_add(root, "componentOf"), "timepointEvent")
    subject = _add(_add(_add(event, "componentOf"), "subjectAssignment"), "subject")
    trial = _add(subject, "trialSubject")
    _add(trial, "id", extension=str(ecg.patient))
    person = _add(trial, "subjectDemographicPerson")
    _add(person, "administrativeGenderCode", code=ecg.sex[0].upper(), codeSystem=_GENDER)
    birth = ecg.time - timedelta(days=ecg.age * _YEAR + _HALF_A_YEAR)
    _add(person, "birthTime", value=f"{birth:%Y%m%d}")


def _sequence(sequences: Element, code: str, system: str, kind: str) -> Element:
    sequence = _add(_add(sequences, "component"), "sequence")
    _add(sequence, "code", code=code, codeSystem=system)
    return _add(sequence, "value", **{"xsi:type": kind})


def _add_statements(series: Element, lines: list[str]) -> None:
    notes = _add(_add(series, "subjectOf"), "annotationSet")
    for line in lines:
        note = _add(_add(notes, "component"), "annotation")
        _add(note, "code", code="MDC_ECG_INTERPRETATION_STATEMENT", codeSystem=_MDC)
        _add(note, "value", **{"xsi:type": "ST"}).text = line
