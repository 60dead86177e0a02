"""Patient, age and sex as files tell them: one parser for all formats."""

import re
from datetime import date

from rarebeat.readers.fields import clean_age, clean_sex, not_understood, parse_patient
from rarebeat.readers.files.ecg import FilePerson

AGE_TOLERANCE = 2.0
"""Years between an age and a date of birth, above which they contradict each other."""

_YEARS = {
    **dict.fromkeys(("years", "year", "y", "yr", "a"), 1.0),
    **dict.fromkeys(("months", "month", "m", "mo"), 1 / 12),
    **dict.fromkeys(("weeks", "week", "w", "wk"), 7 / 365.25),
    **dict.fromkeys(("days", "day", "d"), 1 / 365.25),
    **dict.fromkeys(("hours", "hour", "h"), 1 / 8766),
}
"""Years in a unit of age, as MUSE, DICOM, HL7 and SCP-ECG name it."""

_NUMBER = re.compile(r"\d{1,6}(?:\.\d{1,6})?")
_DATE = re.compile(r"(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})")


def read_person(
    patient: str,
    sex: str,
    age: str = "",
    unit: str = "years",
    birth: date | str | None = None,
    recorded: date | None = None,
    told: str = "",
) -> FilePerson:
    """Read what a file tells of its person.

    Args:
        patient: the id.
        sex: F, M, female or male, in any case.
        age: a number.
        unit: of the age, such as "years", "Y" (DICOM) or "mo" (HL7).
        birth: the date of birth: a date, or year, month and day as digits.
        recorded: the date of the recording.
        told: whatever the file says of the age, in a form that a library may not have understood.

    Returns:
        What is kept. The age is the one that is written, or that from the date of birth; none where they contradict
        each other.

    Example:
        >>> read_person("007", "F", "63", birth="19500101", recorded=date(2013, 6, 1))
        FilePerson(patient='007', age=63.0, sex='female', not_understood=())
        >>> read_person("007", "F", "18", "months").age, read_person("007", "", "200").not_understood
        (1.5, ('age',))
    """
    born = parse_date(birth) if isinstance(birth, str) else birth
    years = _age(age, unit, born, recorded)
    told = age.strip() or told.strip() or ("born" if birth and recorded else "")
    known_sex, known_patient = clean_sex(sex), parse_patient(patient)
    unknown = not_understood(age=(told, years), patient=("no id", known_patient), sex=(sex, known_sex))
    return FilePerson(known_patient, years, known_sex, unknown)


NOBODY = FilePerson(not_understood=("age", "patient", "sex"))
"""The person of a file that has lost what it told of one."""


def _age(age: str, unit: str, born: date | None, recorded: date | None) -> float | None:
    scale = _YEARS.get(unit.strip().lower() or "years")
    written = float(age) * scale if _NUMBER.fullmatch(age.strip()) and scale else None
    lived = None if born is None or recorded is None else (recorded - born).days / 365.25
    return agreed_age(written, lived)


def agreed_age(written: float | None, lived: float | None) -> float | None:
    """Choose between an age as it is written and one from the date of birth.

    Args:
        written: years, or None.
        lived: years between the dates of birth and of the recording, or None.

    Returns:
        Years, see :func:`rarebeat.readers.fields.clean_age`; None where none is told, or where they contradict each
        other.

    Example:
        >>> agreed_age(63.0, 63.9), agreed_age(None, 63.9), agreed_age(63.0, 40.0)
        (63.0, 63.0, None)
    """
    if written is None:
        return None if lived is None or lived < 0 else clean_age(str(int(lived)))
    if lived is not None and abs(written - lived) > AGE_TOLERANCE:
        return None
    return clean_age(f"{written:.2f}")


def parse_date(text: str) -> date | None:
    """Read a date.

    Args:
        text: year, month and day as digits, with or without a mark between; what follows counts for nothing.

    Returns:
        The date; None for anything else.

    Example:
        >>> parse_date("20130125105919"), parse_date("2013-01-25"), parse_date("1/2/2013")
        (datetime.date(2013, 1, 25), datetime.date(2013, 1, 25), None)
    """
    match = _DATE.match(text.strip())
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None
