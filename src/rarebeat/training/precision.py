"""Where and how exactly the arithmetic of a training runs."""

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from rarebeat.core.errors import ParamsError
from rarebeat.training.settings import Precision, TrainSettings

WORTH_COMPILING = 1_000_000
"""Examples in all epochs from which the minute that compiling takes on a GPU is won back."""

BF16_TOLERANCE = 0.02
"""How far losses and gradients in bf16 may lie from those in fp32, relative to them; its mantissa has 8 bits."""

_TIMED = 2  # steps of each precision, after one that warms up


def choose_device(name: str) -> torch.device:
    """Choose where to compute.

    Args:
        name: "cpu", "cuda" or "auto" (CUDA where there is a GPU).

    Returns:
        The device.

    Raises:
        ParamsError: when CUDA is asked for and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise ParamsError("train.device is cuda, but torch sees no GPU: set it to auto or cpu")
    return torch.device(name)


def choose_precision(name: Precision, device: torch.device) -> torch.dtype:
    """Choose the type in which convolutions are computed.

    Args:
        name: "fp32", "bf16" or "auto" (bf16 where the processor computes in it).
        device: where they are computed.

    Returns:
        torch.float32 or torch.bfloat16.
    """
    if name == "auto":
        native = torch.cuda.is_bf16_supported(False) if device.type == "cuda" else cpu_computes_in_bf16()
        name = "bf16" if native else "fp32"
    return torch.bfloat16 if name == "bf16" else torch.float32


def cpu_computes_in_bf16() -> bool:
    """Tell whether convolutions on this processor use instructions for bf16.

    Without them, bf16 is emulated and slower than fp32. The processor must have them, and oneDNN, which computes
    the convolutions, must be allowed to use them: ONEDNN_MAX_CPU_ISA=AVX2 forbids it.
    """
    capabilities = torch.cpu.get_capabilities()
    if not (capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")):
        return False
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def doubts_about_bf16(
    network: nn.Module, forward: Callable[[nn.Module], Tensor], device: torch.device
) -> list[str]:
    """Compare a step in bf16 with one in fp32, since some builds of torch compute wrong or slowly in bf16.

    Args:
        network: stays as it is.
        forward: from a network to its loss on one batch.
        device: where the network is.

    Returns:
        What is wrong, in words: a loss that differs by more than :data:`BF16_TOLERANCE`, or steps that take longer.

    Example:
        >>> layer = nn.Linear(3, 1)
        >>> def forward(network):
        ...     return network(torch.ones(2, 3)).sum() * float("nan")
        >>> doubts_about_bf16(layer, forward, torch.device("cpu"))
        ['the loss of a batch is nan in bf16 and nan in fp32']
    """
    losses: dict[torch.dtype, float] = {}
    seconds: dict[torch.dtype, float] = {}
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        for precision in (torch.float32, torch.bfloat16):
            trial = copy.deepcopy(network).train()
            for step in range(1 + _TIMED):
                torch.manual_seed(0)  # the same dropout
                start = time.perf_counter()
                with autocast(device, precision):
                    loss = forward(trial)
                loss.backward()  # type: ignore[no-untyped-call]
                value = loss.item()
                if step == 0:
                    losses[precision] = value
                else:
                    taken = time.perf_counter() - start
                    seconds[precision] = min(taken, seconds.get(precision, taken))
    exact, rounded = losses[torch.float32], losses[torch.bfloat16]
    found = []
    if not abs(rounded - exact) <= BF16_TOLERANCE * abs(exact):
        found.append(f"the loss of a batch is {rounded:.4g} in bf16 and {exact:.4g} in fp32")
    elif seconds[torch.bfloat16] > seconds[torch.float32]:
        slower = seconds[torch.bfloat16] / seconds[torch.float32]
        found.append(f"a step takes {slower:.1f} times as long in bf16 as in fp32")
    return found


def autocast(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """Make a context in which convolutions run in some precision; the weights stay in fp32.

    Args:
        device: where they run.
        precision: torch.float32 or torch.bfloat16.

    Returns:
        The context manager.
    """
    return torch.autocast(device.type, precision, enabled=precision != torch.float32)


def compiled(network: nn.Module, settings: TrainSettings, device: torch.device, examples: int) -> nn.Module:
    """The network as training steps call it: compiled where that is wanted, on CUDA as CUDA graphs.

    A step of these networks is several hundred small kernels, and launching them one by one takes longer than they do.
    Where several processes train together, it is not compiled: batch norm waits for the others inside it.

    Args:
        network: to train.
        settings: of the training.
        device: where the network is.
        examples: those of all epochs together.

    Returns:
        The network itself, or a module that shares its weights.
    """
    gpu = device.type == "cuda"
    auto = gpu and examples >= WORTH_COMPILING and settings.devices * settings.nodes == 1
    if settings.compile == "off" or (settings.compile == "auto" and not auto):
        return network
    mode = "reduce-overhead" if gpu else "default"
    return torch.compile(network, dynamic=False, mode=mode)  # type: ignore[return-value]


@contextmanager
def backends(device: torch.device, threads: int | None) -> Iterator[None]:
    """Set torch up for a training, and back afterwards.

    On CUDA: TensorFloat32 for what is left in fp32, and the fastest of those algorithms of cuDNN that repeat
    exactly. On a CPU only the number of threads is set: every operation used there repeats exactly.

    Args:
        device: where the training runs.
        threads: of the CPU; None leaves it to torch.

    Yields:
        Nothing.
    """
    before = torch.get_num_threads()
    matmul = torch.get_float32_matmul_precision()
    cudnn = torch.backends.cudnn
    flags = cudnn.benchmark, cudnn.deterministic
    if threads is not None:
        torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
        cudnn.benchmark, cudnn.deterministic = True, True
    try:
        yield
    finally:
        torch.set_num_threads(before)
        torch.set_float32_matmul_precision(matmul)
        cudnn.benchmark, cudnn.deterministic = flags
