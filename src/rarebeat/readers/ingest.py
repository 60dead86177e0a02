"""From an archive to a cohort folder: every recording is read, or quarantined with a reason."""

import os
import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from rarebeat.core.errors import BadRecordError, MissingSourceError, RarebeatError
from rarebeat.core.files import atomic, check_replaceable, write_json
from rarebeat.core.parallel import Workers, core_count, map_in_order, parse_workers
from rarebeat.core.record_files import WARNINGS, write_part, write_quarantine, write_warnings
from rarebeat.core.records import Record
from rarebeat.readers.discovery import is_inside, passed_over, readable
from rarebeat.readers.privacy import Pseudonym, owner_table_path, private_pseudonym, write_owner_table
from rarebeat.readers.registry import Entry, Source, get_source, suggest_kind
from rarebeat.readers.summary import Job, Tally, key_file_of, nothing_read, summarise
from rarebeat.readers.tables import joined

_MEASURED = 24
_MEASURED_LATER = 2
"""Records of each source and rate whose heart rate is measured, in the first part and in each later one: enough to tell
that the rate in their headers is wrong, and too few to take much time."""


def ingest_cohort(
    kind: str,
    root: Path,
    out: Path,
    cohort: str | None = None,
    options: Mapping[str, Any] | None = None,
    workers: Workers | None = None,
    part_size: int = 500,
) -> dict[str, Any]:
    """Read an archive into a cohort folder (see :mod:`rarebeat.core.record_files`), written whole or not at all.

    The result depends on the archive alone, not on who works. On a cluster, every machine must see the archive; parts
    travel back, and this process alone writes.

    Args:
        kind: one of :func:`rarebeat.readers.registry.kinds`.
        root: folder of the archive.
        out: folder to write; replaced when it exists.
        cohort: name of the cohort; None takes the name of ``out``.
        options: options of the reader.
        workers: processes, or the address of a cluster (see :func:`rarebeat.core.parallel.parse_workers`); None takes
            one process per core. One reads in this process.
        part_size: recordings per part file.

    Returns:
        The content of ``summary.json``.

    Raises:
        MissingSourceError: when the archive is not there; the message tells how to get it.
        ParamsError: for an unknown kind or a wrong option.
        RarebeatError: when not one record can be read, the folder cannot be written, or a machine of the cluster does
            not see the archive.
    """
    check_replaceable(out, "quarantine.parquet", ("summary.json", WARNINGS, "part-*.parquet"))
    options = dict(options or {})
    cohort = cohort or out.name
    said = parse_workers(workers)
    source = get_source(kind)
    found, tables = _discover(source, root, options)
    entries = [entry for entry in found if entry.listed]
    pseudonym = _pseudonym(source, options)
    unique, duplicates = _split_duplicates(entries)
    chunks = [unique[start : start + part_size] for start in range(0, len(unique), part_size)]
    with atomic(out) as folder:
        folder.mkdir(parents=True)
        job = Job(kind, root, folder, cohort, options, pseudonym)
        total = _read_all(job, chunks, _who_works(said, len(chunks)))
        for entry in duplicates:
            total.refuse(job, entry, BadRecordError("duplicate_id", "the id was seen before"))
        if pseudonym.private:
            write_owner_table(owner_table_path(root, key_file_of(options)), total.owner)
        if not total.records:
            raise RarebeatError(nothing_read(root, kind, total, len(entries)))
        write_quarantine(folder / "quarantine.parquet", total.quarantine)
        gains, rates = total.warnings()
        doubted = {
            name: "; ".join(filter(None, (gains.get(name), rates.get(name)))) for name in gains | rates
        }
        write_warnings(folder, doubted)
        passed = passed_over(root, source.takes) if source.takes else {}
        summary = summarise(job, total, passed, len(found) - len(entries)) | {"warned": len(gains)}
        summary |= {"rate_warned": len(rates)} if rates else {}
        summary |= {"tables": tables} if tables else {}
        write_json(folder / "summary.json", summary)
    return summary


