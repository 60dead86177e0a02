"""The record sets of a Croissant file: what the columns of the shards are, with units, and how to read the signal."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from rarebeat.core.records import LEADS
from rarebeat.dataset.split import ASSUMED_ABSENT, ASSUMED_PRESENT, ShardMeta
from rarebeat.dataset.splits import SPLITS

Node = dict[str, Any]
"""An object of the JSON-LD."""

SHARDS, FATES, DOUBTS = "shard-files", "splits-table", "warnings-table"
"""Ids of the file set with all shards, and of the files with what became of every record and what is doubtful."""

_LABEL_VALUES = {
    1: "present",
    0: "absent",
    -1: "not known, or uncertain: masked",
    ASSUMED_PRESENT: "uncertain, and taken for present in training; masked in evaluation",
    ASSUMED_ABSENT: "uncertain, and taken for absent in training; masked in evaluation",
}

_ABOUT = {
    "record_id": ("sc:Text", "id of the record, unique within its cohort"),
    "cohort": ("sc:Text", "the cohort that the record comes from"),
    "patient": (
        "sc:Text",
        "pseudonym of the patient, or the record itself where patients are not told apart; nobody is in two splits",
    ),
    "age": ("cr:Float32", "age in years, 90 for 90 and over; missing where it is not known"),
    "sex": ("sc:Text", "female or male; missing where it is not known"),
    "length": ("cr:Int32", "samples per lead before the zeros behind the end of a shorter recording"),
}


def record_sets(meta: ShardMeta, folder: str) -> list[Node]:
    """Describe all record sets.

    Args:
        meta: of the shards.
        folder: of the shards, with which the addresses of files begin.

    Returns:
        The records themselves; the splits, classes, leads, values of labels and the format of the signal that they
        refer to; what became of every record; and what is doubtful.
    """
    return [
        _splits(),
        _inline(
            "classes",
            "The classes that records are labelled with, in the order of the columns",
            {
                "id": ("sc:Text", "name of the column"),
                "code": ("sc:Text", f"short code in the vocabulary {meta.vocabulary}"),
            },
            [{"id": name, "code": meta.codes.get(name, "")} for name in meta.classes],
        ),
        _inline(
            "label_values",
            "What the numbers in the columns of classes mean",
            {"value": ("sc:Integer", "as stored"), "meaning": ("sc:Text", "in words")},
            [{"value": value, "meaning": meaning} for value, meaning in _LABEL_VALUES.items()],
        ),
        _inline(
            "leads",
            "The order of the leads in the signal",
            {"index": ("sc:Integer", "from 0"), "name": ("sc:Text", "of the lead")},
            [{"index": index, "name": name} for index, name in enumerate(LEADS)],
        ),
        _signal_format(meta),
        _records(meta, folder),
        _table(
            "fates",
            "What became of every record that was read",
            FATES,
            {
                "cohort": _ABOUT["cohort"],
                "record_id": _ABOUT["record_id"],
                "group": (
                    "sc:Text",
                    "pseudonym of the patient; patients that share a recording are one group",
                ),
                "split": ("sc:Text", f"{', '.join(SPLITS)}, or duplicate"),
                "selected": ("sc:Boolean", "whether the record is in a shard"),
                "reason": (
                    "sc:Text",
                    "why it is in none: duplicate, unlabelled, or balance (class re-sampling)",
                ),
            },
        ),
        _table(
            "warnings",
            "Records that are doubtful, though they are in the shards",
            DOUBTS,
            {
                "cohort": _ABOUT["cohort"],
                "record_id": _ABOUT["record_id"],
                "warning": ("sc:Text", "what is doubtful"),
            },
        ),
    ]


def _splits() -> Node:
    uses = {"train": "cr:TrainingSplit", "validation": "cr:ValidationSplit", "test": "cr:TestSplit"}
    rows = [{"splits/name": name, "splits/url": uses[name]} for name in SPLITS]
    fields = [
        _field("splits", "name", "sc:Text", "name of the split, and of its folder"),
        _field("splits", "url", "sc:URL", "what it is for"),
    ]
    return _set("splits", "The splits, by patient", fields) | {
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "data": rows,
    }


def _signal_format(meta: ShardMeta) -> Node:
    settings = meta.preprocessing
    low, high = settings.bandpass or (0.0, 0.0)
    about: dict[str, tuple[str, str]] = {
        "rate": ("sc:Float", "samples per second of each lead, Hz"),
        "samples": ("sc:Integer", "samples of each lead"),
        "leads": ("sc:Integer", "number of leads"),
        "step": ("sc:Float", "what one step of the stored integers is in the unit"),
        "unit": (
            "sc:Text",
            "mV, or z for standard deviations of the lead, whose amplitude was normalised away",
        ),
        "bandpass": ("sc:Text", "corner frequencies of the filter in Hz, or none"),
        "crop": ("sc:Text", "which part of a longer recording was kept"),
    }
    row = {
        "rate": settings.rate,
        "samples": settings.samples,
        "leads": len(LEADS),
        "step": meta.scale,
        "unit": meta.units,
        "bandpass": f"{low:g} to {high:g}" if settings.bandpass else "none",
        "crop": settings.crop,
    }
    return _inline("signal_format", "How the signal is stored", about, [row])


def _records(meta: ShardMeta, folder: str) -> Node:
    samples = meta.preprocessing.samples
    signal = (
        f"the ECG: little-endian 16-bit integers, lead after lead (record set leads), {len(LEADS)} x {samples}, "
        f"at {meta.preprocessing.rate:g} Hz; times {meta.scale:g} they are in {meta.units}. In Python: "
        f"numpy.frombuffer(value, '<i2').reshape({len(LEADS)}, {samples}) * {meta.scale:g}"
    )
    split = _field("records", "split", "sc:Text", "the split, which is the folder of the shard") | {
        "source": {
            "fileSet": {"@id": SHARDS},
            "extract": {"fileProperty": "fullpath"},
            "transform": {"regex": _split_pattern(folder)},
        },
        "references": {"field": {"@id": "splits/name"}},
    }
    columns = [_column("records", name, *about) for name, about in _ABOUT.items()]
    labels = [
        _column("records", name, ["cr:Int8", "cr:Label"], _class_text(name, meta)) for name in meta.classes
    ]
    fields = [split, *columns, *labels, _column("records", "signal", "sc:Text", signal)]
    return _set("records", "One 12-lead ECG each, with its labels", fields) | {
        "key": [{"@id": "records/cohort"}, {"@id": "records/record_id"}]
    }


def _split_pattern(folder: str) -> str:
    """Where a path names its split.

    mlcroissant applies it to its own result again when it joins records with splits, and makes file patterns of it when
    one split is asked for: hence groups that may be missing, and no more than that.
    """
    return rf"(?:{re.escape(folder)}/)?({'|'.join(SPLITS)})(?:/shard-.+\.parquet)?$"


def _class_text(name: str, meta: ShardMeta) -> str:
    code = f" ({meta.codes[name]})" if name in meta.codes else ""
    return f"label of the class {name.replace('_', ' ')}{code}; record set label_values says what the values mean"


def _table(name: str, about: str, file: str, columns: dict[str, tuple[str, str]]) -> Node:
    fields = [
        _field(name, column, kind, text)
        | {"source": {"fileObject": {"@id": file}, "extract": {"column": column}}}
        for column, (kind, text) in columns.items()
    ]
    return _set(name, about, fields) | {"key": [{"@id": f"{name}/cohort"}, {"@id": f"{name}/record_id"}]}


def _inline(name: str, about: str, columns: dict[str, tuple[str, str]], rows: Iterable[Node]) -> Node:
    """A small record set whose rows stand in the file itself."""
    fields = [_field(name, column, kind, text) for column, (kind, text) in columns.items()]
    data = [{f"{name}/{column}": value for column, value in row.items()} for row in rows]
    return _set(name, about, fields) | {"data": data}


def _column(owner: str, name: str, kind: str | Sequence[str], about: str) -> Node:
    source = {"fileSet": {"@id": SHARDS}, "extract": {"column": name}}
    return _field(owner, name, kind, about) | {"source": source}


def _field(owner: str, name: str, kind: str | Sequence[str], about: str) -> Node:
    return {
        "@type": "cr:Field",
        "@id": f"{owner}/{name}",
        "name": name,
        "description": about,
        "dataType": kind if isinstance(kind, str) else list(kind),
    }


def _set(name: str, about: str, fields: list[Node]) -> Node:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": about,
        "field": fields,
    }
