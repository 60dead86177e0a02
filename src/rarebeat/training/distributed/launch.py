"""Starting the processes of a training, joining them, and ending them together, with one message.

They are started by ``torchrun``, by Slurm's ``srun``, or by the command itself: on one machine, and from inside a Slurm
job on all of its machines. Whoever started them, they join in the same way.
"""

import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import torch
import torch.distributed as dist

from rarebeat.core.errors import ParamsError, RarebeatError, need
from rarebeat.core.parallel import core_count
from rarebeat.dataset.memory import streams
from rarebeat.dataset.remote import Folder
from rarebeat.models.own import is_own
from rarebeat.training.distributed.world import ALONE, World
from rarebeat.training.precision import choose_device
from rarebeat.training.settings import ModelSettings, TrainSettings

PATIENCE = timedelta(minutes=10)
"""How long a process waits for the others at a step: one that ends is noticed at once, one that hangs by this alone."""

STARTED_BY = "RAREBEAT_STARTED_BY"
"""The environment variable with the id of the process that started this one, where a training did that itself."""

_LOST = re.compile(r"gloo|nccl|connection (closed|reset|refused)|broken pipe|processgroup|timed? ?out", re.I)


def started(environment: Mapping[str, str] = os.environ) -> tuple[int, int] | None:
    """Tell whether this process is one of several that something has started.

    Args:
        environment: its variables.

    Returns:
        Its rank and the number of processes; None for a process on its own.

    Example:
        >>> started({"TORCHELASTIC_RUN_ID": "x", "RANK": "1", "WORLD_SIZE": "4"})
        (1, 4)
        >>> started({"SLURM_PROCID": "0", "SLURM_NTASKS": "4"}) is None  # an sbatch script, outside of srun
        True
    """
    if "TORCHELASTIC_RUN_ID" in environment:
        return int(environment["RANK"]), int(environment["WORLD_SIZE"])
    tasks = int(environment.get("SLURM_STEP_NUM_TASKS", "1"))
    return (int(environment["SLURM_PROCID"]), tasks) if tasks > 1 else None


def start_processes(settings: TrainSettings) -> bool:
    """Run this command again in as many processes as the settings ask for, and wait for them.

    Args:
        settings: of the training.

    Returns:
        Whether that was done, so that nothing is left to do; False in a process that is to train itself.

    Raises:
        ParamsError: when the settings ask for another number of processes than were started, for more GPUs than there
            are, or for several machines where nothing can start processes there.
        RarebeatError: when Lightning Fabric is not installed; when a process was killed.
    """
    wanted, found = settings.devices * settings.nodes, started()
    asked = f"train.devices {settings.devices} times train.nodes {settings.nodes}"
    if found is not None and found[1] != wanted:
        raise ParamsError(f"{found[1]} processes were started, but {asked} makes {wanted}: make them equal")
    if wanted == 1:
        return False
    need("lightning_fabric", f"{asked}, a training on several processes,", "scale")
    device = choose_device(settings.device)
    if device.type == "cuda" and settings.nodes == 1 and settings.devices > torch.cuda.device_count():
        raise ParamsError(
            f"train.devices is {settings.devices}, but torch sees {torch.cuda.device_count()} GPUs"
        )
    if found is not None:
        return False
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # no stack of C++ where another process has ended
    if settings.nodes == 1:
        _start_here(settings.devices)
    elif "SLURM_JOB_ID" in os.environ and shutil.which("srun"):
        _start_by_slurm(settings)
    else:
        raise ParamsError(
            f"train.nodes is {settings.nodes}: start the processes with torchrun on every machine, or from inside a "
            "Slurm job; docs/scale.md shows both"
        )
    return True


def _start_here(devices: int) -> None:
    """Start processes on this machine; when one ends, the others are ended, too."""
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, core_count() // devices)))
    os.environ[STARTED_BY] = str(os.getpid())
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=devices,
        run_id=uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="127.0.0.1",
        max_restarts=0,
        monitor_interval=0.2,
    )
    try:
        elastic_launch(config, sys.executable)(*sys.orig_argv[1:])
    except SignalException as error:
        if error.sigval == signal.SIGINT:
            raise KeyboardInterrupt from None
        sys.exit(128 + error.sigval)
    except ChildFailedError as error:
        codes = {rank: one.exitcode for rank, one in error.failures.items()}
        if (message := killed_message(codes, devices)) is not None:
            raise RarebeatError(message) from None
        sys.exit(max(codes.values()))  # a process has told why


def killed_message(codes: Mapping[int, int], processes: int) -> str | None:
    """Say which process of a training was killed.

    Args:
        codes: rank to exit code of the processes that failed; minus the number of the signal that ended one.
        processes: how many there were.

    Returns:
        The message; None where none was killed but those that were ended because another one failed.

    Example:
        >>> killed_message({0: -15, 1: -9}, 2)[:60]
        'process 2 of 2 of the training was ended by SIGKILL, probabl'
        >>> killed_message({0: -15, 1: 2}, 2) is None
        True
    """
    killed = {rank: -code for rank, code in sorted(codes.items()) if code < 0}
    cause = next((rank for rank, number in killed.items() if number != signal.SIGTERM), None)
    if cause is None and len(killed) == len(codes):
        cause = next(iter(killed), None)
    if cause is None:
        return None
    memory = ", probably for lack of memory" if killed[cause] == signal.SIGKILL else ""
    return (
        f"process {cause + 1} of {processes} of the training was ended by {signal.Signals(killed[cause]).name}"
        f"{memory}, and the others with it; the same command goes on from the last checkpoint"
    )


