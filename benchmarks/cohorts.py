"""Cohorts for the benchmarks: the real ones of `make real`, and simulated ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rarebeat.core.params import read_params
from rarebeat.dataset.splits import HeldOutFolds, SplitSettings
from rarebeat.labels.extract import label_cohort
from rarebeat.readers.ingest import ingest_cohort

PARAMS = Path(__file__).resolve().parents[1] / "params.yaml"
REAL = {
    "ptb-xl": "ptb-xl",
    "challenge": "challenge",
    "ludb": "ludb",
    "ptb-xl-filtered": "ptb-xl-normalised",
}
"""Folder, and the cohort of params.yaml that says how it is read."""

_HELD_OUT = HeldOutFolds(test=(7, 8), validation=(6,))
REAL_SPLIT = SplitSettings(folds={"ptb-xl": _HELD_OUT, "ptb-xl-filtered": _HELD_OUT})
"""PTB-XL tests on folds 7 and 8, the others on one record in five."""


@dataclass(frozen=True)
class Cohort:
    """An archive: its kind, where it is, and the options of its reader."""

    kind: str
    root: Path
    options: Mapping[str, Any]


def real_cohorts(ecg: Path) -> dict[str, Cohort]:
    """The four real cohorts in the folder ``ecg``, by name."""
    entries = read_params(PARAMS)["cohorts"]
    return {
        folder: Cohort(entries[name]["kind"], ecg / folder, entries[name]["options"])
        for folder, name in REAL.items()
    }


def simulated_cohort(preset: str, records: int, seed: int) -> dict[str, Cohort]:
    """One simulated cohort, by a name that says which."""
    options = {"records": records, "seed": seed, "preset": preset}
    return {f"simulated-{preset}-{records}": Cohort("simulated", Path(), options)}


def ingest_and_label(cohorts: Mapping[str, Cohort], records: Path, labels: Path, vocabulary: str) -> None:
    """Write a folder per cohort into ``records`` and ``labels``; a folder of an earlier run is kept."""
    for name, cohort in cohorts.items():
        if not (records / name).is_dir():
            ingest_cohort(cohort.kind, cohort.root, records / name, name, cohort.options)
        if not (labels / name).is_dir():
            label_cohort(records / name, labels / name, vocabulary)
