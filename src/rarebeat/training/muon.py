"""Muon: steps that go equally far in every direction of a convolution's weights.

The gradient of a convolution lies mostly in a few directions that many filters share. Adam, which scales each number on
its own, follows them; Muon takes the running mean of the gradient, as a matrix with a row for each filter, and levels
its singular values, so that directions in which little has happened are learnt as fast. In as many epochs
``hughes34`` learns more with it (docs/experiments.md#the-optimiser). What is no convolution (heads, biases, batch norm)
is left to Adam.

Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon; the size of the steps, which lets Muon and Adam
share a learning rate, is that of Liu et al. 2025, arXiv 2502.16982, section 2.2.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

MOMENTUM = 0.9
"""Share of the running mean of the gradients that a step keeps: Adam's. Jordan et al. take 0.95, for more steps."""
STEP = 0.2
"""Root mean square of a step's entries, in learning rates: about that of Adam's."""

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # those of Jordan et al.: steepest at singular values near 0
_ITERATIONS = 5


class Muon(torch.optim.Adam):
    """Muon for the groups of parameters that have a true ``levelled``, Adam for the others.

    Args:
        groups: of parameters, as an optimiser of PyTorch takes them. Muon's have no ``weight_decay``: coupled to a
            gradient that is levelled, it would act at full length wherever nothing is left to learn.
        lr: learning rate of the groups that have none of their own.
    """

    def __init__(self, groups: Sequence[dict[str, Any]], lr: float) -> None:
        super().__init__(groups, lr=lr, fused=True)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change the parameters that have gradients; those of Muon's groups are used up."""
        result = None
        if closure is not None:
            with torch.enable_grad():
                result = closure()
        for group in self.param_groups:
            if group.get("levelled"):
                self._level([weight for weight in group["params"] if weight.grad is not None], group)
        super().step()  # passes over parameters without a gradient
        return result

    def _level(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        """Take a step of Muon."""
        directions = [self._direction(weight) for weight in weights]
        for weight, step in zip(weights, levelled(list(map(as_matrix, directions))), strict=True):
            size = STEP * max(step.shape) ** 0.5
            as_matrix(weight).sub_(step, alpha=group["lr"] * size)
            weight.grad = None

    def _direction(self, weight: Tensor) -> Tensor:
        """The gradient, mixed with the running mean of those before (Nesterov's momentum)."""
        gradient = weight.grad
        assert gradient is not None
        state = self.state[weight]
        if not state:
            state["step"] = torch.zeros(())  # Adam asks for one where a state is loaded
            state["mean"] = torch.zeros_like(weight)
        state["step"] += 1
        state["mean"].lerp_(gradient, 1 - MOMENTUM)
        mixed: Tensor = state["mean"].lerp(gradient, 1 - MOMENTUM)  # in the layout of the weight
        return mixed


def as_matrix(weight: Tensor) -> Tensor:
    """View the weights of a convolution as a matrix with a row for each filter.

    Args:
        weight: shape (filters, channels, height, taps), or (filters, channels, taps).

    Returns:
        Shape (filters, the rest); shares memory with the weight, in PyTorch's layout and in channels-last.
    """
    rows = weight.movedim(1, -1) if weight.stride(1) == 1 else weight
    return rows.view(len(weight), -1)  # never a copy


def levelled(matrices: Sequence[Tensor]) -> list[Tensor]:
    """Bring the singular values of matrices near 1: U S V' becomes about U V'.

    The iteration of Newton and Schulz is a polynomial in the product of the matrix with its transpose, so it is done
    with that smaller matrix, for all of one size at once. An eigenvalue that rounding has made negative grows with each
    step, one of a thousandth beyond all bounds: on a GPU, where products may be rounded to TF32, it is done in fp64.

    Args:
        matrices: each of two dimensions.

    Returns:
        Matrices of the same shapes and types; singular values lie between 0.65 and 1.25 unless they were below about
        0.003 of the root of the sum of all squared; zeros stay zeros.
    """
    found: dict[int, Tensor] = {}
    wide = [matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T for matrix in matrices]
    for rows in dict.fromkeys(len(matrix) for matrix in wide):
        members = [index for index, matrix in enumerate(wide) if len(matrix) == rows]
        for index, factor in zip(members, _factors([wide[index] for index in members]), strict=True):
            found[index] = factor.to(wide[index].dtype) @ wide[index]
    return [
        found[index] if matrix.shape[0] <= matrix.shape[1] else found[index].T
        for index, matrix in enumerate(matrices)
    ]


def _factors(matrices: Sequence[Tensor]) -> Tensor:
    """What levels each matrix when multiplied from the left; all have as many rows.

    Returns:
        Shape (matrices, rows, rows).
    """
    first, second, third = _COEFFICIENTS
    precise = torch.float64 if matrices[0].is_cuda else matrices[0].dtype
    gram = torch.stack([matrix @ matrix.T for matrix in (each.to(precise) for each in matrices)])
    squared = gram.diagonal(dim1=1, dim2=2).sum(dim=1)[:, None, None].clamp(min=1e-30)
    gram = gram / squared
    one = torch.eye(gram.shape[1], dtype=precise, device=gram.device)
    factor = squared.rsqrt() * one
    for _ in range(_ITERATIONS):
        polynomial = torch.baddbmm(first * one + second * gram, gram, gram, alpha=third)
        factor = polynomial @ factor
        gram = polynomial @ gram @ polynomial
    return factor
