"""CODE-15 % as published (``exams.csv`` and ``exams_part*.hdf5``), and CODE-test (``ecg_tracings.hdf5``).

Both hold 400 Hz tracings of 4,096 samples in units of 0.1 mV, padded with zeros at both ends. The order of leads
differs: in CODE-test the augmented leads stand as aVL, aVF, aVR.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic.dataclasses import dataclass

from rarebeat.core.errors import BadRecordError, MissingSourceError
from rarebeat.core.params import STRICT, parse
from rarebeat.core.records import LEADS, Record
from rarebeat.readers.arrays.trust import trusted_array
from rarebeat.readers.contract.stored import stored_as
from rarebeat.readers.databases.hdf5 import array_of, datasets
from rarebeat.readers.discovery import read_table, require_folder
from rarebeat.readers.fields import clean_age, clean_sex, not_understood, parse_patient, whole_number
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.quality import RawLeads
from rarebeat.readers.registry import Entry

NAMESPACE = "code"
RATE = 400.0

_TABLE, _TEST = "exams.csv", "ecg_tracings.hdf5"
_STEPS = 10.0  # per millivolt: the unit is 1e-4 V
_TEST_LEADS = ("I", "II", "III", "aVL", "aVF", "aVR", *LEADS[6:])
_CLASSES = {
    "1dAVb": "av_block_1st_degree",
    "RBBB": "right_bundle_branch_block",
    "LBBB": "left_bundle_branch_block",
    "SB": "sinus_bradycardia",
    "AF": "atrial_fibrillation",
    "ST": "sinus_tachycardia",
}
"""The six columns of labels, and the classes that they are: each is told for every exam, so they are ready-made."""

_TRUTHS = {"true": 1, "1": 1, "1.0": 1, "false": 0, "0": 0, "0.0": 0}
_MALE = {"True": "male", "1": "male", "False": "female", "0": "female"}
_HELP = (
    "Get CODE-15% (CC BY 4.0) from https://zenodo.org/records/4916206: exams.csv and the unpacked exams_part*.hdf5; or "
    "CODE-test from https://zenodo.org/records/3765780"
)


@dataclass(frozen=True, config=STRICT)
class Options:
    """Options of this reader: none."""


def discover(root: Path, options: Mapping[str, Any]) -> list[Entry]:
    """Read the table of exams, and which row of which file holds each.

    Args:
        root: folder of the archive.
        options: none.

    Returns:
        An entry for each exam; one that is not listed for a tracing that the table does not name. The row of zeros at
        the end of each file, whose exam_id is 0, is none.

    Raises:
        MissingSourceError: when there is neither exams.csv nor ecg_tracings.hdf5.
        ParamsError: for any option.
        RarebeatError: when the table lacks a column, or h5py is not installed.
    """
    parse(Options, dict(options), "options")
    require_folder(root, _HELP)
    if (root / _TABLE).is_file():
        return list(_exams(root))
    if (root / _TEST).is_file():
        return list(_test_exams(root))
    raise MissingSourceError(f"{root} holds neither {_TABLE} nor {_TEST}. {_HELP}")


def _exams(root: Path) -> Iterator[Entry]:
    columns = ["exam_id", "age", "is_male", "patient_id", "trace_file", *_CLASSES]
    rows = {whole_number(row["exam_id"]): row for row in read_table(root / _TABLE, columns, _HELP)}
    places: dict[str, dict[str, int]] = {}
    for file in sorted({row["trace_file"] for row in rows.values()}):
        places[file] = _places(root / file)
        for exam in places[file].keys() - rows.keys():
            yield Entry(exam, root / file, source=NAMESPACE, listed=False, member=exam)
    for exam, row in rows.items():
        details = {name: row[name] for name in columns} | {"index": places[row["trace_file"]].get(exam)}
        yield Entry(exam, root / row["trace_file"], details, NAMESPACE, member=exam)


def _places(path: Path) -> dict[str, int]:
    if not path.is_file():
        return {}
    try:
        with datasets(path) as file:
            exams = array_of(file, "exam_id")
    except BadRecordError:  # each exam is refused when it is read
        return {}
    return {str(int(exam)): index for index, exam in enumerate(exams) if exam}


def _test_exams(root: Path) -> Iterator[Entry]:
    people = _rows(root / "attributes.csv")
    labels = _rows(root / "annotations" / "gold_standard.csv")
    for index in range(max(len(people), len(labels))):
        details = {**(people[index] if people else {}), **(labels[index] if labels else {}), "index": index}
        yield Entry(f"code-test-{index}", root / _TEST, details, "code-test", member=str(index))


def _rows(path: Path) -> list[dict[str, str]]:
    return read_table(path, []) if path.is_file() else []


def read(entry: Entry, pseudonym: Pseudonym, options: Mapping[str, Any]) -> Record:
    """Read one exam.

    Args:
        entry: from :func:`discover`.
        pseudonym: makes the ids of record and patient.
        options: none.

    Returns:
        The record without the zeros around it; its labels are ready-made.

    Raises:
        BadRecordError: when it cannot be trusted.
    """
    assert entry.path is not None
    cells = entry.details
    if cells.get("index") is None:
        raise BadRecordError("unreadable", "no tracing in the file of its part has its exam_id")
    with datasets(entry.path) as file:
        tracing = array_of(file, "tracings", cells["index"])
    if tracing.ndim != 2 or tracing.shape[1] != len(LEADS):
        raise BadRecordError("header_mismatch", f"a tracing of shape {tracing.shape}, expected (samples, 12)")
    names = _TEST_LEADS if entry.path.name == _TEST else LEADS
    twelve = len(LEADS)
    raw = RawLeads(_unpadded(tracing).T, names, (_STEPS,) * twelve, (0.0,) * twelve, ("mV",) * twelve)
    signal, calibrated = trusted_array(raw, RATE)
    age, sex = clean_age(cells.get("age", "")), _sex(cells)
    patient = parse_patient(cells.get("patient_id", ""))
    return Record(
        record_id=pseudonym.record_id(entry.record_id),
        signal=signal,
        rate=RATE,
        source=entry.source,
        patient_id=pseudonym.of(NAMESPACE, patient) if patient else None,
        age=age,
        sex=sex,
        calibrated=calibrated,
        codes=_labels(cells),
        not_understood=not_understood(
            age=(cells.get("age", ""), age), sex=(cells.get("is_male") or cells.get("sex", ""), sex)
        ),
        stored=stored_as(raw),
    )


def _unpadded(tracing: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """The samples between the first and the last at which any lead is not exactly zero."""
    told = np.flatnonzero((tracing != 0).any(axis=1))
    if not told.size:
        raise BadRecordError("flat_lead", "all leads constant")
    return tracing[told[0] : told[-1] + 1].astype(np.float64)


def _sex(cells: Mapping[str, Any]) -> str | None:
    return (
        clean_sex(cells.get("is_male", ""), _MALE) if "is_male" in cells else clean_sex(cells.get("sex", ""))
    )


def _labels(cells: Mapping[str, Any]) -> tuple[str, ...]:
    labels = []
    for column, class_id in _CLASSES.items():
        cell = str(cells.get(column, "")).strip().lower()
        if cell in _TRUTHS:
            labels.append(f"label:{class_id}={_TRUTHS[cell]}")
        elif cell:
            raise BadRecordError("unreadable", f"its label {column} is neither true nor false")
    return tuple(labels)
