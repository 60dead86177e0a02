"""What people said of items that they judged by hand: the CSV files that the pages export, read and compared.

The items are labels of a sample (:mod:`rarebeat.audit.precision`) or disagreements of a model with the labels
(:mod:`rarebeat.audit.adjudication`); each kind has its own words.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Generic, Protocol, TypedDict, TypeVar

import numpy as np

from rarebeat.audit.statistics import cohen_kappa
from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import read_csv

RIGHT, WRONG, CANNOT_SAY = "right", "wrong", "cannot say"
VERDICTS = (RIGHT, WRONG, CANNOT_SAY)
VERDICT_COLUMNS = ("item", "class", "kind", "verdict", "note", "reader")
UNMATCHED = "unmatched"
"""The kind of a statement that matched nothing: its classes are those that it could be missed by."""


class Item(Protocol):
    """What is judged: a line of the CSV file beside the pages."""

    @property
    def name(self) -> str:
        """Unique among the items."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The class, or the classes that a statement could be missed by."""

    @property
    def kind(self) -> str:
        """As the page names it."""


SomeItem = TypeVar("SomeItem", bound=Item)


@dataclass(frozen=True, slots=True)
class Verdict(Generic[SomeItem]):
    """What one reader said of one item.

    Attributes:
        item: what was judged.
        reader: name or initials.
        word: one of the words that there are for such items.
        missed: the classes that an unmatched statement should have had.
        note: as typed.
        place: file and line, for messages.
    """

    item: SomeItem
    reader: str
    word: str
    missed: tuple[str, ...]
    note: str
    place: str


def read_verdicts(
    paths: Sequence[Path],
    items: Mapping[str, SomeItem],
    words: Sequence[str] = VERDICTS,
    columns: Sequence[str] = VERDICT_COLUMNS,
) -> list[Verdict[SomeItem]]:
    """Read the CSV files of one or more readers; rows without a verdict are left out.

    In a row of an unmatched statement ``class`` holds the classes that it should have matched, parted by blanks.

    Args:
        paths: files exported from a page, or typed.
        items: what was to be judged, by name.
        words: what may be said of them.
        columns: those of :data:`VERDICT_COLUMNS` that a file must have; only ``kind`` may be left out.

    Raises:
        RarebeatError: when a file cannot be read, or a row has an item that is not in the sample, another class
            or kind than it, an unknown verdict, no reader, or an item that its reader has judged before.
    """
    verdicts: dict[tuple[str, str], Verdict[SomeItem]] = {}
    for path in paths:
        for line, row in read_csv(path, columns):
            place = f"{path}, line {line}"
            verdict = _verdict(row, items, words, place)
            if verdict is None:
                continue
            key = (verdict.reader, verdict.item.name)
            if key in verdicts:
                raise RarebeatError(
                    f"{place}: {verdict.reader} judged item {verdict.item.name} before, in {verdicts[key].place}"
                )
            verdicts[key] = verdict
    return list(verdicts.values())


def _verdict(
    row: Mapping[str, str], items: Mapping[str, SomeItem], words: Sequence[str], place: str
) -> Verdict[SomeItem] | None:
    item = items.get(row["item"].strip())
    if item is None:
        raise RarebeatError(f"{place}: item {row['item']!r} is not in the sample: was another one judged?")
    classes, kind = tuple(row["class"].split()), row.get("kind", item.kind)
    asked, unmatched = " ".join(item.classes), item.kind == UNMATCHED
    fits = set(classes) <= set(item.classes) if unmatched else row["class"].strip() == asked
    if not fits or kind.strip() != item.kind:
        expected = "" if unmatched else f" {asked}"
        raise RarebeatError(
            f"{place}: item {item.name} is {item.kind}{expected}, found {kind!r} with class {row['class']!r}"
        )
    word, reader = row["verdict"].strip().lower(), row["reader"].strip()
    if not word:
        return None
    if word not in words:
        raise RarebeatError(f"{place}: unknown verdict {word!r}: expected {', '.join(words)} or nothing")
    if not reader:
        raise RarebeatError(f"{place}: no reader: every verdict must bear a name or initials")
    if unmatched and classes and word != WRONG:
        raise RarebeatError(f"{place}: a statement with the classes it should have matched must be {WRONG!r}")
    return Verdict(item, reader, word, classes if unmatched else (), row["note"], place)


class Agreement(TypedDict):
    """How far two readers agree on what both read; kappa is None where both said one and the same throughout."""

    readers: list[str]
    items: int
    agreement: float
    kappa: float | None


def reader_agreement(
    verdicts: Iterable[Verdict[SomeItem]], words: Sequence[str] = VERDICTS
) -> list[Agreement]:
    """For each two readers with common items: how many they share, how often they agree, and kappa over all words.

    Args:
        verdicts: of all readers.
        words: what may be said.
    """
    said: dict[str, dict[str, int]] = defaultdict(dict)
    for verdict in verdicts:
        said[verdict.reader][verdict.item.name] = words.index(verdict.word)
    pairs: list[Agreement] = []
    for one, other in combinations(sorted(said), 2):
        if common := [name for name in said[one] if name in said[other]]:
            first, second = (np.array([[said[reader][name]] for name in common]) for reader in (one, other))
            kappas = cohen_kappa(first, second)
            pairs.append(
                {
                    "readers": [one, other],
                    "items": len(common),
                    "agreement": float(kappas.agreement[0]),
                    "kappa": None if np.isnan(kappas.value[0]) else float(kappas.value[0]),
                }
            )
    return pairs


def agreement_line(pair: Agreement, items: str) -> str:
    """The agreement of two readers in words.

    Args:
        pair: two readers.
        items: what they read: "ECGs".
    """
    kappa = "undefined" if pair["kappa"] is None else f"{pair['kappa']:.2f}"
    return (
        f"{pair['readers'][0]} and {pair['readers'][1]}: equal on {100 * pair['agreement']:.0f} % of "
        f"{pair['items']} {items}, kappa {kappa}."
    )
