"""Trainings in two stages: pre-training, then the training itself."""

from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any, Never

import pytest
from tests.training.toy import REWARDS, MakeSplit, equal
from torch import nn
from tqdm import tqdm

from rarebeat.training import loop
from rarebeat.training.loop import EpochReport, train
from rarebeat.training.settings import ModelSettings, Pretrain, TrainSettings


def pretrained(quick: TrainSettings, **changes: object) -> TrainSettings:
    settings = replace(quick, epochs=2, loss="challenge", pretrain=Pretrain(epochs=2, learning_rate=0.002))
    return replace(settings, **changes)  # type: ignore[arg-type]


def test_pre_training_is_a_training_of_its_own_with_the_training_after_it(
    make_split: MakeSplit, tiny: ModelSettings, quick: TrainSettings, tmp_path: Path
) -> None:
    splits = make_split(48), make_split(32, 1)
    seen: list[tuple[int, float, float]] = []

    def note(report: EpochReport) -> None:
        seen.append((report.epoch, report.learning_rate, report.train_loss))

    train(*splits, ("up", "rare"), tiny, pretrained(quick), tmp_path / "both", note, REWARDS)
    alone = replace(quick, epochs=2, loss="weighted_bce", learning_rate=0.002)
    first: list[float] = []
    train(
        *splits,
        ("up", "rare"),
        tiny,
        alone,
        tmp_path / "first",
        lambda report: first.append(report.train_loss),
    )
    assert [(epoch, rate) for epoch, rate, _ in seen] == [(1, 0.002), (2, 0.002), (3, 0.005), (4, 0.005)]
    assert [loss for _, _, loss in seen[:2]] == first
    assert all(loss < 0 for _, _, loss in seen[2:])  # what is earned, with its sign turned


@pytest.mark.parametrize("killed_after", [1, 2, 3])
def test_a_training_in_stages_is_resumed_with_the_same_weights(
    make_split: MakeSplit, tiny: ModelSettings, quick: TrainSettings, tmp_path: Path, killed_after: int
) -> None:
    splits, settings = (make_split(48), make_split(16, 1)), pretrained(quick)

    def interrupt(report: EpochReport) -> None:
        if report.epoch == killed_after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(*splits, ("up", "rare"), tiny, settings, tmp_path / "a", interrupt, REWARDS)
    resumed = train(*splits, ("up", "rare"), tiny, settings, tmp_path / "a", rewards=REWARDS)
    assert equal(resumed, train(*splits, ("up", "rare"), tiny, settings, tmp_path / "b", rewards=REWARDS))


def test_what_is_learnt_does_not_depend_on_the_validation_split(
    make_split: MakeSplit, tiny: ModelSettings, quick: TrainSettings, tmp_path: Path
) -> None:
    networks = [
        train(
            make_split(48),
            make_split(16, seed),
            ("up", "rare"),
            tiny,
            pretrained(quick),
            tmp_path / str(seed),
            rewards=REWARDS,
        )
        for seed in (1, 2)
    ]
    assert equal(*networks)


def test_the_best_epoch_is_none_of_pre_training(
    make_split: MakeSplit,
    tiny: ModelSettings,
    quick: TrainSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    splits = make_split(32), make_split(16, 1)
    third = train(*splits, ("up", "rare"), tiny, pretrained(quick, epochs=1), tmp_path / "a", rewards=REWARDS)
    losses = iter([-9.0, -8.0, -1.0, -0.5])
    monkeypatch.setattr(loop, "validate", lambda *_: (next(losses), None))
    best = train(
        *splits, ("up", "rare"), tiny, pretrained(quick, keep="best"), tmp_path / "b", rewards=REWARDS
    )
    assert equal(best, third)


def test_the_progress_bar_ends_where_the_last_step_does(
    make_split: MakeSplit,
    tiny: ModelSettings,
    quick: TrainSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bars: list[tqdm[Never]] = []

    def shown(**options: Any) -> "tqdm[Never]":
        bars.append(tqdm(**options | {"disable": False, "file": StringIO()}))
        return bars[-1]

    monkeypatch.setattr(loop, "tqdm", shown)
    settings = replace(quick, epochs=2, batch=4, pretrain=Pretrain(epochs=1, loss="bce"))
    train(make_split(9), make_split(4, 1), ("up",), tiny, settings, tmp_path)  # three batches of three
    train(
        make_split(10), make_split(4, 1), ("up",), tiny, settings, tmp_path
    )  # three of four: two come twice
    assert [(bar.n, bar.total) for bar in bars] == [(27, 27), (36, 36)]


def test_all_that_is_passed_over_counts_when_compiling_is_weighed(
    make_split: MakeSplit,
    tiny: ModelSettings,
    quick: TrainSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weighed: list[int] = []

    def noting(network: nn.Module, *arguments: Any) -> nn.Module:
        weighed.append(arguments[-1])
        return network

    monkeypatch.setattr(loop, "compiled", noting)
    settings = replace(quick, epochs=2, pretrain=Pretrain(epochs=3, loss="bce"))
    train(make_split(8), make_split(4, 1), ("up",), tiny, settings, tmp_path)
    assert weighed == [40]
    several = replace(quick, epochs=1, batch=4, epoch_steps=6)  # three passes over eight examples
    train(make_split(8), make_split(4, 1), ("up",), tiny, several, tmp_path)
    assert weighed == [40, 24]
