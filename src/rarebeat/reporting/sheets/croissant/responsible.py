"""What Croissant's extension for responsible AI asks: where the ECGs come from, and what was done to them."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from rarebeat.core.parquet import read_table
from rarebeat.dataset.shards import shard_files
from rarebeat.dataset.split import ShardMeta
from rarebeat.dataset.splits import SPLITS
from rarebeat.reporting.page.findings import SIMULATED, CohortFacts
from rarebeat.reporting.resampling import training_records_left_out


def responsible(
    shards: Path, meta: ShardMeta, summary: Mapping[str, Any], cohorts: Sequence[CohortFacts]
) -> dict[str, Any]:
    """Tell how the data were collected, changed and labelled, as far as the shards know.

    Args:
        shards: folder written by prepare.
        meta: of the shards.
        summary: what prepare counted.
        cohorts: what is known of them.

    Returns:
        Properties of the extension without their prefix.

    Raises:
        RarebeatError: when a shard cannot be read.

    Source:
        Croissant RAI specification 1.0, MLCommons.
    """
    people = _people(shards)
    left_out = training_records_left_out(shards)
    made_up = [one.name for one in cohorts if one.kind == SIMULATED]
    known = [f"{one.name} ({one.kind})" if one.kind else one.name for one in cohorts]
    found: dict[str, Any] = {
        "dataCollection": f"Taken from the archives {listed(known)}; nothing was recorded for this data set.",
        "dataCollectionMissingData": (
            f"Of {len(people):,} records {_missing(people, 'age')} have no age and {_missing(people, 'sex')} no sex. "
            "Labels that are not known or uncertain are masked, class by class. Recordings that are shorter than the "
            "signal are padded with zeros; the column length says from where on."
        ),
        "dataPreprocessingProtocol": _steps(meta, cohorts),
        "dataManipulationProtocol": _manipulation(summary, left_out),
        "dataAnnotationProtocol": _annotation(meta, cohorts),
        "machineAnnotationTools": [f"Rarebeat {version('rarebeat')}, vocabulary {meta.vocabulary}"],
        "personalSensitiveInformation": [
            "Age",
            "Gender",
            "Health: the ECG and its findings. Patients are pseudonyms, and no column has names or dates.",
        ],
        "dataUseCases": ["Training", "Validation", "Testing", "Not for decisions about people"],
        "dataBiases": _biases(people, summary, left_out),
        "dataLimitations": [
            *(
                [
                    f"The ECGs of {listed(made_up)} are simulated: they are of no person, and say nothing of people."
                ]
                if made_up
                else []
            ),
            "Labels may be wrong: they come from reports and codes, and were not checked one by one.",
            *summary["warnings"],
        ],
    }
    kinds = {one.kind for one in cohorts} - {""}
    if kinds:
        found["dataCollectionType"] = [
            *(["Secondary Data analysis"] if kinds - {SIMULATED} else []),
            *(["Others: simulation"] if SIMULATED in kinds else []),
        ]
    return found


def _people(shards: Path) -> pa.Table:
    paths = [path for split in SPLITS for path in shard_files(shards, split)]
    return pa.concat_tables(read_table(path, ["age", "sex"]) for path in paths)


def _missing(people: pa.Table, name: str) -> str:
    column = people.column(name)
    return f"{pc.sum(pc.is_null(column, nan_is_null=True)).as_py() or 0:,}"


def _steps(meta: ShardMeta, cohorts: Sequence[CohortFacts]) -> list[str]:
    settings = meta.preprocessing
    refused = sum(one.quarantined for one in cohorts)
    steps = [
        f"{refused:,} recordings were refused because they could not be trusted",
        f"resampled to {settings.rate:g} Hz",
    ]
    if settings.bandpass:
        steps.append(f"filtered, band-pass {settings.bandpass[0]:g} to {settings.bandpass[1]:g} Hz")
    steps.append(f"cut to {settings.samples:,} samples ({settings.crop}), or padded with zeros")
    if settings.normalise == "zscore":
        steps.append("each lead brought to mean 0 and standard deviation 1")
    return [*steps, f"rounded to steps of {meta.scale:g} {meta.units}"]


def _manipulation(summary: Mapping[str, Any], left_out: int) -> str:
    counts = summary["left_out"]
    return (
        f"Of {summary['records']:,} records that were read, {counts.get('duplicate', 0):,} were left out as copies, "
        f"{counts.get('unlabelled', 0):,} because no class of them is known, and {counts.get('balance', 0):,} by class "
        f"re-sampling, {left_out:,} of them in the split train."
    )


def _annotation(meta: ShardMeta, cohorts: Sequence[CohortFacts]) -> str:
    texts = [one.name for one in cohorts if one.labels == "text"]
    codes = [one.name for one in cohorts if one.labels == "codes"]
    parts = [
        f"from reports, by the patterns of the vocabulary {meta.vocabulary}: {listed(texts)}"
        if texts
        else "",
        f"from codes: {listed(codes)}" if codes else "",
    ]
    return (
        f"Labels are {'; '.join(filter(None, parts))}. Each class is present, absent, uncertain or not known."
    )


def _biases(people: pa.Table, summary: Mapping[str, Any], left_out: int) -> list[str]:
    known = pc.drop_null(people.column("sex"))
    biases = []
    if len(known):
        female = 100 * (pc.sum(pc.equal(known, "female")).as_py() or 0) / len(known)
        biases.append(f"{female:.0f} % of the records whose sex is known are of women.")
    if left_out:
        kept = summary["splits"]["train"]["records"]
        biases.append(
            f"Class re-sampling kept {kept:,} of {kept + left_out:,} training records: classes are not as frequent in "
            "the split train as they come, but in the others they are, unless prepare.balance names those, too."
        )
    return biases


def listed(names: Iterable[str]) -> str:
    """Names with commas between them.

    Args:
        names: any number.

    Returns:
        One line.
    """
    return ", ".join(names)
