"""Labels of a whole cohort: from its text and from its codes, kept apart, with the evidence for each.

The folder that is written::

    data/labels/<cohort>/
      text.parquet       record_id and one int8 column per class: 1, 0, -1 (uncertain) or null (unknown)
      codes.parquet      the same from the codes
      evidence.parquet   EVIDENCE_SCHEMA
      agreement.csv      text against codes per class; disagreements.csv: a sample of them (agreement.py)
      signal_checks.parquet  where the signal contradicts a label (signal_checks.py)
      unmatched.csv      statements that mention no class, ranked (UNMATCHED_COLUMNS)
      summary.json       counts (a DVC metric)
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field
from pydantic.dataclasses import dataclass
from tqdm import tqdm

from rarebeat.core.files import atomic, check_replaceable, write_csv, write_json
from rarebeat.core.parallel import Workers, map_in_order, parse_workers
from rarebeat.core.params import STRICT
from rarebeat.core.parquet import read_table
from rarebeat.core.record_files import part_files
from rarebeat.core.records import INCOMPLETE
from rarebeat.core.tables import for_people
from rarebeat.labels.agreement import AgreementCounter
from rarebeat.labels.codes import CodeLabeller, Incomplete
from rarebeat.labels.signal_checks import check_cohort
from rarebeat.labels.states import POSITIVE, STATE_NAMES, UNCERTAIN, Labels
from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.vocabulary import load_vocabulary

EVIDENCE_SCHEMA = pa.schema(
    [
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("origin", pa.string(), nullable=False),  # "text" or "codes"
        pa.field("class", pa.string(), nullable=False),
        pa.field("state", pa.int8(), nullable=False),
        pa.field("statement", pa.string(), nullable=False),  # statement of the report, or the code
        pa.field("start", pa.int32(), nullable=False),  # of the mention in the statement
        pa.field("end", pa.int32(), nullable=False),
        pa.field(
            "pattern", pa.string(), nullable=False
        ),  # name of the pattern or code list in the vocabulary
        pa.field("cue", pa.string()),  # what changed the meaning, such as "no evidence of"
    ]
)

UNMATCHED_COLUMNS = ("statement", "records", "example")

_WRITTEN = (
    *("text.parquet", "codes.parquet", "signal_checks.parquet", "summary.json"),
    *("agreement.csv", "disagreements.csv", "unmatched.csv"),
)
_COLUMNS = ["record_id", "source", "text", "codes"]
_UNMATCHED_KEPT = 10_000
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, config=STRICT)
class LabelSettings:
    """The group ``label`` of the params file.

    Attributes:
        vocabulary: name of a vocabulary of the package, or path of a ``.yaml`` file.
        signal_checks: compare the labels with rate, regularity and QRS width of the signals.
        incomplete_codes: what a class is that an incomplete list of codes (``complete_column`` of a reader) does not
            name: "unknown", or "negative" as in a complete list.
        least_coverage: share of a cohort's statements or codes below which the stage warns that it knows too few of
            them. It changes no file.
    """

    vocabulary: str = "hughes24"
    signal_checks: bool = True
    incomplete_codes: Incomplete = "unknown"
    least_coverage: Annotated[float, Field(ge=0, le=1)] = 0.5


def label_cohort(
    records: Path,
    out: Path,
    vocabulary: str,
    signal_checks: bool = True,
    incomplete_codes: Incomplete = "unknown",
    workers: Workers | None = None,
) -> dict[str, Any]:
    """Label a cohort and write the folder ``out``, whole or not at all.

    Args:
        records: cohort folder written by ingest.
        out: folder to write; an existing one is replaced.
        vocabulary: name of a vocabulary of the package, or path of a ``.yaml`` file.
        signal_checks: whether the signals are measured and compared with the labels, which takes most of the time.
        incomplete_codes: see :class:`LabelSettings`.
        workers: processes, or the address of a cluster (see :func:`rarebeat.core.parallel.parse_workers`), whose
            machines must see the records. None reads reports in this process, and measures with one process per core.

    Returns:
        The content of ``summary.json``.

    Raises:
        ParamsError: when there is no such vocabulary, or it is wrong.
        RarebeatError: when the cohort cannot be read or ``out`` cannot be written.
    """
    check_replaceable(out, "evidence.parquet", _WRITTEN)
    who = parse_workers(workers)
    words = load_vocabulary(vocabulary)
    matcher, labeller = Matcher(words), CodeLabeller(words, incomplete_codes)
    counts = {origin: _Counts(words.class_ids) for origin in ("text", "codes")}
    agreement, unmatched = AgreementCounter(), UnmatchedStatements()
    unknown_codes: Counter[str] = Counter()
    incomplete = 0
    schema = _states_schema(words.class_ids)
    parts = part_files(records)
    with atomic(out) as folder:
        folder.mkdir()
        with ExitStack() as stack:
            writers = {
                origin: stack.enter_context(_writer(folder / f"{origin}.parquet", schema))
                for origin in counts
            }
            evidence = stack.enter_context(_writer(folder / "evidence.parquet", EVIDENCE_SCHEMA))
            here = partial(_label_part, matcher, labeller)
            elsewhere = partial(_label_part_elsewhere, vocabulary, incomplete_codes)
            labelled = map_in_order(here if who in (None, 1) else elsewhere, parts, who or 1)
            for rows, labels in tqdm(
                labelled, f"label {records.name}", len(parts), unit="part", disable=None, delay=2
            ):
                ids = [row["record_id"] for row in rows]
                for origin, writer in writers.items():
                    writer.write_table(_states_table(ids, labels[origin], schema))
                    evidence.write_table(_evidence_table(ids, origin, labels[origin]))
                    counts[origin].add(labels[origin])
                for row, text, codes in zip(rows, labels["text"], labels["codes"], strict=True):
                    agreement.add(row["record_id"], row["text"], row["codes"], text, codes)
                    unmatched.add(row["record_id"], text.unmatched)
                    unknown_codes.update(code for code in row["codes"] if not labeller.knows(code))
                    incomplete += INCOMPLETE in row["codes"]
        agreement.write(folder)
        unmatched.write(folder / "unmatched.csv")
        del unknown_codes[INCOMPLETE]  # says something of the list, and is no code
        summary = {
            "vocabulary": words.name,
            "classes": {entry.id: entry.code for entry in words.classes},
            **{origin: count.summary() for origin, count in counts.items()},
            "coverage": _coverage(counts["text"], counts["codes"])
            | ({"records_with_incomplete_codes": incomplete} if incomplete else {}),
            "unmatched_codes": dict(unknown_codes.most_common()),
            "signal_checks": check_cohort(records, folder, who) if signal_checks else None,
        }
        write_json(folder / "summary.json", summary)
    return summary


_Labelled = tuple[list[dict[str, Any]], dict[str, list[Labels]]]
"""The records of a part, and their labels from text and from codes."""


def _label_part(matcher: Matcher, labeller: CodeLabeller, part: Path) -> _Labelled:
    rows = read_table(part, _COLUMNS).to_pylist()
    return rows, label_rows(rows, matcher, labeller)


def _label_part_elsewhere(vocabulary: str, incomplete_codes: Incomplete, part: Path) -> _Labelled:
    """Label a part (in another process, to which compiled patterns do not travel)."""
    words = load_vocabulary(vocabulary)
    return _label_part(Matcher(words), CodeLabeller(words, incomplete_codes), part)


def label_rows(
    rows: Iterable[Mapping[str, Any]], matcher: Matcher, labeller: CodeLabeller
) -> dict[str, list[Labels]]:
    """Labels of records from their text and from their codes, in the order of ``rows``.

    Args:
        rows: records with ``text``, ``codes`` and ``source``.
        matcher: reads the text.
        labeller: reads the codes.
    """
    labels: dict[str, list[Labels]] = {"text": [], "codes": []}
    for row in rows:
        text = matcher.label(row["text"])
        said = {name for name, state in text.states.items() if state in (POSITIVE, UNCERTAIN)}
        labels["text"].append(text)
        labels["codes"].append(labeller.label(row["codes"], row["source"], said))
    return labels


class _Counts:
    """What the summary tells of one origin."""

    def __init__(self, class_ids: Sequence[str]) -> None:
        self._states = {name: Counter[int | None]() for name in class_ids}
        self._warnings: Counter[str] = Counter()
        self._silent = 0
        self.records = self.parts = self.understood = 0

    def add(self, labels: Sequence[Labels]) -> None:
        self.records += len(labels)
        for entry in labels:
            self._silent += not entry.evidence
            self.parts += entry.parts
            self.understood += entry.understood
            self._warnings.update(entry.warnings)
        for name, counter in self._states.items():
            counter.update(entry.states[name] for entry in labels)

    def summary(self) -> dict[str, Any]:
        return {
            "records": self.records,
            "without_evidence": self._silent,
            "classes": {
                name: {word: counter[state] for state, word in STATE_NAMES.items()}
                for name, counter in self._states.items()
            },
            "warnings": dict(self._warnings.most_common()),
        }


def _coverage(text: _Counts, codes: _Counts) -> dict[str, int | float | None]:
    """How much of a cohort was understood; a share is None where there is nothing to understand.

    A code of a known system may still belong to no class: ``unmatched_codes`` counts those.
    """
    return {
        "records": text.records,
        "statements": text.parts,
        "statements_understood": round(text.understood / text.parts, 4) if text.parts else None,
        "codes": codes.parts,
        "codes_of_known_systems": round(codes.understood / codes.parts, 4) if codes.parts else None,
    }


class UnmatchedStatements:
    """Counts the statements in which no class was recognised: what the patterns may miss.

    What differs only in case, blanks or numbers is counted together.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def add(self, record_id: str, statements: Iterable[str]) -> None:
        """Count the unmatched statements of one record, each once."""
        for statement in {_one_spelling(statement): None for statement in statements}:
            self._counts[statement] += 1
            self._examples.setdefault(statement, record_id)

    def write(self, path: Path) -> None:
        """Write the most frequent ones (at most 10,000) as CSV with :data:`UNMATCHED_COLUMNS`."""
        ranked = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        rows = [(for_people(text), count, self._examples[text]) for text, count in ranked[:_UNMATCHED_KEPT]]
        write_csv(path, UNMATCHED_COLUMNS, rows)


