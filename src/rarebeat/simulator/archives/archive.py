"""A simulated clinic as an archive on disk, for readers of archives: this project's and others."""

import csv
import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from rarebeat.core.errors import ParamsError
from rarebeat.core.files import atomic, check_replaceable
from rarebeat.core.parallel import core_count, map_in_order
from rarebeat.simulator.archives.aecg import write_aecg
from rarebeat.simulator.archives.dicom import write_dicom
from rarebeat.simulator.archives.edf import write_edf
from rarebeat.simulator.archives.export import Export, export_many, records_showing
from rarebeat.simulator.archives.muse import write_muse
from rarebeat.simulator.archives.wfdb import write_challenge, write_wfdb
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import CLASSES

TRUTH = "truth.csv"
"""Record id as the archive's reader sees it, and 0 or 1 for each class: what the events show, not the report."""

DESCRIPTIONS = "records.csv"
"""The table beside a folder of kind ``wfdb``."""

_COLUMNS = ("record", "patient_id", "age", "sex", "report")
_CHUNK = 50
_ENDINGS = ("hea", "dat", "mat", "xml", "dcm", "edf")
_IDS = {
    "muse-xml": ".xml",
    "dicom": ".dcm",
    "edf": ".edf",
    "aecg": ".xml",
}  # what readers that go by the name of a file add to a record's name


@dataclass(frozen=True)
class _Job:
    """What every chunk shares; small, for it travels to the workers."""

    format: str
    folder: Path
    settings: SimulatorSettings


@dataclass(frozen=True)
class _Rows:
    """What one record adds to the tables."""

    truth: list[str]
    description: list[str]


_WRITERS: dict[str, Callable[[Path, Export], None]] = {
    "wfdb": write_wfdb,
    "challenge": write_challenge,
    "muse-xml": write_muse,
    "dicom": write_dicom,
    "edf": write_edf,
    "aecg": write_aecg,
}
FORMATS = tuple(_WRITERS)
"""Kinds of archive that can be written; each is a kind that ingest reads."""

_PUBLIC = {"patient_namespace": "simulated", "statements": "all"}
READER_OPTIONS: dict[str, dict[str, str]] = {
    "wfdb": {
        "csv": DESCRIPTIONS,
        "patient_column": "patient_id",
        "patient_namespace": "simulated",
        "age_column": "age",
        "sex_column": "sex",
        "text_column": "report",
    },
    "challenge": {},
    "muse-xml": {},
    "dicom": _PUBLIC,
    "edf": _PUBLIC,
    "aecg": _PUBLIC,
}
"""The options with which ingest reads an archive of each format."""


def write_archive(
    out: Path, format: str, settings: SimulatorSettings, only: str | None = None, workers: int | None = None
) -> None:
    """Write a folder with the files of every record, and the truth; whole or not at all.

    The bytes depend on the settings alone, not on the number of workers. Memory does not grow with the
    number of records.

    Args:
        out: folder to write; replaced when it is an archive written here.
        format: one of :data:`FORMATS`.
        settings: of the simulated clinic; ``records`` are written.
        only: a class: the first records that truly show it are written, and no others.
        workers: processes; None takes one per core. One works in this process.

    Raises:
        ParamsError: for an unknown format or class.
        RarebeatError: when the folder holds something else, or cannot be written.
    """
    if format not in _WRITERS:
        raise ParamsError(f"unknown format {format!r}; expected one of: {', '.join(FORMATS)}")
    if workers is not None and workers < 1:
        raise ParamsError(f"workers must be at least 1, found {workers}")
    check_replaceable(out, TRUTH, [DESCRIPTIONS, *(f"sim-[0-9]*.{ending}" for ending in _ENDINGS)])
    indices = records_showing(only, settings) if only else iter(range(settings.records))
    chunks = _chunks(islice(indices, settings.records))
    with atomic(out) as folder:
        folder.mkdir(parents=True)
        job = _Job(format, folder, settings)
        processes = min(workers or core_count(), -(-settings.records // _CHUNK))
        _write_tables(job, map_in_order(partial(_write_chunk, job), chunks, processes))


def ingest_command(out: Path, format: str) -> str:
    """The command that reads an archive of a format.

    >>> ingest_command(Path("exports"), "muse-xml")
    'rarebeat ingest muse-xml exports data/records/exports'
    >>> ingest_command(Path("my exports"), "muse-xml")
    "rarebeat ingest muse-xml 'my exports' 'data/records/my exports'"
    """
    options = [word for key, value in READER_OPTIONS[format].items() for word in ("-o", f"{key}={value}")]
    return shlex.join(["rarebeat", "ingest", format, str(out), f"data/records/{out.name}", *options])


def _chunks(indices: Iterator[int]) -> Iterator[list[int]]:
    while chunk := list(islice(indices, _CHUNK)):
        yield chunk


def _write_tables(job: _Job, chunks: Iterable[list[_Rows]]) -> None:
    with ExitStack() as stack:

        def table(name: str, header: Iterable[str]) -> Callable[[list[str]], object]:
            file = stack.enter_context((job.folder / name).open("w", encoding="utf-8", newline=""))
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            return writer.writerow

        write_truth = table(TRUTH, ("record", *CLASSES))
        write_description = table(DESCRIPTIONS, _COLUMNS) if job.format == "wfdb" else None
        progress = stack.enter_context(tqdm(total=job.settings.records, unit="record", disable=None, delay=2))
        for chunk in chunks:
            for rows in chunk:
                write_truth(rows.truth)
                if write_description:
                    write_description(rows.description)
            progress.update(len(chunk))


def _write_chunk(job: _Job, indices: list[int]) -> list[_Rows]:
    """Write some records (in a worker process)."""
    rows = []
    for ecg in export_many(indices, job.settings):
        _WRITERS[job.format](job.folder, ecg)
        record_id = ecg.name + _IDS.get(job.format, "")
        truth = [record_id, *(str(int(name in ecg.truth)) for name in CLASSES)]
        rows.append(_Rows(truth, [ecg.name, str(ecg.patient), str(ecg.age), ecg.sex, ecg.text]))
    return rows
