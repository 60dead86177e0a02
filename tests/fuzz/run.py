"""Mutation fuzzing of every reader, through ``ingest_cohort`` in this process.

Each case is a small archive with one file mutated. What ingest makes of it is compared with what it makes of the
archive as it was:

- equal        every record as before (signals within 1 microvolt);
- quarantined  the record of the mutated file was refused with a reason, the others are as before;
- refused      the whole archive was refused with one message (a damaged table, say);
- counted      what became unknown, or was not read, is counted in the summary of the cohort;
- blind        a record differs or is gone, and nothing else in the archive could tell;
- silent       a record differs or is gone, though something else in the archive tells: a fault;
- crash, hang, memory: an exception that is no RarebeatError, no answer in 5 seconds of processor time, half a
  gigabyte: faults.

"""

import resource
import shutil
import signal
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from tests.fuzz.archives import Archive, Maker
from tests.fuzz.byte_mutations import Mutation, bit_flip
from tests.fuzz.oracles import Row, contradictions
from tests.fuzz.table_mutations import FAMILIES

from rarebeat.core.errors import RarebeatError
from rarebeat.readers.ingest import ingest_cohort

FAULTS = ("silent", "crash", "hang", "memory")
TOLD = {
    "refused": ("quarantined", "refused"),
    "equal": ("equal",),
    "counted as unknown": ("counted",),
    "changed where nothing in the file tells": ("blind",),
    "silently wrong": ("silent",),
    "crashed, hung or took all memory": ("crash", "hang", "memory"),
}
"""What a run prints: words for people, and the outcomes that they stand for."""

_SECONDS = 5
_KILOBYTES = 500_000
_DONORS = 0.03  # share of cases in which the file of another recording takes the place of one
_PER_ARCHIVE = 20
_FIELDS = ("source", "patient_id", "age", "sex", "fold", "rate", "samples", "calibrated", "text", "codes")
_COUNTED_AS = {
    "age": {"age"},
    "sex": {"sex"},
    "codes": {"dx", "diagnoses"},
    "text": {"diagnoses"},
    "fold": {"fold"},
}


@dataclass
class Case:
    """One mutated archive and what became of it.

    Attributes:
        kind: of archive.
        path: the file that was mutated.
        mutation: its name.
        note: what was changed.
        outcome: see the module.
        detail: a reason, or what tells that a record is not as it was.
        fields: in which records differ.
    """

    kind: str
    path: str
    mutation: str
    note: str
    outcome: str = ""
    detail: str = ""
    fields: list[str] = field(default_factory=list)


@dataclass
class Outcome:
    """What ingest made of an archive: accepted records and quarantined ones by id, and the summary."""

    records: dict[str, Row]
    quarantine: dict[str, str]
    summary: Mapping[str, Any]


class Hang(BaseException):
    """No answer in time; no error that a reader might catch."""


def _ring(*_: object) -> None:
    raise Hang


def ingest(archive: Archive, files: Mapping[str, bytes], place: Path) -> Outcome:
    """Write an archive into an empty folder and ingest it.

    Args:
        archive: tells kind and options.
        files: content by path.
        place: a folder of this function's own.

    Raises:
        Hang: after 5 seconds of processor time: a busy machine is no hang.
        RarebeatError: when the archive is refused.
    """
    root, out = place / "archive", place / "out"
    for folder in (root, out):
        shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    before = signal.signal(signal.SIGPROF, _ring)
    signal.setitimer(signal.ITIMER_PROF, _SECONDS)
    try:
        summary = ingest_cohort(archive.kind, root, out, "fuzz", archive.options, workers=1)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    rows = [row for part in sorted(out.glob("part-*.parquet")) for row in pq.read_table(part).to_pylist()]
    refused = pq.read_table(out / "quarantine.parquet").to_pylist()
    if len(rows) != len({row["record_id"] for row in rows}):
        raise AssertionError("two accepted records have one id")
    return Outcome(
        {row["record_id"]: row for row in rows},
        {row["record_id"]: f"{row['reason']}: {row['detail']}" for row in refused},
        summary,
    )


def _differences(before: Row, after: Row) -> list[str]:
    found = [name for name in _FIELDS if before[name] != after[name]]
    one, two = (np.frombuffer(row["signal"], "<i2").reshape(12, -1).astype(int) for row in (before, after))
    return [*found, "signal"] if one.shape != two.shape or np.abs(one - two).max() > 1 else found