def _one_spelling(statement: str) -> str:
    """A statement without what differs from record to record.

    >>> _one_spelling("Vent. rate  72 BPM")
    'vent. rate # bpm'
    """
    return _NUMBER.sub("#", " ".join(statement.lower().split()))


def _states_schema(class_ids: Sequence[str]) -> pa.Schema:
    return pa.schema(
        [
            pa.field("record_id", pa.string(), nullable=False),
            *(pa.field(name, pa.int8()) for name in class_ids),
        ]
    )


def _states_table(ids: Sequence[str], labels: Sequence[Labels], schema: pa.Schema) -> pa.Table:
    columns = [[entry.states[name] for entry in labels] for name in schema.names[1:]]
    return pa.table(
        [pa.array(ids, pa.string()), *(pa.array(column, pa.int8()) for column in columns)], schema=schema
    )


def _evidence_table(ids: Sequence[str], origin: str, labels: Sequence[Labels]) -> pa.Table:
    rows = [
        (record_id, origin, e.class_id, e.state, e.statement, e.start, e.end, e.pattern, e.cue)
        for record_id, entry in zip(ids, labels, strict=True)
        for e in entry.evidence
    ]
    columns = zip(*rows, strict=True) if rows else [()] * len(EVIDENCE_SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, EVIDENCE_SCHEMA, strict=True)]
    return pa.table(arrays, schema=EVIDENCE_SCHEMA)


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True)
