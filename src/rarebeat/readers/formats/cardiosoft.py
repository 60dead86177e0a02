"""GE CardioSoft XML (CardiologyXML), as UK Biobank publishes resting ECGs: a list of whole numbers for each lead.

The recording is StripData. Median beats (RestingECGMeasurements) and the full disclosure of exercise tests are others.
"""

import re
from datetime import date
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.contract.stored import numbers_alone
from rarebeat.readers.files.ecg import FileEcg, FileOptions, FilePerson
from rarebeat.readers.formats.ecg import Format, file_ecg, read_content
from rarebeat.readers.formats.edges import without_fillers
from rarebeat.readers.formats.person import NOBODY, read_person
from rarebeat.readers.formats.xml_head import check_once, safe_root, starts_with_root
from rarebeat.readers.private import is_private
from rarebeat.readers.quality import RawLeads, shown_name

Options = FileOptions
TAKES = (".xml",)

_PERSON = "PatientInfo"
_STRIP = ("NumberOfLeads", "SampleRate", "ChannelSampleCountTotal", "Resolution")
_ONCE = (
    *("ObservationType", "ObservationDateTime", _PERSON, "StripData", "Strip", "Interpretation"),
    *(f"{_PERSON}/{name}" for name in ("PID", "Age", "Gender", "BirthDateTime")),
    *(f"StripData/{name}" for name in _STRIP),
)
_NAMES = re.compile(r"Name|PID|PersonID|Facility|Room|Bed|Department|Doctor|Technician|Serial|Visit")
_NUMBERS = re.compile(r"[+-]?\d{1,9}(?:\s*,\s*[+-]?\d{1,9})*(?:\s*,)?")
_DEVICES = ("cardiosoft", "case", "cardiosys")  # any other word may name a person
_MICROVOLTS = ("uvperlsb", "uv", "µvperlsb")


def looks_like(head: bytes) -> bool:
    """Tell a CardioSoft file by its first bytes.

    Args:
        head: some hundred bytes.

    Returns:
        True where the root is ``CardiologyXML``.
    """
    return starts_with_root(head, "CardiologyXML")


def read_file(path: Path) -> FileEcg:
    """Read one file.

    Args:
        path: the file.

    Returns:
        What is kept of it.

    Raises:
        BadRecordError: when it is no CardioSoft file, or one that cannot be trusted.
    """
    root = safe_root(read_content(path), "CardiologyXML", "a CardioSoft XML")
    check_once(root, _ONCE)
    strips = root.findall("StripData") + root.findall("Strip/StripData")
    if not strips:
        raise BadRecordError("missing_leads", "the file has no StripData")
    if len(strips) > 1:
        raise BadRecordError(
            "header_mismatch", f"the file has {len(strips)} strips: which is the ECG is not known"
        )
    raw, rate = _leads(strips[0])
    concluded = _lines(root, "Interpretation/Conclusion/ConclusionText")
    stated = _lines(root, "Interpretation/Diagnosis/DiagnosisText")
    names = [
        element.text or "" for element in root.iter() if _NAMES.search(element.tag) and len(element) == 0
    ]
    status = "unknown" if concluded else "unconfirmed"
    leads, cut = without_fillers(raw, rate)
    return file_ecg(
        leads, rate, _person(root), concluded or stated, names, status, _filters(root), _device(root), cut
    )


_FORMAT = Format("cardiosoft-xml", TAKES, read_file, "GE CardioSoft XML (files with the root CardiologyXML)")
discover, read = _FORMAT.discover, _FORMAT.read
__all__ = ["TAKES", "Options", "discover", "is_private", "looks_like", "read", "read_file"]


def _filters(root: Element) -> str:
    """The limits of the recorder's filters in Hz, and whether one for the mains was on."""
    limits = [numbers_alone(root.findtext(f"FilterSetting/{name}") or "") for name in ("HighPass", "LowPass")]
    mains = [hertz for hertz in ("50", "60") if root.findtext(f"FilterSetting/Filter{hertz}Hz") == "Yes"]
    return ", ".join(filter(None, ["-".join(filter(None, limits)), *(f"mains {hertz}" for hertz in mains)]))


