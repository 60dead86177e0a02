"""Training speed on a CPU, beside a plain PyTorch loop, and what bf16 does to the AUROC.

The plain loop is what one would write without Rarebeat: the same network of Conv1d layers, in fp32, with the
defaults of PyTorch. All loops take their steps in turn on the same data, so that a busy machine slows all.

    python benchmarks/training.py --width 16 --batch 32 --threads 1 2
    python benchmarks/training.py --auroc 5 --shards data/shards --width 12
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.shards import load_split
from rarebeat.dataset.split import ShardMeta, Split
from rarebeat.models.layers import same_padding
from rarebeat.models.registry import build
from rarebeat.training.loop import EpochReport, train
from rarebeat.training.losses import sum_of_cross_entropies
from rarebeat.training.precision import autocast, cpu_computes_in_bf16
from rarebeat.training.schedule import make_optimiser
from rarebeat.training.settings import ModelSettings, TrainSettings

CLASSES = 24
SCALE = 0.001
CPU = torch.device("cpu")

Step = Callable[[], None]

Precision = Literal["auto", "fp32", "bf16"]  # an older commit has no such name in its settings


class PlainConv(nn.Conv1d):
    """Conv1d with SAME padding."""

    def forward(self, input: Tensor) -> Tensor:
        """Pad and convolve (batch, channels, time)."""
        padding = same_padding(input.shape[-1], self.kernel_size[0], self.stride[0])
        return functional.conv1d(functional.pad(input, padding), self.weight, self.bias, self.stride)


class PlainBlock(nn.Module):
    """A pre-activation block of Conv1d layers."""

    def __init__(self, inputs: int, outputs: int, halve: bool, first: bool) -> None:
        super().__init__()
        self.before = nn.Identity() if first else nn.Sequential(nn.BatchNorm1d(inputs), nn.ReLU())
        self.one = PlainConv(inputs, outputs, 16, 2 if halve else 1)
        self.between = nn.Sequential(nn.BatchNorm1d(outputs), nn.ReLU())
        self.two = PlainConv(outputs, outputs, 16)
        self.halve = nn.MaxPool1d(2, ceil_mode=True) if halve else nn.Identity()
        self.new_channels = outputs - inputs

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, time) to (batch, outputs, time or half of it)."""
        residual = self.two(self.between(self.one(self.before(x))))
        shortcut = functional.pad(self.halve(x), (0, 0, 0, self.new_channels))
        total: Tensor = shortcut + residual
        return total


