"""Cross-validation at its smallest: folds of shards, a model for each, an ensemble that predicts."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.folds import FoldSettings, held_out, read_folds, trainable, write_folds
from rarebeat.dataset.shards import SplitWriter, load_split, row_schema
from rarebeat.dataset.split import ShardMeta
from rarebeat.evaluation.evaluate import EvaluateSettings
from rarebeat.evaluation.members import known_to_any
from rarebeat.inference.ensemble import member_folder, save_ensemble
from rarebeat.inference.model_folder import read_card
from rarebeat.inference.predict import predict_files
from rarebeat.inference.predictions import Predictions, read_predictions
from rarebeat.inference.splits import predict_all_classes
from rarebeat.inference.voting import EnsembleSettings
from rarebeat.reporting.crossval_folder import write_crossval_reports
from rarebeat.training.experiment import fold_experiment, read_experiment
from rarebeat.training.run import run_experiment

CLASSES = ("sinus_rhythm", "atrial_fibrillation", "avnrt", "bigeminy")
META = ShardMeta(CLASSES, Preprocessing(rate=100, samples=400), 0.001, "mV", "hughes24")
PARAMS = {
    "heads": "all",
    "label_sets": {"all": "all"},
    "model": {"name": "hughes34", "width": 2, "kernel": 5},
    "train": {"epochs": 1, "batch": 16, "threads": 1, "device": "cpu"},
}


def write_split(folder: Path, name: str, records: int, rare: dict[str, int]) -> None:
    """Shards of noise, two records to a patient; ``rare`` classes have one positive record, the first two have many."""
    rng = np.random.default_rng(len(name))
    numbers = range(records)
    columns: dict[str, object] = {
        "record_id": [f"{name}{number}" for number in numbers],
        "cohort": ["ward"] * records,
        "patient": [f"{name}-p{number // 2}" for number in numbers],
        "age": pa.array([50.0] * records, pa.float32()),
        "sex": ["female"] * records,
        "length": [META.preprocessing.samples] * records,
    }
    for column, label in enumerate(CLASSES):
        columns[label] = (
            [int(number % (column + 2) == 0) for number in numbers] if column < 2 else [0] * records
        )
    for label, number in rare.items():
        columns[label] = [int(number == other) for other in numbers]
    rows = pa.table(columns).cast(row_schema(CLASSES))
    writer = SplitWriter(folder / name, META, rows, shard_size=32)
    for _ in numbers:
        writer.add(rng.integers(-1000, 1000, (12, META.preprocessing.samples)).astype(np.int16))
    writer.finish()


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with shards and folds. Nobody has bigeminy; one validation record has AVNRT."""
    root = tmp_path_factory.mktemp("clinic")
    write_split(root / "shards", "train", 40, {})
    write_split(root / "shards", "validation", 8, {"avnrt": 3})
    write_split(root / "shards", "test", 10, {"avnrt": 1})
    write_folds(root / "folds", trainable(root / "shards"), FoldSettings(numbers=(0, 1)))
    return root


@pytest.fixture(scope="module")
def trained(clinic: Path) -> Path:
    """The same with both fold models trained."""
    for number in (0, 1):
        experiment = fold_experiment(PARAMS, clinic / "shards", clinic / "folds", number)
        out, curves = member_folder(clinic / "models", number), clinic / f"curves-{number}.csv"
        run_experiment(experiment, out, curves, clinic / "checkpoints", lambda report: None)
    return clinic


def predict(folder: Path) -> list[Predictions]:
    """What both fold models say of their own fold and of the test split, in columns of all classes."""
    return [
        predict_all_classes(
            member_folder(folder / "models", number),
            {
                f"fold-{number}": held_out(folder / "shards", folder / "folds", number),
                "test": load_split(folder / "shards", "test"),
            },
        )
        for number in (0, 1)
    ]


def test_training_and_validation_are_divided_and_the_test_split_stays_out(clinic: Path) -> None:
    parts = [fold_experiment(PARAMS, clinic / "shards", clinic / "folds", n) for n in (0, 1)]
    for part in parts:
        assert not set(part.train.patients) & set(part.validation.patients)
        assert len(part.train) + len(part.validation) == 48
        assert not [name for name in part.train.record_ids if name.startswith("test")]
    assert set(parts[0].validation.record_ids) == set(parts[1].train.record_ids)
    assert parts[0].key != parts[1].key


