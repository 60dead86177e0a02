"""A simulated clinic with two sources, in one of which some axis labels are wrong, and a good model of it.

The ECGs are drawn: regular beats with a known rate and a known axis. Reports and predictions are made from these,
then one report in twenty, all of them of the south, says the opposite about the axis; the predictions do not follow.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from rarebeat.core.parquet import read_table
from rarebeat.core.record_files import write_part
from rarebeat.core.records import Record
from rarebeat.inference.predictions import Predictions, write_predictions
from rarebeat.labels.extract import label_cohort

LAD, BRADYCARDIA = "left_axis_deviation", "sinus_bradycardia"
RECORDS = 240
RATE = 250
CHEST = (-0.8, -0.5, 0.2, 0.8, 1.0, 0.9)


@dataclass(frozen=True)
class Clinic:
    """Where it lies, and which labels are wrong."""

    folder: Path
    planted: frozenset[str]

    @property
    def predictions(self) -> Path:
        """Out-of-fold predictions."""
        return self.folder / "out_of_fold.parquet"

    @property
    def places(self) -> dict[str, Path]:
        """Folders of records and labels by the name of their argument."""
        return {"records": self.folder / "records", "labels": self.folder / "labels"}


def ecg(rate: float, axis: float, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    """Ten seconds of regular beats with a QRS complex of 90 ms that points to ``axis`` (degrees)."""
    clock = np.arange(10 * RATE) / RATE
    phase = np.clip(((clock - 0.4) % (60 / rate) - 0.2) / 0.09, -0.5, 0.5)
    wave = 1.2 * (1 + np.cos(2 * np.pi * phase)) / 2
    first, second = np.cos(np.radians(axis)), np.cos(np.radians(axis - 60))
    third = second - first
    limbs = [first, second, third, -(first + second) / 2, (first - third) / 2, (second + third) / 2]
    leads = np.outer([*limbs, *CHEST], wave) + 0.01 * rng.standard_normal((12, clock.size))
    return np.rint(1000 * leads).astype(np.int16)


def make_clinic(folder: Path) -> Clinic:
    """Write records, labels and predictions."""
    rng = np.random.default_rng(4)
    names = [f"r{number:03}" for number in range(RECORDS)]
    axes = np.where(rng.random(RECORDS) < 0.4, rng.uniform(-80, -32, RECORDS), rng.uniform(-28, 85, RECORDS))
    rates = np.where(rng.random(RECORDS) < 0.3, rng.uniform(42, 56, RECORDS), rng.uniform(64, 95, RECORDS))
    clear = [number for number in range(RECORDS // 2, RECORDS) if abs(axes[number] + 30) > 20]
    planted = frozenset(names[number] for number in rng.choice(clear, RECORDS // 20, replace=False))
    records = []
    for number, name in enumerate(names):
        left = (axes[number] < -30) != (name in planted)
        rhythm = "Sinus bradycardia" if rates[number] < 60 else "Sinus rhythm"
        text = f"{rhythm}. {'Left axis deviation' if left else 'Normal axis'}"
        source = "north" if number < RECORDS // 2 else "south"
        signal = ecg(rates[number], axes[number], rng)
        records.append(Record(name, signal, RATE, source, age=60.0, sex="female", text=text))
    (folder / "records" / "clinic").mkdir(parents=True)
    write_part(folder / "records" / "clinic" / "part-00000.parquet", "clinic", records)
    label_cohort(folder / "records" / "clinic", folder / "labels" / "clinic", "cinc2020", signal_checks=False)
    odds = np.stack([(-30 - axes) / 8, (60 - rates) / 2], axis=1) + 0.5 * rng.standard_normal((RECORDS, 2))
    _write_predictions(folder, names, expit(odds))
    return Clinic(folder, planted)


def _write_predictions(folder: Path, names: list[str], probability: npt.NDArray[np.float64]) -> None:
    labels = read_table(folder / "labels" / "clinic" / "text.parquet")
    ids = np.array(names, dtype=object)
    predictions = Predictions(
        record_ids=ids,
        cohorts=np.full(len(names), "clinic", dtype=object),
        patients=ids,
        splits=np.array([f"fold-{number % 5}" for number in range(len(names))], dtype=object),
        classes=(LAD, BRADYCARDIA),
        thresholds=np.array([0.5, 0.5]),
        probability=probability.astype(np.float32),
        truth=np.stack([labels[name].to_numpy() for name in (LAD, BRADYCARDIA)], axis=1),
    )
    write_predictions(folder / "out_of_fold.parquet", predictions)
