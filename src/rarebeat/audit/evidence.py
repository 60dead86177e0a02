"""What a label folder holds about single labels: the state from text and from codes, and the mentions behind it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from rarebeat.core.errors import RarebeatError
from rarebeat.core.parquet import read_table
from rarebeat.labels.states import Evidence, State

ORIGINS = ("codes", "text")

_EVIDENCE = ["record_id", "class", "state", "statement", "start", "end", "pattern", "cue"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one origin says of a record and class.

    Attributes:
        origin: "codes" or "text".
        state: of the label.
        mentions: in the order of the text or the codes; none where the class is not mentioned.
    """

    origin: str
    state: State
    mentions: tuple[Evidence, ...]


def read_evidence(
    folder: Path, wanted: Collection[tuple[str, str]]
) -> Mapping[tuple[str, str], tuple[Reading, ...]]:
    """Read what a label folder holds about some labels.

    Args:
        folder: written by :func:`rarebeat.labels.extract.label_cohort`.
        wanted: pairs of record id and class id.

    Returns:
        For each pair what codes say, then what text says.

    Raises:
        RarebeatError: when the folder cannot be read, or lacks a class or record.
    """
    ids = pa.array(sorted({record_id for record_id, _ in wanted}), pa.string())
    classes = sorted({class_id for _, class_id in wanted})
    found: dict[tuple[str, str], list[Reading]] = {pair: [] for pair in wanted}
    mentions: dict[tuple[str, str, str], list[Evidence]] = {}
    for origin, record_id, mention in read_mentions(folder, ids):
        mentions.setdefault((origin, record_id, mention.class_id), []).append(mention)
    for origin in ORIGINS:
        states = _states(folder / f"{origin}.parquet", ids, classes)
        for record_id, class_id in wanted:
            if record_id not in states:
                raise RarebeatError(f"the labels in {folder} lack record {record_id}: label the cohort again")
            told = mentions.get((origin, record_id, class_id), ())
            found[record_id, class_id].append(Reading(origin, states[record_id][class_id], tuple(told)))
    return {pair: tuple(readings) for pair, readings in found.items()}


def _states(path: Path, ids: pa.Array, classes: list[str]) -> dict[str, dict[str, State]]:
    """By record and class."""
    table = read_table(path)
    if missing := [name for name in classes if name not in table.column_names]:
        raise RarebeatError(
            f"{path} has no class {missing[0]!r}: the cohort was labelled with another vocabulary"
        )
    rows = table.filter(pc.is_in(table["record_id"], ids)).to_pylist()
    return {row["record_id"]: row for row in rows}


def read_mentions(folder: Path, record_ids: pa.Array | None = None) -> Iterator[tuple[str, str, Evidence]]:
    """Read the mentions of classes behind the labels of a folder.

    Args:
        folder: written by :func:`rarebeat.labels.extract.label_cohort`.
        record_ids: whose mentions; None for all.

    Yields:
        Origin ("codes" or "text"), record id and mention, in the order of the records and of the text or the codes.

    Raises:
        RarebeatError: when the folder cannot be read.
    """
    table = read_table(folder / "evidence.parquet", ["origin", *_EVIDENCE])
    if record_ids is not None:
        table = table.filter(pc.is_in(table["record_id"], record_ids))
    columns = (table.column(name).to_pylist() for name in ("origin", *_EVIDENCE))
    for origin, record_id, *cells in zip(*columns, strict=True):
        yield origin, record_id, Evidence(*cells)
