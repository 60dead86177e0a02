"""Does the GPU compute what the CPU computes? Losses, gradients, single layers, and a training that is resumed.

Everything is held against the CPU in fp64. The gradient of a deep network with ReLUs and max-pooling is no witness:
a rounding error decides on which side of zero an input falls, and the CPU's own fp32 is up to 2 % away from its fp64,
its bf16 half. So each network is also checked as its smooth twin, the same but for SiLU in the place of ReLU and
means in the place of maxima: there fp32 agrees to 1e-4. In bf16 the rounding of 34 layers adds up to some
per cent on any processor: an error counts beside that of the CPU's own bf16.

    python benchmarks/gpu_checks.py --device cuda
"""

import argparse
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gpu_lines import Deadline, attempt, emit
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from rarebeat.core.context import Context, persons
from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.split import ShardMeta, Split
from rarebeat.models.registry import NETWORKS, build
from rarebeat.training.loop import EpochReport, train
from rarebeat.training.losses import sum_of_cross_entropies
from rarebeat.training.precision import autocast
from rarebeat.training.settings import ModelSettings, TrainSettings

LIMITS = {"fp32": 1e-3, "bf16": 2e-2}
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
CLASSES = 24
CPU = torch.device("cpu")


def relative(found: Tensor, reference: Tensor) -> float:
    """Euclidean norm of the difference, as a share of the reference's norm."""
    found, reference = found.detach().cpu().double(), reference.detach().cpu().double()
    return float((found - reference).norm() / reference.norm().clamp(min=1e-300))


def fresh(name: str, samples: int, small: bool) -> nn.Module:
    """A network with weights from seed 0 and no dropout, at its paper's width or narrow."""
    fields = NETWORKS[name].settings.__dataclass_fields__
    settings: dict[str, Any] = {"dropout": 0.0} if "dropout" in fields else {}
    torch.manual_seed(0)
    return build(name, CLASSES, samples, settings | ({"width": 16} if small else {}))


