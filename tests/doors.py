"""One archive through every entrance: ingest to predictions, the command's answers, the served model, the ensemble."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from rarebeat.core.signals import Preprocessing, output_units
from rarebeat.dataset.balance import BalanceSettings
from rarebeat.dataset.prepare import PrepareSettings, prepare
from rarebeat.dataset.shards import load_split
from rarebeat.dataset.splits import SPLITS
from rarebeat.dataset.windows import WindowSettings
from rarebeat.inference.model_folder import ModelCard, save_model
from rarebeat.inference.predict import Answer, PredictSettings, iterate_answers, open_model
from rarebeat.inference.predictions import Predictions
from rarebeat.inference.served import ServedModel
from rarebeat.inference.splits import predict_loaded
from rarebeat.labels.extract import label_cohort
from rarebeat.models.registry import build
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.readers.privacy import Pseudonym, private_pseudonym
from rarebeat.readers.read_file import find_recordings, read_recording
from rarebeat.readers.registry import get_source

CLASSES = ("sinus_rhythm", "atrial_fibrillation", "premature_ventricular_complexes")
NETWORKS: Mapping[str, Mapping[str, Any]] = {
    "hughes34": {"width": 2},
    "global_skip": {"width": 2},
    "se_resnet": {"width": 4},
    "xresnet1d101": {"width": 2},
    "densenet1d121": {"width": 2},
}
"""Every network, as small as it may be."""

ROUNDING = 2.0**-18
"""How far the probabilities of one ECG may be apart: some units of their last digit. Sums of float32 are added in an
order that depends on the row of a batch that it stands in, and on the processor (up to 1.3e-6 seen)."""


@dataclass(frozen=True)
class Archive:
    """A folder as a reader takes it."""

    kind: str
    root: Path
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pseudonym(self) -> Pseudonym:
        """How ingest names its records."""
        private = get_source(self.kind).is_private(self.options)
        return private_pseudonym(Path(self.options["key_file"])) if private else Pseudonym()

    def names(self) -> Iterator[tuple[str, str]]:
        """The id of each record behind ingest, and what prediction calls it."""
        for found in find_recordings([self.root], self.kind, self.options):
            yield self.pseudonym.record_id(found.entry.record_id), found.name


def write_models(folder: Path, signal: Preprocessing, window: WindowSettings) -> dict[str, Path]:
    """A model folder of every network with random weights."""
    folders = {}
    for seed, (name, settings) in enumerate(NETWORKS.items()):
        torch.manual_seed(seed)
        module = build(name, len(CLASSES), window.of(signal.samples), settings)
        thresholds = dict.fromkeys(CLASSES, 0.5)
        card = ModelCard(
            name, dict(settings), CLASSES, thresholds, signal, output_units(signal), "three", ("toy",), "hughes24",
            window=window,
        )  # fmt: skip
        folders[name] = folder / name
        save_model(folders[name], module, card)
    return folders


def make_shards(archives: Mapping[str, Archive], work: Path, signal: Preprocessing) -> Path:
    """Ingest, label and prepare archives, as the pipeline does."""
    for name, archive in archives.items():
        ingest_cohort(archive.kind, archive.root, work / "records" / name, name, archive.options, workers=1)
        label_cohort(work / "records" / name, work / "labels" / name, "hughes24", signal_checks=False)
    settings = PrepareSettings(signal=signal, balance=BalanceSettings(enabled=False))
    prepare(work / "records", work / "labels", work / "shards", list(archives), settings)
    return work / "shards"


def predicted_by_the_pipeline(shards: Path, model: Path) -> Predictions:
    """What evaluate predicts, of all splits."""
    return predict_loaded(model, {name: load_split(shards, name) for name in SPLITS})[0]


def answers_of(archive: Archive, model: Path, of_kind: bool = True) -> dict[str, Answer]:
    """What ``rarebeat predict`` says of the folder, by file: with its reader, or reading each file for itself."""
    told = PredictSettings(archive.kind, archive.options) if of_kind else PredictSettings()
    return {
        answer["file"]: answer for answer in iterate_answers([archive.root], model, open_model(model), told)
    }


def served_answers(
    archive: Archive, model: Path, names: Collection[str] | None = None
) -> dict[str, np.ndarray[Any, Any]]:
    """What the served model says of signals in millivolts, of a person who is told: of all recordings, or of some."""
    served = ServedModel()
    served.load_context(SimpleNamespace(artifacts={"folder": str(model)}))  # type: ignore[arg-type]
    found = {}
    for recording in find_recordings([archive.root], archive.kind, archive.options):
        if names is not None and recording.name not in names:
            continue
        record = read_recording(recording, archive.kind, archive.options)
        ecg = record.signal.astype(np.float32) / 1000
        person = {"age": -1.0 if record.age is None else record.age, "sex": record.sex or ""}
        params = {"rate": record.rate, "calibrated": record.calibrated} | person
        table = served.predict(None, ecg[None], params)  # type: ignore[arg-type]
        assert table["error"].tolist() == [""]
        found[recording.name] = table[list(CLASSES)].to_numpy()[0]
    return found


def rows_of(predictions: Predictions, cohort: str, archive: Archive) -> Iterator[tuple[str, int]]:
    """File and row of each record of a cohort that is in the shards."""
    names = dict(archive.names())
    for row in np.flatnonzero(predictions.cohorts == cohort).tolist():
        yield names[predictions.record_ids[row]], row


def assert_equal(answer: Answer, predictions: Predictions, row: int) -> None:
    """Hold one answer against the pipeline's."""
    entries = [answer["classes"][name] for name in CLASSES]
    found = np.array([entry["probability"] for entry in entries])
    np.testing.assert_allclose(found, predictions.probability[row], rtol=0, atol=ROUNDING)
    assert [entry["decision"] for entry in entries] == predictions.decisions[row].tolist()


def warnings_of(answers: Mapping[str, Answer]) -> Sequence[str]:
    """All warnings that there are."""
    return sorted({answer["warning"] for answer in answers.values() if "warning" in answer})
