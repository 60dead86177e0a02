"""Pre-training and training as one row of epochs."""

import pytest

from rarebeat.training.settings import Pretrain, TrainSettings
from rarebeat.training.stages import stages_of


def test_without_pre_training_there_is_one_stage() -> None:
    settings = TrainSettings(epochs=7)
    (stage,) = stages_of(settings)
    assert (stage.first, stage.end, stage.settings) == (0, 7, settings)


def test_pre_training_comes_first_with_a_loss_and_a_rate_of_its_own() -> None:
    settings = TrainSettings(
        epochs=3, loss="challenge", batch=9, pretrain=Pretrain(epochs=2, learning_rate=0.1, steps=(1,))
    )
    first, last = stages_of(settings)
    assert (first.first, first.end, last.first, last.end) == (0, 2, 2, 5)
    assert (first.settings.loss, first.settings.learning_rate) == ("weighted_bce", 0.1)
    assert (first.settings.steps, first.settings.batch) == ((1,), 9)
    assert last.settings == settings


def test_the_rate_of_the_training_is_taken_where_pre_training_names_none() -> None:
    first, _ = stages_of(TrainSettings(learning_rate=0.02, pretrain=Pretrain(epochs=1)))
    assert first.settings.learning_rate == 0.02


def test_each_stage_runs_from_nothing_done_to_all_done() -> None:
    for stage in stages_of(TrainSettings(epochs=4, pretrain=Pretrain(epochs=2))):
        assert stage.done(stage.first) == 0
        assert stage.done(stage.end - 1, share=0.5) == pytest.approx(1 - 0.5 / stage.settings.epochs)
