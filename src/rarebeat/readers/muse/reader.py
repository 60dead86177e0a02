"""GE MUSE RestingECG exports: XML with base64 waveforms, statements in fragments, a patient to be forgotten.

Nothing that names a person leaves this module: patient and record ids are keyed hashes, the age stands for
the date of birth, and the statements are redacted.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from xml.etree.ElementTree import Element, ParseError
from xml.parsers.expat import ErrorString

import numpy as np
import numpy.typing as npt
import pydantic.dataclasses
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from rarebeat.core.errors import BadRecordError, MissingSourceError
from rarebeat.core.params import STRICT, parse
from rarebeat.core.records import Record, Signal
from rarebeat.readers.discovery import readable, require_folder, walk, xml_root
from rarebeat.readers.fields import clean_age, clean_sex, clean_text, not_understood
from rarebeat.readers.free_text.recognised import recognised_words
from rarebeat.readers.free_text.redaction import redact
from rarebeat.readers.privacy import Pseudonym, patient_number
from rarebeat.readers.quality import RawLeads, lead_index, trusted_signal
from rarebeat.readers.registry import Entry

TAKES = (".xml",)
MAX_BYTES = 1 << 26
"""Size above which a file is no resting ECG."""

_HELP = (
    "Kind muse-xml reads resting ECGs that GE MUSE exported as XML (a RestingECG file per ECG, with waves): "
    "export them in the MUSE Editor or through its interface, and put the files under this folder, in "
    "sub-folders or not."
)
_SAMPLE_BYTES = 2
_SAMPLE_TYPE = "CONTINUOUS_SAMPLES"
_YEARS = {"YEARS": 1.0, "MONTHS": 1 / 12, "WEEKS": 7 / 365.25, "DAYS": 1 / 365.25, "HOURS": 1 / 8766}
_AGE_TOLERANCE = 2.0  # years between an age and a date of birth
_SECRETS = tuple(
    re.findall(
        r"\w+",
        """LastName FirstName MiddleName PatientID SecondaryID TechID MDID OverreaderID OrderNumber VisitNumber
        AdmitNumber AccountNumber RoomID Bed SiteName LocationName HISLocation""",
    )
)
_DATES = ("%m-%d-%Y", "%Y-%m-%d", "%m/%d/%Y")


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT)
class Options:
    """Options of this reader.

    Attributes:
        key_file: the user's secret key; None takes the default place.
        statements: "confirmed" takes the statements of confirmed over-reads alone; other files become records
            without text. "all" takes what the machine has stated, too.
        free_text: "recognised" keeps of a report what :mod:`rarebeat.readers.free_text.recognised` knows; "keep" all
            but the names, dates and numbers that :mod:`rarebeat.readers.free_text.redaction` finds.
        words: a file of further words that are recognised, as ``rarebeat labels words`` writes it for a vocabulary.
    """

    key_file: str | None = None
    statements: Literal["confirmed", "all"] = "confirmed"
    free_text: Literal["recognised", "keep"] = "recognised"
    words: str | None = None


@dataclass(frozen=True)
class MuseEcg:
    """What is kept of one file.

    Attributes:
        signal: int16, shape (12, samples), microvolts.
        rate: samples per second.
        calibrated: whether the amplitude means anything.
        patient: the raw patient id, to be hashed at once; None where there is none.
        age: years.
        sex: "female", "male" or None.
        text: the statements, one a line, without persons and dates.
        status: "confirmed" when they are those of a confirmed over-read, "unconfirmed" when the file says that
            it is not confirmed or holds only what the machine stated, "unknown" when it does not tell.
        not_understood: "age" and "sex" where the file tells them in a form that is not understood, or two ages;
            "patient" where there is no id, and all three where there is nothing on the patient.
    """

    signal: Signal
    rate: float
    calibrated: bool
    patient: str | None
    age: float | None
    sex: str | None
    text: str | None
    status: str
    not_understood: tuple[str, ...] = ()


def is_private(options: Mapping[str, Any]) -> bool:
    """Say that ids identify persons: hospital exports always hold real record numbers.

    Args:
        options: not used.

    Returns:
        True.
    """
    return True


def discover(root: Path, options: Mapping[str, Any]) -> list[Entry]:
    """Find every XML file under a folder.

    Args:
        root: folder of the archive.
        options: see :class:`Options`.

    Returns:
        An entry for each, known by its path.

    Raises:
        MissingSourceError: when there is none.
        ParamsError: for an unknown option.
    """
    parse(Options, dict(options), "options")
    require_folder(root, _HELP)
    paths = walk(root, ".xml")
    entries = [Entry(readable(path.relative_to(root).as_posix()), path, source="muse") for path in paths]
    if not entries:
        raise MissingSourceError(f"there are no XML files under {root}. {_HELP}")
    return entries


def read(entry: Entry, pseudonym: Pseudonym, options: Mapping[str, Any]) -> Record:
    """Read one file.

    Args:
        entry: from :func:`discover`.
        pseudonym: makes the ids of record and patient.
        options: see :class:`Options`.

    Returns:
        The record, at its native rate.

    Raises:
        BadRecordError: when it cannot be trusted.
    """
    assert entry.path is not None
    ecg = read_muse(entry.path)
    settings = parse(Options, dict(options), "options")
    trusted = settings.statements == "all" or ecg.status == "confirmed"
    text = ecg.text if trusted else None
    if text and settings.free_text == "recognised":
        text = recognised_words(settings.words).keep(text) or None
    return Record(
        record_id=pseudonym.record_id(entry.record_id),
        signal=ecg.signal,
        rate=ecg.rate,
        source=entry.source,
        patient_id=pseudonym.of("patient", patient_number(ecg.patient)) if ecg.patient else None,
        age=ecg.age,
        sex=ecg.sex,
        calibrated=ecg.calibrated,
        text=text,
        report_status=ecg.status,
        not_understood=ecg.not_understood,
    )


def read_muse(path: Path) -> MuseEcg:
    """Read and parse one file.

    Args:
        path: the file.

    Returns:
        What is kept of it.

    Raises:
        BadRecordError: when it cannot be read or trusted.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadRecordError("unreadable", f"the file cannot be opened: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise BadRecordError("unreadable", f"the file is larger than {MAX_BYTES >> 20} MB")
    return parse_muse(content)


def parse_muse(content: bytes) -> MuseEcg:
    """Parse the bytes of one file.

    Args:
        content: of the file.

    Returns:
        What is kept of it.

    Raises:
        BadRecordError: when they are no MUSE RestingECG, or one that cannot be trusted.
    """
    try:
        ecg = fromstring(content)
    except DefusedXmlException as error:
        raise BadRecordError("unreadable", "the XML defines entities, which no ECG needs") from error
    except ParseError as error:
        raise BadRecordError("unreadable", f"not XML: {_what_is_wrong(error)}") from error
    except (ValueError, LookupError) as error:
        raise BadRecordError(
            "unreadable", f"not XML: its encoding is not known: {str(error)[:100]!r}"
        ) from error
    if ecg.tag != "RestingECG":
        raise BadRecordError("unreadable", f"not a MUSE RestingECG: its root is {xml_root(ecg.tag)}")
    raw, rate = _read_waveform(ecg)
    signal, calibrated = trusted_signal(raw, rate)
    text, of_machine = _statements(ecg)
    age, gender = _age(ecg), _text(ecg, "PatientDemographics/Gender")
    sex, patient = clean_sex(gender), _text(ecg, "PatientDemographics/PatientID") or None
    return MuseEcg(
        signal=signal,
        rate=rate,
        calibrated=calibrated,
        patient=patient,
        age=age,
        sex=sex,
        text=text,
        status="unconfirmed" if of_machine else _status(ecg),
        not_understood=("age", "patient", "sex")
        if ecg.find("PatientDemographics") is None
        else not_understood(
            age=(_text(ecg, "PatientDemographics/PatientAge"), age),
            sex=(gender, sex),
            patient=("no id", patient),
        ),
    )


def _what_is_wrong(error: ParseError) -> str:
    """What the parser says, without what it quotes: an entity can have any name."""
    line, column = error.position
    return f"{ErrorString(error.code)}, line {line}, column {column}"


def _text(element: Element, path: str) -> str:
    """The text of an element, which must not be there twice: nobody knows which is right."""
    found = element.findall(path)
    if len(found) > 1:
        raise BadRecordError("header_mismatch", f"{path} is there twice")
    return (found[0].text or "").strip() if found else ""


def _number(element: Element, path: str) -> float:
    text = _text(element, path)
    try:
        return float(text)
    except ValueError as error:
        raise BadRecordError("unreadable", f"{path} is {text[:20]!r}, expected a number") from error


def _read_waveform(ecg: Element) -> tuple[RawLeads, float]:
    """The rhythm waveform (not the median beat) and its rate in Hz."""
    rhythms = [wave for wave in ecg.findall("Waveform") if _text(wave, "WaveformType").lower() == "rhythm"]
    if not rhythms:
        raise BadRecordError("missing_leads", "the file has no rhythm waveform")
    if len(rhythms) > 1:
        raise BadRecordError("header_mismatch", "the file has two rhythm waveforms")
    leads = rhythms[0].findall("LeadData")
    if not leads:
        raise BadRecordError("missing_leads", "the rhythm waveform has no leads")
    _check_waveform(rhythms[0], leads)
    exponent = _number(rhythms[0], "SampleExponent") if _text(rhythms[0], "SampleExponent") else 0.0
    if not -6 <= exponent <= 6:
        raise BadRecordError("implausible_header", f"SampleExponent is {exponent:g}")
    rate = _number(rhythms[0], "SampleBase") * 10.0**exponent
    samples = [_read_samples(lead) for lead in leads]
    if len({lead.size for lead in samples}) > 1:
        raise BadRecordError("header_mismatch", "the leads have different lengths")
    steps = [_number(lead, "LeadAmplitudeUnitsPerBit") for lead in leads]
    raw = RawLeads(
        samples=np.stack(samples),
        names=[_text(lead, "LeadID") for lead in leads],
        gains=[1 / step if step else None for step in steps],
        baselines=[0.0] * len(leads),
        units=[_text(lead, "LeadAmplitudeUnits") for lead in leads],
    )
    return raw, rate


def _check_waveform(waveform: Element, leads: Sequence[Element]) -> None:
    """Refuse a waveform that contradicts itself, or whose leads are unlike each other."""
    count, kind = _text(waveform, "NumberofLeads"), _text(waveform, "SampleType")
    if count and _whole(count) != len(leads):
        raise BadRecordError("header_mismatch", f"NumberofLeads is {count[:8]!r}, found {len(leads)} leads")
    if kind not in ("", _SAMPLE_TYPE):
        raise BadRecordError("unreadable", f"SampleType is {kind[:30]!r}, expected {_SAMPLE_TYPE}")
    for field in ("LeadTimeOffset", "LeadOffsetFirstSample"):
        if len({_text(lead, field) or "0" for lead in leads}) > 1:
            raise BadRecordError(
                "header_mismatch", f"the leads were not recorded at the same time: {field} differs"
            )
    for field in ("LeadAmplitudeUnitsPerBit", "LeadAmplitudeUnits"):
        if len({_text(lead, field).upper() for lead in leads}) > 1:
            raise BadRecordError("header_mismatch", f"one recorder has one step, but {field} differs")
    if any((_text(lead, "FirstSampleBaseline") or "0") != "0" for lead in leads):
        raise BadRecordError("unknown_units", "FirstSampleBaseline is not 0: it is not known what it means")


def _read_samples(lead: Element) -> npt.NDArray[np.int16]:
    name = _text(lead, "LeadID") if lead_index(_text(lead, "LeadID")) is not None else "?"
    if _text(lead, "LeadOff").upper() == "TRUE":
        raise BadRecordError("missing_leads", f"lead {name} is marked as off")
    size = _text(lead, "LeadSampleSize")
    if size and size != str(_SAMPLE_BYTES):
        raise BadRecordError(
            "unreadable", f"lead {name} has samples of {size[:8]!r} bytes, expected {_SAMPLE_BYTES}"
        )
    try:
        content = base64.b64decode("".join(_text(lead, "WaveFormData").split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRecordError("unreadable", f"the waveform of lead {name} is not base64: {error}") from error
    if len(content) % _SAMPLE_BYTES:
        raise BadRecordError("truncated", f"the waveform of lead {name} ends within a sample")
    _check_length(lead, name, "LeadByteCountTotal", len(content), "bytes")
    _check_length(lead, name, "LeadSampleCountTotal", len(content) // _SAMPLE_BYTES, "samples")
    checksum = _text(lead, "LeadDataCRC32")
    if checksum and _whole(checksum) != zlib.crc32(content):
        raise BadRecordError(
            "wrong_checksum",
            f"the bytes of lead {name} have the CRC-32 {zlib.crc32(content)}, LeadDataCRC32 is {checksum[:12]!r}",
        )
    return np.frombuffer(content, dtype="<i2").astype(np.int16, copy=False)


def _check_length(lead: Element, name: str, field: str, found: int, what: str) -> None:
    """Compare a length with the field that promises it, where there is one."""
    promised = _text(lead, field)
    expected = _whole(promised)
    if promised and expected != found:
        reason = "truncated" if expected is not None and found < expected else "header_mismatch"
        raise BadRecordError(reason, f"lead {name} holds {found} {what}, {field} is {promised[:12]!r}")


def _age(ecg: Element) -> float | None:
    """Age at the recording: as written, or from the date of birth; None where the two contradict each other."""
    patient = "PatientDemographics"
    number = _whole(_text(ecg, f"{patient}/PatientAge"))
    unit = _YEARS.get(_text(ecg, f"{patient}/AgeUnits").upper() or "YEARS")
    written = None if number is None or unit is None else number * unit
    birth = _date(_text(ecg, f"{patient}/DateofBirth"))
    recorded = _date(_text(ecg, "TestDemographics/AcquisitionDate"))
    lived = None if birth is None or recorded is None else (recorded - birth).days / 365.25
    if written is None:
        return None if lived is None or lived < 0 else clean_age(str(int(lived)))
    if lived is not None and abs(written - lived) > _AGE_TOLERANCE:
        return None
    return clean_age(f"{written:.2f}")


def _whole(text: str) -> int | None:
    """A whole number of at most 18 plain digits, or None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _date(text: str) -> datetime | None:
    for layout in _DATES:
        try:
            return datetime.strptime(text, layout)
        except ValueError:
            continue
    return None


def _status(ecg: Element) -> str:
    status = _text(ecg, "TestDemographics/Status").lower()
    return status if status in ("confirmed", "unconfirmed") else "unknown"


def _statements(ecg: Element) -> tuple[str | None, bool]:
    """The statements of the over-read (Diagnosis), else of the machine (OriginalDiagnosis); whether the machine's."""
    names = [element.text for element in ecg.iter() if element.text and element.tag.endswith(_SECRETS)]
    for diagnosis in ("Diagnosis", "OriginalDiagnosis"):
        if len(ecg.findall(diagnosis)) > 1:
            raise BadRecordError("header_mismatch", f"{diagnosis} is there twice")
        lines = [""]
        for statement in ecg.iterfind(f"{diagnosis}/DiagnosisStatement"):
            lines[-1] += " " + _text(statement, "StmtText")
            if any((flag.text or "").strip() == "ENDSLINE" for flag in statement.iterfind("StmtFlag")):
                lines.append("")
        if text := clean_text(" ".join(line.split()) for line in lines):
            return redact(text, names) or None, diagnosis == "OriginalDiagnosis"
    return None, False
