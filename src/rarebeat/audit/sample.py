"""An audit sample: for each class some records to check by hand, and frequent statements that matched nothing.

Hughes et al. 2018 took labels "through simple string matching which were hand-verified and spot checked"; this
draws what is to be verified. Each record that mentions a class is of one kind for it:

- ``hit``: the text says the class.
- ``uncertain``: the text leaves it open.
- ``near_miss``: every mention was decided negative by a cue, or was a look-alike that a mask covered.

Of each class and kind a few records are drawn from strata: by pattern, and within a pattern by statement, where the
rarer statements of a pattern are one stratum together. Each stratum gives at least one, and the other seats go by the
square root of its size: a pattern that matched 5 records is seen beside one that matched 50,000, and the frequent one
still fills most seats. Within a stratum all are equally likely, so each one drawn stands for ``size / seats``, its
weight. Weights add up to the number of all, and the weighted share of any property is unbiased; taken plainly, the
share of right hits would be that of wordings, not of records (:mod:`rarebeat.audit.precision`).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path
from typing import Literal

import numpy as np

from rarebeat.audit.evidence import read_mentions
from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.files import read_csv, read_json, write_csv
from rarebeat.core.parquet import read_table
from rarebeat.core.record_files import read_metadata
from rarebeat.core.tables import for_people, from_people
from rarebeat.labels.states import NEGATIVE, POSITIVE, UNCERTAIN, Evidence, stronger
from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.vocabulary import LabelClass, Vocabulary, load_vocabulary

Kind = Literal["hit", "uncertain", "near_miss", "unmatched"]
KINDS: tuple[Kind, ...] = ("hit", "uncertain", "near_miss")
"""The kinds of a class; statements that matched nothing are ``unmatched`` and of no class."""

SAMPLE_COLUMNS = ("item", "class", "kind", "weight", "cohort", "record_id", "pattern", "cue", "statement")

_KIND_OF: Mapping[int, Kind] = {POSITIVE: "hit", UNCERTAIN: "uncertain", NEGATIVE: "near_miss"}
_SEATS_PER_STATEMENT = 2  # with fewer, seats that every statement has by right would starve the frequent ones


@dataclass(frozen=True, slots=True)
class Cohort:
    """One cohort: its name, the folder written by ingest, and the folder written by label."""

    name: str
    records: Path
    labels: Path


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to judge.

    Attributes:
        name: 12 hexadecimal digits that depend on what is judged, not on the draw.
        kind: what the text was taken to say.
        weight: how many records it stands for.
        cohort: name of the cohort.
        record_id: the record, or an example of one for a statement that matched nothing.
        evidence: the first mention that says what the label says; None for a statement that matched nothing.
        statement: the statement.
        report: the whole report.
    """

    name: str
    kind: Kind
    weight: float
    cohort: str
    record_id: str
    evidence: Evidence | None
    statement: str
    report: str

    @property
    def class_id(self) -> str:
        """The class that is judged, or "" for a statement that matched nothing."""
        return self.evidence.class_id if self.evidence else ""


@dataclass(frozen=True)
class Audit:
    """A sample to judge.

    Attributes:
        vocabulary: name of the vocabulary.
        choices: every class of the vocabulary; a statement may have been missed by any.
        classes: the classes that are audited.
        totals: number of records of each class id and kind.
        items: what to judge, by class, kind, pattern and statement; then statements that matched nothing.
        records: number of records in all cohorts.
    """

    vocabulary: str
    choices: tuple[LabelClass, ...]
    classes: tuple[LabelClass, ...]
    totals: Mapping[tuple[str, Kind], int]
    items: tuple[Item, ...]
    records: int

    @property
    def name(self) -> str:
        """12 hexadecimal digits that tell this sample from others."""
        return _name(*(f"{item.name}:{item.weight!r}" for item in self.items))

    def of(self, class_id: str, kind: Kind) -> list[Item]:
        """The items of one class and kind; class "" and kind "unmatched" give the statements."""
        return [item for item in self.items if item.class_id == class_id and item.kind == kind]


