"""From an archive to a cohort folder: every recording is read, or quarantined with a reason."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from rarebeat.core.errors import BadRecordError, MissingSourceError, RarebeatError
from rarebeat.core.files import atomic, check_replaceable, write_json
from rarebeat.core.parallel import core_count, map_in_order
from rarebeat.core.record_files import WARNINGS, write_part, write_quarantine, write_warnings
from rarebeat.core.records import Record
from rarebeat.measure.amplitude import Amplitude, gain_warnings, smallest_step, typical_span
from rarebeat.readers.discovery import is_inside, passed_over, readable
from rarebeat.readers.privacy import Pseudonym, owner_table_path, private_pseudonym, write_owner_table
from rarebeat.readers.registry import Entry, Source, get_source, suggest_kind

_EXAMPLES = 5
_FREE_TEXT = {False: "recognised", True: "kept"}  # of private archives: what is stored of their reports
_QUOTATION = re.compile(r"'.*'|\".*\"")


@dataclass(frozen=True)
class _Job:
    """What every chunk of an archive shares; small, for it travels to the workers."""

    kind: str
    root: Path
    folder: Path
    cohort: str
    options: Mapping[str, Any]
    pseudonym: Pseudonym


@dataclass
class _Report:
    """What one chunk came to; reports add up."""

    records: int = 0
    calibrated: int = 0
    with_text: int = 0
    with_codes: int = 0
    withheld: int = 0
    without_patient: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    not_understood: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    rates: Counter[str] = field(default_factory=Counter)
    patients: set[str] = field(default_factory=set)
    quarantine: list[dict[str, str]] = field(default_factory=list)
    amplitudes: list[Amplitude] = field(default_factory=list)
    owner: list[tuple[str, ...]] = field(default_factory=list)

    def refuse(self, job: _Job, entry: Entry, error: BadRecordError) -> None:
        """Add a row to the quarantine table, and to the owner's what a private archive leaves out of it."""
        private = job.pseudonym.private
        row = {
            "record_id": job.pseudonym.record_id(entry.record_id),
            "cohort": job.cohort,
            "source": entry.source or job.kind,
            "reason": error.reason,
            "detail": _QUOTATION.sub("'…'", error.detail) if private else error.detail,
        }
        self.quarantine.append(row)
        if private:
            path = entry.record_id if entry.path is None else str(entry.path.absolute())
            self.owner.append((row["record_id"], readable(path), error.reason, error.detail))

    def count(self, record: Record) -> None:
        self.records += 1
        self.calibrated += record.calibrated
        self.with_text += record.text is not None
        self.with_codes += bool(record.codes)
        if record.report_status is not None:
            self.statuses[record.report_status] += 1
            self.withheld += record.report_status != "confirmed" and record.text is None
        if record.calibrated:
            span, step = typical_span(record.signal, record.rate), smallest_step(record.signal)
            self.amplitudes.append(Amplitude(record.record_id, record.source, span, step))
        self.not_understood.update(record.not_understood)
        self.sources[record.source] += 1
        self.rates[f"{record.rate:g}"] += 1
        if record.patient_id is None:
            self.without_patient += 1
        else:
            self.patients.add(record.patient_id)

    def add(self, other: "_Report") -> None:
        self.records += other.records
        self.calibrated += other.calibrated
        self.with_text += other.with_text
        self.with_codes += other.with_codes
        self.withheld += other.withheld
        self.without_patient += other.without_patient
        self.statuses.update(other.statuses)
        self.not_understood.update(other.not_understood)
        self.sources.update(other.sources)
        self.rates.update(other.rates)
        self.patients |= other.patients
        self.quarantine += other.quarantine
        self.owner += other.owner
        self.amplitudes += other.amplitudes


