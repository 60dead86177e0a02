"""Cells of archives made uniform: ages, sexes and lists of codes."""

import ast
import json
import math
import re
from collections.abc import Iterable, Mapping

from rarebeat.core.errors import BadRecordError

OLDEST = 90.0
"""Ages over 89 could identify a person: 90 stands for 90 and over."""

_PTB_XL_OVER_89 = 300.0  # how PTB-XL writes an age over 89
_HIGHEST_AGE = 125.0
_NUMBER = re.compile(r"\d+(?:\.\d*)?")
_SEXES = {"f": "female", "female": "female", "m": "male", "male": "male"}


def clean_age(cell: str) -> float | None:
    """Age in years, 90 for 90 and over; None where it is not told or cannot be one.

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
    """ "female", "male", or None for anything else; ``values`` gives the meaning of an archive's own codes.

    >>> clean_sex("F"), clean_sex("Male"), clean_sex("1"), clean_sex("1", {"0": "male", "1": "female"})
    ('female', 'male', None, 'female')
    """
    text = cell.strip()
    if values and text in values:
        return values[text]
    return _SEXES.get(text.lower())


def clean_text(lines: Iterable[str]) -> str | None:
    """Report lines joined, without empty ones; None where nothing is left."""
    return "\n".join(line.strip() for line in lines if line.strip()) or None


def parse_codes(cell: str, system: str) -> tuple[str, ...]:
    """Codes of a CSV cell as ``system:code``, in the order of the cell, each once.

    The cell holds a Python or JSON dictionary, whose keys count whatever their values (in PTB-XL, likelihood
    0 means that the likelihood is unknown), a Python or JSON list, or codes separated by commas or
    semicolons, or else by blanks.

    Raises:
        BadRecordError: when it looks like a dictionary or list and is none.

    >>> parse_codes("{'NORM': 100.0, 'SR': 0.0}", "scp")
    ('scp:NORM', 'scp:SR')
    >>> parse_codes('{"SR": null}', "scp"), parse_codes("a; b", "x")
    (('scp:SR',), ('x:a', 'x:b'))
    """
    text = cell.strip()
    if text[:1] in ("{", "["):
        codes = [str(code).strip() for code in _parse_literal(text)]
    else:
        codes = [code.strip() for code in re.split(r"[,;]" if re.search(r"[,;]", text) else r"\s+", text)]
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


def parse_fold(cell: str) -> int | None:
    """A database's own fold, or None.

    >>> parse_fold("3"), parse_fold("3.0"), parse_fold("")
    (3, 3, None)
    """
    try:
        fold = float(cell)
    except ValueError:
        return None
    return int(fold) if math.isfinite(fold) and fold == int(fold) and abs(fold) < 2**15 else None


def whole_number(cell: str) -> str:
    """An id without the ``.0`` that tables with missing values grow: 15709.0 and 15709 are one patient.

    >>> whole_number("15709.0"), whole_number(" A-17 ")
    ('15709', 'A-17')
    """
    return re.sub(r"^(\d+)\.0+$", r"\1", cell.strip())