def _device(root: Element) -> str:
    """The program that recorded it: "CardioSoft" of whatever version."""
    told = (root.findtext("ClinicalInfo/DeviceInfo/Desc") or "").strip()
    return told if told.lower() in _DEVICES else ""


def _lines(root: Element, path: str) -> list[str]:
    return [element.text.strip() for element in root.findall(path) if element.text and element.text.strip()]


def _leads(strip: Element) -> tuple[RawLeads, float]:
    waves = strip.findall("WaveformData")
    names = [(wave.get("lead") or "?").strip() for wave in waves]
    count = _number(strip, "NumberOfLeads")
    if count is not None and count != len(waves):
        raise BadRecordError("header_mismatch", f"NumberOfLeads is {count:g}, found {len(waves)} leads")
    if not waves:
        raise BadRecordError("missing_leads", "StripData holds no WaveformData")
    rate, resolution = _number(strip, "SampleRate"), _number(strip, "Resolution")
    unit, hertz = _unit(strip, "Resolution", ""), _unit(strip, "SampleRate", "Hz")
    if resolution is None or unit.strip().lower() not in _MICROVOLTS:
        raise BadRecordError("unknown_units", f"Resolution is in {unit[:20]!r}, expected uVperLsb")
    if rate is None or hertz.strip().lower() != "hz":
        raise BadRecordError("implausible_header", f"SampleRate is in {hertz[:20]!r}, expected Hz")
    promised = _number(strip, "ChannelSampleCountTotal")
    samples = [_samples(name, wave, promised) for name, wave in zip(names, waves, strict=True)]
    if len({lead.size for lead in samples}) > 1:
        raise BadRecordError("header_mismatch", "the leads have different lengths")
    gain = 1 / resolution if resolution else None
    return RawLeads(
        np.stack(samples), names, [gain] * len(names), [0.0] * len(names), ["uV"] * len(names)
    ), rate


def _samples(name: str, wave: Element, promised: float | None) -> npt.NDArray[np.float64]:
    text = (wave.text or "").strip()
    if not _NUMBERS.fullmatch(text):
        raise BadRecordError("unreadable", f"lead {shown_name(name)} is no list of whole numbers")
    lead = np.array([int(part) for part in text.rstrip(",").split(",")], dtype=np.float64)
    if promised is not None and lead.size != promised:
        reason = "truncated" if lead.size < promised else "header_mismatch"
        raise BadRecordError(
            reason,
            f"lead {shown_name(name)} holds {lead.size} samples, ChannelSampleCountTotal is {promised:g}",
        )
    return lead


def _number(element: Element, tag: str) -> float | None:
    text = (element.findtext(tag) or "").strip()
    try:
        return float(text) if text else None
    except ValueError as error:
        raise BadRecordError("unreadable", f"{tag} is {text[:20]!r}, expected a number") from error


def _unit(element: Element, tag: str, usual: str) -> str:
    child = element.find(tag)
    return usual if child is None else child.get("units", usual)


def _person(root: Element) -> FilePerson:
    if root.find(_PERSON) is None:
        return NOBODY
    age, born = root.find(f"{_PERSON}/Age"), root.find(f"{_PERSON}/BirthDateTime")
    return read_person(
        patient=(root.findtext(f"{_PERSON}/PID") or "").strip(),
        sex=root.findtext(f"{_PERSON}/Gender") or "",
        age="" if age is None else age.text or "",
        unit="years" if age is None else age.get("units", "years"),
        birth=_date(born),
        recorded=_date(root.find("ObservationDateTime")),
        told="" if born is None else "".join(born.itertext()),
    )


def _date(element: Element | None) -> date | None:
    """Day, Month and Year of an element; None where they are no date."""
    if element is None:
        return None
    parts = [(element.findtext(name) or "").strip() for name in ("Year", "Month", "Day")]
    if not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in parts):
        return None
    try:
        return date(*map(int, parts))
    except ValueError:
        return None