def ingest_cohort(
    kind: str,
    root: Path,
    out: Path,
    cohort: str | None = None,
    options: Mapping[str, Any] | None = None,
    workers: int | None = None,
    part_size: int = 500,
) -> dict[str, Any]:
    """Read an archive into a cohort folder (see :mod:`rarebeat.core.record_files`), written whole or not at all.

    The result depends on the archive alone, not on the number of workers.

    Args:
        kind: one of :func:`rarebeat.readers.registry.kinds`.
        root: folder of the archive.
        out: folder to write; replaced when it exists.
        cohort: name of the cohort; None takes the name of ``out``.
        options: options of the reader.
        workers: processes; None takes one per core. One reads in this process.
        part_size: recordings per part file.

    Returns:
        The content of ``summary.json``.

    Raises:
        MissingSourceError: when the archive is not there; the message tells how to get it.
        ParamsError: for an unknown kind or a wrong option.
        RarebeatError: when not one record can be read, or the folder cannot be written.
    """
    check_replaceable(out, "quarantine.parquet", ("summary.json", WARNINGS, "part-*.parquet"))
    options = dict(options or {})
    cohort = cohort or out.name
    source = get_source(kind)
    found = _discover(source, root, options)
    entries = [entry for entry in found if entry.listed]
    pseudonym = _pseudonym(source, options)
    unique, duplicates = _split_duplicates(entries)
    chunks = [unique[start : start + part_size] for start in range(0, len(unique), part_size)]
    with atomic(out) as folder:
        folder.mkdir(parents=True)
        job = _Job(kind, root, folder, cohort, options, pseudonym)
        total = _read_all(job, chunks, _worker_count(workers, len(chunks)))
        for entry in duplicates:
            total.refuse(job, entry, BadRecordError("duplicate_id", "the id was seen before"))
        if pseudonym.private:
            write_owner_table(owner_table_path(root, _key_file(options)), total.owner)
        if not total.records:
            raise RarebeatError(_nothing_read(root, kind, total, len(entries)))
        write_quarantine(folder / "quarantine.parquet", total.quarantine)
        warnings = gain_warnings(total.amplitudes)
        write_warnings(folder, warnings)
        passed = passed_over(root, source.takes) if source.takes else {}
        summary = _summarise(job, total, passed, len(found) - len(entries)) | {"warned": len(warnings)}
        write_json(folder / "summary.json", summary)
    return summary


def summary_lines(
    cohort: str, kind: str, root: Path, summary: Mapping[str, Any], options: Mapping[str, Any] | None = None
) -> list[str]:
    """What a person wants to know of an ingest.

    Args:
        cohort: its name.
        kind: of the archive.
        root: of the archive.
        summary: as :func:`ingest_cohort` returns it.
        options: of its reader.
    """
    lines = [f"{cohort}: {summary['records']} records, {summary['quarantined']} quarantined"]
    table = owner_table(kind, root, options or {}) if summary["quarantined"] else None
    if table and table.is_file():
        lines.append(f"which files were quarantined, for you alone: {table}")
    if alone := summary.get("without_patient"):
        lines.append(
            f"the patient of {alone} records is not known: they are split by record, so that one patient may be in "
            "several splits"
        )
    if passed := summary.get("passed_over"):
        lines.append("passed over: " + ", ".join(f"{count} x {name}" for name, count in passed.items()))
    if warned := summary["warned"]:
        of = f"{warned} of {summary['records']} records"
        lines.append(f"the gain is probably wrong in {of}: {WARNINGS} says where and why")
    if withheld := summary.get("without_confirmed_report"):
        lines.append(
            f"{withheld} records have no text, for no person has confirmed their reports: the option "
            "statements=all takes them too"
        )
    if missed := summary.get("not_listed"):
        lines.append(f"{missed} recordings lie in the archive's folders and are in no row of its table")
    if unread := summary.get("not_understood"):
        counts = ", ".join(f"{name} of {count}" for name, count in unread.items())
        lines.append(f"not understood, and so unknown: {counts} records")
    if summary.get("free_text") == _FREE_TEXT[True]:
        lines.append(
            "free text is kept, without the names, dates and numbers that were found: read it before it is shared, "
            "and before data/ goes to a remote"
        )
    if not summary["with_text"] and not summary["with_codes"]:
        hint = suggest_kind(root, kind)
        lines.append(f"no record has a report or codes, so there is nothing to label. {hint}".strip())
    return lines


def _discover(source: Source, root: Path, options: Mapping[str, Any]) -> list[Entry]:
    try:
        return list(source.discover(root, options))
    except MissingSourceError as error:
        if hint := suggest_kind(root, source.kind):
            raise MissingSourceError(f"{error}\n{hint}") from error
        raise


def owner_table(kind: str, root: Path, options: Mapping[str, Any]) -> Path | None:
    """Say where the owner of a private archive finds which file a quarantined record was.

    Args:
        kind: of archive.
        root: its folder.
        options: of its reader.

    Returns:
        See :func:`rarebeat.readers.privacy.owner_table_path`; None for a public archive.
    """
    return owner_table_path(root, _key_file(options)) if get_source(kind).is_private(options) else None


def _key_file(options: Mapping[str, Any]) -> Path | None:
    name = options.get("key_file")
    return Path(str(name)) if name else None


def _pseudonym(source: Source, options: Mapping[str, Any]) -> Pseudonym:
    if not source.is_private(options):
        return Pseudonym()
    return private_pseudonym(_key_file(options))


