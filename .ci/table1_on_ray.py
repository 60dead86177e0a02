"""Table 1 at tiny size, one cell after the other here and side by side on a Ray cluster of two machines: one table.

    python .ci/table1_on_ray.py

It takes some minutes, too long for every run of the tests; tests/studies has the pieces.
"""

import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from clusters import two_machines  # noqa: E402

from rarebeat.core.params import read_params  # noqa: E402

SMALL = (
    "cohorts.simulated.options.records=160",
    "cohorts.simulated.options.preset=hughes",
    "model.hughes34.width=2",
    "train.epochs=1",
    "evaluate.replicates=20",
    "evaluate.at_least=1",
)
CLASS = "atrial_fibrillation"
"""Frequent enough to be learnt and tested."""

CELLS = (
    "cells.together.heads=[all]",
    "cells.together.seed=[0]",
    f"cells.single.heads=[{CLASS}]",
    "cells.single.seed=[0]",
    f"cells.rates.heads=[{CLASS}]",
    "cells.rates.rate=[0.01]",
    f"compare.columns.one head.heads=[{CLASS}]",
    f"compare.columns.one head, best rate.heads=[{CLASS}]",
    "compare.columns.two heads.heads=[all]",
    "compare.at_least=1",
)
ignore_caches = shutil.ignore_patterns("__pycache__")
NAMES = ("dvc.yaml", ".dvcignore", ".gitignore", ".dvc/config", "own", "pipeline", "scales", "src", "studies")


def make_project(folder: Path) -> None:
    """A small project in a repository of its own."""
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            ignore = shutil.ignore_patterns("__pycache__", "*.lock", "own", "params.yaml", ".dvcignore")
            shutil.copytree(ROOT / name, folder / name, ignore=ignore if name == "studies" else ignore_caches)
        else:
            shutil.copy(ROOT / name, folder / name)
    (folder / "params.yaml").write_text(yaml.safe_dump(read_params(ROOT / "params.yaml", SMALL)))
    overrides = folder / "studies/table1/overrides.yaml"
    content = yaml.safe_load(overrides.read_text())
    published = content["compare"]["published"]
    content["compare"] |= {"classes": [CLASS], "published": {CLASS: published[CLASS]}}
    overrides.write_text(yaml.safe_dump(content, sort_keys=False))
    (folder / "reports").mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)


def study(folder: Path, *options: str) -> float:
    """Run the study; how long it took, in seconds."""
    began = time.monotonic()
    words = [word for cell in (*CELLS, "train.epochs=1") for word in ("-S", cell)]
    environment = os.environ | {
        "PYTHONPATH": "src",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    command = [sys.executable, "pipeline/study.py", "table1", *words, *options]
    subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def main() -> None:
    """Compare the two tables."""
    with tempfile.TemporaryDirectory() as place:
        here, there = Path(place) / "here", Path(place) / "there"
        make_project(here)
        first = study(here, "--jobs", "1")
        # The same data, and nothing that was trained: no results, and no run cache, by which DVC would find them.
        shutil.copytree(
            here, there, symlinks=True, ignore=shutil.ignore_patterns("runs", "dvc.lock", "table1.*")
        )
        shutil.copy(here / "dvc.lock", there / "dvc.lock")
        for name in ("models", "reports/studies"):
            shutil.rmtree(there / name)
        store = ["dvc", "remote", "add", "--quiet", "--default", "store", f"{place}/store"]
        subprocess.run([sys.executable, "-m", *store], cwd=there, check=True)
        with two_machines() as machines:
            second = study(there, "--on", machines.workers)
        for name in ("table1.csv", "table1.md"):
            if not filecmp.cmp(here / "reports" / name, there / "reports" / name, shallow=False):
                sys.exit(f"{name} differs:\n{(there / 'reports' / name).read_text()}")
        print((there / "reports/table1.csv").read_text())
        print(
            f"one after the other, with the data: {first:.0f} s; cells on two machines: {second:.0f} s; one table"
        )


if __name__ == "__main__":
    main()
