"""Processor time until a validation AUROC, by the defaults of an older commit and by those of this one.

    python benchmarks/quality.py [--base COMMIT] [--auroc 0.985] [--seeds 0 1 2] [--avx2] [--precision fp32]

Both commits are cloned into a temporary folder, where their pipelines make their shards from the default cohort. Then
both train with each seed at the same moment, on a core each, which they swap from seed to seed. The clock is that of
the training's process and starts with it; it stops with the epoch whose macro AUROC on the validation split reaches
the one asked for. Writes reports/speed/quality.csv and quality.md, where rows of other settings stay. Linux only.
"""

import argparse
import csv
import datetime
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from speed import AVX2, ROOT, THREADS, Tree, git, processor

from rarebeat.core.files import atomic
from rarebeat.core.tables import Row, markdown_table, write_rows

OUT = ROOT / "reports" / "speed"
_EPOCH = re.compile(r"epoch (\d+): .*validation AUROC (0\.\d+|1\.0+)")
_TICKS = os.sysconf("SC_CLK_TCK")


def cloned(name: str, commit: str, folder: Path) -> Tree:
    """A commit with the shards of its default cohort, in a folder of its own."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    subprocess.run(["git", "-C", str(folder), "checkout", "--quiet", "--detach", commit], check=True)
    dvc = [str(Path(sys.executable).with_name("dvc")), "repro", "--quiet", "prepare"]
    subprocess.run(dvc, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return Tree(name, git("rev-parse", "--short", commit), folder)


def processor_seconds(process: int) -> float:
    """User and system time that a running process has taken."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def time_to(
    auroc: float, tree: Tree, settings: Mapping[str, object], core: int, extra: Mapping[str, str]
) -> Row:
    """Train a tree's default network on one core until its validation AUROC is reached.

    Args:
        auroc: where the clock stops, and the training with it.
        tree: with its shards.
        settings: of the group ``train``, in place of the tree's own.
        core: which the training may use.
        extra: variables of its environment.

    Returns:
        The tree's name and commit, its epochs and seconds of processor time; None for seconds where all epochs
        passed without reaching it, and the highest AUROC that was seen.

    Raises:
        RuntimeError: with what the training printed, when it fails.
    """
    own = tree.folder / f"params-{settings['seed']}-{core}.yaml"
    params = yaml.safe_load((tree.folder / "params.yaml").read_text(encoding="utf-8"))
    params["train"] |= settings
    own.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary)
        command = ["taskset", "--cpu-list", str(core), sys.executable, "pipeline/train.py", "data/shards"]
        command += [str(out / "model"), "--params", own.name]
        command += ["--curves", str(out / "curves.csv"), "--checkpoints", str(out / "checkpoints")]
        environment = (
            os.environ | dict.fromkeys(THREADS, "1") | {"PYTHONPATH": "src", "PYTHONUNBUFFERED": "1"}
        )
        environment |= {"MLFLOW_TRACKING_URI": f"sqlite:///{out}/mlflow.db", **extra}
        with subprocess.Popen(
            command,
            cwd=tree.folder,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as training:
            row = _watch(training, auroc)
    return {"tree": tree.name, "commit": tree.commit, **row}


def _watch(training: subprocess.Popen[str], auroc: float) -> Row:
    row: Row = {"epochs": 0, "seconds": None, "highest": 0.0}
    printed = []
    assert training.stdout is not None
    for line in training.stdout:
        printed.append(line)
        for epoch, reached in _EPOCH.findall(line):
            row |= {"epochs": int(epoch), "highest": max(float(row["highest"] or 0), float(reached))}
            if float(reached) >= auroc:
                row["seconds"] = round(processor_seconds(training.pid), 1)
                training.kill()
                return row
    if training.wait():
        raise RuntimeError("".join(printed))
    return row


def side_by_side(
    trees: Sequence[Tree],
    settings: Mapping[str, object],
    auroc: float,
    cores: Sequence[int],
    extra: Mapping[str, str],
) -> list[Row]:
    """A training of each tree at the same moment, on a core each."""
    rows: list[Row] = []
    workers = [
        threading.Thread(target=lambda t=tree, c=core: rows.append(time_to(auroc, t, settings, c, extra)))
        for tree, core in zip(trees, cores, strict=True)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if len(rows) < len(trees):
        raise SystemExit("a training failed")
    return rows


def table(rows: Sequence[Row]) -> list[Row]:
    """Medians of both trees over seeds in each setting, and old relative to new."""
    settings = dict.fromkeys(
        tuple(row[name] for name in ("processor", "instructions", "precision", "auroc")) for row in rows
    )
    lines: list[Row] = []
    for setting in settings:
        line: Row = dict(
            zip(("processor", "instructions", "precision", "AUROC"), map(str, setting), strict=True)
        )
        medians = {}
        for name in ("old", "new"):
            own = [row for row in rows if row["tree"] == name and (*_setting(row),) == setting]
            seconds = [float(row["seconds"]) for row in own if row["seconds"] not in (None, "")]
            missed = len(own) - len(seconds)
            line[name] = " ".join(f"{each:.0f}" for each in sorted(seconds)) + (
                f" ({missed} never)" if missed else ""
            )
            if seconds and not missed:
                medians[name] = statistics.median(seconds)
        line["old/new"] = f"{medians['old'] / medians['new']:.2f}" if len(medians) == 2 else None
        lines.append(line)
    return lines


def _setting(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in ("processor", "instructions", "precision", "auroc"))


def page(rows: Sequence[Row]) -> str:
    """What was measured, with what has to be known to read it."""
    commits = ", ".join(dict.fromkeys(f"{row['tree']} {row['commit']}" for row in rows))
    return (
        "# Processor seconds to a validation AUROC\n\n"
        "The default training of an older commit (old) and of this one (new), each on one core beside the other, "
        f"one number per seed; commits: {commits}. "
        "Less is better; *old/new* compares the medians. *never*: all epochs passed below the AUROC. Simulated "
        f"ECGs.\n\n{markdown_table(table(rows))}\n"
    )


def main() -> None:
    """Measure, print the table, and write it beside what was measured in other settings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--base", default="c1b6aca", help="the older commit")
    parser.add_argument("--auroc", type=float, default=0.985)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--avx2", action="store_true", help="as on a processor without AVX-512")
    parser.add_argument(
        "--precision", choices=("auto", "fp32", "bf16"), help="default: auto; fp32 with --avx2"
    )
    arguments = parser.parse_args()
    # Older commits take bf16 wherever the processor has it, also where oneDNN may not use it and emulates it.
    arguments.precision = arguments.precision or ("fp32" if arguments.avx2 else "auto")
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        raise SystemExit("both trainings need a core each, and this process may use one alone")
    model, flags = processor()
    setting: Row = {"processor": model, "instructions": "avx2" if arguments.avx2 else " ".join(flags)}
    setting |= {"precision": arguments.precision, "auroc": f"{arguments.auroc:g}"}
    stored = _others(setting)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        trees = [cloned("old", arguments.base, folder / "old"), cloned("new", "HEAD", folder / "new")]
        for turn, seed in enumerate(arguments.seeds):
            order = cores if turn % 2 == 0 else cores[::-1]
            found = side_by_side(
                trees,
                {"seed": seed, "precision": arguments.precision},
                arguments.auroc,
                order,
                AVX2 if arguments.avx2 else {},
            )
            rows += [
                {**setting, "seed": seed, **row, "date": datetime.date.today().isoformat()} for row in found
            ]
            print(*found, sep="\n", file=sys.stderr)
            _write(stored + rows)  # after each seed: what is done stays when the rest is broken off
    print(page(stored + rows))


def _others(setting: Row) -> list[Row]:
    """What was measured in other settings."""
    path = OUT / "quality.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if _setting(row) != _setting(setting)]


def _write(rows: Sequence[Row]) -> None:
    write_rows(OUT / "quality.csv", rows, list(rows[0]))
    with atomic(OUT / "quality.md") as temporary:
        temporary.write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
