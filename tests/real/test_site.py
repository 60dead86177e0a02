"""A model at a real site: LUDB with its own diagnoses, and PTB-XL with the patients that its table names."""

from pathlib import Path

import numpy as np
import pytest
from tests.real.cohorts import ludb_diagnoses

from rarebeat.evaluation.site.adapt import adapt_model
from rarebeat.evaluation.site.recordings import Source
from rarebeat.inference.model_folder import read_card
from rarebeat.inference.predict import PredictSettings, iterate_answers, open_model

RECORDS = 60


@pytest.fixture
def labels(real_ecg: Path, tmp_path: Path) -> Path:
    """Sinus rhythm in LUDB, by its diagnoses."""
    headers = sorted((real_ecg / "ludb").rglob("*.hea"), key=lambda path: int(path.stem))[:RECORDS]
    rows = [
        f"{path.stem},{int(any('sinus' in line.lower() for line in ludb_diagnoses(path)))}"
        for path in headers
    ]
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(["record,sinus_rhythm", *rows]) + "\n")
    return table


def test_a_model_of_random_weights_says_how_common_a_class_is_once_it_is_adapted(
    real_ecg: Path, model_folder: Path, labels: Path, tmp_path: Path
) -> None:
    done = adapt_model(model_folder, Source((real_ecg / "ludb",), "ludb"), labels, tmp_path / "site")
    change = done.changes[0]
    assert done.records == RECORDS
    share = change.positives / RECORDS
    assert 0.5 < share < 1
    assert change.brier_gain[1] > 0  # on patients that it was not fitted to
    assert change.excess[1] < 0 < change.excess[2]

    answers = iterate_answers(
        [real_ecg / "ludb"],
        tmp_path / "site",
        open_model(tmp_path / "site"),
        PredictSettings("ludb", workers=1),
    )
    found = [answer["classes"]["sinus_rhythm"]["probability"] for answer in answers if "classes" in answer]
    assert np.mean(found) == pytest.approx(share, abs=0.1)
    assert read_card(tmp_path / "site").adapted["records"] == RECORDS
