"""A site: simulated ECGs as WFDB files with labels of its own, and a model of random weights that knows them."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from rarebeat.core.signals import Preprocessing
from rarebeat.evaluation.site.recordings import Source, ask, read_site
from rarebeat.inference.model_folder import ModelCard, load_model, save_model
from rarebeat.inference.novelty import fit_detector
from rarebeat.metrics.known_scores import known_scores
from rarebeat.models.registry import build
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.simulator.archives.archive import write_archive
from rarebeat.simulator.settings import SimulatorSettings

CLASSES = ("sinus_rhythm", "atrial_fibrillation", "bigeminy")
RECORDS = 40


@dataclass(frozen=True)
class Site:
    """A folder of WFDB files, the same records as ingest writes them, and the classes that each truly shows."""

    files: Path
    ingested: Path
    truth: Mapping[str, set[str]]

    def write_labels(self, path: Path, classes: tuple[str, ...] = CLASSES) -> Path:
        """Labels of all records: a column per class."""
        rows = [[name, *(int(one in found) for one in classes)] for name, found in self.truth.items()]
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([["record", *classes], *rows])
        return path


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site")
    settings = SimulatorSettings(records=RECORDS, rate=250, seed=5)
    write_archive(folder / "files", "wfdb", settings, None, 1)
    options = {"csv": "records.csv", "patient_column": "patient_id", "age_column": "age", "sex_column": "sex"}
    options |= {"text_column": "report", "patient_namespace": "simulated"}
    ingest_cohort(
        "wfdb", folder / "files", folder / "ingested", cohort="ingested", options=options, workers=1
    )
    with (folder / "files" / "truth.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    key = next(iter(rows[0]))
    truth = {row[key]: {name for name in CLASSES if row.get(name) == "1"} for row in rows}
    return Site(folder / "files", folder / "ingested", truth)


@pytest.fixture(scope="session")
def knowing_model(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that was trained at the site, as far as its detector and its scores know."""
    torch.manual_seed(0)
    card = ModelCard(
        architecture="hughes34",
        settings={"width": 2, "kernel": 5},
        classes=CLASSES,
        thresholds={"sinus_rhythm": 0.5, "atrial_fibrillation": 0.3, "bigeminy": 0.2},
        preprocessing=Preprocessing(rate=100, samples=1000),
        units="mV",
        heads="three",
        cohorts=("simulated",),
        vocabulary="hughes24",
        codes={"bigeminy": "BIG"},
    )
    folder = tmp_path_factory.mktemp("models") / "knowing"
    save_model(folder, build("hughes34", len(CLASSES), 1000, card.settings), card)
    module, _ = load_model(folder)
    read = list(read_site(Source((site.ingested,)), card))
    probability, evidence = ask(module, card, read)  # type: ignore[arg-type]
    assert len(np.unique(probability[:, 0])) == RECORDS
    save_model(
        folder, module, card, fit_detector(evidence, evidence), known_scores(probability, RECORDS, 0.02)
    )
    return folder


@pytest.fixture
def labels(site: Site, tmp_path: Path) -> Path:
    return site.write_labels(tmp_path / "labels.csv")
