"""GE MUSE RestingECG exports: XML with base64 waveforms, statements in fragments, a patient to be forgotten.

Nothing that names a person leaves this module: patient and record ids are keyed hashes, the age stands for
the date of birth, and the statements are redacted.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal
from xml.etree.ElementTree import Element, ParseError
from xml.parsers.expat import ErrorString

import pydantic.dataclasses
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from rarebeat.core.errors import BadRecordError, MissingSourceError
from rarebeat.core.params import STRICT, parse
from rarebeat.core.records import Record
from rarebeat.readers.contract.stored import numbers_alone, stored_as
from rarebeat.readers.discovery import readable, require_folder, walk, xml_root
from rarebeat.readers.fields import clean_sex, not_understood, parse_patient
from rarebeat.readers.files.ecg import FileEcg, FileOptions, FilePerson, stored_record
from rarebeat.readers.formats.ecg import read_content
from rarebeat.readers.muse.elements import age_of, has_placeholders, statements_of, status_of, text_of
from rarebeat.readers.muse.waveform import read_waveform, rhythm_of
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.quality import trusted_signal
from rarebeat.readers.registry import Entry

TAKES = (".xml",)
_ROOT = re.compile(rb"<RestingECG[\s/>]")
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
    settings = parse(Options, dict(options), "options")
    return stored_record(read_file(entry.path), entry, pseudonym, FileOptions(**asdict(settings)))


def looks_like(head: bytes) -> bool:
    """Tell whether a file begins like a MUSE export.

    Args:
        head: its first bytes.

    Returns:
        True for XML whose root is RestingECG.

    Example:
        >>> looks_like(b'<?xml version="1.0"?><RestingECG>'), looks_like(b"<RestingECGs>")
        (True, False)
    """
    return _ROOT.search(head.replace(b"\0", b"")) is not None  # of UTF-16, what stands in ASCII


def read_file(path: Path) -> FileEcg:
    """Read and parse one file.

    Args:
        path: the file.

    Returns:
        What is kept of it.

    Raises:
        BadRecordError: when it cannot be read or trusted.
    """
    return parse_muse(read_content(path))


def parse_muse(content: bytes) -> FileEcg:
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
    unknown: tuple[str, ...] = ("statements",) if text is None and has_placeholders(ecg) else ()
    if ecg.find("PatientDemographics") is None:
        unknown += ("age", "patient", "sex")
    else:
        unknown += not_understood(age=(told_age, age), sex=(gender, sex), patient=("no id", patient))
    return FileEcg(
        signal=signal,
        rate=rate,
        calibrated=calibrated,
        person=FilePerson(patient, age, sex, unknown),
        text=text,
        status="unconfirmed" if of_machine else status_of(ecg),
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
