"""How much memory a process may use, and whether signals fit into it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from rarebeat.dataset.remote import Folder

Memory = Literal["auto", "whole", "stream"]
"""Where the signals of a training are: in memory, or in their shards until they are needed."""

SHARE = 1 / 3
"""How much of the memory signals may take: some of the records are copied where folds or fractions are trained on."""

PROC, CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")


def streams(memory: Memory, shards: Folder, processes: int = 1) -> bool:
    """Decide whether signals stay in their shards.

    Args:
        memory: "whole", "stream", or "auto": in memory where the signals of the training and the validation split take
            no more than :data:`SHARE` of what this process may use.
        shards: folder written by prepare.
        processes: that share the memory of this machine, each with all signals.

    Returns:
        Whether they are streamed.

    Raises:
        RarebeatError: for a shard that is missing or damaged.
    """
    if memory != "auto":
        return memory == "stream"
    from rarebeat.dataset.shards import signal_bytes  # needs pyarrow, and the settings of a training do not

    return signal_bytes(shards, ("train", "validation")) > SHARE * allowed_memory() / processes


def allowed_memory(proc: Path = PROC, cgroups: Path = CGROUPS) -> int:
    """Tell how much memory this process may use, whatever others use of it now.

    Args:
        proc: where Linux tells of processes.
        cgroups: where control groups are mounted, of version 1 or 2.

    Returns:
        Bytes: the least of the machine's memory, the limits of all control groups that the process is in, and what the
        limits of its address space and of its data (``ulimit -v`` and ``ulimit -d``) leave beside what it has.
    """
    return min([_physical(proc), *_control_groups(proc, cgroups), *_resource_limits(proc)])


def _physical(proc: Path) -> int:
    if (proc / "meminfo").is_file():
        return _field(proc / "meminfo", "MemTotal")
    import os  # a system that is not Linux

    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _control_groups(proc: Path, cgroups: Path) -> Iterator[int]:
    """The limits of the groups that the process is in, and of those that these are in."""
    try:
        lines = (proc / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:  # a system without control groups
        return
    for line in lines:
        _, kinds, place = line.split(":", 2)
        if kinds and "memory" not in kinds.split(","):
            continue
        top, name = (cgroups / "memory", "memory.limit_in_bytes") if kinds else (cgroups, "memory.max")
        inner = top / place.lstrip("/")
        for folder in (inner, *inner.parents):
            limit = folder / name
            if limit.is_file() and (text := limit.read_text(encoding="utf-8").strip()) != "max":
                yield int(text)
            if folder == top:
                break


def _resource_limits(proc: Path) -> Iterator[int]:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    for kind, used in ((resource.RLIMIT_AS, "VmSize"), (resource.RLIMIT_DATA, "VmData")):
        soft, _ = resource.getrlimit(kind)
        if soft != resource.RLIM_INFINITY:
            status = proc / "self" / "status"
            yield max(0, soft - (_field(status, used) if status.is_file() else 0))


def _field(path: Path, name: str) -> int:
    """A number of kilobytes in a file of /proc, in bytes."""
    lines = dict(line.split(":", 1) for line in path.read_text(encoding="utf-8").splitlines() if ":" in line)
    return int(lines[name].split()[0]) * 1024
