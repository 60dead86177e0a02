"""Run a study: its DVC stages in order, those that do not wait for each other side by side.

DVC sees `studies/NAME/dvc.yaml` only once this has written two files beside it, neither of them in git: `params.yaml`
(those of the pipeline, changed by the study's `overrides.yaml` and by `--set`), and `.dvcignore`, which takes the
study off the list of what DVC ignores. Otherwise `dvc checkout` would complain of every output that was never made.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Any

import typer
import yaml

from rarebeat.cli.console import run
from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic
from rarebeat.core.params import read_params

STUDIES, RAW, LISTED = Path("studies"), Path("data/raw/ecg"), Path("reports/studies.yaml")
READ = RAW.with_suffix(".read")
"""Stages that have read the recordings since :data:`RAW` points where it does: DVC does not see that it changed."""

RECORDINGS = "recordings"
"""The study that reads the real recordings in :data:`RAW`, and the stages of other studies that do."""

PARAMS_HEAD = (
    "# Written by `make study`: ../../params.yaml, changed by overrides.yaml and SET. Edit those, not this.\n"
)
IGNORE_HEAD = "# Written by `make study`: DVC knows this study from now on.\n"
SHOWN = 30  # lines of what a failed stage said
PATIENCE = 10.0  # seconds that a stage has to end when the study is broken off

Graph = Mapping[str, set[str]]
"""Stage to the stages that it waits for."""


def study(
    name: Annotated[str, typer.Argument(help="a folder in studies/")],
    jobs: Annotated[int, typer.Option(min=1, help="stages side by side")] = 1,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", "-S", help="key=value, instead of what the study says")
    ] = None,
    ecg: Annotated[Path | None, typer.Option(help=f"folder of the real recordings, linked as {RAW}")] = None,
) -> None:
    """Run all stages of a study that are not up to date; a failed or killed one goes on where it stopped."""
    from rarebeat.cli.own_parts import write_own_parts
    from rarebeat.cli.params import check_params  # every room, with torch
    from rarebeat.reporting.page.studies import list_studies

    if not (STUDIES / name / "dvc.yaml").is_file():
        known = ", ".join(sorted(path.parent.name for path in STUDIES.glob("*/dvc.yaml")))
        raise RarebeatError(f"there is no study {name!r}; there are: {known}")
    if ecg is not None:
        link(ecg)
    visible = [name, *needs(name)]
    try:
        for each in visible:
            # Cells are those of the study that is run.
            own = [entry for entry in overrides or [] if each == name or not entry.startswith("cells.")]
            content = show(each, own)
            check_params(content)
            write_own_parts(STUDIES / each / "own", content)
        last = f"{STUDIES / name}/dvc.yaml:{last_stage(name)}"
        graph = parse_dag(dvc("dag", "--dot", last))
        forced = unread(graph)
        changed = set(json.loads(dvc("status", "--json", "--with-deps", last)))
        todo = stale(graph, changed | forced)
        if any(map(reads, todo)) and not RAW.is_dir():
            raise RarebeatError(
                f"the study {name} reads real recordings, and there is no {RAW}: say where they are, with "
                f"ECG=/path/to/ecg (make) or --ecg; it has ptb-xl, challenge, ludb and ptb-xl-filtered in it"
            )
        waiting = {stage: waits & todo for stage, waits in graph.items() if stage in todo}
        run_all(waiting, len(graph), jobs, forced)
    finally:
        for each in visible:
            hide_unfinished(each)
    if list_studies(LISTED, [path.parent.name for path in STUDIES.glob("*/dvc.yaml")]):
        print("`dvc repro` puts what the study found on reports/index.html", file=sys.stderr)


def link(ecg: Path) -> bool:
    """Make `data/raw/ecg` point to a folder, so that no path stands in the params.

    Returns:
        Whether it pointed elsewhere before: what was read there must be read anew.
    """
    if not ecg.is_dir():
        raise RarebeatError(f"there is no folder {ecg}")
    if RAW.exists() and not RAW.is_symlink():
        raise RarebeatError(f"{RAW} is a folder, not a link: leave ECG out to use it, or move it away")
    if RAW.is_symlink() and RAW.readlink() == ecg.resolve():
        return False
    RAW.parent.mkdir(parents=True, exist_ok=True)
    READ.write_text("", encoding="utf-8")  # before the link changes: a run killed here reads once too often
    RAW.unlink(missing_ok=True)
    RAW.symlink_to(ecg.resolve(), target_is_directory=True)
    return True


def unread(graph: Graph) -> set[str]:
    """The stages that read recordings and have not done so since `data/raw/ecg` was linked anew."""
    if not READ.is_file():
        return set()
    known = READ.read_text(encoding="utf-8").split()
    return {stage for stage in graph if reads(stage)} - set(known)


def reads(stage: str) -> bool:
    """Whether a stage reads the real recordings.

    >>> reads("studies/recordings/dvc.yaml:ingest@ludb"), reads("studies/sources/dvc.yaml:recordings@ludb")
    (True, True)
    >>> reads("studies/sources/dvc.yaml:label@ludb")
    False
    """
    return f"/{RECORDINGS}/" in stage or f":{RECORDINGS}@" in stage


def note_read(stage: str) -> None:
    """Write down that a stage has read the recordings where `data/raw/ecg` points now."""
    with READ.open("a", encoding="utf-8") as file:
        file.write(f"{stage}\n")


def needs(name: str) -> list[str]:
    """The other studies whose data a study reads, and theirs."""
    text = (STUDIES / name / "dvc.yaml").read_text(encoding="utf-8")
    direct = dict.fromkeys(re.findall(r"\bdata/studies/([\w-]+)", text))
    return list(dict.fromkeys(other for each in direct if each != name for other in (each, *needs(each))))


def last_stage(name: str) -> str:
    """The stage that a study ends with: the last one of its file."""
    path = STUDIES / name / "dvc.yaml"
    try:
        return str(list(yaml.safe_load(path.read_text(encoding="utf-8"))["stages"])[-1])
    except (yaml.YAMLError, KeyError, TypeError, IndexError) as error:
        raise RarebeatError(f"cannot read the stages of {path}: {error}") from error


def show(name: str, overrides: Sequence[str]) -> dict[str, Any]:
    """Write a study's params, and let DVC see it.

    Returns:
        The params.
    """
    folder = STUDIES / name
    content = read_params([Path("params.yaml"), folder / "overrides.yaml"], overrides)
    with atomic(folder / "params.yaml") as temporary:
        temporary.write_text(PARAMS_HEAD + yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    (folder / ".dvcignore").write_text(f"{IGNORE_HEAD}!dvc.yaml\n", encoding="utf-8")
    return content


def hide_unfinished(name: str) -> None:
    """Let DVC ignore a study with outputs that are not there yet: `dvc checkout` would fail for want of them."""
    ignore = STUDIES / name / ".dvcignore"
    if ignore.is_file() and not is_finished(name):
        ignore.unlink()


def is_finished(name: str) -> bool:
    """Whether every stage of a study was run; no, where DVC cannot tell its stages."""
    lock = STUDIES / name / "dvc.lock"
    done = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    try:
        stages = dvc("stage", "list", "--name-only", f"{STUDIES / name}/dvc.yaml").split()
    except RarebeatError:  # a study that DVC cannot read: the error that ended the run says so
        return False
    return all(f"\n  {stage.rpartition(':')[2]}:\n" in done for stage in stages)


def dvc(*arguments: str) -> str:
    """What a DVC command says.

    Raises:
        RarebeatError: with its message, when it fails.
    """
    result = subprocess.run(["dvc", *arguments], capture_output=True, text=True)
    if result.returncode:
        raise RarebeatError(f"dvc {' '.join(arguments)}:\n{result.stderr.strip() or result.stdout.strip()}")
    return result.stdout


def parse_dag(dot: str) -> dict[str, set[str]]:
    """The graph that `dvc dag --dot` writes.

    >>> parse_dag('strict digraph {"a"; "b"; "a" -> "b";}')
    {'a': set(), 'b': {'a'}}
    """
    graph: dict[str, set[str]] = {}
    for first, second in re.findall(r'"([^"]+)"(?:\s*->\s*"([^"]+)")?', dot):
        graph.setdefault(first, set())
        if second:
            graph.setdefault(second, set()).add(first)
    return graph


def stale(graph: Graph, changed: set[str]) -> set[str]:
    """The stages that changed, and all that wait for one of them."""
    found = changed & set(graph)
    while more := {stage for stage, waits in graph.items() if waits & found} - found:
        found |= more
    return found


@dataclass(frozen=True)
class Running:
    """A stage that runs, and the file that holds what it says."""

    process: subprocess.Popen[bytes]
    said: IO[bytes]


def start(stage: str, force: bool = False) -> Running:
    """Run one stage, in a group of processes that can be ended together.

    Args:
        stage: its name.
        force: run it even where DVC finds nothing changed, or knows the result.
    """
    said = tempfile.TemporaryFile()  # noqa: SIM115 (read when the stage has ended)
    command = ["dvc", "--wait-for-lock", "repro", "--single-item", *(["--force"] if force else []), stage]
    return Running(subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True), said)


def end(running: Collection[Running]) -> None:
    """End stages with all that they started, and wait until they have ended."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for one in running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(one.process.pid, number)
        for one in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.process.wait(PATIENCE)


