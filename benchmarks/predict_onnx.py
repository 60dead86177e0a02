"""ECGs per second through the network alone: torch as `rarebeat predict` runs it, and onnxruntime on the exported file.

Simulated ECGs (12 leads, 10 s at 250 Hz) and random weights; one thread each. Reading and preprocessing, which are the
same for both, are left out: benchmarks/predict.py has them.

    python benchmarks/predict_onnx.py --records 64 --repeats 5
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from predict import write_model
from torch import nn

from rarebeat.core.signals import Int16, output_scale
from rarebeat.inference.gate import ModelInput
from rarebeat.inference.handover.onnx_export import export_onnx
from rarebeat.inference.handover.onnx_model import OnnxModel, ask, open_onnx
from rarebeat.inference.model_folder import load_model
from rarebeat.inference.probabilities import predict_with_features
from rarebeat.models.registry import NETWORKS
from rarebeat.readers.fields import Person
from rarebeat.simulator.clinic import simulate
from rarebeat.simulator.settings import SimulatorSettings


def rate(work: Callable[[], object], ecgs: int) -> tuple[float, float]:
    """ECGs per second, and milliseconds of processor time for each."""
    start, spent = time.perf_counter(), time.process_time()
    work()
    return ecgs / (time.perf_counter() - start), (time.process_time() - spent) / ecgs * 1000


def by_torch(module: nn.Module, signals: Int16, scale: float, batch: int) -> None:
    """Answer ECGs as `rarebeat predict` does, so many at a time."""
    for start in range(0, len(signals), batch):
        predict_with_features(module, signals[start : start + batch], scale)


def by_onnx(model: OnnxModel, inputs: Sequence[ModelInput], batch: int) -> None:
    """Answer ECGs by onnxruntime, so many at a time."""
    for start in range(0, len(inputs), batch):
        chosen = inputs[start : start + batch]
        ask(model, chosen, [Person()] * len(chosen))


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    settings = SimulatorSettings(records=arguments.records, rate=250, seconds=10)
    signals = np.stack([simulate(index, settings).signal[:, :2500] for index in range(arguments.records)])
    print(f"{arguments.records} ECGs, width {arguments.width}, one thread, load {os.getloadavg()[0]:.1f}")
    print(
        "| network | batch | torch: ECGs/s | processor ms | onnxruntime: ECGs/s | processor ms | times less |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name in arguments.networks:
        with tempfile.TemporaryDirectory() as temporary:
            work = Path(temporary)
            write_model(work / "model", name, arguments.width)
            export_onnx(work / "model", work / "model.onnx")
            module, card = load_model(work / "model")
            exported = open_onnx(work / "model.onnx", threads=1)
        inputs = [ModelInput(signal, signal.shape[1], "") for signal in signals]
        scale = output_scale(card.preprocessing)
        for batch in (1, arguments.records):
            ecgs = min(16, arguments.records) if batch == 1 else arguments.records
            ways = (
                partial(by_torch, module, signals[:ecgs], scale, batch),
                partial(by_onnx, exported, inputs[:ecgs], batch),
            )
            for way in ways:
                way()
            pairs = [[rate(way, ecgs) for way in ways] for _ in range(arguments.repeats)]
            (torch_rate, torch_ms), (onnx_rate, onnx_ms) = np.median(pairs, axis=0)
            print(
                f"| {name} | {batch} | {torch_rate:.1f} | {torch_ms:.1f} | {onnx_rate:.1f} | {onnx_ms:.1f} "
                f"| {torch_ms / onnx_ms:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