def judge(archive: Archive, path: str, new: bytes, before: Outcome, after: Outcome, case: Case) -> None:
    """Write outcome, detail and fields into a case that was ingested."""
    changed = {
        name: found
        for name, record in before.records.items()
        if name in after.records and (found := _differences(record, after.records[name]))
    }
    gone = [name for name in before.records if name not in after.records]
    refused = [after.quarantine[name] for name in gone if name in after.quarantine]
    lost = [name for name in gone if name not in after.quarantine]
    invented = set(after.records) - set(before.records)
    renamed = [reason for name, reason in after.quarantine.items() if name not in before.records]
    for _ in range(min(len(lost), len(renamed))):  # refused under another id: counted, if not by its name
        refused.append(renamed.pop())
        lost.pop()
    if not (changed or lost or invented):
        case.outcome, case.detail = ("quarantined", refused[0]) if refused else ("equal", "")
        return
    case.fields = sorted({name for found in changed.values() for name in found})
    if invented:
        case.fields.append("record_id")
    told = set[str]()
    for name in [*changed, *lost]:
        told |= contradictions(archive, path, new, before.records[name], after.records.get(name))
    if lost and not told and not invented and not refused:
        told.add("a recording on disk is in no table")
    case.detail = "; ".join(sorted(told))
    if _is_counted(case.fields, len(lost), before.summary, after.summary):
        case.outcome = "counted"
    else:
        case.outcome = "silent" if told else "blind"


def _is_counted(fields: list[str], lost: int, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether the summary of the cohort counts all that became unknown, and all that was not read."""
    more = Counter(after.get("not_understood", {})) - Counter(before.get("not_understood", {}))
    if after.get("without_confirmed_report", 0) > before.get("without_confirmed_report", 0):
        more["diagnoses"] += 1
    names = dict(_COUNTED_AS, patient_id={"patient"})
    fields_counted = all(names.get(name, set()) & set(more) for name in fields)
    return fields_counted and lost <= after.get("not_listed", 0) - before.get("not_listed", 0)


def run_case(
    archive: Archive, before: Outcome, path: str, mutation: Mutation | None, rng: Random, place: Path
) -> Case:
    """Mutate one file of an archive and ingest it.

    Args:
        archive: as it was.
        before: what ingest made of it.
        path: the file.
        mutation: of that file; None takes the file of another recording.
        rng: decides on details.
        place: a folder of this function's own.
    """
    old = archive.files[path]
    if mutation is None:
        name, new, note = "donor", archive.donors[Path(path).suffix], "the file of another recording"
    else:
        name = mutation.__name__
        try:
            new, note = mutation(old, rng)
        except (IndexError, ValueError):
            new, note = old, ""
    if new == old:
        name, (new, note) = "bit_flip", bit_flip(old, rng)
    case = Case(archive.kind, path, name, note)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        judge(archive, path, new, before, ingest(archive, archive.files | {path: new}, place), case)
    except Hang:
        case.outcome = "hang"
    except RarebeatError as error:
        case.outcome, case.detail = "refused", str(error)[:200]
    except Exception as error:
        case.outcome, case.detail = "crash", "".join(traceback.format_exception(error))[-1500:]
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    if more > _KILOBYTES:
        case.outcome, case.detail = "memory", f"{more // 1000} MB"
    return case


def summed_up(kind: str, cases: Sequence[Case]) -> str:
    """What became of the mutated files of one kind, in a line."""
    counts = Counter(case.outcome for case in cases)
    told = ", ".join(f"{sum(counts[name] for name in names)} {words}" for words, names in TOLD.items())
    return f"{kind}: {len(cases)} mutated files: {told}"


def run(make: Maker, kind: str, count: int, seed: int, place: Path) -> Iterator[Case]:
    """Mutate archives of one kind.

    Args:
        make: makes them.
        kind: their kind, for the random numbers.
        count: how many mutated files.
        seed: same seed, same cases.
        place: an empty folder to work in.

    Yields:
        What became of each.
    """
    rng = Random(f"{seed}/{kind}")
    for number in range(count):
        if number % _PER_ARCHIVE == 0:
            archive, before = _trusted(make, rng, place)
        family = rng.choice(sorted(name for name, paths in archive.targets.items() if paths))
        path = rng.choice(archive.targets[family])
        replaced = rng.random() < _DONORS and Path(path).suffix in archive.donors
        yield run_case(archive, before, path, None if replaced else rng.choice(FAMILIES[family]), rng, place)


def _trusted(make: Maker, rng: Random, place: Path) -> tuple[Archive, Outcome]:
    """An archive of which nothing is refused as it is."""
    while True:
        archive = make(rng)
        try:
            outcome = ingest(archive, archive.files, place)
        except RarebeatError:
            continue
        if not outcome.quarantine:
            return archive, outcome
