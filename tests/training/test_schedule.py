"""Stages as one row of epochs, Adam with coupled L2, and the learning rate over time."""

import pytest
import torch
from torch import Tensor, nn

from rarebeat.training.schedule import learning_rate, make_optimiser, set_learning_rate, stages_of
from rarebeat.training.settings import Pretrain, TrainSettings


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
        assert stage.progress(stage.first) == 0
        assert stage.progress(stage.end - 1, share=0.5) == pytest.approx(1 - 0.5 / stage.settings.epochs)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.BatchNorm2d(2), nn.Conv2d(2, 3, (1, 3)), nn.Flatten(), nn.Linear(18, 2))


def squared_weights(module: nn.Module) -> Tensor:
    return torch.stack([weight.square().sum() for weight in module.parameters() if weight.ndim > 1]).sum()


def test_l2_is_the_gradient_of_half_the_squared_weights_through_adam() -> None:
    x = torch.randn(4, 2, 1, 8)
    decayed, penalised = network(), network()
    optimiser = make_optimiser(decayed, TrainSettings(l2=0.3, learning_rate=0.01))
    plain = torch.optim.Adam(penalised.parameters(), lr=0.01)
    for _ in range(5):
        optimiser.zero_grad()
        decayed(x).square().sum().backward()
        optimiser.step()
        plain.zero_grad()
        (penalised(x).square().sum() + 0.3 / 2 * squared_weights(penalised)).backward()
        plain.step()
    for found, expected in zip(decayed.parameters(), penalised.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_l2_leaves_biases_and_batch_norm_alone() -> None:
    module = network()
    before = {name: value.clone() for name, value in module.named_parameters()}
    optimiser = make_optimiser(module, TrainSettings(l2=0.3))
    for weight in module.parameters():
        weight.grad = torch.zeros_like(weight)
    optimiser.step()
    moved = {name for name, value in module.named_parameters() if not torch.equal(value, before[name])}
    assert moved == {"1.weight", "3.weight"}


def test_a_constant_rate_is_constant_and_a_cosine_ends_at_zero() -> None:
    constant = TrainSettings(learning_rate=0.01)
    cosine = TrainSettings(learning_rate=0.01, schedule="cosine")
    assert [learning_rate(constant, progress) for progress in (0, 0.5, 1)] == [0.01, 0.01, 0.01]
    assert [learning_rate(cosine, progress) for progress in (0, 0.5, 1)] == pytest.approx([0.01, 0.005, 0.0])


def test_the_rate_of_the_steps_schedule_falls_to_a_tenth_after_each() -> None:
    settings = TrainSettings(learning_rate=0.01, schedule="steps", steps=(20, 40, 60), epochs=70)
    rates = [learning_rate(settings, epoch / 70) for epoch in range(70)]
    assert rates == pytest.approx([0.01] * 20 + [0.001] * 20 + [0.0001] * 20 + [0.00001] * 10)


def test_the_rate_reaches_every_group_of_weights() -> None:
    settings = TrainSettings(learning_rate=0.01, schedule="cosine")
    optimiser = make_optimiser(network(), settings)
    set_learning_rate(optimiser, settings, progress=0.5)
    assert [group["lr"] for group in optimiser.param_groups] == pytest.approx([0.005, 0.005])
