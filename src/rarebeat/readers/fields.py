"""Cells of archives made uniform: ages, sexes, reports and lists of codes."""

import ast
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rarebeat.core.errors import BadRecordError
from rarebeat.core.records import INCOMPLETE

HIGHEST_FOLD = 20
"""Numbers of folds above it are taken for mistakes, unless an archive's options say otherwise."""

OLDEST = 90.0
"""Ages over 89 could identify a person: 90 stands for 90 and over."""

_PTB_XL_OVER_89 = 300.0  # how PTB-XL writes an age over 89
_HIGHEST_AGE = 125.0
_NUMBERED = ("ptb-xl",)  # public databases whose patients are whole numbers
_OF_NUMBERS = ("12sl", "aha", "snomed")  # code systems without decimals
_NUMBER = re.compile(r"\d+(?:\.\d*)?")
_PLACEHOLDER = re.compile(r"\bstatement\s+text\s*\(\d+\)", re.IGNORECASE)
_COMPLETE = {"true": True, "yes": True, "y": True, "1": True, "1.0": True}
_COMPLETE |= {"false": False, "no": False, "n": False, "0": False, "0.0": False, "": False}
_NOT_TOLD = frozenset({"", "nan", "na", "n/a", "none", "null", "nil", "unknown", "unk", "u", "?", "-", "--"})
_SEXES = {"f": "female", "female": "female", "m": "male", "male": "male"}


class Person(NamedTuple):
    """What is kept of the person of a recording.

    Attributes:
        age: years, 90 for 90 and over; None where it is not told.
        sex: "female", "male" or None.
    """

    age: float | None = None
    sex: str | None = None

    def otherwise(self, other: "Person") -> "Person":
        """Take from another source what this one does not tell.

        Args:
            other: the same person, as the other source knows them.

        Returns:
            Age and sex, each from here where it is told here.

        Example:
            >>> Person(age=63.0).otherwise(Person(age=60.0, sex="male"))
            Person(age=63.0, sex='male')
        """
        age, sex = self
        return Person(other.age if age is None else age, other.sex if sex is None else sex)


def clean_age(cell: str) -> float | None:
    """Read an age.

    Args:
        cell: years, also as ">89", and as PTB-XL's 300 for over 89.

    Returns:
        Years, 90 for 90 and over; None where the age is not told or cannot be one.

    Example:
        >>> clean_age("56.0"), clean_age(">89"), clean_age("300"), clean_age("NaN"), clean_age("-1")
        (56.0, 90.0, 90.0, None, None)
    """
    text = cell.strip()
    over = text.startswith(">")
    if not _NUMBER.fullmatch(text.lstrip("> ")):
        return None
    age = float(text.lstrip("> "))
    if age > _HIGHEST_AGE and age != _PTB_XL_OVER_89:
        return None
    return OLDEST if age > OLDEST - 1 or (over and age == OLDEST - 1) else age


def clean_sex(cell: str, values: Mapping[str, str] | None = None) -> str | None:
    """Read a sex.

    Args:
        cell: F, M, female or male, in any case.
        values: the meaning of an archive's own codes; numbers also with the ``.0`` that :func:`whole_number` takes off.

    Returns:
        "female", "male", or None for anything else.

    Example:
        >>> clean_sex("F"), clean_sex("Male"), clean_sex("1"), clean_sex("1.0", {"0": "male", "1": "female"})
        ('female', 'male', None, 'female')
    """
    text = cell.strip()
    for name in (text, whole_number(text)):
        if values and name in values:
            return values[name]
    return _SEXES.get(text.lower())


def not_understood(**cells: tuple[str, object | None]) -> tuple[str, ...]:
    """Name the cells that hold something of which nothing was understood: they are counted, unlike empty ones.

    Args:
        cells: by the name of the field, what stands there and what was understood.

    Returns:
        The names of those fields.

    Example:
        >>> not_understood(age=("63 years", None), sex=("", None))
        ('age',)
    """
    return tuple(
        name
        for name, (cell, value) in cells.items()
        if value is None and cell.strip().lower() not in _NOT_TOLD
    )


def clean_text(lines: Iterable[str]) -> str | None:
    """Join the lines of a report, without empty ones.

    Args:
        lines: as the archive has them.

    Returns:
        One text; None where nothing is left.

    Example:
        >>> clean_text([" Sinus rhythm. ", ""]), clean_text([""])
        ('Sinus rhythm.', None)
    """
    return "\n".join(line.strip() for line in lines if line.strip()) or None


def is_placeholder(statement: str) -> bool:
    """Tell a statement that stands for another: the system that exported it did not have its library of statements.

    Args:
        statement: a line of a report.

    Returns:
        True for what names a statement by its number alone.

    Example:
        >>> is_placeholder("Statement Text(22)"), is_placeholder("Sinus rhythm")
        (True, False)
    """
    return _PLACEHOLDER.search(statement) is not None