def run_all(graph: Graph, total: int, jobs: int, forced: Collection[str] = ()) -> None:
    """Run the stages of a graph, each after those it waits for, so many side by side.

    Args:
        graph: the stages to run.
        total: of the study, with those that are up to date.
        jobs: how many at a time.
        forced: those that read recordings anew.

    Raises:
        RarebeatError: with what a stage said that failed, once those beside it have ended.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # to end what was started, too
    waiting, failed, began = dict(graph), list[str](), time.monotonic()
    running: dict[str, Running] = {}
    done = 0
    try:
        while running or (waiting and not failed):
            for stage in ready(waiting, running)[: 0 if failed else jobs - len(running)]:
                running[stage] = start(stage, stage in forced)
            tell(total - len(graph) + done, total, time.monotonic() - began, list(running))
            while not (ended := [stage for stage, one in running.items() if one.process.poll() is not None]):
                time.sleep(0.1)
            for stage in ended:
                one = running.pop(stage)
                if one.process.returncode:
                    one.said.seek(0)
                    lines = one.said.read().decode(errors="replace").strip().splitlines()
                    failed.append("\n".join([f"{stage} failed:", *lines[-SHOWN:]]))
                else:
                    done += 1
                    del waiting[stage]
                    if stage in forced:
                        note_read(stage)
    finally:
        end(running.values())
    tell(total - len(graph) + done, total, time.monotonic() - began, [])
    if failed:
        raise RarebeatError("\n\n".join(failed))


def ready(waiting: Graph, running: Mapping[str, object]) -> list[str]:
    """The stages that wait for none of those that are not done, in the order of the graph.

    >>> ready({"b": {"a"}, "c": set(), "d": {"b"}, "e": set()}, {"e": "runs"})
    ['b', 'c']
    """
    return [stage for stage, waits in waiting.items() if stage not in running and not waits & waiting.keys()]


def tell(done: int, total: int, seconds: float, names: Sequence[str]) -> None:
    """One line on standard error: how far the study is, and what runs."""
    short = ", ".join(name.removeprefix("studies/").replace("/dvc.yaml", "") for name in names)
    line = f"{done}/{total} stages done, {int(seconds) // 60}:{int(seconds) % 60:02d}"
    print(f"{line}, running {short}" if short else line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    run(study)
