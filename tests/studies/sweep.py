"""A project with a stage of data, and a study of two cells that write down where they run."""

import shutil
import subprocess
from pathlib import Path

from rarebeat.studies.away import Away, Launcher, can_leave, default_remote
from rarebeat.studies.here import Here, dvc
from rarebeat.studies.schedule import parse_dag, run_all

ROOT = Path(__file__).resolve().parents[2]

DATA = "stages: {data: {cmd: echo 3 > input, deps: [seed], outs: [input]}}\n"
DEFINITION = """stages:
  cell:
    foreach: [a, b]
    do:
      wdir: ../..
      cmd: mkdir -p cells && cat input > cells/${item} && echo ${item} $PWD >> LOG && sleep 0
      deps: [input]
      outs: ["cells/${item}"]
  last:
    wdir: ../..
    cmd: cat cells/a cells/b > table
    deps: [cells]
    outs: [{table: {cache: false}}]
"""
FOLDER = Path("studies/sweep")
LAST = f"{FOLDER}/dvc.yaml:last"
CELLS = {f"{FOLDER}/dvc.yaml:cell@a", f"{FOLDER}/dvc.yaml:cell@b"}


def make_project(folder: Path) -> None:
    """Write the project, and make it one of git and DVC."""
    for name in ("src/rarebeat", "pipeline", "scales"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / FOLDER).mkdir(parents=True)
    text = DEFINITION.replace("LOG", str(folder.parent / "log"))
    (folder / FOLDER / "dvc.yaml").write_text(text)
    (folder / "dvc.yaml").write_text(DATA)
    (folder / "seed").write_text("3")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["dvc", "init", "--quiet"], cwd=folder, check=True)


def run_study(launch: Launcher) -> None:
    """Run the study of the project in which this process runs, two cells at a time elsewhere."""
    graph = parse_dag(dvc("dag", "--dot", LAST))
    cells = {stage for stage in graph if can_leave(stage, FOLDER / "dvc.yaml")}
    assert cells == CELLS
    remote = default_remote()
    place = Away(cells, graph, [FOLDER], launch, Here(pull=remote is not None), remote)
    run_all(graph, len(graph), 2, place, lambda _: None)


def runs(project: Path) -> list[list[str]]:
    """Each run of a cell, by its name and its folder."""
    log = project.parent / "log"
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []
