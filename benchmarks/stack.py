"""Eight trainings of a study at once, logging into the servers of ``make stack``: is anything lost?

    python benchmarks/stack.py              eight folds of the study crossval, 400 simulated records, 3 epochs
    python benchmarks/stack.py --away       all servers are ended while they train, and started again at the end

Everything happens in a clone of the last commit in a temporary folder. At the end each number of each training's own
curves is looked up on the server, and statuses, models and the parent of the runs are checked. A few minutes.
"""

import argparse
import csv
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

ROOT = Path(__file__).resolve().parents[1]
SHARED = ("train_loss", "validation_loss", "validation_auroc")
"""Columns of a training's curves, which are metrics of its run, too."""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def start(clone: Path, folder: Path, ports: list[str]) -> tuple[subprocess.Popen[str], dict[str, str]]:
    """Start the servers; their process, and the variables that they tell."""
    command = [sys.executable, "pipeline/stack.py", "--folder", str(folder), *ports]
    process = subprocess.Popen(command, cwd=clone, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    if "ready" not in process.stdout.readline():
        raise SystemExit("the servers did not start")
    lines = (folder / "environment").read_text(encoding="ascii").splitlines()
    pairs = [line.removeprefix("export ").partition("=") for line in lines]
    return process, {name: value for name, _, value in pairs}


def stop(process: subprocess.Popen[str]) -> None:
    """End the servers as Ctrl-C does."""
    process.send_signal(signal.SIGINT)
    process.wait()


def runs_of(client: MlflowClient) -> list[Run]:
    """All runs of the project."""
    found = client.get_experiment_by_name("rarebeat")
    return list(client.search_runs([found.experiment_id])) if found else []


def faults(client: MlflowClient, clone: Path, trainings: int) -> list[str]:
    """What differs from what the trainings have logged; a sentence each."""
    runs = runs_of(client)
    children = [run for run in runs if MLFLOW_PARENT_RUN_ID in run.data.tags]
    parents = {run.data.tags[MLFLOW_PARENT_RUN_ID] for run in children}
    found = []
    if len(children) != trainings or parents != {run.info.run_id for run in runs if run not in children}:
        found.append(f"{len(runs)} runs, {len(children)} of them children of {len(parents)} parents")
    found += [f"{run.info.run_name} is {run.info.status}" for run in runs if run.info.status != "FINISHED"]
    logged = [histories(client, run) for run in children]
    for path in sorted(clone.glob("reports/studies/crossval/training/*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        told = {name: [float(row[name]) for row in rows if row[name]] for name in SHARED}
        if logged.count(told) != 1:
            found.append(f"{logged.count(told)} runs have the curves of {path.name}")
    for run in children:
        if not run.outputs or len(run.outputs.model_outputs) != 1:
            found.append(f"{run.info.run_name} has no model")
    return found


def histories(client: MlflowClient, run: Run) -> dict[str, list[float]]:
    """The curves of a run, by their names in a file of curves and rounded as there."""
    names = {name: name.replace("_", "/", 1) for name in SHARED}
    found = {}
    for name, metric in names.items():
        entries = client.get_metric_history(run.info.run_id, metric)
        found[name] = [round(entry.value, 6) for entry in sorted(entries, key=lambda entry: int(entry.step))]
    return found


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--trainings", type=int, default=8)
    parser.add_argument("--records", type=int, default=400)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--away", action="store_true", help="end the servers in the middle")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        place.chmod(0o711)  # where this is root, PostgreSQL is another user
        clone, folder = place / "clone", place / "stack"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        ports = [f"--{name}-port={free_port()}" for name in ("mlflow", "s3", "postgres")]
        os.environ["PYTHONPATH"] = os.pathsep.join(
            [str(clone / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        servers, told = start(clone, folder, ports)
        client = MlflowClient(told["MLFLOW_TRACKING_URI"])
        try:
            small = [f"cohorts.simulated.options.records={chosen.records}", "model.hughes34.width=2"]
            changes = [f"--set-param={change}" for change in small]
            subprocess.run(["dvc", "exp", "run", "--quiet", *changes, "prepare"], cwd=clone, check=True)
            began = time.monotonic()
            folds = f"folds.numbers={list(range(chosen.trainings))}"
            study = [sys.executable, "pipeline/study.py", "crossval", "--jobs", str(chosen.trainings)]
            study += ["-S", folds, "-S", f"train.epochs={chosen.epochs}"]
            running = subprocess.Popen(study, cwd=clone, env=os.environ | told)
            while chosen.away and sum("train/loss" in run.data.metrics for run in runs_of(client)) < 2:
                if running.poll() is not None:
                    raise SystemExit("the study ended before its trainings had begun")
                time.sleep(0.5)
            if chosen.away:
                stop(servers)
            if running.wait():
                raise SystemExit("the study failed")
            seconds = time.monotonic() - began
            if chosen.away:
                servers, _ = start(clone, folder, ports)
                sent = subprocess.run(
                    ["rarebeat", "send-runs"],
                    cwd=clone,
                    env=os.environ | told,
                    check=True,
                    capture_output=True,
                )
                print(sent.stdout.decode().strip())
            found = faults(client, clone, chosen.trainings)
            print(
                f"{chosen.trainings} trainings at once in {seconds:.0f} s, {len(found)} faults",
                *found,
                sep="\n",
            )
        finally:
            stop(servers)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
