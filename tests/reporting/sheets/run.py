"""A small run for the tests of the sheets: shards of two cohorts, a model that knows nothing, and its scores."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from tests.dataset.workspace import CODES, SMALL, Workspace, make_records, make_states

from rarebeat.core.files import write_json
from rarebeat.evaluation.evaluate import EvaluateSettings, evaluate
from rarebeat.inference.model_folder import ModelCard, save_model
from rarebeat.inference.splits import predict_splits
from rarebeat.models.registry import build
from rarebeat.reporting.page.index import Sources, gather
from rarebeat.reporting.sheets.facts import RunFacts, read_facts

CLASSES = ("sinus_rhythm", "atrial_fibrillation")
SETTINGS = EvaluateSettings(replicates=20, at_least=2)
RECORDS = 240

COVERAGE = {
    "ward": {"statements": 0, "statements_understood": None, "codes": 300, "codes_of_known_systems": 0.9},
    "simulated": {
        "statements": 512,
        "statements_understood": 0.75,
        "codes": 0,
        "codes_of_known_systems": None,
    },
}


@dataclass(frozen=True)
class Run:
    """Where the parts of a run lie."""

    work: Workspace
    model: Path

    def facts(self, title: str = "Two cohorts") -> RunFacts:
        """All that is known of the run."""
        predictions, card = predict_splits(self.work.out, self.model, ("validation", "test"))
        test = predictions.only("test")
        sources = Sources(self.work.out, self.model, self.work.records)
        findings = gather(sources, test, evaluate(test, SETTINGS), card, SETTINGS, title)
        return read_facts(findings, self.work.out, self.work.labels)


def card_of(**changed: Any) -> ModelCard:
    """A card of the two classes."""
    card = ModelCard(
        architecture="hughes34",
        settings={"width": 2, "kernel": 5},
        classes=CLASSES,
        thresholds=dict.fromkeys(CLASSES, 0.5),
        preprocessing=SMALL,
        units="mV",
        heads="two",
        cohorts=("ward", "simulated"),
        vocabulary="hughes24",
        codes={"sinus_rhythm": "SR", "atrial_fibrillation": "AF"},
        training={"epochs": 0, "records": 123, "threshold": "bagged_f1", "loss": "bce", "not_learnt": []},
    )
    return replace(card, **changed)


def make_run(root: Path, **changed: Any) -> Run:
    """Records and shards of a ward (codes) and of the simulated clinic (reports), and a model with random weights."""
    work = Workspace(root)
    for seed, (name, origin) in enumerate({"ward": "codes", "simulated": "text"}.items()):
        records = [
            replace(one, sex=("female", "male")[index % 2], age=None if index % 5 == 0 else 30.0 + index % 60)
            for index, one in enumerate(make_records(RECORDS, seed))
        ]
        work.add(name, records, make_states(RECORDS, seed), origin)
        kind = {"ward": "muse-xml", "simulated": "simulated"}[name]
        reasons = {"truncated": 1} if name == "ward" else {}
        summary = {"kind": kind, "reasons": reasons, "calibrated": RECORDS, "records": RECORDS}
        write_json(work.records / name / "summary.json", summary)
        labels = {"vocabulary": "hughes24", "classes": CODES, "coverage": COVERAGE[name]}
        checks = {"too_fast": {"checked": 40, "contradicted": 3, "unmeasurable": 0}}
        labels |= {origin: {"without_evidence": 7}, "signal_checks": {origin: checks}}
        write_json(work.labels / name / "summary.json", labels)
    work.prepare("ward", "simulated")
    torch.manual_seed(0)
    card = card_of(**changed)
    save_model(root / "model", build("hughes34", len(CLASSES), SMALL.samples, card.settings), card)
    return Run(work, root / "model")