def _split_duplicates(entries: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Entries with ids of their own, and those whose id was there before. Two rows that tell different things of one
    recording are both refused: nobody knows which is right."""
    unique: dict[str, Entry] = {}
    duplicates, contradicted = [], set()
    for entry in entries:
        first = unique.setdefault(entry.record_id, entry)
        if first is entry:
            continue
        duplicates.append(entry)
        if first.path == entry.path and first.details != entry.details:
            contradicted.add(entry.record_id)
    duplicates += [unique.pop(name) for name in sorted(contradicted)]
    return list(unique.values()), duplicates


def _worker_count(workers: int | None, chunks: int) -> int:
    if workers is not None and workers < 1:
        raise RarebeatError(f"workers must be at least 1, found {workers}")
    return min(workers or core_count(), max(chunks, 1))


def _read_all(job: _Job, chunks: Sequence[Sequence[Entry]], workers: int) -> _Report:
    total = _Report()
    size = sum(len(chunk) for chunk in chunks)
    with tqdm(total=size, desc=f"ingest {job.cohort}", unit="record", disable=None, delay=2) as progress:
        reports = map_in_order(partial(_read_chunk, job), enumerate(chunks), workers)
        for chunk, report in zip(chunks, reports, strict=True):
            total.add(report)
            progress.update(len(chunk))
    return total


def _read_chunk(job: _Job, numbered: tuple[int, Sequence[Entry]]) -> _Report:
    """Read one chunk and write its part (in a worker process)."""
    index, entries = numbered
    report = _Report()
    source = get_source(job.kind)

    def trusted() -> Iterator[Record]:
        for entry in entries:
            try:
                record = _read_entry(job, source, entry)
            except BadRecordError as error:
                report.refuse(job, entry, error)
                continue
            report.count(record)
            yield record

    write_part(job.folder / f"part-{index:05d}.parquet", job.cohort, trusted())
    return report


def _read_entry(job: _Job, source: Source, entry: Entry) -> Record:
    try:
        if entry.path is not None:
            if not is_inside(job.root, entry.path):
                raise BadRecordError(
                    "outside_folder", "the file is, or links to, a place outside the folder of the archive"
                )
            if not entry.path.is_file():
                looked_for = readable(os.path.relpath(entry.path, job.root))
                raise BadRecordError(
                    "unreadable", f"file missing: {looked_for!r} is not there. Is the archive incomplete?"
                )
        return source.read(entry, job.pseudonym, job.options)
    except OSError as error:  # not to be taken for trouble with writing
        raise BadRecordError("unreadable", f"the file cannot be read: {error.strerror}") from error
    except (ValueError, ArithmeticError, LookupError) as error:  # a reader met what it did not foresee
        raise BadRecordError(
            "unreadable", f"{type(error).__name__} in the reader of kind {job.kind}"
        ) from error


def _keeps_text(options: Mapping[str, Any]) -> bool:
    return options.get("free_text") == "keep"


def _nothing_read(root: Path, kind: str, total: _Report, entries: int) -> str:
    if not entries:
        return f"no recordings of kind {kind} in {root}"
    reasons = Counter(row["reason"] for row in total.quarantine).most_common()
    examples = {
        row["reason"]: f"  {row['record_id']}: {row['reason']}: {row['detail']}" for row in total.quarantine
    }
    counts = ", ".join(f"{reason} {count}" for reason, count in reasons)
    shown = "\n".join(examples[reason] for reason, _ in reasons[:_EXAMPLES])
    return f"0 of {entries} records in {root} could be read ({counts}), for example:\n{shown}"


def _summarise(job: _Job, total: _Report, passed: Mapping[str, int], not_listed: int) -> dict[str, Any]:
    reasons = Counter(row["reason"] for row in total.quarantine)
    statuses = {
        "report_statuses": dict(sorted(total.statuses.items())),
        "without_confirmed_report": total.withheld,
    }
    return {
        "cohort": job.cohort,
        "kind": job.kind,
        "records": total.records,
        "quarantined": len(total.quarantine),
        "patients": len(total.patients),
        **({"without_patient": total.without_patient} if total.without_patient else {}),
        "calibrated": total.calibrated,
        "with_text": total.with_text,
        "with_codes": total.with_codes,
        **(statuses if total.statuses else {}),  # of archives that tell them
        **({"not_listed": not_listed} if not_listed else {}),
        **({"not_understood": dict(sorted(total.not_understood.items()))} if total.not_understood else {}),
        **({"free_text": _FREE_TEXT[_keeps_text(job.options)]} if job.pseudonym.private else {}),
        **({"passed_over": passed} if passed else {}),
        "reasons": dict(sorted(reasons.items())),
        "sources": dict(sorted(total.sources.items())),
        "rates": dict(sorted(total.rates.items(), key=lambda item: float(item[0]))),
    }
