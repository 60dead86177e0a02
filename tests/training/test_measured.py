"""Measured tasks: learnt beside the classes from the signals alone, and gone when the training is over."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.toy import MakeSplit, equal, read, run

from rarebeat.core.errors import ParamsError
from rarebeat.core.params import group
from rarebeat.dataset.shards import load_split, open_split
from rarebeat.dataset.split import Split, take
from rarebeat.inference.model_folder import load_model
from rarebeat.measure.measuring import measure
from rarebeat.training.loop import EpochReport, train
from rarebeat.training.losses import sum_of_cross_entropies
from rarebeat.training.measured import MEASURES, measured_labels, with_measured
from rarebeat.training.settings import MeasuredSettings, ModelSettings, TrainSettings

THREE = MeasuredSettings(weight=0.5, levels=3)


@pytest.fixture(scope="module")
def clinic(shards: Path) -> Split:
    return load_split(shards, "train")


def test_the_levels_of_a_measure_divide_the_records_into_parts_of_one_size(clinic: Split) -> None:
    labels = measured_labels(clinic, THREE)
    assert labels.shape == (len(clinic), len(MEASURES) * 3)
    rate = labels[:, :3]
    known = rate[rate[:, 0] >= 0]
    assert len(known) > 0.9 * len(clinic)
    np.testing.assert_allclose(known.mean(axis=0), [0.75, 0.5, 0.25], atol=0.05)
    assert (np.diff(known, axis=1) <= 0).all()  # who is above a level is above those below it


def test_the_first_questions_are_about_the_rate(clinic: Split) -> None:
    labels = measured_labels(clinic, MeasuredSettings(weight=1, levels=1))
    rates = np.array([measure(signal, 100.0).mean_rate or np.nan for signal in clinic.signals])
    np.testing.assert_array_equal(labels[:, 0] == 1, rates > np.nanmedian(rates))


def test_what_cannot_be_measured_is_unknown(clinic: Split) -> None:
    signals = clinic.signals[:20].copy()  # type: ignore[index]
    signals[3] = 0
    labels = measured_labels(replace(take(clinic, np.arange(20)), signals=signals), THREE)
    assert (labels[3] == -1).all()
    assert (labels[[2, 4], :3] >= 0).all()


def test_padding_is_not_measured(clinic: Split) -> None:
    few = take(clinic, np.arange(20))
    assert few.lengths is not None
    longer = np.zeros((20, 12, 900), np.int16)
    longer[:, :, :500] = few.signals
    np.testing.assert_array_equal(
        measured_labels(replace(few, signals=longer), THREE), measured_labels(few, THREE)
    )


def test_an_axis_is_not_asked_for_where_amplitudes_were_normalised_away(clinic: Split) -> None:
    normalised = replace(clinic, meta=replace(clinic.meta, units="z"))
    assert measured_labels(normalised, THREE).shape[1] == (len(MEASURES) - 1) * 3


def test_signals_in_their_shards_give_the_same(clinic: Split, shards: Path) -> None:
    np.testing.assert_array_equal(
        measured_labels(open_split(shards, "train"), THREE), measured_labels(clinic, THREE)
    )


def test_a_measure_counts_so_many_classes() -> None:
    logits = torch.randn(4, 2 + 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[1, 0, 1, 1, 0], [0, -1, 1, 0, 0], [0, 0, -1, -1, -1], [1, 1, 0, 0, 0]])
    of_classes = sum_of_cross_entropies(logits[:, :2], labels[:, :2])
    of_measure = sum_of_cross_entropies(logits[:, 2:], labels[:, 2:]) / 3
    total = with_measured(sum_of_cross_entropies, 2, THREE)(logits, labels)
    torch.testing.assert_close(total, of_classes + 0.5 * of_measure)
    assert with_measured(sum_of_cross_entropies, 2, MeasuredSettings()) is sum_of_cross_entropies


def test_the_trained_network_knows_its_classes_alone(shards: Path, tmp_path: Path) -> None:
    changes = {"epochs": 1, "batch": 32, "threads": 1, "device": "cpu"}
    plain = read(tmp_path / "plain", shards, train=changes)
    with_tasks = read(tmp_path / "tasks", shards, train=changes | {"measured": {"weight": 1, "levels": 3}})
    run(plain, tmp_path / "plain")
    run(with_tasks, tmp_path / "tasks")
    one, other = (load_model(tmp_path / name / "model")[0] for name in ("plain", "tasks"))
    assert one.heads.regressions.weight.shape == other.heads.regressions.weight.shape
    assert not equal(one, other)  # it has learnt something else besides


def test_validation_judges_the_classes_alone(
    make_split: MakeSplit, tiny: ModelSettings, quick: TrainSettings, tmp_path: Path
) -> None:
    """Nothing can be measured on the toy task, so that the classes are all there is to learn."""
    reports: dict[str, list[EpochReport]] = {"plain": [], "tasks": []}
    for name, settings in (("plain", quick), ("tasks", replace(quick, measured=THREE))):
        train(
            make_split(48),
            make_split(32, 1),
            ("up", "rare"),
            tiny,
            settings,
            tmp_path / name,
            reports[name].append,
        )
    assert [one.validation_loss for one in reports["plain"]] == [
        one.validation_loss for one in reports["tasks"]
    ]


def test_a_killed_training_goes_on_to_the_same_weights(
    clinic: Split, tiny: ModelSettings, quick: TrainSettings, tmp_path: Path
) -> None:
    classes, nobody = ("atrial_fibrillation", "sinus_rhythm"), take(clinic, np.arange(8))
    settings = replace(quick, epochs=2, measured=THREE)

    def interrupt(report: EpochReport) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(clinic, nobody, classes, tiny, settings, tmp_path / "a", interrupt)
    resumed = train(clinic, nobody, classes, tiny, settings, tmp_path / "a")
    whole = train(clinic, nobody, classes, tiny, settings, tmp_path / "b")
    assert equal(resumed, whole)


def test_rates_that_are_stretched_are_not_learnt() -> None:
    with pytest.raises(ParamsError, match=r"augment\.stretch changes the rates"):
        group({"train": {"measured": {"weight": 1}, "augment": {"stretch": 0.1}}}, "train", TrainSettings)
