"""Every benchmark on an older commit and on this tree, side by side: reports/speed/speed.csv and speed.md.

    python benchmarks/speed.py [--base COMMIT] [--quick] [--only NAME]

The older commit is checked out in a temporary folder. Its sources and these run under the same scripts, Python and
packages, in turn (old, new, old, new, ...), on one core and on two; training also as on a processor without AVX-512
and bf16. What the benchmarks read (archives, reports) is made once, by this tree. A run that is quick, or of one
benchmark, prints its table; only a full run writes files. Linux only.
"""

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rarebeat.core.tables import Row, markdown_table, write_rows

ROOT = Path(__file__).resolve().parents[1]
SETTING = ("benchmark", "cores", "precision", "instructions", "unit")
"""What the runs have in common that are compared with each other."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
FLAGS = {"avx2": "avx2", "avx512f": "avx512", "avx512_bf16": "bf16", "amx_bf16": "bf16"}


@dataclass(frozen=True)
class Benchmark:
    """A script and its arguments, where {cores} and {inputs} (a folder) are filled in."""

    script: str
    arguments: str
    full: str
    quick: str
    emulated: bool = False
    """Also measured with AVX2 alone."""


_WFDB = "--archive {inputs}/challenge --kind challenge --processes {cores}"
_MUSE = "--archive {inputs}/muse-xml --kind muse-xml --processes {cores}"
BENCHMARKS = {
    "simulator": Benchmark("simulator", "--processes {cores}", "--records 1000", "--records 20"),
    "wfdb": Benchmark("ingest", _WFDB, "--repeats 3", "--repeats 1"),
    "muse": Benchmark("ingest", _MUSE, "--repeats 3", "--repeats 1"),
    "labels": Benchmark("labels", "--reports {inputs}/reports.json", "--repeats 2", "--repeats 1"),
    "shards": Benchmark("shards", "--repeats 5", "--records 2048", "--records 64"),
    "training": Benchmark(
        "training",
        "--threads {cores}",
        "--width 16 --batch 64 --repeats 4",
        "--width 4 --batch 4 --repeats 2",
        emulated=True,
    ),
    "challenge": Benchmark("challenge", "--repeats 3", "--records 40000", "--records 2000 --validation 500"),
    "start": Benchmark("start", "", "--repeats 7", "--repeats 1"),
}


@dataclass(frozen=True)
class Tree:
    """A working tree whose sources are measured."""

    name: str
    commit: str
    folder: Path


def git(*arguments: str) -> str:
    """What git prints in this project."""
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


@contextmanager
def checked_out(commit: str, folder: Path) -> Iterator[Tree]:
    """A commit in a folder of its own, which is removed afterwards."""
    git("worktree", "add", "--quiet", "--detach", str(folder), commit)
    try:
        yield Tree("old", git("rev-parse", "--short", commit), folder)
    finally:
        git("worktree", "remove", "--force", str(folder))


def run(tree: Tree, command: Sequence[str], extra: Mapping[str, str], cores: Sequence[int]) -> str:
    """What a Python command prints that imports the sources of a tree and runs on some cores.

    Raises:
        CalledProcessError: when it fails.
    """
    threads = dict.fromkeys(THREADS, str(len(cores)))
    environment = os.environ | threads | {"PYTHONPATH": str(tree.folder / "src")} | dict(extra)
    pin = ["taskset", "--cpu-list", ",".join(map(str, cores))]
    done = subprocess.run(
        [*pin, sys.executable, *command], check=True, capture_output=True, text=True, env=environment
    )
    return done.stdout


def check_sources(tree: Tree, cores: Sequence[int]) -> None:
    """Make sure that a tree's own sources are imported, and compile them before any clock runs."""
    found = run(tree, ["-c", "import rarebeat; print(rarebeat.__file__)"], {}, cores).strip()
    if not Path(found).is_relative_to(tree.folder):
        raise SystemExit(f"the sources of {tree.folder} should be measured, but Python imports {found}")
    run(tree, ["-m", "compileall", "-q", str(tree.folder / "src")], {}, cores)


def make_inputs(folder: Path, today: Tree, records: int, cores: Sequence[int]) -> None:
    """Write the archives and reports that the benchmarks of both trees read."""
    program = "from rarebeat.cli.main import main; main()"
    for kind in ("challenge", "muse-xml"):
        options = ["--format", kind, "--records", str(records)]
        run(today, ["-c", program, "simulate", str(folder / kind), *options], {}, cores)
    script = str(ROOT / "benchmarks" / "labels.py")
    reports = ["--reports", str(folder / "reports.json"), "--records", str(10 * records), "--repeats", "1"]
    run(today, [script, "--json", *reports], {}, cores)


def processor() -> tuple[str, tuple[str, ...]]:
    """Model of the processor, and which of AVX2, AVX-512 and bf16 it has."""
    first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    facts = {
        name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())
    }
    number = ", ".join(f"{name} {facts[name]}" for name in ("cpu family", "model") if name in facts)
    present = facts.get("flags", "").split()
    flags = dict.fromkeys(short for flag, short in FLAGS.items() if flag in present)
    return f"{facts.get('model name', 'unknown processor')} ({number})", tuple(flags)


