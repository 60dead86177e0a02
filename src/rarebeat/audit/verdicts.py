"""What readers made of an audit sample: precision of the labels with intervals, and how far readers agree.

Shares are weighted: an item counts for the records that it stands for. Items that nobody could judge are left
out. The statistics and their sources stand in :mod:`rarebeat.audit.statistics`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf, nan
from pathlib import Path
from typing import TypedDict

from rarebeat.audit.sample import KINDS
from rarebeat.audit.statistics import cohen_kappa, weighted_share
from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import read_csv

RIGHT, WRONG, CANNOT_SAY = "right", "wrong", "cannot say"
VERDICTS = (RIGHT, WRONG, CANNOT_SAY)
VERDICT_COLUMNS = ("item", "class", "kind", "verdict", "note", "reader")


@dataclass(frozen=True, slots=True)
class SampleItem:
    """One line of ``sample.csv``; the classes of an unmatched statement are those it could be missed by."""

    name: str
    classes: tuple[str, ...]
    kind: str
    weight: float
    cohort: str
    record_id: str
    pattern: str
    statement: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one reader said of one item; ``missed`` are the classes that an unmatched statement should have had."""

    item: SampleItem
    reader: str
    word: str
    missed: tuple[str, ...]
    note: str
    place: str


class Share(TypedDict):
    """How many of the items of one kind were rightly so; None where nothing was judged or drawn."""

    items: int
    records: int
    judged: int
    cannot_say: int
    right: float | None
    low: float | None
    high: float | None
    effective: float | None


class Agreement(TypedDict):
    """How far two readers agree on what both read; None where chance alone would make them agree fully."""

    readers: list[str]
    items: int
    agreement: float
    kappa: float | None


class ClassResult(TypedDict):
    """One class: its kinds, how the readers agree, and the unmatched statements that should have matched."""

    hit: Share
    uncertain: Share
    near_miss: Share
    agreement: list[Agreement]
    missed_statements: int
    missed_records: int


class Wrong(TypedDict):
    """An item that a reader called wrong."""

    item: str
    classes: list[str]
    kind: str
    cohort: str
    record_id: str
    pattern: str
    statement: str
    notes: list[str]


class AuditResult(TypedDict):
    """What ``rarebeat labels verdicts --json`` prints."""

    readers: dict[str, int]
    confidence: float
    classes: dict[str, ClassResult]
    unmatched: Share
    agreement: list[Agreement]
    wrong: list[Wrong]


def read_sample(path: Path) -> dict[str, SampleItem]:
    """Read ``sample.csv`` as :func:`rarebeat.audit.sample.write_sample` wrote it: items by name, in order.

    Raises:
        RarebeatError: when it cannot be read or is damaged.
    """
    columns = ("item", "class", "kind", "weight", "cohort", "record_id", "pattern", "statement")
    items: dict[str, SampleItem] = {}
    for line, row in read_csv(path, columns):
        try:
            weight = float(row["weight"])
        except ValueError:
            weight = nan
        if not 0 < weight < inf or row["kind"] not in (*KINDS, "unmatched") or row["item"] in items:
            raise RarebeatError(f"{path}, line {line}: not an item of a sample; draw the sample again")
        items[row["item"]] = SampleItem(
            row["item"],
            tuple(row["class"].split()),
            row["kind"],
            weight,
            row["cohort"],
            row["record_id"],
            row["pattern"],
            row["statement"],
        )
    return items


def read_verdicts(paths: Sequence[Path], sample: Mapping[str, SampleItem]) -> list[Verdict]:
    """Read the CSV files of one or more readers (:data:`VERDICT_COLUMNS`); rows without a verdict are left out.

    In a row of an unmatched statement ``class`` holds the classes that it should have matched, parted by blanks.

    Args:
        paths: files exported from the page, or typed.
        sample: what was to be judged.

    Raises:
        RarebeatError: when a file cannot be read, or a row has an item that is not in the sample, another class
            or kind than it, an unknown verdict, no reader, or an item that its reader has judged before.
    """
    verdicts: dict[tuple[str, str], Verdict] = {}
    for path in paths:
        for line, row in read_csv(path, VERDICT_COLUMNS):
            place = f"{path}, line {line}"
            verdict = _verdict(row, sample, place)
            if verdict is None:
                continue
            key = (verdict.reader, verdict.item.name)
            if key in verdicts:
                raise RarebeatError(
                    f"{place}: {verdict.reader} judged item {verdict.item.name} before, in {verdicts[key].place}"
                )
            verdicts[key] = verdict
    return list(verdicts.values())


