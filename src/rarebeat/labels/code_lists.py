"""Code systems: what codes there are, and which code is meant by another spelling or by a name.

A system is a file ``code_systems/<system>.csv``: comments with source and version, then a code and its name a line.
"""

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import Path

JOINED = "+"
"""Between a statement and its modifiers."""

_LEAVES_OPEN = "leaves open"
_FOLDER = Path(__file__).parent / "code_systems"


@dataclass(frozen=True)
class CodeSystem:
    """The codes of a system.

    Attributes:
        name: of the system, such as "scp".
        source: where its codes are published.
        version: of that.
        names: code to name; "" where the source gives none.
        by_prefix: longer codes mean what the longest listed beginning means, as in ICD-10.
        modifiers: codes that stand behind another, with "+" between them, and whether each leaves it open.
    """

    name: str
    source: str
    version: str
    names: Mapping[str, str]
    by_prefix: bool = False
    modifiers: Mapping[str, bool] = field(default_factory=dict)

    @cached_property
    def _spelt(self) -> dict[str, str]:
        """Codes and names in small letters; a name that two codes have means neither."""
        uses = Counter(_plain(name) for name in self.names.values() if name)
        named = {_plain(name): code for code, name in self.names.items() if name and uses[_plain(name)] == 1}
        return named | {_plain(code): code for code in self.names}

    def find(self, text: str) -> str | None:
        """Find the code that is meant.

        Args:
            text: a code or a name, in any case.

        Returns:
            The code as it is listed, with its modifiers as they are; None where one of them is not.

        Example:
            >>> code_system("aha").find("60 + frequent"), code_system("aha").find("60+999")
            ('60+310', None)
            >>> code_system("scp").find("afib"), code_system("snomed").find("Atrial Flutter")
            ('AFIB', '164890007')
            >>> code_system("icd10").find("I4430"), code_system("icd10").find("J45")
            ('I44.3', None)
        """
        if text in self.names:
            return text
        if self.modifiers and JOINED in text:
            parts = [self.find(part.strip()) for part in text.split(JOINED)]
            return None if None in parts else JOINED.join(filter(None, parts))
        found = self._spelt.get(_plain(text))
        return self._by_prefix(text) if found is None and self.by_prefix else found

    def _by_prefix(self, text: str) -> str | None:
        plain = text.replace(".", "").strip().upper()
        fitting = [code for code in self.names if plain.startswith(code.replace(".", ""))]
        return max(fitting, key=len, default=None)


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("-", " ").split())


@cache
def code_system(name: str) -> CodeSystem | None:
    """Read a code system.

    Args:
        name: such as "scp".

    Returns:
        The system; None where there is no list of its codes.

    Example:
        >>> code_system("aha").names["50"], code_system("own")
        ('Atrial fibrillation', None)
    """
    path = _FOLDER / f"{name}.csv"
    if not path.is_file():
        return None
    lines = path.read_text(encoding="utf-8").splitlines()
    about = dict(line.removeprefix("# ").split(": ", 1) for line in lines if line.startswith("#"))
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    names = {row["code"]: row["name"] for row in rows}
    modifiers = {row["code"]: row["modifier"] == _LEAVES_OPEN for row in rows if row.get("modifier")}
    return CodeSystem(name, about["source"], about["version"], names, "prefixes" in about, modifiers)


def code_systems() -> tuple[str, ...]:
    """List the code systems.

    Returns:
        Their names.

    Example:
        >>> code_systems()
        ('12sl', 'aha', 'chapman', 'cpsc', 'icd10', 'scp', 'snomed')
    """
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.csv")))


def canonical(code: str) -> str:
    """Write a code as its system lists it.

    Args:
        code: as ``system:code``, or ``system:name``.

    Returns:
        The same with the listed code; unchanged where the system does not list it, or is not known.

    Example:
        >>> canonical("scp:afib"), canonical("aha:Atrial flutter"), canonical("own:x")
        ('scp:AFIB', 'aha:51', 'own:x')
    """
    name, _, text = code.partition(":")
    system = code_system(name)
    found = system.find(text) if system else None
    return code if found is None else f"{name}:{found}"


@lru_cache(maxsize=1 << 14)  # the same codes come again and again
def statement(code: str) -> tuple[tuple[str, ...], bool]:
    """Take a code apart into a statement and its modifiers.

    Args:
        code: as ``system:code``, or ``system:name``.

    Returns:
        Its parts as their system lists them, each as ``system:code``, and whether a modifier leaves them open
        (possible, probable, borderline, consider). A code of a system without modifiers is its only part.

    Example:
        >>> statement("aha:60+341"), statement("aha:105+possible")
        ((('aha:60', 'aha:341'), False), (('aha:105', 'aha:312'), True))
        >>> statement("12sl:RVE+")
        (('12sl:RVE+',), False)
    """
    listed = canonical(code)
    name, _, text = listed.partition(":")
    system = code_system(name)
    if system is None or not system.modifiers:
        return (listed,), False
    parts = [part.strip() for part in text.split(JOINED)]
    is_open = any(system.modifiers.get(system.find(part) or "", False) for part in parts)
    return tuple(canonical(f"{name}:{part}") for part in parts), is_open


def known_codes(name: str) -> frozenset[str]:
    """All codes of a system.

    Args:
        name: of the system, such as "scp".

    Returns:
        The codes; none where there is no list of them.

    Example:
        >>> "AFIB" in known_codes("scp"), "I48.0" in known_codes("scp"), known_codes("ludb")
        (True, False, frozenset())
    """
    system = code_system(name)
    return frozenset(system.names) if system else frozenset()