def measure(
    benchmark: Benchmark, trees: Sequence[Tree], inputs: Path, pairs: int, quick: bool
) -> Iterator[Row]:
    """One row per run and number, while the trees take turns."""
    model, flags = processor()
    available = sorted(os.sched_getaffinity(0))
    environments: dict[str, dict[str, str]] = {" ".join(flags): {}}
    if benchmark.emulated and "avx512" in flags:
        environments["avx2"] = AVX2
    for cores in (available[:1], available[:2])[: len(available)]:
        text = f"{benchmark.arguments} {benchmark.quick if quick else benchmark.full}"
        arguments = [word.format(cores=len(cores), inputs=inputs) for word in text.split()]
        launcher = [str(ROOT / "benchmarks" / "moved.py"), benchmark.script, "--json", *arguments]
        for instructions, extra in environments.items():
            for pair in range(pairs):
                for tree in trees:
                    for found in json.loads(run(tree, launcher, extra, cores)):
                        yield {
                            **{"benchmark": found["name"], "tree": tree.name, "commit": tree.commit},
                            **{"cores": len(cores), "precision": found.get("precision", ""), "pair": pair},
                            **{"value": float(f"{found['value']:.5g}"), "unit": found["unit"]},
                            **{"processor": model, "instructions": instructions},
                            "date": datetime.date.today().isoformat(),
                        }


def compare(rows: Sequence[Row]) -> list[Row]:
    """Medians of both trees and their ratio, with the lowest and highest ratio of a pair.

    Args:
        rows: one per run, as :func:`measure` yields them.

    Returns:
        One row per benchmark, number of cores, precision and instructions; None stands for what was not measured.

    Example:
        >>> runs = [("old", 0, 100.0), ("new", 0, 150.0), ("old", 1, 80.0), ("new", 1, 160.0)]
        >>> same = {"benchmark": "labels", "cores": 1, "precision": "", "instructions": "avx2", "unit": "records/s"}
        >>> row, = compare([same | {"tree": tree, "pair": pair, "value": value} for tree, pair, value in runs])
        >>> row["old"], row["new"], row["new/old"], row["pairs"]
        ('90', '155', '1.72', '1.50 to 2.00')
    """
    groups: dict[tuple[object, ...], dict[str, dict[object, float]]] = {}
    for row in rows:
        group = groups.setdefault(tuple(row[name] for name in SETTING), {"old": {}, "new": {}})
        group[str(row["tree"])][row["pair"]] = float(row["value"] or 0)
    table: list[Row] = []
    for setting, group in groups.items():
        line: Row = {name: str(value) for name, value in zip(SETTING, setting, strict=True)}
        medians = {tree: statistics.median(runs.values()) for tree, runs in group.items() if runs}
        line |= {tree: _text(medians[tree]) if tree in medians else None for tree in group}
        ratios = [group["new"][pair] / old for pair, old in group["old"].items() if pair in group["new"]]
        line["new/old"] = f"{medians['new'] / medians['old']:.2f}" if ratios else None
        line["pairs"] = f"{min(ratios):.2f} to {max(ratios):.2f}" if ratios else None
        table.append(line)
    return table


def _text(value: float) -> str:
    """Three digits, without an exponent."""
    return f"{float(f'{value:.3g}'):,.12g}"


def page(rows: Sequence[Row], load: float) -> str:
    """The table with what has to be known to read it."""
    commits = {"old": "nothing", "new": "nothing"} | {str(row["tree"]): str(row["commit"]) for row in rows}
    first = rows[0]
    heading = f"{first['processor']}, {first['date']}, load {load:.1f} at the start"
    return (
        f"# Speed: {commits['new']} (new) against {commits['old']} (old)\n\n{heading}. Simulated ECGs. Medians; "
        '"pairs" has the lowest and the highest ratio of two runs that followed each other. More is better where the '
        f"unit is per second, less where it is a time.\n\n{markdown_table(compare(rows))}\n"
    )


def main() -> None:
    """Measure, print the table, and write the files of a full run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--base", default="c1b6aca", help="the older commit")
    parser.add_argument("--pairs", type=int, default=3, help="runs of each tree in each setting")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, one pair: a try, no measurement")
    parser.add_argument("--only", choices=BENCHMARKS, help="one benchmark")
    parser.add_argument("--out", type=Path, help="folder; default: reports/speed for a full run, else none")
    arguments = parser.parse_args()
    out = arguments.out or (None if arguments.quick or arguments.only else ROOT / "reports" / "speed")
    load = os.getloadavg()[0]
    today = Tree("new", git("describe", "--always", "--dirty"), ROOT)
    cores = sorted(os.sched_getaffinity(0))[:2]
    names = [arguments.only] if arguments.only else list(BENCHMARKS)
    rows: list[Row] = []
    failed: list[str] = []
    with (
        tempfile.TemporaryDirectory() as temporary,
        checked_out(arguments.base, Path(temporary) / "old") as old,
    ):
        inputs = Path(temporary)
        for tree in (old, today):
            check_sources(tree, cores)
        if any("{inputs}" in BENCHMARKS[name].arguments for name in names):
            make_inputs(inputs, today, 20 if arguments.quick else 1000, cores)
        for name in names:
            print(f"{datetime.datetime.now():%H:%M:%S} {name}", file=sys.stderr)
            pairs = 1 if arguments.quick else arguments.pairs
            try:
                for row in measure(BENCHMARKS[name], (old, today), inputs, pairs, arguments.quick):
                    rows.append(row)
            except subprocess.CalledProcessError as error:
                failed.append(name)
                print(error, error.stderr, sep="\n", file=sys.stderr)
    if not rows:
        raise SystemExit("nothing could be measured")
    print(page(rows, load))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_rows(out / "speed.csv", rows, list(rows[0]))
        (out / "speed.md").write_text(page(rows, load), encoding="utf-8")
    if failed:
        raise SystemExit(f"not measured in full: {', '.join(failed)}")


if __name__ == "__main__":
    main()
