"""Discovering and reading an archive of any kind together with the tables that its options name."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rarebeat.core.records import Record
from rarebeat.readers.fields import (
    Person,
    clean_age,
    clean_sex,
    clean_text,
    mark_incomplete,
    not_understood,
    parse_codes,
    parse_patient,
    trusted_fold,
)
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.private import patient_id, storable
from rarebeat.readers.registry import Entry, Source
from rarebeat.readers.tables.rows import Cells, Rows, names_of, read_labels, read_rows, refuse_faults
from rarebeat.readers.tables.settings import Table, split_options

_JOINED = "joined"
_SHARED = "a row of {} names several recordings, and nobody knows which is meant"

Counts = dict[str, dict[str, int]]


def is_private(source: Source, options: Mapping[str, Any]) -> bool:
    """Find out whether ids may identify a person.

    Args:
        source: the reader.
        options: of the cohort.

    Returns:
        True where the user's secret key is needed.
    """
    return source.is_private(split_options(options)[1])


def discover(source: Source, root: Path, options: Mapping[str, Any]) -> tuple[list[Entry], Counts]:
    """Find the recordings of an archive, each with what the tables tell of it.

    Args:
        source: the reader.
        root: folder of the archive.
        options: of the cohort.

    Returns:
        The recordings, and by table how many rows found one, how many did not, and how many recordings have no row.

    Raises:
        MissingSourceError: when the archive or a table is not there.
        ParamsError: for a wrong option.
        RarebeatError: when a table lacks a column or cannot be read.
    """
    shared, own = split_options(options)
    entries = list(source.discover(root, own))
    tables = [(table.csv, read_rows(root, table)) for table in shared.tables]
    if shared.labels_csv is not None:
        tables.append((shared.labels_csv, read_labels(root, shared)[1]))
    if not tables:
        return entries, {}
    files = {root / name for name, _ in tables}
    entries = [entry for entry in entries if entry.path not in files]  # a table is no recording
    found = [_matched(entries, root, name, rows) for name, rows in tables]
    counts = {
        name: {
            "rows": len(rows),
            "rows_without_recording": len(rows) - len({place for _, place in matched if place is not None}),
            "recordings_without_row": sum(
                place is None and entry.is_ecg for entry, (_, place) in zip(entries, matched, strict=True)
            ),
        }
        for (name, rows), matched in zip(tables, found, strict=True)
    }
    joined = zip(
        entries, zip(*([cells for cells, _ in matched] for matched in found), strict=True), strict=True
    )
    return [replace(entry, details={**entry.details, _JOINED: cells}) for entry, cells in joined], counts


def _matched(entries: Sequence[Entry], root: Path, table: str, rows: Rows) -> list[tuple[Cells, str | None]]:
    """The row of each recording and its name there; one that several recordings would take is none of theirs."""
    places = [
        next((name for name in names_of(entry, root) if name in rows), None) if entry.is_ecg else None
        for entry in entries
    ]
    uses = Counter(places)
    return [
        (Cells(), None)
        if place is None
        else (Cells(fault=_SHARED.format(table)) if uses[place] > 1 else rows[place], place)
        for place in places
    ]


def read(source: Source, entry: Entry, pseudonym: Pseudonym, options: Mapping[str, Any]) -> Record:
    """Read one recording, with what the tables tell of it.

    Args:
        source: the reader.
        entry: from :func:`discover`.
        pseudonym: makes the ids of record and patient.
        options: of the cohort.

    Returns:
        The record. What the tables tell of age, sex, patient and fold counts before what the recording tells; text and
        codes are added to its own.

    Raises:
        BadRecordError: when the recording cannot be trusted, or a table contradicts itself.
    """
    shared, own = split_options(options)
    record = source.read(entry, pseudonym, own)
    told: Sequence[Cells] = entry.details.get(_JOINED, ())
    if not told:
        return record
    refuse_faults(told)
    for table, cells in zip(shared.tables, told, strict=False):
        record = _with_person(record, table, cells.single or {}, pseudonym, own)
        record = _with_words(record, table, cells, pseudonym, own)
    labels = [cells.labels for cells in told if cells.labels is not None]
    if shared.labels_csv is not None:
        record = replace(record, codes=labels[0] if labels else ())
    return record


def _with_person(
    record: Record, table: Table, cells: Mapping[str, str], pseudonym: Pseudonym, own: Mapping[str, Any]
) -> Record:
    def cell(column: str | None) -> str:
        return cells.get(column or "", "")

    sexes = {str(value): sex for value, sex in (table.sex_values or {}).items()}
    age, sex = clean_age(cell(table.age_column)), clean_sex(cell(table.sex_column), sexes)
    person = Person(age, sex).otherwise(Person(record.age, record.sex))
    namespace = own.get("patient_namespace")
    patient = patient_id(pseudonym, namespace, parse_patient(cell(table.patient_column), namespace))
    fold = trusted_fold(cell(table.fold_column), table.highest_fold)
    missed = not_understood(age=(cell(table.age_column), age), sex=(cell(table.sex_column), sex))
    return replace(
        record,
        age=person.age,
        sex=person.sex,
        patient_id=patient or record.patient_id,
        fold=record.fold if fold is None else fold,
        not_understood=tuple(dict.fromkeys((*record.not_understood, *missed))),
    )


def _with_words(
    record: Record, table: Table, cells: Cells, pseudonym: Pseudonym, own: Mapping[str, Any]
) -> Record:
    """Text and codes of the rows behind the recording's own; of a private archive what may be stored of them."""
    text = clean_text(line for part in cells.texts for line in part.splitlines()) or ""
    codes = tuple(
        dict.fromkeys(code for cell in cells.codes for code in parse_codes(cell, table.code_system))
    )
    text, codes = storable(text, codes, pseudonym, own.get("free_text", "recognised"), own.get("words"))
    if table.complete_column:
        codes = mark_incomplete(codes, (cells.single or {}).get(table.complete_column, ""))
    return replace(
        record,
        text="\n".join(filter(None, (record.text, text))) or None,
        codes=tuple(dict.fromkeys((*record.codes, *codes))),
    )