def _verdict(row: Mapping[str, str], sample: Mapping[str, SampleItem], place: str) -> Verdict | None:
    item = sample.get(row["item"].strip())
    if item is None:
        raise RarebeatError(f"{place}: item {row['item']!r} is not in the sample: was another one judged?")
    classes = tuple(row["class"].split())
    unmatched = item.kind == "unmatched"
    fits = set(classes) <= set(item.classes) if unmatched else classes == item.classes
    if not fits or row["kind"].strip() != item.kind:
        expected = "" if unmatched else f" {item.classes[0]}"
        raise RarebeatError(
            f"{place}: item {item.name} is {item.kind}{expected}, found {row['kind']!r} with class {row['class']!r}"
        )
    word, reader = row["verdict"].strip().lower(), row["reader"].strip()
    if not word:
        return None
    if word not in VERDICTS:
        raise RarebeatError(f"{place}: unknown verdict {word!r}: expected {', '.join(VERDICTS)} or nothing")
    if not reader:
        raise RarebeatError(f"{place}: no reader: every verdict must bear a name or initials")
    if unmatched and classes and word != WRONG:
        raise RarebeatError(f"{place}: a statement with the classes it should have matched must be {WRONG!r}")
    return Verdict(item, reader, word, classes if unmatched else (), row["note"], place)


def summarise_verdicts(
    sample: Mapping[str, SampleItem], verdicts: Sequence[Verdict], confidence: float = 0.95
) -> AuditResult:
    """Shares with intervals by class and kind, agreement of readers, and what was wrong.

    An item that several readers judged counts as the share of them that called it right.

    Args:
        sample: all items.
        verdicts: what readers said.
        confidence: 0.95 for 95 % intervals.
    """
    readers: dict[str, int] = defaultdict(int)
    by_item: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        readers[verdict.reader] += 1
        by_item[verdict.item.name].append(verdict)
    items = list(sample.values())
    names = dict.fromkeys(name for item in items for name in item.classes)
    unmatched = [item for item in items if item.kind == "unmatched"]
    if unmatched:  # lists the classes in the order of the vocabulary
        names = dict.fromkeys([*unmatched[0].classes, *names])
    statements = _share(unmatched, by_item, confidence)
    statements["low"] = statements["high"] = statements["effective"] = None  # the most frequent, not a sample
    return {
        "readers": dict(readers),
        "confidence": confidence,
        "classes": {name: _of_class(name, items, by_item, confidence) for name in names},
        "unmatched": statements,
        "agreement": _agreements(verdicts),
        "wrong": list(_wrong(items, by_item)),
    }


def _of_class(
    name: str, items: Sequence[SampleItem], by_item: Mapping[str, list[Verdict]], confidence: float
) -> ClassResult:
    def share(kind: str) -> Share:
        chosen = [item for item in items if item.kind == kind and name in item.classes]
        return _share(chosen, by_item, confidence)

    said = [verdict for group in by_item.values() for verdict in group]
    missed = {verdict.item.name: verdict.item for verdict in said if name in verdict.missed}
    own = [verdict for verdict in said if verdict.item.kind != "unmatched" and name in verdict.item.classes]
    return {
        "hit": share("hit"),
        "uncertain": share("uncertain"),
        "near_miss": share("near_miss"),
        "agreement": _agreements(own),
        "missed_statements": len(missed),
        "missed_records": round(sum(item.weight for item in missed.values())),
    }


def _share(items: Sequence[SampleItem], by_item: Mapping[str, list[Verdict]], confidence: float) -> Share:
    values, weights, cannot_say = [], [], 0
    for item in items:
        words = [verdict.word for verdict in by_item.get(item.name, ())]
        decided = [word == RIGHT for word in words if word != CANNOT_SAY]
        cannot_say += bool(words) and not decided
        if decided:
            values.append(sum(decided) / len(decided))
            weights.append(item.weight)
    right, low, high, effective = weighted_share(values, weights, confidence) if values else [None] * 4
    return {
        "items": len(items),
        "records": round(sum(item.weight for item in items)),
        "judged": len(values),
        "cannot_say": cannot_say,
        "right": right,
        "low": low,
        "high": high,
        "effective": effective,
    }


def _agreements(verdicts: Iterable[Verdict]) -> list[Agreement]:
    """For each two readers with common items: how far they agree on them."""
    said: dict[str, dict[str, str]] = defaultdict(dict)
    for verdict in verdicts:
        said[verdict.reader][verdict.item.name] = verdict.word
    found: list[Agreement] = []
    for one, other in combinations(sorted(said), 2):
        common = [name for name in said[one] if name in said[other]]
        if common:
            pairs = [(said[one][name], said[other][name]) for name in common]
            agreement, kappa = cohen_kappa(pairs, VERDICTS)
            found.append(
                {"readers": [one, other], "items": len(common), "agreement": agreement, "kappa": kappa}
            )
    return found


def _wrong(items: Iterable[SampleItem], by_item: Mapping[str, list[Verdict]]) -> Iterator[Wrong]:
    for item in items:
        verdicts = [verdict for verdict in by_item.get(item.name, ()) if verdict.word == WRONG]
        if verdicts:
            missed = dict.fromkeys(name for verdict in verdicts for name in verdict.missed)
            yield {
                "item": item.name,
                "classes": list(missed) if item.kind == "unmatched" else list(item.classes),
                "kind": item.kind,
                "cohort": item.cohort,
                "record_id": item.record_id,
                "pattern": item.pattern,
                "statement": item.statement,
                "notes": [f"{verdict.reader}: {verdict.note}" for verdict in verdicts if verdict.note],
            }
