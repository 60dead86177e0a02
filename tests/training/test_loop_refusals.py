"""Trainings that cannot be, or that diverge, end with one clear message."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.training.toy import MakeSplit

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.training.loop import EpochReport, train
from rarebeat.training.settings import ModelSettings, TrainSettings


def test_the_loss_of_the_challenge_needs_to_know_what_it_pays(
    make_split: MakeSplit, tiny: ModelSettings, quick: TrainSettings, tmp_path: Path
) -> None:
    with pytest.raises(ParamsError, match="loss challenge needs a vocabulary with the classes"):
        train(make_split(8), make_split(8, 1), ("up",), tiny, replace(quick, loss="challenge"), tmp_path)


def test_a_loss_that_is_no_number_ends_the_training_with_advice(
    make_split: MakeSplit, tiny: ModelSettings, quick: TrainSettings, tmp_path: Path
) -> None:
    with pytest.raises(
        RarebeatError, match=r"no longer a number in epoch 1, step \d+: .* lower train.learning_rate"
    ):
        train(make_split(), make_split(16, 1), ("up",), tiny, replace(quick, learning_rate=1e30), tmp_path)


@pytest.mark.parametrize(
    ("records", "validation", "classes", "keep", "error", "complaint"),
    [
        (0, 8, ("up",), "last", RarebeatError, "training split holds no records"),
        (8, 8, (), "last", ParamsError, "label set is empty"),
        (8, 8, ("up", "sideways"), "last", RarebeatError, "names sideways"),
        (8, 0, ("up",), "best", ParamsError, "validation split holds no records"),
    ],
)
def test_a_training_that_cannot_be_is_refused(
    make_split: MakeSplit,
    tiny: ModelSettings,
    quick: TrainSettings,
    tmp_path: Path,
    records: int,
    validation: int,
    classes: tuple[str, ...],
    keep: str,
    error: type[RarebeatError],
    complaint: str,
) -> None:
    with pytest.raises(error, match=complaint):
        train(
            make_split(records), make_split(validation, 1), classes, tiny, replace(quick, keep=keep), tmp_path
        )


def test_the_best_epoch_is_not_chosen_by_a_split_that_knows_none_of_the_classes(
    make_split: MakeSplit, tiny: ModelSettings, quick: TrainSettings, tmp_path: Path
) -> None:
    validation = make_split(8, 1)
    labels = validation.labels.copy()
    labels[:, validation.meta.classes.index("up")] = -1
    unknown = replace(validation, labels=labels)
    with pytest.raises(ParamsError, match=r"no label of these classes is known .*train\.validate_on"):
        train(make_split(8), unknown, ("up",), tiny, replace(quick, keep="best"), tmp_path)


@pytest.mark.parametrize(("records", "batch"), [(1, 8), (8, 1), (1, 1)])
def test_batches_of_one_record_are_refused(
    make_split: MakeSplit, tiny: ModelSettings, quick: TrainSettings, tmp_path: Path, records: int, batch: int
) -> None:
    with pytest.raises(ParamsError, match="batches of one"):
        train(make_split(records), make_split(4, 1), ("up",), tiny, replace(quick, batch=batch), tmp_path)


@pytest.mark.parametrize(("records", "batch"), [(3, 2), (2, 8)])
def test_two_records_are_enough_for_a_batch(
    make_split: MakeSplit, tiny: ModelSettings, quick: TrainSettings, tmp_path: Path, records: int, batch: int
) -> None:
    reports: list[EpochReport] = []
    settings = replace(quick, batch=batch)
    train(make_split(records), make_split(4, 1), ("up",), tiny, settings, tmp_path, reports.append)
    assert [report.epoch for report in reports] == [1, 2, 3]
