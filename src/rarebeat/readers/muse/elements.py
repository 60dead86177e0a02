"""What a MUSE file tells beside its waveform: the age at the recording, the state of the report, the statements."""

import re
from datetime import datetime
from xml.etree.ElementTree import Element

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.fields import clean_age, clean_text, is_placeholder
from rarebeat.readers.free_text.redaction import redact

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


def text_of(element: Element, path: str) -> str:
    """Take the text of an element, which must not be there twice: nobody knows which is right.

    Args:
        element: in which it stands.
        path: of it, as ElementTree takes it.

    Returns:
        The text without blanks around it; "" where there is no such element.

    Raises:
        BadRecordError: when there are several.
    """
    found = element.findall(path)
    if len(found) > 1:
        raise BadRecordError("header_mismatch", f"{path} is there twice")
    return (found[0].text or "").strip() if found else ""


def whole_number(text: str) -> int | None:
    """Read a whole number.

    Args:
        text: as the file has it.

    Returns:
        The number; None for anything but 1 to 18 plain digits.

    Example:
        >>> whole_number("56"), whole_number("-1"), whole_number("²")
        (56, None, None)
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def age_of(ecg: Element) -> float | None:
    """Find the age at the recording: as written, or from the date of birth.

    Args:
        ecg: root of the file.

    Returns:
        Years, see :func:`rarebeat.readers.fields.clean_age`; None where none is told, or where the two contradict each
        other.

    Raises:
        BadRecordError: when one of them is there twice.
    """
    patient = "PatientDemographics"
    number = whole_number(text_of(ecg, f"{patient}/PatientAge"))
    unit = _YEARS.get(text_of(ecg, f"{patient}/AgeUnits").upper() or "YEARS")
    written = None if number is None or unit is None else number * unit
    birth = _date(text_of(ecg, f"{patient}/DateofBirth"))
    recorded = _date(text_of(ecg, "TestDemographics/AcquisitionDate"))
    lived = None if birth is None or recorded is None else (recorded - birth).days / 365.25
    if written is None:
        return None if lived is None or lived < 0 else clean_age(str(int(lived)))
    if lived is not None and abs(written - lived) > _AGE_TOLERANCE:
        return None
    return clean_age(f"{written:.2f}")


def _date(text: str) -> datetime | None:
    for layout in _DATES:
        try:
            return datetime.strptime(text, layout)
        except ValueError:
            continue
    return None


def status_of(ecg: Element) -> str:
    """Say whether a person has confirmed the report.

    Args:
        ecg: root of the file.

    Returns:
        "confirmed", "unconfirmed", or "unknown" where the file does not tell.

    Raises:
        BadRecordError: when the status is there twice.
    """
    status = text_of(ecg, "TestDemographics/Status").lower()
    return status if status in ("confirmed", "unconfirmed") else "unknown"


def statements_of(ecg: Element) -> tuple[str | None, bool]:
    """Take the statements of the over-read (Diagnosis), else those of the machine (OriginalDiagnosis).

    Args:
        ecg: root of the file.

    Returns:
        The statements, one a line, without persons and dates, or None, also where one of them is a placeholder; and
        whether they are those of the machine.

    Raises:
        BadRecordError: when there are two over-reads, or two of the machine.
    """
    names = [element.text for element in ecg.iter() if element.text and element.tag.endswith(_SECRETS)]
    for diagnosis in ("Diagnosis", "OriginalDiagnosis"):
        if len(ecg.findall(diagnosis)) > 1:
            raise BadRecordError("header_mismatch", f"{diagnosis} is there twice")
        lines = [""]
        for statement in ecg.iterfind(f"{diagnosis}/DiagnosisStatement"):
            lines[-1] += " " + text_of(statement, "StmtText")
            if any((flag.text or "").strip() == "ENDSLINE" for flag in statement.iterfind("StmtFlag")):
                lines.append("")
        if any(map(is_placeholder, lines)):  # a report that is not whole gives no label
            return None, diagnosis == "OriginalDiagnosis"
        if text := clean_text(" ".join(line.split()) for line in lines):
            return redact(text, names) or None, diagnosis == "OriginalDiagnosis"
    return None, False


def has_placeholders(ecg: Element) -> bool:
    """Find out whether statements stand for others that the exporting system did not have.

    Args:
        ecg: root of the file.

    Returns:
        True where one does.
    """
    return any(is_placeholder(text.text or "") for text in ecg.iter("StmtText"))
