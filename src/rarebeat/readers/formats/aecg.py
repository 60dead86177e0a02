"""HL7 annotated ECGs (AnnotatedECG, ANSI/HL7 V3 ECG R1-2004), by ecgdatakit.

A voltage is origin + scale x digit, each with its own unit. The rate comes from the increment of the time sequence; the
library rounds it to a whole number, and that is undone here.
"""

from pathlib import Path
from xml.etree.ElementTree import Element

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.files.ecg import FileEcg, FileOptions
from rarebeat.readers.formats.ecg import Format
from rarebeat.readers.formats.kit import kit_ecg, leads_of, parse_with_kit, person_of
from rarebeat.readers.formats.person import NOBODY
from rarebeat.readers.formats.xml_head import check_once, safe_root, starts_with_root
from rarebeat.readers.private import is_private

Options = FileOptions
TAKES = (".xml",)

_DECIMALS = 6  # an increment of 1/360 s is written with as many digits as a writer likes
_SUBJECT = "componentOf/timepointEvent/componentOf/subjectAssignment/subject"
_PERSON = f"{_SUBJECT}/trialSubject/subjectDemographicPerson"
_SEQUENCE = "component/series/component/sequenceSet/component/sequence"
_ONCE = (
    *("effectiveTime", _SUBJECT, f"{_SUBJECT}/trialSubject", f"{_SUBJECT}/trialSubject/id", _PERSON),
    *(f"{_PERSON}/administrativeGenderCode", f"{_PERSON}/birthTime"),
    *(
        "component/series/code",
        "component/series/component/sequenceSet",
        f"{_SEQUENCE}/code",
        f"{_SEQUENCE}/value",
    ),
    *(f"{_SEQUENCE}/value/{name}" for name in ("origin", "scale", "digits", "head", "increment")),
)


def looks_like(head: bytes) -> bool:
    """Tell an annotated ECG by its first bytes.

    Args:
        head: some thousand bytes: comments may stand before the root.

    Returns:
        True where the root is ``AnnotatedECG``.
    """
    return starts_with_root(head, "AnnotatedECG")


def read_file(path: Path) -> FileEcg:
    """Read one file.

    Args:
        path: the file.

    Returns:
        What is kept of it.

    Raises:
        BadRecordError: when it is no annotated ECG, or one that cannot be trusted.
        RarebeatError: when ecgdatakit is not installed.
    """
    found = parse_with_kit(path, "aecg", "hl7_aecg", "HL7aECGParser")
    root = safe_root(found.content, "AnnotatedECG", "an HL7 annotated ECG")
    check_once(root, _ONCE)
    times = [code.get("code", "") for code in root.iterfind(f"{_SEQUENCE}/code")]
    if sum(code.upper().startswith("TIME_") for code in times) != 1:
        raise BadRecordError("header_mismatch", "the rhythm series has no time sequence, or two")
    rate = found.record.raw_metadata["rhythm_time"]["sampling_rate_exact"]
    subject, birth = root.find(_PERSON), root.find(f"{_PERSON}/birthTime")
    told = "" if birth is None else birth.get("value", "")
    person = NOBODY if subject is None else person_of(found.record, told=told)
    return kit_ecg(found.record, *leads_of(found.record, round(rate, _DECIMALS)), person, _names(root))


_FORMAT = Format("aecg", TAKES, read_file, "HL7 annotated ECGs (XML files with the root AnnotatedECG)")
discover, read = _FORMAT.discover, _FORMAT.read
__all__ = ["TAKES", "Options", "discover", "is_private", "looks_like", "read", "read_file"]


def _names(root: Element) -> list[str]:
    """The names of persons and places, in whole or in parts, and the ids that an institution gave."""
    texts = [element.text or "" for name in root.iter("name") for element in name.iter()]
    return texts + [identity.get("extension", "") for identity in root.iter("id")]