def test_what_a_fold_s_training_part_lacks_is_not_learnt_there(clinic: Path) -> None:
    whole = trainable(clinic / "shards")
    (home,) = read_folds(clinic / "folds", whole)[whole.labels[:, CLASSES.index("avnrt")] == 1]
    with_it, without = (
        fold_experiment(PARAMS, clinic / "shards", clinic / "folds", n) for n in (1 - home, home)
    )
    assert (with_it.classes, with_it.not_learnt) == (CLASSES[:3], ("bigeminy",))
    assert (without.classes, without.not_learnt) == (CLASSES[:2], ("avnrt", "bigeminy"))
    assert read_experiment(PARAMS, clinic / "shards").classes == CLASSES[:2]


def test_a_fold_that_there_is_not_is_one_clear_message(clinic: Path) -> None:
    with pytest.raises(ParamsError, match="has no fold 2"):
        fold_experiment(PARAMS, clinic / "shards", clinic / "folds", 2)


def test_folds_of_other_shards_are_refused(clinic: Path, tmp_path: Path) -> None:
    write_split(tmp_path / "shards", "train", 42, {})
    write_split(tmp_path / "shards", "validation", 8, {})
    with pytest.raises(RarebeatError, match="other records than the shards"):
        fold_experiment(PARAMS, tmp_path / "shards", clinic / "folds", 0)


def test_each_model_predicts_what_it_has_not_learnt_from(trained: Path) -> None:
    everyone = predict(trained)
    predictions = known_to_any(everyone)
    cards = [read_card(member_folder(trained / "models", number)) for number in (0, 1)]
    whole = trainable(trained / "shards")
    fold_of = read_folds(trained / "folds", whole)
    assert {card.classes for card in cards} == {CLASSES[:2], CLASSES[:3]}
    for number, entry in enumerate(predictions):
        assert everyone[number].classes == CLASSES
        assert entry.classes == CLASSES[:3]
        own = entry.only(f"fold-{number}")
        assert own.record_ids.tolist() == whole.record_ids[fold_of == number].tolist()
        assert len(entry.only("test").record_ids) == 10
        unknown = "avnrt" not in cards[number].classes
        assert np.isnan(entry.probability[:, 2]).all() == unknown
        assert not np.isnan(entry.probability[:, :2]).any()


def test_the_reports_hold_every_training_record_once_and_each_member_beside_the_ensemble(
    trained: Path, tmp_path: Path
) -> None:
    predictions = known_to_any(predict(trained))
    report = write_crossval_reports(
        tmp_path, predictions, "Two folds", EnsembleSettings(), EvaluateSettings(replicates=10)
    )
    assert report.classes == CLASSES[:3]
    assert len(report.members) == 2
    out_of_fold = read_predictions(tmp_path / "out_of_fold.parquet")
    assert sorted(out_of_fold.record_ids) == sorted(trainable(trained / "shards").record_ids)
    assert set(out_of_fold.splits) == {"fold-0", "fold-1"}
    assert read_predictions(tmp_path / "predictions.parquet").splits.tolist() == ["test"] * 10
    text = (tmp_path / "results.md").read_text()
    assert text.startswith("# Two folds\n")
    assert "| fold 1 " in text
    assert (tmp_path / "members.csv").read_text().splitlines()[1].startswith("ensemble,3,")
    assert all(file.exists() for file in report.files)


def test_an_ensemble_classifies_files_by_the_mean_and_the_vote(trained: Path, wfdb_record: Path) -> None:
    save_ensemble(trained / "models", (0, 1), CLASSES[:3], EnsembleSettings())
    (together,) = predict_files([wfdb_record], trained / "models")
    alone = [predict_files([wfdb_record], member_folder(trained / "models", n))[0]["classes"] for n in (0, 1)]
    assert list(together["classes"]) == list(CLASSES[:3])
    for name, entry in together["classes"].items():
        known = [answer[name] for answer in alone if name in answer]
        assert entry["members"] == len(known) == (1 if name == "avnrt" else 2)
        assert entry["probability"] == pytest.approx(np.mean([answer["probability"] for answer in known]))
        assert entry["threshold"] == pytest.approx(np.mean([answer["threshold"] for answer in known]))
        assert entry["votes"] == sum(answer["decision"] for answer in known)
        assert entry["decision"] == (2 * entry["votes"] > entry["members"])