def draw_audit(
    cohorts: Sequence[Cohort],
    vocabulary: str,
    classes: Sequence[str] = (),
    per_kind: int = 20,
    statements: int = 100,
    seed: int = 0,
) -> Audit:
    """Draw a sample. Equal inputs and seeds give equal samples, and no class moves the sample of another.

    Args:
        cohorts: cohorts that were labelled with the vocabulary.
        vocabulary: name of a vocabulary of the package, or path of a ``.yaml`` file.
        classes: class ids to audit; none for all.
        per_kind: at most so many items of each class and kind.
        statements: so many of the most frequent statements that matched nothing.
        seed: decides between equals.

    Raises:
        ParamsError: for an unknown vocabulary or class, or a number below zero.
        RarebeatError: when a cohort cannot be read, or its labels are not those of its records and vocabulary.
    """
    words = load_vocabulary(vocabulary)
    if unknown := [name for name in classes if name not in words.class_ids]:
        raise ParamsError(f"no class {unknown[0]!r} in {words.name}: there are {', '.join(words.class_ids)}")
    if min(per_kind, statements, seed) < 0:
        raise ParamsError("the numbers of items and statements and the seed must not be below zero")
    chosen = tuple(entry for entry in words.classes if not classes or entry.id in classes)
    reports = {cohort.name: _read_reports(cohort) for cohort in cohorts}
    if len(reports) < len(cohorts):
        raise ParamsError(f"cohorts must have different names: {', '.join(c.name for c in cohorts)}")
    found: dict[tuple[str, Kind], list[Item]] = {(entry.id, kind): [] for entry in chosen for kind in KINDS}
    for cohort in cohorts:
        for item in _candidates(cohort, words, reports[cohort.name]):
            if (item.class_id, item.kind) in found:
                found[item.class_id, item.kind].append(item)
    items = [item for key, candidates in found.items() for item in _sample(key, candidates, per_kind, seed)]
    items += _unmatched(cohorts, reports)[:statements]
    return Audit(
        vocabulary=words.name,
        choices=words.classes,
        classes=chosen,
        totals={key: len(candidates) for key, candidates in found.items()},
        items=tuple(items),
        records=sum(map(len, reports.values())),
    )


def _read_reports(cohort: Cohort) -> dict[str, str]:
    """The reports of a cohort by record id."""
    table = read_metadata(cohort.records, ["record_id", "text"])
    ids, texts = (table.column(name).to_pylist() for name in ("record_id", "text"))
    labelled = read_table(cohort.labels / "text.parquet", ["record_id"]).column("record_id").to_pylist()
    if ids != labelled:
        raise RarebeatError(
            f"the labels in {cohort.labels} are not those of the records in {cohort.records}: "
            "label the cohort again"
        )
    return {record_id: text or "" for record_id, text in zip(ids, texts, strict=True)}


def _candidates(cohort: Cohort, words: Vocabulary, reports: Mapping[str, str]) -> Iterator[Item]:
    """One item, still without its weight, for each record and class that it mentions."""
    made_with = read_json(cohort.labels / "summary.json").get("vocabulary")
    if made_with != words.name:
        raise RarebeatError(
            f"the labels in {cohort.labels} were made with vocabulary {made_with!r}, not {words.name!r}"
        )
    deciding = _deciding(cohort.labels)
    matcher = Matcher(words)
    for record_id, report in reports.items():
        for evidence in matcher.look_alikes(report):
            deciding.setdefault((record_id, evidence.class_id), evidence)
    for (record_id, class_id), evidence in deciding.items():
        kind = _KIND_OF[evidence.state]
        name = _name(class_id, kind, cohort.name, record_id)
        report = reports[record_id]
        yield Item(name, kind, 0.0, cohort.name, record_id, evidence, evidence.statement, report)


def _deciding(labels: Path) -> dict[tuple[str, str], Evidence]:
    """By record and class: the first mention in the text that says what the label says."""
    deciding: dict[tuple[str, str], Evidence] = {}
    for origin, record_id, new in read_mentions(labels):
        if origin == "text":
            old = deciding.get((record_id, new.class_id))
            if old is None or stronger(old.state, new.state) != old.state:
                deciding[record_id, new.class_id] = new
    return deciding


def _sample(key: tuple[str, Kind], candidates: Sequence[Item], size: int, seed: int) -> list[Item]:
    """Up to ``size`` of the candidates of one class and kind, with weights, by pattern and statement."""
    rng = np.random.default_rng([seed, int(_name(*key), 16)])
    keys = [(item.evidence.pattern if item.evidence else "", _plain(item.statement)) for item in candidates]
    drawn = sorted(draw_strata(keys, size, rng), key=lambda pair: (*keys[pair[0]], pair[0]))
    return [replace(candidates[index], weight=weight) for index, weight in drawn]