def plain_network(width: int, samples: int) -> nn.Module:
    """Hughes34 (linear growth) of Conv1d layers."""
    layers: list[nn.Module] = [PlainConv(12, width, 16), nn.BatchNorm1d(width), nn.ReLU()]
    outputs = width
    for block in range(16):
        inputs, outputs = outputs, width * (1 + block // 4)
        layers.append(PlainBlock(inputs, outputs, halve=block % 2 == 1, first=block == 0))
        samples = -(-samples // 2) if block % 2 else samples
    head = [nn.BatchNorm1d(outputs), nn.ReLU(), nn.Flatten(), nn.Linear(outputs * samples, CLASSES)]
    return nn.Sequential(*layers, *head)


def plain_step(width: int, signals: Tensor, labels: Tensor) -> Step:
    """One training step of the plain loop."""
    network = plain_network(width, signals.shape[2])
    optimiser = torch.optim.Adam(network.parameters(), weight_decay=1e-4)
    targets = labels.float()

    def step() -> None:
        optimiser.zero_grad()
        logits = network(signals.float() * SCALE)
        functional.binary_cross_entropy_with_logits(logits, targets).backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return step


def our_step(width: int, signals: Tensor, labels: Tensor, precision: torch.dtype) -> Step:
    """One training step as :mod:`rarebeat.training.loop` takes it."""
    network = build("hughes34", CLASSES, signals.shape[2], {"width": width})
    assert _size(network) == _size(plain_network(width, signals.shape[2])), "the networks must be twins"
    optimiser = make_optimiser(network, TrainSettings())

    def step() -> None:
        with autocast(CPU, precision):
            logits = network(signals.float() * SCALE)
        loss = sum_of_cross_entropies(logits.float(), labels)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return step


def _size(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def random_batch(batch: int, samples: int) -> tuple[Tensor, Tensor]:
    """Signals (batch, 12, samples) and labels (batch, classes)."""
    torch.manual_seed(0)
    signals = torch.randint(-1000, 1000, (batch, 12, samples), dtype=torch.int16)
    return signals, torch.randint(0, 2, (batch, CLASSES), dtype=torch.int8)


def examples_per_second(steps: Sequence[Step], batch: int, repeats: int) -> list[float]:
    """Speed of each step, which take turns (medians)."""
    seconds: list[list[float]] = [[] for _ in steps]
    for repeat in range(repeats + 1):
        for step, times in zip(steps, seconds, strict=True):
            start = time.perf_counter()
            step()
            if repeat:  # the first step prepares the convolutions
                times.append(time.perf_counter() - start)
    return [batch / statistics.median(times) for times in seconds]


def compare_speed(width: int, samples: int, batch: int, repeats: int) -> list[float]:
    """Examples per second of the plain loop, ours in fp32 and ours in bf16."""
    data = random_batch(batch, samples)
    ours = [our_step(width, *data, precision) for precision in (torch.float32, torch.bfloat16)]
    return examples_per_second([plain_step(width, *data), *ours], batch, repeats)


def print_own_speed(arguments: argparse.Namespace) -> None:
    """Print, as JSON, our speed in fp32, and in bf16 where the processor computes in it."""
    torch.set_num_threads(arguments.threads[0])
    # Older trees asked the processor alone, and not whether oneDNN may use what it has.
    native = cpu_computes_in_bf16() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    precisions = {"fp32": torch.float32} | ({"bf16": torch.bfloat16} if native else {})
    data = random_batch(arguments.batch, arguments.samples)
    steps = [our_step(arguments.width, *data, precision) for precision in precisions.values()]
    rates = examples_per_second(steps, arguments.batch, arguments.repeats)
    line = {"name": "training", "unit": "examples/s"}
    print(
        json.dumps(
            [line | {"precision": name, "value": r} for name, r in zip(precisions, rates, strict=True)]
        )
    )


def print_speed(arguments: argparse.Namespace) -> None:
    """Print one row per number of threads."""
    shape = f"width {arguments.width}, 12 x {arguments.samples}, batch {arguments.batch}"
    print(f"hughes34, {shape}; examples/s, medians of {arguments.repeats} alternating steps")
    if not cpu_computes_in_bf16():
        print("(this processor emulates bf16: training would use fp32)")
    print(f"{'threads':>7}  {'plain fp32 conv1d':>17}  {'ours fp32':>16}  {'ours bf16':>16}")
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        plain, fp32, bf16 = compare_speed(
            arguments.width, arguments.samples, arguments.batch, arguments.repeats
        )
        ours = "  ".join(f"{rate:8.1f} ({rate / plain:4.2f}x)" for rate in (fp32, bf16))
        print(f"{threads:>7}  {plain:17.1f}  {ours}")


def synthetic_split(records: int, samples: int, seed: int) -> Split:
    """Spikes in noise with six properties of rhythm and shape to tell apart; no ECG, but of the same kind."""
    random = np.random.default_rng([seed, records])
    labels = (random.random((records, 6)) < 0.25).astype(np.int8)
    labels[:, 1] &= 1 - labels[:, 0]
    signals = random.normal(0, 0.3, (records, 12, samples))
    time_s = np.arange(samples) / 250
    lead = np.linspace(0.3, 1, 12)[:, None]
    for signal, (fast, slow, irregular, no_p, wide, inverted) in zip(signals, labels, strict=True):
        beat = 0.8 * (0.7 if fast else 1.4 if slow else 1.0) * np.exp(random.normal(0, 0.06))
        steps = beat * np.exp(random.normal(0, 0.2 if irregular else 0.03, int(time_s[-1] / beat * 2) + 4))
        since = time_s[:, None] - (np.cumsum(steps) - beat * random.random())
        spikes = np.exp(-0.5 * (since / (0.05 if wide else 0.025)) ** 2).sum(axis=1)
        waves = (0 if no_p else 0.2) * np.exp(-0.5 * ((since + 0.16) / 0.03) ** 2).sum(axis=1)
        gain = lead.copy()
        gain[6] *= -1 if inverted else 1
        signal += gain * spikes + lead * waves
    names = np.array([f"{seed}-{index}" for index in range(records)], dtype=object)
    meta = ShardMeta(tuple("abcdef"), Preprocessing(samples=samples), SCALE, "mV", "synthetic")
    return Split(np.rint(signals / SCALE).astype(np.int16), labels, names, names, names, meta)


def final_auroc(splits: Sequence[Split], width: int, settings: TrainSettings) -> float:
    """Validation AUROC after the last epoch."""
    reports: list[EpochReport] = []
    classes = splits[0].meta.classes
    with tempfile.TemporaryDirectory() as folder:
        model = ModelSettings("hughes34", {"width": width})
        train(splits[0], splits[1], classes, model, settings, Path(folder), reports.append)
    return reports[-1].validation_auroc or float("nan")


def print_auroc(arguments: argparse.Namespace) -> None:
    """Train with the same seeds in both precisions and print one row per precision."""
    if arguments.shards:
        splits = [load_split(arguments.shards, name) for name in ("train", "validation")]
        origin = str(arguments.shards)
    else:
        splits = [synthetic_split(count, arguments.samples, seed) for seed, count in enumerate((600, 300))]
        origin = "a synthetic task"
    settings = TrainSettings(
        epochs=arguments.epochs, batch=arguments.batch, threads=arguments.threads[0], device="cpu"
    )
    found: dict[Precision, list[float]] = {"fp32": [], "bf16": []}
    for seed in range(arguments.auroc):
        for precision, values in found.items():
            values.append(
                final_auroc(splits, arguments.width, replace(settings, seed=seed, precision=precision))
            )
    print(f"validation AUROC on {origin}: {len(splits[0])} records, width {arguments.width}, ", end="")
    print(f"{arguments.epochs} epochs, {arguments.auroc} seeds; mean and standard deviation")
    difference = [b - a for a, b in zip(found["fp32"], found["bf16"], strict=True)]
    for name, values in (*found.items(), ("bf16 - fp32", difference)):
        spread = statistics.stdev(values) if len(values) > 1 else float("nan")
        print(f"{name:>11}  {statistics.mean(values):7.4f}  {spread:.4f}")


def main() -> None:
    """Parse the command line and print the tables asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--width", type=int, default=16, help="channels of the first blocks")
    parser.add_argument("--samples", type=int, default=2500, help="per lead")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--repeats", type=int, default=7, help="timed steps of each loop")
    parser.add_argument("--auroc", type=int, metavar="SEEDS", help="compare the AUROC instead of the speed")
    parser.add_argument("--shards", type=Path, help="folder written by prepare (default: a synthetic task)")
    parser.add_argument("--epochs", type=int, default=10, help="of the AUROC comparison")
    parser.add_argument("--json", action="store_true", help="only Rarebeat's own speed, for speed.py")
    arguments = parser.parse_args()
    if arguments.json:
        print_own_speed(arguments)
    elif arguments.auroc:
        print_auroc(arguments)
    else:
        print_speed(arguments)


if __name__ == "__main__":
    main()
