"""Training steps per second of one network after another, as they come, compiled, and as CUDA graphs.

A step is what :mod:`rarebeat.training.loop` does with a batch that lies on the device: forward, loss, backward,
Adam. Each figure is the median of at least 20 steps after warm-up, on random inputs, timed by events of the device.

    python benchmarks/gpu_steps.py --items '[{"network": "hughes34", "precision": "bf16", "batch": 128}]'
"""

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import torch
from gpu_lines import Deadline, attempt, emit
from torch import Tensor, nn

from rarebeat.core.context import UNKNOWN
from rarebeat.models.layers import arrange
from rarebeat.models.registry import NETWORKS, build
from rarebeat.models.size import flops
from rarebeat.training.losses import sum_of_cross_entropies
from rarebeat.training.precision import autocast
from rarebeat.training.schedule import make_optimiser
from rarebeat.training.settings import TrainSettings

PEAKS = {"fp32": 67e12, "tf32": 494e12, "bf16": 989e12}
"""Dense multiply-adds of an H100 or H200 (SXM) by its data sheet, in floating point operations per second."""

FORWARD_AND_BACKWARD = 3
"""A training step computes each convolution three times: its output, and the gradients of input and weights."""

INPUTS = 3
WARM_UP = 4
STEPS = 20
SECONDS = 0.5  # of timed steps, once there are enough

Step = Callable[[int], object]


@dataclass(frozen=True)
class Item:
    """One measurement.

    Attributes:
        network: a name in :data:`rarebeat.models.registry.NETWORKS`.
        precision: "fp32", "tf32" or "bf16".
        mode: "eager", "graph" (the whole step as a CUDA graph), "compiled" (the network by torch.compile) or
            "compiled graph" (both).
        layout: of the features in memory: "last" (channels last) or "first".
        batch: examples per step.
        cudnn: how convolutions choose their algorithm: "loop" (the fastest that repeats exactly, as in training),
            "any" (the fastest) or "guess" (without a search).
        samples: per lead; 0 takes those of the paper.
        width: of the network; 0 takes that of the paper.
    """

    network: str = "hughes34"
    precision: str = "bf16"
    mode: str = "eager"
    layout: str = "last"
    batch: int = 128
    cudnn: str = "loop"
    samples: int = 0
    width: int = 0


def flops_per_example(network: nn.Module, samples: int) -> float:
    """Floating point operations of one example in training; a multiplication with its addition counts as two."""
    return FORWARD_AND_BACKWARD * flops(network, samples)


def share_of_peak(examples_per_second: float, work: float, precision: str) -> float:
    """Which share of the data sheet's arithmetic is reached.

    >>> share_of_peak(1000, work=98.9e9, precision="bf16")
    0.1
    """
    return examples_per_second * work / PEAKS[precision]


class Training:
    """A network with its optimiser and some random batches, ready to take steps.

    Args:
        item: what is measured.
        device: where.
    """

    def __init__(self, item: Item, device: torch.device) -> None:
        samples = item.samples or NETWORKS[item.network].paper.samples
        classes = NETWORKS[item.network].paper.classes
        torch.manual_seed(0)
        network = build(item.network, classes, samples, {"width": item.width} if item.width else {})
        self.work = flops_per_example(network, samples)
        arrange(network, torch.channels_last if item.layout == "last" else torch.contiguous_format)
        self.network = network.to(device).train()
        self.forward: Callable[..., Tensor] = self.network
        self.optimiser = make_optimiser(self.network, TrainSettings())
        self.device = device
        self.dtype = torch.bfloat16 if item.precision == "bf16" else torch.float32
        self.signals = [torch.randn(item.batch, 12, samples, device=device) for _ in range(INPUTS)]
        chances = torch.full((item.batch, classes), 0.2, device=device)
        self.labels = [torch.bernoulli(chances).to(torch.int8) for _ in range(INPUTS)]
        self.loss = torch.zeros((), device=device)

    def step(self, number: int) -> None:
        """Take one step with one of the batches."""
        with autocast(self.device, self.dtype):
            logits = self.forward(self.signals[number % INPUTS], UNKNOWN)
        loss = sum_of_cross_entropies(logits.float(), self.labels[number % INPUTS])
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.loss = loss.detach()

    def compile(self) -> None:
        """Let torch.compile fuse the network's operations."""
        self.forward = torch.compile(self.network, dynamic=False)

    def captured(self) -> Step:
        """The step as a CUDA graph: one launch instead of several hundred."""
        for group in self.optimiser.param_groups:
            group["capturable"] = True
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for number in range(WARM_UP):
                self.step(number)
        torch.cuda.current_stream().wait_stream(side)
        self.optimiser.zero_grad()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step(0)

        def replay(number: int) -> None:
            if number % INPUTS:  # the graph reads and never writes its inputs: they change with every step
                self.signals[0].copy_(self.signals[number % INPUTS])
                self.labels[0].copy_(self.labels[number % INPUTS])
            graph.replay()

        return replay


