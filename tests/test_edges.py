"""Every stage depends on the rooms that its script reaches and on the params that it reads; rooms import downhill."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from rarebeat.core.params import STUDY

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
PACKAGE = SOURCE / "rarebeat"

ORDER = (
    *("core", "simulator", "models", "metrics", "measure", "readers", "labels", "dataset", "inference"),
    *("evaluation", "training", "reporting", "audit", "tracking", "studies", "cli"),
)
"""The rooms from the lowest to the highest: a room imports from itself and from rooms before it."""

EXEMPT = {
    "rarebeat.cli.console": "turns errors into messages and exit codes",
    "rarebeat.tracking": "logs to MLflow what was computed, and brings what is known by its digest",
}
"""Modules and a room that cannot change the output of a stage: what they import does not count either."""

GROUPS = {*yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")), *STUDY}
"""The groups that a params file of the project has."""

CHECKS_ALL = "pipeline/check.py"
"""The script that reads every group of the params file."""

NO_OUTPUT = {
    ("*", "tracking"): "where runs are logged",
    ("*", "workers"): "who works: the output is the same",
    ("pipeline/train.py", "prepare"): "logged with the run; what it made is in the shards",
    ("pipeline/one_head_each.py", "prepare"): "not even logged; what it made is in the shards",
    ("pipeline/trial.py", "prepare"): "logged with the run; what it made is in the shards",
    ("pipeline/label.py", "label.least_coverage"): "from when on a warning is printed",
}
"""Params that a script reads and that cannot change the output of its stage: script (* is any) and group or key."""


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    files = {".".join(path.relative_to(SOURCE).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
    return {name.removesuffix(".__init__"): path for name, path in files.items()}


def imported(path: Path, strings: bool = True) -> set[str]:
    """Modules of the package that a file imports: at the top, in functions, and by a name in a string."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in modules() else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif strings and isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)  # a reader that is imported by name when it is asked for
    return {name for name in found if name in modules() and name != "rarebeat"}


@cache
def closure(script: Path) -> frozenset[str]:
    """Every module that a script reaches."""
    reached: set[str] = set()
    waiting = [script]
    while waiting:
        for name in imported(waiting.pop()) - reached:
            if not any(name == exempt or name.startswith(f"{exempt}.") for exempt in EXEMPT):
                reached.add(name)
                waiting.append(modules()[name])
    return frozenset(reached)


def room(name: str) -> str:
    """The room of a module."""
    return name.split(".")[1]