def random_batch(batch: int, samples: int, padded: bool) -> tuple[Tensor, Context, Tensor]:
    """Smooth random signals of persons of different ages, with random labels; of different lengths if padded."""
    draw = torch.Generator().manual_seed(1)
    signals = torch.randn(batch, 12, samples, generator=draw).cumsum(2) * 0.1
    signals = signals - signals.mean(2, keepdim=True)
    context = persons([20.0 + n for n in range(batch)], ["female", "male"] * (batch // 2))
    labels = (torch.rand(batch, CLASSES, generator=draw) < 0.2).to(torch.int8)
    if not padded:
        return signals, context, labels
    lengths = torch.randint(samples // 2, samples + 1, (batch,), generator=draw)
    known = torch.arange(samples) < lengths[:, None, None]
    return signals * known, replace(context, lengths=lengths), labels


class Smooth(TorchFunctionMode):
    """Within it, ReLU is SiLU, and a maximum is a mean."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call a function of torch, or its smooth twin."""
        named = kwargs or {}
        match getattr(func, "__name__", ""):
            case "relu" | "relu_":
                return functional.silu(args[0])
            case "max_pool2d":
                given: list[Any] = [*args, *(None, 0, 1, False)[len(args) - 2 :]]
                image, kernel, stride, padding, _, ceil = given
                return functional.avg_pool2d(image, kernel, stride, padding, named.get("ceil_mode", ceil))
            case "amax":
                return args[0].mean(*args[1:], **named)
            case _:
                return func(*args, **named)


def loss_and_gradient(
    network: nn.Module, batch: tuple[Tensor, Context, Tensor], device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """The loss of a batch, and the gradient of all weights as one vector, in fp64 or under autocast."""
    exact = dtype == torch.float64
    signals, context, labels = batch
    network = deepcopy(network).to(device, torch.float64 if exact else torch.float32).train()
    context = context.batch(slice(None), device)
    signals = signals.to(device, torch.float64 if exact else torch.float32)
    with autocast(device, torch.float32 if exact else dtype):
        logits = network(signals, context)
    loss = sum_of_cross_entropies(logits if exact else logits.float(), labels.to(device))
    loss.backward()  # type: ignore[no-untyped-call]
    parts = [
        weight.grad.flatten().cpu().double() for weight in network.parameters() if weight.grad is not None
    ]
    return loss, torch.cat(parts)


def check_network(name: str, device: torch.device, small: bool, smooth: bool = False) -> None:
    """Print the errors of a network's loss and gradient in each precision."""
    samples, batch = (384, 4) if small else (NETWORKS[name].paper.samples, 4)
    network = fresh(name, samples, small)
    data = random_batch(batch, samples, padded=name == "global_skip")

    def compute(device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        with Smooth() if smooth else nullcontext():
            return loss_and_gradient(network, data, device, dtype)

    exact = compute(CPU, torch.float64)

    def errors(precision: str) -> dict[str, Any]:
        own = compute(CPU, DTYPES[precision])
        found = compute(device, DTYPES[precision]) if device != CPU else own
        limit = LIMITS[precision]
        loss, gradient, of_cpu = (
            relative(found[0], exact[0]),
            *(relative(g, exact[1]) for _, g in (found, own)),
        )
        facts = {"loss": loss, "gradient": gradient, "gradient_of_cpu": of_cpu, "limit": limit}
        if device != CPU:
            facts["loss_against_cpu"] = relative(found[0], own[0])
            facts["gradient_against_cpu"] = relative(found[1], own[1])
        near = gradient < max(limit, 1.5 * of_cpu) if smooth else True  # see above: else it is no witness
        return facts | {"within_limit": gradient < limit, "passed": loss < limit and near}

    for precision in DTYPES:
        what = {"network": name, "precision": precision, "device": device.type, "samples": samples}
        kind = "smooth" if smooth else "network"
        attempt(kind, what, lambda precision=precision: errors(precision))  # type: ignore[misc]


def check_smooth(name: str, device: torch.device, small: bool) -> None:
    """Print the errors of the smooth twin of a network."""
    check_network(name, device, small, smooth=True)


def layers_of(network: nn.Module, samples: int) -> dict[str, tuple[nn.Module, tuple[int, ...]]]:
    """One of each kind of layer with weights, by its description, with the shape of its input."""
    found: dict[str, tuple[nn.Module, tuple[int, ...]]] = {}

    def note(layer: nn.Module, inputs: tuple[Tensor, ...], _: Tensor) -> None:
        shape = tuple(inputs[0].shape[1:])
        found.setdefault(f"{layer} of {shape}", (layer, shape))

    kinds = (nn.Conv2d, nn.BatchNorm2d, nn.Linear)
    hooks = [layer.register_forward_hook(note) for layer in network.modules() if isinstance(layer, kinds)]
    with torch.no_grad():
        network.eval()(torch.randn(2, 12, samples))
    for hook in hooks:
        hook.remove()
    return found


def layer_error(layer: nn.Module, shape: tuple[int, ...], device: torch.device, dtype: torch.dtype) -> float:
    """The largest of the errors of a layer's output and of its gradients, with a random input."""
    draw = torch.Generator().manual_seed(2)
    given = torch.randn(4, *shape, generator=draw).to(dtype)  # rounded for both sides
    if len(shape) == 3:
        given = given.to(memory_format=torch.channels_last)

    def run(device: torch.device, dtype: torch.dtype) -> list[Tensor]:
        exact = dtype == torch.float64
        copy = deepcopy(layer).to(device, torch.float64 if exact else torch.float32).train()
        x = given.to(device, torch.float64 if exact else torch.float32, copy=True).requires_grad_()
        with autocast(device, torch.float32 if exact else dtype):
            y = copy(x)
        weight = torch.randn(y.shape, generator=torch.Generator().manual_seed(3))
        y.backward(weight.to(dtype).to(y))
        return [y, x.grad, *(weight.grad for weight in copy.parameters())]

    return max(map(relative, run(device, dtype), run(CPU, torch.float64)))


def check_layers(name: str, device: torch.device, small: bool) -> None:
    """Print the worst layer of a network in each precision."""
    samples = 384 if small else NETWORKS[name].paper.samples
    layers = layers_of(fresh(name, samples, small), samples)

    def worst(precision: str) -> dict[str, Any]:
        errors = {key: layer_error(*layer, device, DTYPES[precision]) for key, layer in layers.items()}
        key = max(errors, key=lambda one: errors[one])
        passed = errors[key] < LIMITS[precision]
        return {"layers": len(errors), "error": errors[key], "layer": key, "passed": passed}

    for precision in DTYPES:
        what = {"network": name, "precision": precision, "device": device.type}
        attempt("layers", what, lambda precision=precision: worst(precision))  # type: ignore[misc]


def noise_split(records: int, samples: int, seed: int) -> Split:
    """Noise in which a slow wave marks the one class; enough for a training to have something to do."""
    random = np.random.default_rng(seed)
    labels = (random.random((records, 1)) < 0.5).astype(np.int8)
    wave = 500 * np.sin(np.arange(samples) / 8)
    signals = random.normal(0, 200, (records, 12, samples)) + labels[:, :, None] * wave
    names = np.array([f"{seed}-{n}" for n in range(records)], dtype=object)
    meta = ShardMeta(("wave",), Preprocessing(samples=samples), 0.001, "mV", "wave")
    return Split(np.rint(signals).astype(np.int16), labels, names, names, names, meta)


class _StoppedError(Exception):
    pass


def check_resumed(device: torch.device) -> dict[str, Any]:
    """How far a training that was stopped after two of four epochs ends from one that was not."""
    splits = noise_split(64, 128, 0), noise_split(32, 128, 1)
    settings = TrainSettings(epochs=4, batch=16, device=device.type, compile="off")  # type: ignore[arg-type]

    def weights(folder: str, on_epoch: Callable[[EpochReport], None]) -> Tensor:
        model = ModelSettings("hughes34", {"width": 8})
        network = train(*splits, ("wave",), model, settings, Path(folder), on_epoch)
        return torch.cat([value.flatten().cpu().double() for value in network.state_dict().values()])

    def stop(report: EpochReport) -> None:
        if report.epoch == 2:
            raise _StoppedError

    with tempfile.TemporaryDirectory() as whole, tempfile.TemporaryDirectory() as halves:
        straight = weights(whole, lambda report: None)
        try:
            weights(halves, stop)
        except _StoppedError:
            resumed = weights(halves, lambda report: None)
    error = relative(resumed, straight)
    return {"error": error, "equal": bool((resumed == straight).all()), "passed": error < LIMITS["fp32"]}


def main() -> None:
    """Run the checks, the whole networks first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda")
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    parser.add_argument("--small", action="store_true", help="narrow networks and short signals")
    options = parser.parse_args()
    deadline = Deadline(options.seconds)
    device = torch.device(options.device)
    torch.set_num_threads(options.threads)
    torch.backends.cudnn.allow_tf32 = False  # fp32 means fp32 here
    emit("compared", cuda=device.type == "cuda", reference="cpu fp64", classes=CLASSES)
    for check in (check_smooth, check_network, check_layers):
        for name in NETWORKS:
            if deadline.left:
                check(name, device, options.small)
            else:
                emit("skipped", what=f"{check.__name__} {name}", why="no time left")
        if check is check_smooth:  # what matters most first
            attempt("resumed", {"device": device.type}, lambda: check_resumed(device))


if __name__ == "__main__":
    main()
