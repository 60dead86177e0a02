"""Rarebeat on one GPU: is it right, how fast is it, and what do the paper's models cost?

A machine needs Python, torch, numpy, scipy, safetensors, tqdm and pydantic, and no data: the ECGs are simulated
beside the first checks. Every part runs in a process of its own with a time of its own, and every finding is
printed as a line of JSON when it is made, so that a run that is cut off, or a part that crashes, takes nothing
with it. The last lines are tables for a person.

    python benchmarks/gpu.py --minutes 9
    python benchmarks/gpu.py --device cpu --minutes 2    # tiny sizes: tries the script, and says nothing of a GPU
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from gpu_lines import Deadline
from gpu_tables import tables

HERE = Path(__file__).resolve().parent
NETWORKS = ("hughes34", "global_skip", "se_resnet", "xresnet1d101")
DENSE = "densenet1d121"
"""Smaller than the four, and measured in the eager mode alone."""
LAYOUTS = ("last", "first")
TRAINING, HELD_OUT = 41_522, 2_048
END = 5.0
"""Seconds kept for the tables."""

Item = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """A script with its arguments.

    Attributes:
        name: of the part.
        seconds: after which it is ended.
        script: beside this one.
        arguments: of the script; the device, the threads and, where it takes them, the seconds are added.
        least: seconds with which it is not worth starting.
    """

    name: str
    seconds: float
    script: str
    arguments: tuple[str, ...]
    least: float = 12.0


def items(mode: str, **choices: Sequence[Any]) -> list[Item]:
    """All combinations of some choices, the first named changing slowest.

    >>> items("eager", batch=[32, 128])
    [{'mode': 'eager', 'batch': 32}, {'mode': 'eager', 'batch': 128}]
    """
    found: list[Item] = [{"mode": mode}]
    for name, values in choices.items():
        found = [item | {name: value} for item in found for value in values]
    return found


def steps(name: str, seconds: float, wanted: list[Item], *more: str) -> Part:
    """A part that measures steps."""
    return Part(name, seconds, "gpu_steps.py", ("--items", json.dumps(wanted), *more))


def trainings(name: str, folder: Path, runs: list[Item]) -> Part:
    """A part that trains whole epochs; loading the data takes some seconds more."""
    seconds = sum(run["seconds"] for run in runs) + 25
    arguments = ("--folder", str(folder), "--runs", json.dumps(runs))
    return Part(name, seconds, "gpu_training.py", arguments, least=45)


def plan(folder: Path) -> list[Part]:
    """What is measured on a GPU, what matters most first."""
    others = NETWORKS[1:]
    core = items("eager", layout=LAYOUTS)
    core += [{"cudnn": "any"}, {"cudnn": "guess"}, *items("eager", precision=["tf32", "fp32"])]
    core += items("eager", network=others, layout=LAYOUTS) + items("eager", batch=[512, 32, 256, 64])
    graphs = items("graph", layout=LAYOUTS) + items("graph", network=others)
    graphs += items("graph", batch=[32, 64, 256, 512])
    rest = items("eager", network=others, precision=["tf32", "fp32"])
    rest += items("eager", network=others, batch=[32, 512])
    rest += items("eager", network=[DENSE], precision=["bf16", "tf32", "fp32"])
    rest += items("eager", precision=["tf32", "fp32"], layout=["first"])
    rest += items("eager", precision=["tf32", "fp32"], batch=[32, 512])
    rest_of_graphs = items("graph", network=others, batch=[32, 512])
    rest_of_graphs += items("graph", network=NETWORKS, precision=["tf32", "fp32"])
    runs = [{"classes": "all", "compile": "on", "seconds": 100}, {"classes": "one", "seconds": 20}]
    both = ("compiled", "compiled graph")
    return [
        Part("checks", 90, "gpu_checks.py", ()),
        trainings("trainings", folder, runs),
        steps("compiled hughes34", 70, [{"mode": mode} for mode in both]),
        steps("graphs", 75, graphs, "--ceilings"),
        steps("eager", 75, core),
        *(
            steps(f"compiled {name}", 50, [{"network": name, "mode": mode} for mode in both])
            for name in others
        ),
        steps("more graphs", 60, rest_of_graphs),
        steps("more eager", 90, rest),
    ]


def plan_for_cpu(folder: Path) -> list[Part]:
    """The same parts in little, for a machine without a GPU."""
    tiny = {"batch": 8, "samples": 256, "width": 8}
    kinds = ("fp32", "bf16")
    wanted = [{"network": name, "precision": kind} | tiny for name in (*NETWORKS, DENSE) for kind in kinds]
    wanted += [{"layout": "first"} | tiny]
    runs = [{"classes": kind, "seconds": 8, "width": 4, "batch": 32} for kind in ("all", "one")]
    part = trainings("trainings", folder, runs)
    arguments = (*part.arguments, "--records", "256", "--held-out", "64")
    return [
        Part("checks", 60, "gpu_checks.py", ("--small",), least=5),
        steps("eager", 30, wanted),
        Part(part.name, part.seconds, part.script, arguments, least=5),
    ]


class Log:
    """Findings as they come: to standard output, to a file, and kept for the tables.

    Args:
        file: for JSON lines.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.lines: list[Item] = []

    def add(self, line: Item) -> None:
        """Keep, write and print a finding; tracebacks go to the file alone."""
        self.lines.append(line)
        print(json.dumps(line), file=self._file, flush=True)
        shown = {key: value for key, value in line.items() if key != "traceback"}
        print(json.dumps(shown), flush=True)

    def read(self, text: str, part: str) -> None:
        """Take a line that a part has printed."""
        try:
            line = json.loads(text)
        except ValueError:
            line = {"kind": "note", "text": text.strip()}
        self.add({"part": part} | line)


