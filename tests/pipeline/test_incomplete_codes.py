"""The stage that scores a study's predictions under other readings of incomplete codes, as DVC runs it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
from tests.predicted import predicted

from rarebeat.core.files import write_json
from rarebeat.core.parquet import write_table
from rarebeat.inference.predictions import write_predictions

SCRIPT = Path(__file__).resolve().parents[2] / "pipeline" / "incomplete_codes.py"
CLASSES = ("atrial_fibrillation", "sinus_rhythm")


def test_a_table_of_an_ensemble_and_the_cells_of_a_study(tmp_path: Path) -> None:
    random = np.random.default_rng([1])
    full = (random.random((80, 2)) < 0.4).astype(np.int8)
    masked = full.copy()
    masked[:40][full[:40] == 0] = -1
    lacking = np.count_nonzero((masked != full).any(axis=1))
    labels = tmp_path / "labels" / "clinic"
    columns = {name: pa.array(full[:, column]) for column, name in enumerate(CLASSES)}
    ids = pa.array([f"r{index}" for index in range(80)])
    write_table(labels / "codes.parquet", pa.table({"record_id": ids} | columns))
    write_json(labels / "summary.json", {"vocabulary": "two", "classes": {name: name for name in CLASSES}})
    probability = np.clip(random.normal(0.4, 0.2, (80, 2)) + 0.2 * full, 0, 1).astype(np.float32)
    patients = np.array([f"p{index}" for index in range(80)], dtype=object)
    table = predicted(masked, probability, 0.5, patients, CLASSES)
    write_predictions(tmp_path / "ensemble.parquet", table)
    write_predictions(tmp_path / "cells" / "real-0.parquet", table)
    params = tmp_path / "params.yaml"
    params.write_text(
        "prepare: {}\ncells: {data: [real, other], seed: [0]}\nevaluate: {replicates: 10, at_least: 5}\n"
    )
    for predictions, more in (("ensemble.parquet", []), ("cells", ["--set", "cells.data=[real]"])):
        out = tmp_path / "out" / f"{predictions}.md"
        command = [sys.executable, SCRIPT, tmp_path / predictions, labels.parent, out, "--params", params]
        subprocess.run([*command, *more], check=True, capture_output=True)
        text = out.read_text(encoding="utf-8")
        assert f"Of 80 test records {lacking} ({lacking} of 80 of clinic)" in text
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_the_records_are_those_that_the_page_is_of(tmp_path: Path) -> None:
    """Records of a cohort that ``evaluate.test_on`` leaves out are scored nowhere; they need no labels here."""
    full = (np.random.default_rng([1]).random((80, 2)) < 0.4).astype(np.int8)
    cohorts = np.repeat(np.array(["clinic", "elsewhere"], dtype=object), 40)
    patients = np.array([f"p{index}" for index in range(80)], dtype=object)
    probability = np.full((80, 2), 0.5, dtype=np.float32)
    table = predicted(full, probability, 0.5, patients, CLASSES, cohorts=cohorts)
    labels = tmp_path / "labels" / "clinic"
    columns = {name: pa.array(full[:40, column]) for column, name in enumerate(CLASSES)}
    ids = pa.array([f"r{index}" for index in range(40)])
    write_table(labels / "codes.parquet", pa.table({"record_id": ids} | columns))
    write_json(labels / "summary.json", {"vocabulary": "two", "classes": {name: name for name in CLASSES}})
    write_predictions(tmp_path / "ensemble.parquet", table)
    write_predictions(tmp_path / "cells" / "real-0.parquet", table)
    params = tmp_path / "params.yaml"
    params.write_text(
        "prepare: {}\ncells: {data: [real], seed: [0]}\nevaluate: {replicates: 0, test_on: [clinic]}\n"
    )
    for predictions in ("ensemble.parquet", "cells"):
        command = [sys.executable, SCRIPT, tmp_path / predictions, labels.parent, tmp_path / "out.md"]
        done = subprocess.run([*command, "--params", params], capture_output=True, text=True)
        assert (done.returncode, done.stdout.strip()) == (0, "every list of codes is complete"), done.stderr
