"""The cell of a study that has a network for each class, as DVC runs it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.prepare import PrepareSettings, prepare
from rarebeat.inference.model_folder import load_model
from rarebeat.inference.predictions import read_predictions
from rarebeat.inference.splits import predict_splits
from rarebeat.labels.extract import label_cohort
from rarebeat.readers.ingest import ingest_cohort

SCRIPT = Path(__file__).resolve().parents[2] / "pipeline" / "one_head_each.py"
PARAMS = {
    "heads": "some",
    "label_sets": {"some": ["atrial_fibrillation", "fusion_complexes", "sinus_rhythm"]},
    "model": {"name": "hughes34", "hughes34": {"width": 2}},
    "train": {"epochs": 1, "batch": 16, "device": "cpu", "precision": "fp32", "threads": 1},
}


@pytest.mark.slow
def test_each_class_has_a_network_and_the_table_has_what_each_predicts(tmp_path: Path) -> None:
    options = {"records": 60, "seconds": 5}
    ingest_cohort("simulated", Path(), tmp_path / "records" / "sim", options=options, workers=1)
    label_cohort(tmp_path / "records" / "sim", tmp_path / "labels" / "sim", "hughes24")
    shards, settings = tmp_path / "shards", PrepareSettings(signal=Preprocessing(rate=100, samples=500))
    prepare(tmp_path / "records", tmp_path / "labels", shards, ["sim"], settings)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    command = [sys.executable, SCRIPT, "shards", "models/cell", "predictions.parquet", "--curves", "curves"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "left out, for want of a positive training record: fusion_complexes" in done.stdout
    trained = ["atrial_fibrillation", "sinus_rhythm"]
    assert sorted(path.name for path in (tmp_path / "models" / "cell").iterdir()) == trained
    assert sorted(path.name for path in (tmp_path / "curves").iterdir()) == [f"{one}.csv" for one in trained]
    table = read_predictions(tmp_path / "predictions.parquet")
    known = [name for name, cut in zip(table.classes, table.thresholds, strict=True) if not np.isnan(cut)]
    assert sorted(known) == trained
    for name in trained:
        model = tmp_path / "models" / "cell" / name
        assert load_model(model)[1].classes == (name,)
        own, _ = predict_splits(shards, model, ("validation", "test"))
        column = table.classes.index(name)
        np.testing.assert_array_equal(table.probability[:, column], own.probability[:, 0])