def _start_by_slurm(settings: TrainSettings) -> None:
    """Start the processes on the machines of the Slurm job that this process is in."""
    command = [
        "srun",
        f"--nodes={settings.nodes}",
        f"--ntasks={settings.nodes * settings.devices}",
        f"--ntasks-per-node={settings.devices}",
        "--kill-on-bad-exit=1",
        *(f"--cpus-per-task={os.environ[name]}" for name in ["SLURM_CPUS_PER_TASK"] if name in os.environ),
    ]
    code = subprocess.run([*command, sys.executable, *sys.orig_argv[1:]], check=False).returncode
    if code:
        sys.exit(code if code > 0 else 128 - code)


@contextmanager
def joined(model: ModelSettings, settings: TrainSettings) -> Iterator[World]:
    """Join the other processes of a training, and leave them at its end.

    Args:
        model: which network.
        settings: of the training; :func:`start_processes` has returned False for them.

    Yields:
        The processes; :data:`rarebeat.training.distributed.world.ALONE` where there is one.
    """
    if settings.devices * settings.nodes == 1:
        yield ALONE
        return
    _end_with_starter()
    fabric = _fabric(model, settings)
    world = World(fabric.global_rank, fabric.world_size, fabric)
    with warnings.catch_warnings():
        if not world.first:
            warnings.simplefilter("ignore")
        yield world
    dist.destroy_process_group()


def agreed(settings: TrainSettings, shards: Folder, world: World) -> TrainSettings:
    """Decide once for all processes where signals are: the order of an epoch depends on it.

    Args:
        settings: of the training.
        shards: folder written by prepare.
        world: the processes, on machines that may differ in their memory.

    Returns:
        The settings; where there are several processes and ``memory`` is "auto", with what it comes to: signals are
        streamed where they do not fit into the memory of every machine.

    Raises:
        RarebeatError: for a shard that cannot be read.
    """
    if world.size == 1 or settings.memory != "auto":
        return settings
    whole = world.all(not streams(settings.memory, shards, settings.devices))
    return replace(settings, memory="whole" if whole else "stream")


def _fabric(model: ModelSettings, settings: TrainSettings) -> Any:
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
    from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
    from lightning_fabric.strategies.ddp import DDPStrategy

    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)
    device = choose_device(settings.device).type
    strategy = DDPStrategy(
        process_group_backend="nccl" if device == "cuda" else "gloo",
        timeout=PATIENCE,
        forward_sync_buffers=False,  # they are equal: batch norm is synchronised
        find_unused_parameters=is_own(model.name),
    )
    elastic = "TORCHELASTIC_RUN_ID" in os.environ
    fabric = Fabric(
        accelerator=device,
        devices=settings.devices,
        num_nodes=settings.nodes,
        strategy=strategy,
        plugins=[TorchElasticEnvironment() if elastic else SLURMEnvironment(auto_requeue=False)],
    )
    fabric.launch()
    return fabric


def _end_with_starter() -> None:
    """Let this process end when the one that started it does, however that ends."""
    starter = os.environ.get(STARTED_BY)
    if starter is None:
        return

    def watch() -> None:
        while os.getppid() == int(starter):
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def one_message() -> Iterator[None]:
    """Let the first of several processes that fails say why; the others then fail because of it, and are silent.

    Yields:
        Nothing.

    Raises:
        RarebeatError: as inside, in the process that talks; when another process has ended.
        SystemExit: in those that are silent.
    """
    try:
        yield
    except RarebeatError:
        if _told():
            sys.exit(2)
        raise
    except KeyboardInterrupt:
        if STARTED_BY in os.environ or _told():
            sys.exit(130)
        raise
    except RuntimeError as error:
        if started() is None or not _is_lost(error):
            raise
        if STARTED_BY in os.environ or _told():  # whoever has started this process sees which one has ended
            sys.exit(2)
        reason = re.sub(r"^\[.*?\] *", "", str(error)).splitlines()[0].split(". ")[0]
        raise RarebeatError(
            "another process of this training has ended or cannot be reached, so that this one cannot go on; the same "
            f"command goes on from the last checkpoint ({reason})"
        ) from error


def _is_lost(error: RuntimeError) -> bool:
    """Whether an error comes from the connection to the other processes."""
    return isinstance(error, dist.DistError) or _LOST.search(str(error)) is not None


def _told() -> bool:
    """Whether another process has told the user why the training ends, or will."""
    place = started()
    if place is None:
        return False
    if not dist.is_initialized():
        return place[0] != 0  # all of them see the same params
    try:
        told: int = dist.distributed_c10d._get_default_store().add("rarebeat/told", 1)
    except RuntimeError:  # the store has ended with the first process: the second one speaks
        return place[0] > 1
    return told > 1
