"""What verdicts on a sample say of the labels: their precision with intervals, and how far readers agree.

Shares are weighted: an item counts for the records that it stands for. Items that nobody could judge are left
out. The statistics and their sources stand in :mod:`rarebeat.audit.statistics`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, nan
from pathlib import Path
from typing import TypedDict

from rarebeat.audit.sample import KINDS
from rarebeat.audit.statistics import weighted_share
from rarebeat.audit.verdicts import (
    CANNOT_SAY,
    RIGHT,
    UNMATCHED,
    WRONG,
    Agreement,
    Verdict,
    agreement_line,
    reader_agreement,
)
from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import read_csv
from rarebeat.core.tables import Row, from_people, interval_text, markdown_table

_COLUMNS = ("item", "class", "kind", "weight", "cohort", "record_id", "pattern", "statement")


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


SampleVerdict = Verdict[SampleItem]


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
    """Read ``sample.csv``.

    Args:
        path: written by :func:`rarebeat.audit.sample.write_sample`.

    Returns:
        Items by name, in order.

    Raises:
        RarebeatError: when it cannot be read or is damaged.
    """
    items: dict[str, SampleItem] = {}
    for line, row in read_csv(path, _COLUMNS):
        try:
            weight = float(row["weight"])
        except ValueError:
            weight = nan
        if not 0 < weight < inf or row["kind"] not in (*KINDS, UNMATCHED) or row["item"] in items:
            raise RarebeatError(f"{path}, line {line}: not an item of a sample; draw the sample again")
        items[row["item"]] = SampleItem(
            row["item"],
            tuple(row["class"].split()),
            row["kind"],
            weight,
            row["cohort"],
            row["record_id"],
            row["pattern"],
            from_people(row["statement"]),
        )
    return items


def summarise_verdicts(
    sample: Mapping[str, SampleItem], verdicts: Sequence[SampleVerdict], confidence: float = 0.95
) -> AuditResult:
    """Shares with intervals by class and kind, agreement of readers, and what was wrong.

    An item that several readers judged counts as the share of them that called it right.

    Args:
        sample: all items.
        verdicts: what readers said.
        confidence: 0.95 for 95 % intervals.
    """
    readers: dict[str, int] = defaultdict(int)
    by_item: dict[str, list[SampleVerdict]] = defaultdict(list)
    for verdict in verdicts:
        readers[verdict.reader] += 1
        by_item[verdict.item.name].append(verdict)
    items = list(sample.values())
    names = dict.fromkeys(name for item in items for name in item.classes)
    unmatched = [item for item in items if item.kind == UNMATCHED]
    if unmatched:  # lists the classes in the order of the vocabulary
        names = dict.fromkeys([*unmatched[0].classes, *names])
    statements = _share(unmatched, by_item, confidence)
    statements["low"] = statements["high"] = statements["effective"] = None  # the most frequent, not a sample
    return {
        "readers": dict(readers),
        "confidence": confidence,
        "classes": {name: _of_class(name, items, by_item, confidence) for name in names},
        "unmatched": statements,
        "agreement": reader_agreement(verdicts),
        "wrong": list(_wrong(items, by_item)),
    }


def _of_class(
    name: str, items: Sequence[SampleItem], by_item: Mapping[str, list[SampleVerdict]], confidence: float
) -> ClassResult:
    def share(kind: str) -> Share:
        chosen = [item for item in items if item.kind == kind and name in item.classes]
        return _share(chosen, by_item, confidence)

    said = [verdict for group in by_item.values() for verdict in group]
    missed = {verdict.item.name: verdict.item for verdict in said if name in verdict.missed}
    own = [verdict for verdict in said if verdict.item.kind != UNMATCHED and name in verdict.item.classes]
    return {
        "hit": share("hit"),
        "uncertain": share("uncertain"),
        "near_miss": share("near_miss"),
        "agreement": reader_agreement(own),
        "missed_statements": len(missed),
        "missed_records": round(sum(item.weight for item in missed.values())),
    }


def _share(
    items: Sequence[SampleItem], by_item: Mapping[str, list[SampleVerdict]], confidence: float
) -> Share:
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


def _wrong(items: Iterable[SampleItem], by_item: Mapping[str, list[SampleVerdict]]) -> Iterator[Wrong]:
    for item in items:
        verdicts = [verdict for verdict in by_item.get(item.name, ()) if verdict.word == WRONG]
        if verdicts:
            missed = dict.fromkeys(name for verdict in verdicts for name in verdict.missed)
            yield {
                "item": item.name,
                "classes": list(missed) if item.kind == UNMATCHED else list(item.classes),
                "kind": item.kind,
                "cohort": item.cohort,
                "record_id": item.record_id,
                "pattern": item.pattern,
                "statement": item.statement,
                "notes": [f"{verdict.reader}: {verdict.note}" for verdict in verdicts if verdict.note],
            }


def format_verdicts(result: AuditResult) -> str:
    """A Markdown table with a line per class that was judged, and below it what belongs to no class.

    Shares bear their interval and, in square brackets, how many items were judged of those in the sample.
    """
    rows = [_row(name, entry) for name, entry in result["classes"].items() if _seen(entry)]
    readers = [f"{name} ({count})" for name, count in result["readers"].items()]
    lines = [
        markdown_table(rows) or "No verdicts on any class.",
        "",
        f"Shares of records with {100 * result['confidence']:g} % intervals [items judged/in the sample]. "
        "Hits: the precision of the labels. Uncertain, near misses: rightly so. Missed: records with a frequent "
        "statement that should have matched.",
        f"Readers (verdicts): {', '.join(readers) or 'none'}.",
    ]
    lines += [agreement_line(pair, "items") for pair in result["agreement"]]
    if result["unmatched"]["judged"]:
        lines.append(f"Frequent statements that rightly matched nothing: {_cell(result['unmatched'])}.")
    return "\n".join(lines)


def _seen(entry: ClassResult) -> bool:
    shares = (entry["hit"], entry["uncertain"], entry["near_miss"])
    return entry["missed_statements"] > 0 or any(share["judged"] or share["cannot_say"] for share in shares)


def _row(name: str, entry: ClassResult) -> Row:
    shares = {"Hits": entry["hit"], "Uncertain": entry["uncertain"], "Near misses": entry["near_miss"]}
    kappas = [pair["kappa"] for pair in entry["agreement"] if pair["kappa"] is not None]
    return {
        "Class": name,
        **{title: _cell(share) for title, share in shares.items()},
        "Cannot say": sum(share["cannot_say"] for share in shares.values()),
        "Missed": entry["missed_records"],
        # with more than two readers the mean over pairs (Light, Psychol Bull 76, 1971)
        "Kappa": f"{sum(kappas) / len(kappas):.2f}" if kappas else None,
    }


def _cell(share: Share) -> str | None:
    if not share["items"]:
        return None
    judged = f"[{share['judged']}/{share['items']}]"
    if share["right"] is None:
        return judged
    low, high = (nan if end is None else end for end in (share["low"], share["high"]))
    return f"{interval_text(share['right'], low, high)} {judged}"