def stages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every stage of every ``dvc.yaml`` of the project by its file and name."""
    for path in sorted([ROOT / "dvc.yaml", *ROOT.glob("studies/*/dvc.yaml")]):
        for name, stage in yaml.safe_load(path.read_text(encoding="utf-8"))["stages"].items():
            yield f"{path.relative_to(ROOT)}:{name}", stage.get("do", stage)


STAGES = dict(stages())


def scripts(stage: dict[str, Any]) -> list[str]:
    """The scripts of the pipeline that a stage runs."""
    commands = stage["cmd"] if isinstance(stage["cmd"], list) else [stage["cmd"]]
    return sorted(set(re.findall(r"python (pipeline/\w+\.py)", " ".join(commands))))


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_its_script_and_the_rooms_that_it_reaches(name: str) -> None:
    stage = STAGES[name]
    found = scripts(stage)
    copies = isinstance(stage["cmd"], list) and all(command.startswith("cp ") for command in stage["cmd"])
    assert found or copies, f"{name} runs no script of the pipeline"
    deps = set(stage["deps"])
    assert set(found) <= deps, f"{name} does not depend on its script"
    reached = {room(module) for script in found for module in closure(ROOT / script)}
    listed = {Path(dep).name for dep in deps if dep.startswith("src/")}
    assert not reached - listed, f"{name} lacks {sorted(reached - listed)}"
    assert not listed - reached, f"{name} lists rooms that it never reaches: {sorted(listed - reached)}"


def groups_in(source: str) -> set[str]:
    """The groups of params that Python source reads: by `group`, or from `content` or `read_params(...)` by name."""

    def is_params(node: ast.expr) -> bool:
        if isinstance(node, ast.Call):
            return isinstance(node.func, ast.Name) and node.func.id == "read_params"
        return isinstance(node, ast.Name) and node.id == "content"

    found: list[ast.expr] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Subscript) and is_params(node.value):
            found.append(node.slice)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "get" and is_params(node.func.value):
                found.append(node.args[0])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "group":
            found.append(node.args[1])
    return {entry.value for entry in found if isinstance(entry, ast.Constant)} & GROUPS  # type: ignore[return-value]


@cache
def groups_read(script: str) -> frozenset[str]:
    """The groups of params that a script of the pipeline reads, itself or in modules that know params."""
    if script == CHECKS_ALL:
        return frozenset(GROUPS - {*STUDY})
    readers = [path for name in closure(ROOT / script) if knows_params(path := modules()[name])]
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / script, *readers)]
    read = set().union(*map(groups_in, sources))
    return frozenset(name for name in read if not {("*", name), (script, name)} & NO_OUTPUT.keys())


def knows_params(path: Path) -> bool:
    """Whether a module reads params: others may call a JSON file ``content``."""
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "rarebeat.core.params"
        and {"group", "read_params"} & {alias.name for alias in node.names}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


def params_of(stage: dict[str, Any]) -> dict[str, set[str]]:
    """The keys that a stage names under ``params``, by their file."""
    found: dict[str, set[str]] = {}
    for entry in stage.get("params", []):
        for file, keys in entry.items() if isinstance(entry, dict) else [("params.yaml", [entry])]:
            found.setdefault(file, set()).update(keys)
    return found


@pytest.mark.parametrize(
    ("source", "groups"),
    [
        ('group(read_params(path), "folds", FoldSettings)', {"folds"}),
        ('content.get("use")', {"use"}),
        ('read_params(path).get("cohorts") or {}', {"cohorts"}),
        ('content["cells"]', {"cells"}),
        ('content["thresholds"], other["use"], "train"', set()),
    ],
)
def test_groups_that_are_read_are_found(source: str, groups: set[str]) -> None:
    assert groups_in(source) == groups


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_the_params_that_its_script_reads(name: str) -> None:
    stage = STAGES[name]
    read = set().union(*map(groups_read, scripts(stage)))
    named = {key.partition(".")[0] for keys in params_of(stage).values() for key in keys}
    assert not read - named, f"{name} lacks the params {sorted(read - named)}"
    # What stands in the command is read, too. It need not be named: DVC compares the command as it is run.
    filled_in = set(re.findall(r"\$\{(\w+)", str(stage["cmd"])))
    unread = named - read - filled_in
    assert not unread, f"{name} names params that it never reads: {sorted(unread)}"


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_the_file_that_its_script_reads(name: str) -> None:
    stage = STAGES[name]
    commands = stage["cmd"] if isinstance(stage["cmd"], list) else [stage["cmd"]]
    read = set()
    for command in commands:
        if any(map(groups_read, re.findall(r"python (pipeline/\w+\.py)", command))):
            read |= set(re.findall(r"--params (\S+)", command) or ["params.yaml"])
    assert read == set(params_of(stage))


@pytest.mark.parametrize("name", STAGES)
def test_a_group_that_is_named_in_part_is_named_but_for_what_changes_no_output(name: str) -> None:
    content = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    exempt = {key for script, key in NO_OUTPUT if script in scripts(STAGES[name])}
    for keys in params_of(STAGES[name]).values():
        parts = {key for key in keys if "." in key and "$" not in key and key != "model.name"}
        whole = {
            f"{part}.{key}" for part in {key.partition(".")[0] for key in parts} for key in content[part]
        }
        assert parts == whole - exempt


@pytest.mark.parametrize("name", [name for name in STAGES if name.startswith("studies/")])
def test_the_params_of_a_study_have_what_its_stages_name(name: str) -> None:
    paths = ROOT / "params.yaml", ROOT / Path(name.partition(":")[0]).parent / "overrides.yaml"
    groups = set().union(*(yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths))
    named = {key.partition(".")[0] for keys in params_of(STAGES[name]).values() for key in keys}
    assert named <= groups  # else DVC runs all that comes before, and fails there


@pytest.mark.parametrize("name", STAGES)
def test_deps_in_the_package_are_whole_rooms(name: str) -> None:
    for dep in STAGES[name]["deps"]:
        if dep.startswith("src/"):
            assert (ROOT / dep).parent == PACKAGE
            assert (ROOT / dep).is_dir()


def test_the_package_has_no_module_outside_its_rooms() -> None:
    assert {path.name for path in PACKAGE.iterdir()} - {"__pycache__"} == {"__init__.py", "py.typed", *ORDER}


def test_rooms_import_downhill_only() -> None:
    wrong = [
        f"{importer} imports {name}"
        for importer, path in modules().items()
        if importer != "rarebeat"
        for name in imported(path)
        if ORDER.index(room(name)) > ORDER.index(room(importer))
    ]
    assert not wrong, "\n".join(wrong)


def test_no_modules_import_each_other_in_a_circle() -> None:
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"a circle: {' -> '.join((*way[way.index(name) :], name))}"
        if name not in done:
            for other in sorted(imported(modules()[name], strings=False)):
                visit(other, (*way, name))
            done.add(name)

    for name in modules():
        visit(name, ())


def test_no_room_has_more_than_fifteen_modules_side_by_side() -> None:
    folders = {path.parent for path in modules().values()}
    crowded = {
        str(folder.relative_to(PACKAGE)): count
        for folder in folders
        if (count := len([path for path in folder.glob("*.py") if path.name != "__init__.py"])) > 15
    }
    assert not crowded


def test_only_tracking_and_serving_know_mlflow_and_nothing_knows_dvc() -> None:
    def knows(path: Path, tool: str) -> bool:
        return re.search(rf"^\s*(import|from) {tool}\b", path.read_text(encoding="utf-8"), re.M) is not None

    assert {name for name, path in modules().items() if knows(path, "mlflow")} == {
        "rarebeat.tracking.experiments",
        "rarebeat.tracking.kept_runs",
        "rarebeat.tracking.server",
        "rarebeat.tracking.models",
        "rarebeat.tracking.runs",
        "rarebeat.inference.served",
    }
    assert not [name for name, path in modules().items() if knows(path, "dvc")]
