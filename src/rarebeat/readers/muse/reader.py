"""GE MUSE RestingECG exports: XML with base64 waveforms, statements in fragments, a patient to be forgotten.

Nothing that names a person leaves this module: patient and record ids are keyed hashes, the age stands for
the date of birth, and the statements are redacted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from xml.etree.ElementTree import Element, ParseError
from xml.parsers.expat import ErrorString

import pydantic.dataclasses
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from rarebeat.core.errors import BadRecordError, MissingSourceError
from rarebeat.core.params import STRICT, parse
from rarebeat.core.records import Record, Signal, Stored
from rarebeat.readers.contract.stored import numbers_alone, stored_as
from rarebeat.readers.discovery import readable, require_folder, walk, xml_root
from rarebeat.readers.fields import clean_sex, not_understood, parse_patient
from rarebeat.readers.free_text.recognised import recognised_words
from rarebeat.readers.muse.elements import age_of, has_placeholders, statements_of, status_of, text_of
from rarebeat.readers.muse.waveform import read_waveform, rhythm_of
from rarebeat.readers.privacy import Pseudonym, patient_number
from rarebeat.readers.quality import trusted_signal
from rarebeat.readers.registry import Entry

TAKES = (".xml",)
MAX_BYTES = 1 << 26
"""Size above which a file is no resting ECG."""

_HELP = (
    "Kind muse-xml reads resting ECGs that GE MUSE exported as XML (a RestingECG file per ECG, with waves): "
    "export them in the MUSE Editor or through its interface, and put the files under this folder, in "
    "sub-folders or not."
)


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
            "patient" where there is no id, and all three where there is nothing on the patient; "statements" where one
            is a placeholder.
        stored: how the file holds the signal.
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
    stored: Stored = field(default_factory=Stored)


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
        stored=ecg.stored,
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
    raw, rate = read_waveform(ecg)
    signal, calibrated = trusted_signal(raw, rate)
    text, of_machine = statements_of(ecg)
    age, gender = age_of(ecg), text_of(ecg, "PatientDemographics/Gender")
    told_age = text_of(ecg, "PatientDemographics/PatientAge") or text_of(
        ecg, "PatientDemographics/DateofBirth"
    )
    sex, patient = clean_sex(gender), parse_patient(text_of(ecg, "PatientDemographics/PatientID"))
    unknown = ("statements",) if text is None and has_placeholders(ecg) else ()
    return MuseEcg(
        signal=signal,
        rate=rate,
        calibrated=calibrated,
        patient=patient,
        age=age,
        sex=sex,
        text=text,
        status="unconfirmed" if of_machine else status_of(ecg),
        not_understood=unknown
        + (
            ("age", "patient", "sex")
            if ecg.find("PatientDemographics") is None
            else not_understood(age=(told_age, age), sex=(gender, sex), patient=("no id", patient))
        ),
        stored=stored_as(raw, _filters(rhythm_of(ecg)), text_of(ecg, "TestDemographics/AcquisitionDevice")),
    )


def _filters(rhythm: Element) -> str:
    """The filters of the recorder, in the file's own numbers."""
    names = {"high-pass": "HighPassFilter", "low-pass": "LowPassFilter", "mains": "ACFilter"}
    told = {name: numbers_alone(text_of(rhythm, tag)) for name, tag in names.items()}
    return ", ".join(f"{name} {number}" for name, number in told.items() if number)


def _what_is_wrong(error: ParseError) -> str:
    """What the parser says, without what it quotes: an entity can have any name."""
    line, column = error.position
    return f"{ErrorString(error.code)}, line {line}, column {column}"