def parse_codes(cell: str, system: str) -> tuple[str, ...]:
    """Read the codes of a CSV cell.

    Args:
        cell: a Python or JSON dictionary, whose keys count whatever their values (in PTB-XL, likelihood 0 means
            that the likelihood is unknown), a Python or JSON list, or codes separated by commas or semicolons, or
            else by blanks.
        system: what the codes belong to, such as "scp".

    Returns:
        ``system:code``, in the order of the cell, each once; of systems of whole numbers without the ``.0`` that
        :func:`whole_number` takes off (others, such as ICD-9, have decimals that mean something).

    Raises:
        BadRecordError: when the cell looks like a dictionary or list and is none.

    Example:
        >>> parse_codes("{'NORM': 100.0, 'SR': 0.0}", "scp")
        ('scp:NORM', 'scp:SR')
        >>> parse_codes('{"SR": null}', "scp"), parse_codes("a; b", "x")
        (('scp:SR',), ('x:a', 'x:b'))
        >>> parse_codes("426783006.0", "snomed"), parse_codes("427.0", "icd9")
        (('snomed:426783006',), ('icd9:427.0',))
    """
    text = cell.strip()
    if text[:1] in ("{", "["):
        codes = [str(code).strip() for code in _parse_literal(text)]
    else:
        codes = [code.strip() for code in re.split(r"[,;]" if re.search(r"[,;]", text) else r"\s+", text)]
    if system in _OF_NUMBERS:
        codes = [whole_number(code) for code in codes]
    storable = (
        code.encode("utf-8", "replace").decode() for code in codes if code
    )  # JSON can hold half characters
    return tuple(dict.fromkeys(f"{system}:{code}" for code in storable))


def _parse_literal(text: str) -> Iterable[object]:
    for parse in (ast.literal_eval, json.loads):
        try:
            value = parse(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
        if isinstance(value, (dict, list, tuple, set)):
            return value
    raise BadRecordError(
        "unreadable", "the cell of codes is neither a dictionary, nor a list, nor a list of words"
    )


def mark_incomplete(codes: tuple[str, ...], complete: str | None) -> tuple[str, ...]:
    """Note behind the codes of a record that some may lack.

    Args:
        codes: from :func:`parse_codes`.
        complete: the cell that tells whether they are all (true, yes, 1; an empty one does not); None where the archive
            does not tell, which counts as complete.

    Returns:
        The codes, with :data:`rarebeat.core.records.INCOMPLETE` behind them where they are not complete.

    Raises:
        BadRecordError: when the cell is neither yes nor no.

    Example:
        >>> mark_incomplete(("scp:SR",), "True"), mark_incomplete(("scp:SR",), "False")
        (('scp:SR',), ('scp:SR', 'codes:incomplete'))
    """
    if complete is None:
        return codes
    known = _COMPLETE.get(complete.strip().lower())
    if known is None:
        raise BadRecordError(
            "unreadable", "the cell that tells whether the codes are complete is neither yes nor no"
        )
    return codes if known or not codes else (*codes, INCOMPLETE)


def parse_fold(cell: str) -> int | None:
    """Read a database's own fold.

    Args:
        cell: a whole number, also as "3.0".

    Returns:
        The fold, or None.

    Example:
        >>> parse_fold("3"), parse_fold("3.0"), parse_fold("")
        (3, 3, None)
    """
    try:
        fold = float(cell)
    except ValueError:
        return None
    return int(fold) if math.isfinite(fold) and fold == int(fold) and abs(fold) < 2**15 else None


def trusted_fold(cell: str, highest: int = HIGHEST_FOLD, lowest: int = 0) -> int | None:
    """Read a fold, or refuse the record: its fold decides whether it is trained or tested on.

    Args:
        cell: as :func:`parse_fold` takes it.
        highest: the largest number that a fold can have.
        lowest: the smallest.

    Returns:
        The fold; None where none is told.

    Raises:
        BadRecordError: for a cell that holds anything else.

    Example:
        >>> trusted_fold("3.0"), trusted_fold("")
        (3, None)
    """
    fold = parse_fold(cell)
    if cell.strip().lower() in _NOT_TOLD:
        return None
    if fold is None or not lowest <= fold <= highest:
        raise BadRecordError(
            "implausible_header",
            f"its fold is {cell[:20]!r}, expected a whole number from {lowest} to {highest}",
        )
    return fold


def parse_patient(cell: str, namespace: str | None = None) -> str | None:
    """Read the id of a patient.

    Args:
        cell: the id; what :func:`whole_number` takes from it counts for nothing.
        namespace: the public database that the patients belong to, or None.

    Returns:
        The id; None where none is told.

    Raises:
        BadRecordError: for an id that the database cannot have. The patient decides whether a record is trained or
            tested on.

    Example:
        >>> parse_patient("15709.0", "ptb-xl"), parse_patient(""), parse_patient("NaN")
        ('15709', None, None)
    """
    text = whole_number(cell)
    if text.lower() in _NOT_TOLD:
        return None
    if namespace in _NUMBERED and not (text.isascii() and text.isdigit()):
        raise BadRecordError("implausible_header", f"the patient is no number, as all of {namespace} are")
    return text


def whole_number(cell: str) -> str:
    """Take from an id the ``.0`` that tables with missing values grow: 15709.0 and 15709 are one patient.

    Args:
        cell: the id.

    Returns:
        The id without it, and without blanks around it.

    Example:
        >>> whole_number("15709.0"), whole_number(" A-17 ")
        ('15709', 'A-17')
    """
    return re.sub(r"^(\d+)\.0+$", r"\1", cell.strip())
