"""From the records and labels of several cohorts to shards.

Two passes. The first reads everything but the signals, and decides who is in which split and who is left
out. The second streams the signals, one row group in memory at a time, into the shards. The folder that is
written::

    data/shards/
      train/  validation/  test/   shards, see :mod:`rarebeat.dataset.shards`
      splits.parquet               what became of every record, see :mod:`rarebeat.dataset.selection`
      summary.json                 counts by cohort, split and class, and the digest of all shards
      counts.json                  the few counts that are worth comparing between runs (a DVC metric)
"""

from collections.abc import Iterator, Sequence
from dataclasses import field
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import PositiveInt
from pydantic.dataclasses import dataclass
from tqdm import tqdm

from rarebeat.core.errors import BadRecordError, ParamsError, RarebeatError
from rarebeat.core.files import atomic, check_replaceable, digest, write_json
from rarebeat.core.parallel import Workers, core_count, map_in_order, parse_workers
from rarebeat.core.params import STRICT
from rarebeat.core.parquet import write_table
from rarebeat.core.record_files import Block, blocks, read_block, read_quarantine, read_warnings
from rarebeat.core.records import LEADS
from rarebeat.core.signals import Preprocessing, output_scale, output_units, preprocess, stored_length
from rarebeat.dataset.balance import BalanceSettings
from rarebeat.dataset.catalogue import Catalogue, Origin, UncertainPolicy, read_catalogue
from rarebeat.dataset.manifest import MANIFEST
from rarebeat.dataset.selection import Selection, select, splits_table, summarise
from rarebeat.dataset.shards import DOUBTS, SplitWriter, row_schema, shard_files, write_doubts
from rarebeat.dataset.split import ShardMeta
from rarebeat.dataset.splits import SPLITS, SplitSettings, fold_warnings

_COLUMNS = ["record_id", "rate", "signal"]
_WORTH = 2000  # records for which it pays to start a process


@dataclass(frozen=True, config=STRICT)
class PrepareSettings:
    """How shards are made.

    Attributes:
        signal: rate, length, filter and normalisation.
        split: how patients are split.
        balance: class re-sampling.
        labels: cohort to the labels it takes, "text" or "codes"; by default codes where it has any, else text.
        uncertain: what an uncertain label counts as in training: "mask" leaves it out of the loss, "zero" makes
            it negative, "one" positive. Thresholds and scores leave it out, whatever training does.
        shard_size: records per file.
    """

    signal: Preprocessing = field(default_factory=Preprocessing)
    split: SplitSettings = field(default_factory=SplitSettings)
    balance: BalanceSettings = field(default_factory=BalanceSettings)
    labels: dict[str, Origin] = field(default_factory=dict)
    uncertain: UncertainPolicy = "mask"
    shard_size: PositiveInt = 2048


def prepare(
    records: Path,
    labels: Path,
    out: Path,
    cohorts: Sequence[str],
    settings: PrepareSettings,
    workers: Workers | None = None,
) -> dict[str, Any]:
    """Write the shards of some cohorts, whole or not at all.

    Args:
        records: folder with a folder per cohort, written by ingest.
        labels: folder with a folder per cohort, written by label.
        out: folder to write; an existing one is replaced.
        cohorts: which to use. Of equal recordings in two cohorts, that of the first one is kept whose labels tell most.
        settings: how.
        workers: processes that resample, or the address of a cluster (see
            :func:`rarebeat.core.parallel.parse_workers`), whose machines must see the records. None takes one process
            per core, fewer for a small cohort.

    Returns:
        The content of ``summary.json``. Its ``warnings`` are for a person to read.

    Raises:
        ParamsError: when no cohort is named, or one twice.
        RarebeatError: when records or labels are missing, damaged or do not fit each other; when amplitudes
            are neither calibrated nor normalised; when nothing is left to train on.
    """
    check_replaceable(
        out, "splits.parquet", ["summary.json", "counts.json", DOUBTS, f"*/{MANIFEST}", "*/shard-*.parquet"]
    )
    who = parse_workers(workers)
    if not cohorts or len(set(cohorts)) < len(cohorts):
        raise ParamsError(f"`use` must name one cohort or more, each once; found {list(cohorts)}")
    catalogue = read_catalogue(records, labels, cohorts, settings.labels)
    _check_amplitudes(catalogue.records, settings.signal)
    selection = select(catalogue, settings.split, settings.balance, settings.uncertain)
    meta = ShardMeta(
        classes=catalogue.classes.ids,
        preprocessing=settings.signal,
        scale=output_scale(settings.signal),
        units=output_units(settings.signal),
        vocabulary=catalogue.classes.vocabulary,
        codes=catalogue.classes.codes,
    )
    with atomic(out) as folder:
        folder.mkdir()
        tasks = _tasks(records, cohorts, selection)
        signals = map_in_order(partial(_preprocess, settings.signal), tasks, who or _worker_count(selection))
        _write_shards(folder, meta, catalogue, selection, signals, settings.shard_size)
        write_table(folder / "splits.parquet", splits_table(catalogue, selection))
        write_doubts(folder, {cohort: read_warnings(records / cohort) for cohort in cohorts})
        shards = [path for split in SPLITS for path in shard_files(folder, split)]
        summary = summarise(catalogue, selection)
        summary["warnings"] += fold_warnings(catalogue.records, settings.split)
        summary |= {"shards": len(shards), "digest": digest(*shards)}
        write_json(folder / "summary.json", summary)
        write_json(folder / "counts.json", _counts(summary, records))
    return summary