def measure(item: Item, device: torch.device, deadline: Deadline) -> dict[str, Any]:
    """Warm up, time, and put into figures."""
    free_memory(device)
    set_up(item)
    start = time.perf_counter()
    training = Training(item, device)
    if "compiled" in item.mode:
        training.compile()
    step = training.captured() if "graph" in item.mode else training.step
    for number in range(WARM_UP):
        step(number)
    synchronise(device)
    ready = time.perf_counter() - start
    milliseconds = timed(step, device, deadline)
    rate = item.batch / statistics.median(milliseconds) * 1000
    facts = {
        "examples_per_second": round(rate, 1),
        "milliseconds": round(statistics.median(milliseconds), 3),
        "fastest": round(min(milliseconds), 3),
        "steps": len(milliseconds),
        "ready_after": round(ready, 2),
        "gflop_per_example": round(training.work / 1e9, 3),
        "loss": float(training.loss),
    }
    if device.type == "cuda":
        facts["gibibytes"] = round(torch.cuda.max_memory_reserved() / 2**30, 2)
        facts["share_of_peak"] = round(share_of_peak(rate, training.work, item.precision), 4)
    return facts


def timed(step: Step, device: torch.device, deadline: Deadline) -> list[float]:
    """Milliseconds of single steps: at least 20 of them, unless they are very slow or the time is up."""
    found: list[float] = []
    end = Deadline(min(SECONDS, deadline.left))
    while len(found) < 3 or (len(found) < 10 * STEPS and end.left):
        if device.type == "cuda":
            events = [_event() for _ in range(STEPS + 1)]
            for number, event in enumerate(events):
                event.record()
                if number < STEPS:
                    step(number)
            torch.cuda.synchronize()
            found += [before.elapsed_time(after) for before, after in pairwise(events)]
        else:
            start = time.perf_counter()
            step(len(found))
            found.append((time.perf_counter() - start) * 1000)
    return found


def _event() -> torch.cuda.Event:
    event: torch.cuda.Event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    return event


def set_up(item: Item) -> None:
    """Set TensorFloat32 and the choice of algorithms for an item."""
    tf32 = item.precision == "tf32"
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = item.cudnn != "guess"
    torch.backends.cudnn.deterministic = item.cudnn == "loop"


def synchronise(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def free_memory(device: torch.device) -> None:
    """Give back what the last measurement held, so that the next one's memory is its own."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def ceilings() -> dict[str, Any]:
    """What this card reaches in a large product and a large copy: the ceilings of everything else."""
    size = 8192
    a, b = (torch.randn(size, size, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    device = torch.device("cuda")
    product = statistics.median(timed(lambda _: torch.mm(a, b), device, Deadline(1)))
    source = torch.randn(2**30, device="cuda", dtype=torch.float32)
    target = torch.empty_like(source)
    copy = statistics.median(timed(lambda _: target.copy_(source), device, Deadline(1)))
    return {
        "card": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "bf16_tflops": round(2 * size**3 / product / 1e9, 1),
        "copy_tb_per_second": round(2 * source.nbytes / copy / 1e9, 3),
    }


def main() -> None:
    """Measure the items in order, as far as the time reaches."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--items", required=True, help="JSON: a list of objects with fields of Item")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda")
    parser.add_argument("--seconds", type=float, default=100)
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    parser.add_argument("--ceilings", action="store_true", help="measure those of the card first")
    options = parser.parse_args()
    deadline = Deadline(options.seconds)
    device = torch.device(options.device)
    torch.set_num_threads(options.threads)
    if options.ceilings:
        attempt("ceilings", {}, ceilings)
    for item in (Item(**fields) for fields in json.loads(options.items)):
        if deadline.left:
            attempt("step", asdict(item), lambda item=item: measure(item, device, deadline))  # type: ignore[misc]
        else:
            emit("skipped", what=asdict(item), why="no time left")


if __name__ == "__main__":
    main()