def draw_strata(
    keys: Sequence[tuple[str, str]], seats: int, rng: np.random.Generator
) -> list[tuple[int, float]]:
    """Draw up to ``seats`` of many, without repeats, so that rare patterns and statements are seen.

    Args:
        keys: pattern and statement of each of the many.
        seats: how many to draw; all are taken where there are no more.
        rng: decides within strata.

    Returns:
        Index and weight of each one drawn, in ascending order.
    """
    drawn: list[tuple[int, float]] = []
    patterns = [pattern for pattern, _ in keys]
    statements = [statement for _, statement in keys]
    for members, share in _strata(list(range(len(keys))), patterns, seats, seats):
        for stratum, few in _strata(members, statements, share, share // _SEATS_PER_STATEMENT):
            chosen = rng.choice(len(stratum), size=few, replace=False)
            drawn += [(stratum[place], len(stratum) / few) for place in chosen]
    return sorted(drawn)


def _strata(members: list[int], names: Sequence[str], seats: int, most: int) -> list[tuple[list[int], int]]:
    """Members with a common name, and their seats; beyond ``most`` names the rarer ones are put together."""
    if not members or not seats:
        return []
    groups: dict[str, list[int]] = {}
    for member in members:
        groups.setdefault(names[member], []).append(member)
    parts = sorted(groups.values(), key=len, reverse=True)
    if len(parts) > most:
        alone = max(most - 1, 0)
        parts = [*parts[:alone], sorted(member for part in parts[alone:] for member in part)]
    return list(zip(parts, allocate([len(part) for part in parts], seats), strict=True))


def allocate(sizes: Sequence[int], seats: int) -> list[int]:
    """Seats of each stratum: one, then by the square root of the sizes (highest averages), at most its size.

    Args:
        sizes: of the strata.
        seats: how many to share out, at least one per stratum.

    Source:
        Power allocation, Bankier, The American Statistician 42, 1988.

    Example:
        >>> allocate([10_000, 100, 1], 12)
        [10, 1, 1]
    """
    given = [1] * len(sizes)
    for _ in range(min(seats, sum(sizes)) - len(sizes)):
        places = [place for place, size in enumerate(sizes) if given[place] < size]
        given[max(places, key=lambda place: sqrt(sizes[place]) / (given[place] + 1))] += 1
    return given


def _unmatched(cohorts: Sequence[Cohort], reports: Mapping[str, Mapping[str, str]]) -> list[Item]:
    """The statements that matched nothing, the most frequent first; equal ones of several cohorts are one."""
    records: dict[str, int] = {}
    examples: dict[str, tuple[str, str]] = {}
    for cohort in cohorts:
        path = cohort.labels / "unmatched.csv"
        if not path.is_file():
            raise RarebeatError(f"{path} is missing: label the cohort again")
        for line, row in read_csv(path, ("statement", "records", "example")):
            if not row["records"].isdecimal() or row["example"] not in reports[cohort.name]:
                raise RarebeatError(f"{path}, line {line}: not a number of records and one of their ids")
            statement = from_people(row["statement"])
            records[statement] = records.get(statement, 0) + int(row["records"])
            examples.setdefault(statement, (cohort.name, row["example"]))
    items = []
    for statement, count in sorted(records.items(), key=lambda entry: (-entry[1], entry[0])):
        place, record_id = examples[statement]
        name = _name("unmatched", statement)
        report = reports[place][record_id]
        items.append(Item(name, "unmatched", float(count), place, record_id, None, statement, report))
    return items


def _plain(statement: str) -> str:
    return " ".join(statement.casefold().split())


def _name(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def write_sample(path: Path, audit: Audit) -> None:
    """Write the sample as a CSV file with :data:`SAMPLE_COLUMNS`, for :mod:`rarebeat.audit.verdicts`.

    The class of a statement that matched nothing is the list of those that it could be missed by.
    """
    choices = " ".join(entry.id for entry in audit.choices)
    write_csv(path, SAMPLE_COLUMNS, (_cells(item, choices) for item in audit.items))


def _cells(item: Item, choices: str) -> tuple[object, ...]:
    pattern, cue = (item.evidence.pattern, item.evidence.cue) if item.evidence else (None, None)
    place = (item.cohort, item.record_id)
    return (
        item.name,
        item.class_id or choices,
        item.kind,
        item.weight,
        *place,
        pattern,
        for_people(cue),
        for_people(item.statement),
    )