def _worker_count(selection: Selection) -> int:
    kept = sum(not reason for reason in selection.reasons)
    return max(1, min(core_count(), kept // _WORTH))


def _counts(summary: dict[str, Any], records: Path) -> dict[str, Any]:
    """What went in and what came out, with the records that ingest did not trust."""
    quarantined = {cohort: len(read_quarantine(records / cohort)) for cohort in summary["cohorts"]}
    sizes = {
        split: {"records": counts["records"], "patients": counts["patients"]}
        for split, counts in summary["splits"].items()
    }
    return {
        "records": summary["records"],
        "quarantined": quarantined,
        "left_out": summary["left_out"],
    } | sizes


def _check_amplitudes(records: pa.Table, signal: Preprocessing) -> None:
    lost = records.filter(pc.invert(records.column("calibrated")))
    if len(lost) and signal.normalise == "none":
        raise RarebeatError(
            f"cohort {lost.column('cohort')[0]}, record {lost.column('record_id')[0]}: the amplitude was "
            f"normalised away ({len(lost)} records are like that), but the shards are to hold millivolts. "
            "Set prepare.signal.normalise: zscore, or take the cohort out of `use`."
        )


@dataclass(frozen=True)
class _Task:
    """A block of records, and which of them go into shards."""

    cohort: str
    block: Block
    kept: tuple[bool, ...]


def _tasks(records: Path, cohorts: Sequence[str], selection: Selection) -> Iterator[_Task]:
    """Every block of the cohorts, in the order of the catalogue."""
    kept = (not reason for reason in selection.reasons)
    for cohort in cohorts:
        for block in blocks(records / cohort):
            yield _Task(cohort, block, tuple(islice(kept, block.records)))


def _preprocess(settings: Preprocessing, task: _Task) -> npt.NDArray[np.int16]:
    """The signals of a block as they are stored: int16, shape (kept records, 12, samples)."""
    signals = np.empty((sum(task.kept), len(LEADS), settings.samples), dtype="<i2")
    place = iter(signals)
    for row, kept in zip(read_block(task.block, _COLUMNS), task.kept, strict=True):
        if kept:
            try:
                next(place)[:] = preprocess(row["signal"], row["rate"], settings)
            except BadRecordError as error:
                raise RarebeatError(f"cohort {task.cohort}, record {row['record_id']}: {error}") from error
    return signals


def _write_shards(
    folder: Path,
    meta: ShardMeta,
    catalogue: Catalogue,
    selection: Selection,
    signals: Iterator[npt.NDArray[np.int16]],
    shard_size: int,
) -> None:
    rows = _shard_rows(catalogue, selection, meta)
    writers = {
        split: SplitWriter(folder / split, meta, rows.filter(selection.selected(split)), shard_size)
        for split in SPLITS
    }
    kept = [split for split, reason in zip(selection.splits, selection.reasons, strict=True) if not reason]
    progress = tqdm(
        chain.from_iterable(signals), desc="prepare", total=len(kept), unit="record", disable=None, delay=2
    )
    for signal, split in zip(progress, kept, strict=True):
        writers[split].add(signal)
    for writer in writers.values():
        writer.finish()


def _shard_rows(catalogue: Catalogue, selection: Selection, meta: ShardMeta) -> pa.Table:
    """What shards hold of the records, without the signals."""
    records = catalogue.records
    sizes = zip(records.column("samples").to_pylist(), records.column("rate").to_pylist(), strict=True)
    lengths = [stored_length(samples, rate, meta.preprocessing) for samples, rate in sizes]
    identity = records.select(["record_id", "cohort", "age", "sex"])
    identity = identity.add_column(2, "patient", pa.array(selection.groups, pa.string()))
    identity = identity.append_column("length", pa.array(lengths, pa.int32()))
    labels = [pa.array(column) for column in selection.stored.T]
    return pa.Table.from_arrays([*identity.columns, *labels], schema=row_schema(meta.classes))
