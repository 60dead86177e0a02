"""Steps of Muon are level, as large as Adam's, and repeat."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from rarebeat.training.muon import Muon, as_matrix, levelled
from rarebeat.training.schedule import convolutions, make_optimiser
from rarebeat.training.settings import TrainSettings

MUON = TrainSettings(optimiser="muon", learning_rate=0.01, l2=0.0)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(2, 3, (1, 4)), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(15, 2))
    return layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def filters(module: nn.Module) -> nn.Parameter:
    """The weights of its convolution."""
    return next(module.parameters())


def step(module: nn.Module, optimiser: torch.optim.Optimizer, seed: int = 0) -> None:
    x = torch.randn(5, 2, 1, 8, generator=torch.Generator().manual_seed(seed))
    optimiser.zero_grad()
    module(x).square().sum().backward()
    optimiser.step()


@pytest.mark.parametrize("shape", [(16, 192), (64, 1024), (40, 8), (1, 7), (5, 5)])
def test_singular_values_become_about_one_and_directions_stay(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    (found,) = levelled([matrix])
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    values = left.T @ found @ right.T
    assert values.diagonal().min() > 0.65
    assert values.diagonal().max() < 1.25
    torch.testing.assert_close(values, torch.diag(values.diagonal()), atol=1e-4, rtol=0)


def plainly_levelled(matrix: Tensor) -> Tensor:
    """The iteration as Jordan et al. write it, on the matrix itself."""
    x: Tensor = matrix.double() / matrix.norm()
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x


def test_the_iteration_is_the_one_of_jordan_et_al() -> None:
    generator = torch.Generator().manual_seed(2)
    matrices = [torch.randn(shape, generator=generator) for shape in ((8, 20), (4, 4), (8, 30))]
    matrices[0][3] = matrices[0][2]  # a singular value of 0
    for found, matrix in zip(levelled(matrices), matrices, strict=True):
        torch.testing.assert_close(found.double(), plainly_levelled(matrix), rtol=1e-4, atol=1e-5)


def test_zeros_stay_zeros_and_leave_others_alone() -> None:
    other = torch.randn(3, 6, generator=torch.Generator().manual_seed(3))
    nothing, beside = levelled([torch.zeros(3, 6), other])
    assert not nothing.any()
    torch.testing.assert_close(beside, levelled([other])[0])


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_a_weight_is_seen_as_a_matrix_in_its_own_memory(memory_format: torch.memory_format) -> None:
    weight = torch.randn(3, 2, 1, 4).contiguous(memory_format=memory_format)
    matrix = as_matrix(weight)
    matrix[1] = 0
    assert not weight[1].any()
    assert weight[0].all()
    assert as_matrix(torch.randn(3, 2, 4)).shape == (3, 8)


def test_steps_have_about_the_size_of_adams() -> None:
    module = network()
    weight = filters(module)
    before = weight.detach().clone()
    step(module, make_optimiser(module, MUON))
    change = (weight - before).square().mean().sqrt() / 0.01
    assert 0.1 < change < 0.3  # 0.2 where all singular values are 1


def test_all_but_convolutions_take_steps_of_adam() -> None:
    levelled_one, plain = network(), network()
    step(levelled_one, make_optimiser(levelled_one, MUON))
    step(plain, torch.optim.Adam(plain.parameters(), lr=0.01))
    for (name, found), (_, expected) in zip(
        levelled_one.named_parameters(), plain.named_parameters(), strict=True
    ):
        assert torch.allclose(found, expected, atol=1e-6) == (name != "0.weight"), name


def test_heads_and_grouped_convolutions_are_left_to_adam() -> None:
    module = nn.Module()
    module.trunk = nn.Sequential(
        nn.Conv1d(2, 4, 3), nn.Conv1d(4, 4, 3, groups=4), nn.ConvTranspose1d(4, 2, 3)
    )
    module.heads = nn.Conv1d(2, 5, 1)
    module.tokens = nn.Parameter(torch.zeros(1, 3, 4))
    names = {name for name, weight in module.named_parameters() if weight in convolutions(module)}
    assert names == {"trunk.0.weight"}


def test_a_stored_optimiser_goes_on_as_it_would_have() -> None:
    module = network()
    optimiser = make_optimiser(module, MUON)
    step(module, optimiser)
    again = copy.deepcopy(module)
    resumed = make_optimiser(again, MUON)
    resumed.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    for seed in (1, 2):
        step(module, optimiser, seed)
        step(again, resumed, seed)
    for one, other in zip(module.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_l2_reaches_heads_alone() -> None:
    module = network()
    before = {name: value.clone() for name, value in module.named_parameters()}
    optimiser = make_optimiser(module, replace(MUON, l2=0.3))
    for weight in module.parameters():
        weight.grad = torch.zeros_like(weight)
    optimiser.step()
    moved = {name for name, value in module.named_parameters() if not torch.equal(value, before[name])}
    assert moved == {"3.weight"}


def test_weights_without_a_gradient_stay() -> None:
    module = network()
    optimiser = make_optimiser(module, MUON)
    assert isinstance(optimiser, Muon)
    weight = filters(module)
    weight.requires_grad_(False)
    before = weight.clone()
    step(module, optimiser)
    assert torch.equal(weight, before)


def test_a_closure_is_called_with_gradients() -> None:
    module = network()
    optimiser = make_optimiser(module, MUON)

    def loss() -> Tensor:
        found: Tensor = module(torch.ones(5, 2, 1, 8)).square().sum()
        found.backward()  # type: ignore[no-untyped-call]
        return found

    before = filters(module).detach().clone()
    assert optimiser.step(loss).item() > 0
    assert not torch.equal(filters(module), before)