def run(part: Part, seconds: float, device: str, threads: int, log: Log) -> None:
    """Run a part and take what it prints; it is ended, with all that it started, when its time is up."""
    command = [sys.executable, str(HERE / part.script), *part.arguments, "--device", device]
    command += ["--threads", str(threads)]
    if part.script != "gpu_training.py":
        command += [
            "--seconds",
            str(round(seconds - 3, 1)),
        ]  # of which it knows: the end below is for accidents
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, process_group=0)
        late = threading.Event()

        def end() -> None:
            late.set()
            end_group(process)

        timer = threading.Timer(seconds, end)
        timer.start()
        assert process.stdout is not None
        try:
            for text in process.stdout:
                log.read(text, part.name)
            process.wait()
        finally:
            timer.cancel()
            end_group(process)
        errors.seek(0)
        took = {"part": part.name, "took": round(time.monotonic() - start, 1)}
        if late.is_set():
            log.add({"kind": "ended", "why": "its time was up"} | took)
        elif process.returncode:
            log.add(
                {"kind": "crashed", "code": process.returncode, "traceback": errors.read()[-3000:]} | took
            )
        else:
            log.add({"kind": "finished"} | took)


def end_group(process: subprocess.Popen[str]) -> None:
    """End a process and those that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def simulation(folder: Path, options: list[str]) -> Iterator[None]:
    """Simulate records beside whatever happens in the block."""
    command = [sys.executable, str(HERE / "gpu_data.py"), "--folder", str(folder), *options]
    with (folder / "errors.txt").open("w") as errors:
        process = subprocess.Popen(command, stderr=errors, text=True, process_group=0)
        try:
            yield
        finally:
            end_group(process)
            process.wait()


def main() -> None:
    """Run all parts as far as the time reaches and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=9)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument(
        "--out", type=Path, help="file for the JSON lines (default: $OUT/gpu.jsonl, or gpu.jsonl)"
    )
    options = parser.parse_args()
    deadline = Deadline(60 * options.minutes - END)
    out = options.out or Path(os.environ.get("OUT", ".")) / "gpu.jsonl"
    cores = os.cpu_count() or 1
    gpu = options.device == "cuda"
    threads = max(1, min(6, cores - 1)) if gpu else 1
    size = ["--records", str(TRAINING + HELD_OUT), "--workers", str(max(1, cores - threads))]
    tiny = ["--records", "256", "--workers", "1", "--rate", "100", "--seconds", "5"]
    with out.open("w") as file, tempfile.TemporaryDirectory() as folder:
        log = Log(file)
        log.add({"kind": "start", "minutes": options.minutes, "cores": cores, "cuda": gpu})
        with simulation(Path(folder), size if gpu else tiny):
            for part in (plan if gpu else plan_for_cpu)(Path(folder)):
                seconds = deadline.box(part.seconds)
                if seconds < part.least:
                    log.add({"kind": "skipped", "part": part.name, "why": f"{seconds:.0f} s were left"})
                else:
                    run(part, seconds, options.device, threads, log)
    print("\n".join(tables(log.lines)), flush=True)


if __name__ == "__main__":
    main()