def _discover(source: Source, root: Path, options: Mapping[str, Any]) -> tuple[list[Entry], joined.Counts]:
    try:
        return joined.discover(source, root, options)
    except MissingSourceError as error:
        if hint := suggest_kind(root, source.kind):
            raise MissingSourceError(f"{error}\n{hint}") from error
        raise


def _pseudonym(source: Source, options: Mapping[str, Any]) -> Pseudonym:
    if not joined.is_private(source, options):
        return Pseudonym()
    return private_pseudonym(key_file_of(options))


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


def _who_works(workers: Workers | None, chunks: int) -> Workers:
    return workers if isinstance(workers, str) else min(workers or core_count(), max(chunks, 1))


def _read_all(job: Job, chunks: Sequence[Sequence[Entry]], workers: Workers) -> Tally:
    total = Tally()
    size = sum(len(chunk) for chunk in chunks)
    read_all = _read_on_cluster if isinstance(workers, str) else _read_here
    with tqdm(total=size, desc=f"ingest {job.cohort}", unit="record", disable=None, delay=2) as progress:
        for chunk, tally in zip(chunks, read_all(job, chunks, workers), strict=True):
            total.add(tally)
            progress.update(len(chunk))
    return total


def _read_here(job: Job, chunks: Sequence[Sequence[Entry]], workers: Workers) -> Iterator[Tally]:
    return map_in_order(partial(_read_chunk, job), enumerate(chunks), workers)


def _read_on_cluster(job: Job, chunks: Sequence[Sequence[Entry]], workers: Workers) -> Iterator[Tally]:
    tasks = ((index, chunk, _first_file(chunk)) for index, chunk in enumerate(chunks))
    results = map_in_order(partial(_read_chunk_away, job), tasks, workers)
    for index, (tally, part) in enumerate(results):
        if part is not None:
            _part_path(job, index).write_bytes(part)
        yield tally


def _first_file(entries: Sequence[Entry]) -> Path | None:
    return next((entry.path for entry in entries if entry.path and os.access(entry.path, os.R_OK)), None)


def _read_chunk_away(job: Job, task: tuple[int, Sequence[Entry], Path | None]) -> tuple[Tally, bytes | None]:
    """Read one chunk and return its part (on a machine of a cluster)."""
    index, entries, there = task
    if there is not None:
        _check_in_sight(there)
    with tempfile.TemporaryDirectory() as place:
        here = replace(job, folder=Path(place))
        tally = _read_chunk(here, (index, entries))
        part = _part_path(here, index)
        return tally, part.read_bytes() if part.is_file() else None


def _check_in_sight(path: Path) -> None:
    """Make sure that this machine sees what the one sees that leads: else every file would be missing, and refused."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise RarebeatError(
            f"the machine {platform.node()} of the cluster cannot read {readable(str(path))} ({error.strerror}): the "
            "archive must be on a file system that all its machines see under the same path"
        ) from error


def _part_path(job: Job, index: int) -> Path:
    return job.folder / f"part-{index:05d}.parquet"


def _read_chunk(job: Job, numbered: tuple[int, Sequence[Entry]]) -> Tally:
    """Read one chunk and write its part (in a worker process)."""
    index, entries = numbered
    tally = Tally(measured=_MEASURED if index == 0 else _MEASURED_LATER)
    source = get_source(job.kind)

    def trusted() -> Iterator[Record]:
        for entry in entries:
            try:
                record = _read_entry(job, source, entry)
            except BadRecordError as error:
                tally.refuse(job, entry, error)
                continue
            tally.count(record)
            yield record

    write_part(_part_path(job, index), job.cohort, trusted())
    return tally


def _read_entry(job: Job, source: Source, entry: Entry) -> Record:
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
        return joined.read(source, entry, job.pseudonym, job.options)
    except OSError as error:  # not to be taken for trouble with writing
        raise BadRecordError("unreadable", f"the file cannot be read: {error.strerror}") from error
    except (ValueError, ArithmeticError, LookupError) as error:  # a reader met what it did not foresee
        raise BadRecordError(
            "unreadable", f"{type(error).__name__} in the reader of kind {job.kind}"
        ) from error
