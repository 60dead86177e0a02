"""One real recording gets one answer: from the pipeline, from ``rarebeat predict``, and served."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.doors import (
    NETWORKS,
    ROUNDING,
    Archive,
    answers_of,
    assert_equal,
    make_shards,
    predicted_by_the_pipeline,
    rows_of,
    served_answers,
    warnings_of,
    write_models,
)
from tests.real.cohorts import COHORTS, PARAMS

from rarebeat.core.params import read_params
from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.windows import WindowSettings

SIGNAL = Preprocessing(samples=15_000, normalise="zscore")
"""A minute: as long as any recording of the challenge. LUDB and the filtered records have lost their amplitudes."""

WINDOW = WindowSettings(2500)
EVERY = {"ptb-xl": 60, "challenge": 8, "ludb": 30, "ptb-xl-filtered": 300}


def some_of(source: Path, out: Path, every: int) -> None:
    """Copy every n-th record of an archive, and its tables."""
    for header in sorted(source.rglob("*.hea"))[::every]:
        target = out / header.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        for file in header.parent.glob(f"{header.stem}.*"):
            shutil.copy(file, target.with_name(file.name))
    for table in source.glob("*.csv"):
        shutil.copy(table, out)


@pytest.fixture(scope="module")
def archives(real_ecg: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Archive]:
    root = tmp_path_factory.mktemp("archives")
    found = {}
    for name, cohort in COHORTS.items():
        some_of(real_ecg / name, root / name, EVERY[name])
        entry = read_params(PARAMS)["cohorts"][cohort]
        found[name] = Archive(entry["kind"], root / name, entry["options"])
    return found


@pytest.fixture(scope="module")
def shards(archives: dict[str, Archive], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shards(archives, tmp_path_factory.mktemp("pipeline"), SIGNAL)


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_a_recording_of_any_length_gets_the_answer_of_the_pipeline(
    archives: dict[str, Archive], shards: Path, tmp_path: Path, network: str
) -> None:
    model = write_models(tmp_path, SIGNAL, WINDOW)[network]
    predictions = predicted_by_the_pipeline(shards, model)
    for name, archive in archives.items():
        answers = answers_of(archive, model)
        rows = list(rows_of(predictions, name, archive))
        assert len(rows) >= 4
        for file, row in rows:
            assert_equal(answers[file], predictions, row)
        served = served_answers(archive, model, [file for file, _ in rows])
        for file, row in rows:
            expected = predictions.probability[row]
            np.testing.assert_allclose(served[file], expected, rtol=0, atol=ROUNDING)
        untold = {warning for warning in warnings_of(answers) if "age" in warning}
        if network == "se_resnet" and name == "ptb-xl-filtered":  # no table tells age and sex
            assert untold == {"the model uses age and sex, and is not told the age and the sex"}
        elif network != "se_resnet":
            assert not untold
