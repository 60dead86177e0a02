"""The processes that train one network together: what each of them does, and how they agree.

All of them hold the same data and the same weights, and go through the same steps. Of the examples of a step, each
takes a part; gradients, batch-norm statistics and losses are those of the whole step, whatever the parts are. So a
training on several processes is the training of one, but for rounding.
"""

from dataclasses import dataclass
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

Value = TypeVar("Value")


@dataclass(frozen=True)
class World:
    """The processes of a training, as one of them sees them.

    Attributes:
        rank: of this process, counted from zero over all machines.
        size: how many processes there are.
        fabric: the ``lightning_fabric.Fabric`` that joined them; None for one process.
    """

    rank: int = 0
    size: int = 1
    fabric: Any = None

    @property
    def first(self) -> bool:
        """Whether this process writes, logs and talks: one does."""
        return self.rank == 0

    def device(self, chosen: torch.device) -> torch.device:
        """Where this process computes.

        Args:
            chosen: what the settings say, without the number of a GPU.

        Returns:
            The GPU of this process, where there is one for each; otherwise what is chosen.
        """
        return chosen if self.fabric is None else cast(torch.device, self.fabric.device)

    def part(self, count: int) -> slice:
        """Which of some things in a row this process takes.

        Args:
            count: how many there are.

        Returns:
            As many as every other process takes, or one more or less; all together take each once.

        Example:
            >>> [World(rank, 3).part(8) for rank in range(3)]
            [slice(0, 2, None), slice(2, 5, None), slice(5, 8, None)]
        """
        return slice(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def wrap(self, network: nn.Module) -> nn.Module:
        """Make gradients those of all processes.

        Args:
            network: only its parameters that require gradients now are shared; call this again when others do.

        Returns:
            The network as training steps call it: itself where there is one process.
        """
        return network if self.fabric is None else cast(nn.Module, self.fabric.strategy.setup_module(network))

    def backward(self, loss: Tensor, mine: int, all_of_them: int) -> None:
        """Compute the gradients of the mean over the examples of all processes.

        Args:
            loss: mean over the examples of this process.
            mine: how many these are.
            all_of_them: how many examples the step has.
        """
        if self.size > 1:  # the processes' gradients are averaged, but their parts may differ in size
            loss = loss * (mine * self.size / all_of_them)
        loss.backward()  # type: ignore[no-untyped-call]

    def sum(self, values: Tensor) -> Tensor:
        """Add up what the processes have.

        Args:
            values: of the same shape in all of them; left as it is. No gradient flows through it.

        Returns:
            The sum, equal in all processes.
        """
        if self.size == 1:
            return values
        total = values.detach().clone()
        dist.all_reduce(total)
        return total

    def all(self, fact: bool) -> bool:
        """Whether something holds in every process.

        Args:
            fact: whether it does in this one.
        """
        if self.size == 1:
            return fact
        device = self.device(torch.device("cpu"))
        return int(self.sum(torch.tensor(int(fact), device=device))) == self.size

    def from_first(self, value: Value) -> Value:
        """Take what the first process has.

        Args:
            value: anything that can be pickled; that of the other processes does not matter.

        Returns:
            The first one's.
        """
        return value if self.size == 1 else cast(Value, self.fabric.broadcast(value))

    def gather(self, rows: Tensor, part: slice, count: int) -> Tensor:
        """Put the rows together that each process has computed.

        Args:
            rows: those of this process, shape (k, n).
            part: where they belong.
            count: of all rows.

        Returns:
            Shape (count, n), equal in all processes.
        """
        if self.size == 1:
            return rows
        everything = rows.new_zeros(count, rows.shape[1])
        everything[part] = rows
        return self.sum(everything)


ALONE = World()
"""One process, as most trainings are."""


class _Sum(torch.autograd.Function):
    """A sum over all processes through which gradients flow: what each has of it depends on all."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total


def sum_with_gradient(values: Tensor) -> Tensor:
    """Add up what several processes have, so that a loss in one of them reaches the values of all.

    Args:
        values: of the same shape in all processes.

    Returns:
        The sum, equal in all of them.
    """
    return cast(Tensor, _Sum.apply(values))  # type: ignore[no-untyped-call]
