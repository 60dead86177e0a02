"""The rhythm waveform of a MUSE file: base64 samples, held against every length and checksum that the file promises."""

import base64
import binascii
import zlib
from collections.abc import Sequence
from xml.etree.ElementTree import Element

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.muse.elements import text_of, whole_number
from rarebeat.readers.quality import RawLeads, lead_index

_SAMPLE_BYTES = 2
_SAMPLE_TYPE = "CONTINUOUS_SAMPLES"


def rhythm_of(ecg: Element) -> Element:
    """Find the rhythm waveform (not the median beat, which has the same children).

    Args:
        ecg: root of the file.

    Returns:
        The element.

    Raises:
        BadRecordError: when there is none, or two.
    """
    rhythms = [wave for wave in ecg.findall("Waveform") if text_of(wave, "WaveformType").lower() == "rhythm"]
    if not rhythms:
        raise BadRecordError("missing_leads", "the file has no rhythm waveform")
    if len(rhythms) > 1:
        raise BadRecordError("header_mismatch", "the file has two rhythm waveforms")
    return rhythms[0]


def read_waveform(ecg: Element) -> tuple[RawLeads, float]:
    """Decode the rhythm waveform (not the median beat).

    Args:
        ecg: root of the file.

    Returns:
        The leads as they are stored, with their names, steps and units, and the rate in Hz.

    Raises:
        BadRecordError: when there is none, or one that contradicts itself or what the file promises of it.
    """
    rhythm = rhythm_of(ecg)
    leads = rhythm.findall("LeadData")
    if not leads:
        raise BadRecordError("missing_leads", "the rhythm waveform has no leads")
    _check_waveform(rhythm, leads)
    exponent = _number(rhythm, "SampleExponent") if text_of(rhythm, "SampleExponent") else 0.0
    if not -6 <= exponent <= 6:
        raise BadRecordError("implausible_header", f"SampleExponent is {exponent:g}")
    rate = _number(rhythm, "SampleBase") * 10.0**exponent
    samples = [_read_samples(lead) for lead in leads]
    if len({lead.size for lead in samples}) > 1:
        raise BadRecordError("header_mismatch", "the leads have different lengths")
    steps = [_number(lead, "LeadAmplitudeUnitsPerBit") for lead in leads]
    raw = RawLeads(
        samples=np.stack(samples),
        names=[text_of(lead, "LeadID") for lead in leads],
        gains=[1 / step if step else None for step in steps],
        baselines=[0.0] * len(leads),
        units=[text_of(lead, "LeadAmplitudeUnits") for lead in leads],
    )
    return raw, rate


def _check_waveform(waveform: Element, leads: Sequence[Element]) -> None:
    """Refuse a waveform that contradicts itself, or whose leads are unlike each other."""
    count, kind = text_of(waveform, "NumberofLeads"), text_of(waveform, "SampleType")
    if count and whole_number(count) != len(leads):
        raise BadRecordError("header_mismatch", f"NumberofLeads is {count[:8]!r}, found {len(leads)} leads")
    if kind not in ("", _SAMPLE_TYPE):
        raise BadRecordError("unreadable", f"SampleType is {kind[:30]!r}, expected {_SAMPLE_TYPE}")
    for field in ("LeadTimeOffset", "LeadOffsetFirstSample"):
        if len({text_of(lead, field) or "0" for lead in leads}) > 1:
            raise BadRecordError(
                "header_mismatch", f"the leads were not recorded at the same time: {field} differs"
            )
    for field in ("LeadAmplitudeUnitsPerBit", "LeadAmplitudeUnits"):
        if len({text_of(lead, field).upper() for lead in leads}) > 1:
            raise BadRecordError("header_mismatch", f"one recorder has one step, but {field} differs")
    if any((text_of(lead, "FirstSampleBaseline") or "0") != "0" for lead in leads):
        raise BadRecordError("unknown_units", "FirstSampleBaseline is not 0: it is not known what it means")


def _read_samples(lead: Element) -> npt.NDArray[np.int16]:
    name = text_of(lead, "LeadID") if lead_index(text_of(lead, "LeadID")) is not None else "?"
    if text_of(lead, "LeadOff").upper() == "TRUE":
        raise BadRecordError("missing_leads", f"lead {name} is marked as off")
    size = text_of(lead, "LeadSampleSize")
    if size and size != str(_SAMPLE_BYTES):
        raise BadRecordError(
            "unreadable", f"lead {name} has samples of {size[:8]!r} bytes, expected {_SAMPLE_BYTES}"
        )
    try:
        content = base64.b64decode("".join(text_of(lead, "WaveFormData").split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRecordError("unreadable", f"the waveform of lead {name} is not base64: {error}") from error
    if len(content) % _SAMPLE_BYTES:
        raise BadRecordError("truncated", f"the waveform of lead {name} ends within a sample")
    _check_length(lead, name, "LeadByteCountTotal", len(content), "bytes")
    _check_length(lead, name, "LeadSampleCountTotal", len(content) // _SAMPLE_BYTES, "samples")
    checksum = text_of(lead, "LeadDataCRC32")
    if checksum and whole_number(checksum) != zlib.crc32(content):
        raise BadRecordError(
            "wrong_checksum",
            f"the bytes of lead {name} have the CRC-32 {zlib.crc32(content)}, LeadDataCRC32 is {checksum[:12]!r}",
        )
    return np.frombuffer(content, dtype="<i2").astype(np.int16, copy=False)


def _check_length(lead: Element, name: str, field: str, found: int, what: str) -> None:
    """Compare a length with the field that promises it, where there is one."""
    promised = text_of(lead, field)
    expected = whole_number(promised)
    if promised and expected != found:
        reason = "truncated" if expected is not None and found < expected else "header_mismatch"
        raise BadRecordError(reason, f"lead {name} holds {found} {what}, {field} is {promised[:12]!r}")


def _number(element: Element, path: str) -> float:
    text = text_of(element, path)
    try:
        return float(text)
    except ValueError as error:
        raise BadRecordError("unreadable", f"{path} is {text[:20]!r}, expected a number") from error
