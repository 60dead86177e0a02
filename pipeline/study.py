"""Run a study: its DVC stages in order, those that do not wait for each other side by side.

DVC sees `studies/NAME/dvc.yaml` only once this has written two files beside it, neither of them in git: `params.yaml`
(those of the pipeline, changed by the study's `overrides.yaml` and by `--set`), and `.dvcignore`, which takes the
study off the list of what DVC ignores. Otherwise `dvc checkout` would complain of every output that was never made.
"""

import json
import re
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from rarebeat.cli.console import run
from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic
from rarebeat.core.params import read_params
from rarebeat.studies.here import Here, dvc
from rarebeat.studies.schedule import Graph, Place, parse_dag, run_all, stale

STUDIES, RAW, LISTED = Path("studies"), Path("data/raw/ecg"), Path("reports/studies.yaml")
READ = RAW.with_suffix(".read")
"""Stages that have read the recordings since :data:`RAW` points where it does: DVC does not see that it changed."""

RECORDINGS = "recordings"
"""The study that reads the real recordings in :data:`RAW`, and the stages of other studies that do."""

OF_ONE_STUDY = {"cells", "compare"}
"""Groups of params that each study has for itself."""

EVERYWHERE = ("workers", "tracking")
"""Groups that no stage depends on, for they change no output, and that scripts read all the same."""

PARAMS_HEAD = (
    "# Written by `make study`: ../../params.yaml, changed by overrides.yaml and SET. Edit those, not this.\n"
)
IGNORE_HEAD = "# Written by `make study`: DVC knows this study from now on.\n"
SIDE_BY_SIDE = 64
"""Stages at a time where other machines run them, unless told otherwise: their queue says how many really run."""


def study(
    name: Annotated[str, typer.Argument(help="a folder in studies/")],
    jobs: Annotated[
        int | None, typer.Option(min=1, help="stages side by side; default: 1 here, 64 on other machines")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", "-S", help="key=value, instead of what the study says")
    ] = None,
    ecg: Annotated[Path | None, typer.Option(help=f"folder of the real recordings, linked as {RAW}")] = None,
    on: Annotated[
        str, typer.Option(help="who trains: here, ray (or an address such as ray://head:10001), slurm or sky")
    ] = "here",
    gpus: Annotated[float, typer.Option(min=0, help="with ray: GPUs, or a share of one, for each cell")] = 0,
) -> None:
    """Run all stages of a study that are not up to date; a failed or killed one goes on where it stopped."""
    from rarebeat.cli.own_parts import OWN, write_own_parts
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
            set_by_hand = overrides or []
            content = show(each, set_by_hand if each == name else concerning(each, set_by_hand))
            check_params(content)
            write_own_parts(STUDIES / each / "own", content, (OWN, STUDIES / each))
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
        side_by_side = jobs or (1 if on == "here" else SIDE_BY_SIDE)
        with where(on, gpus, visible, graph, forced) as place:
            run_all(waiting, len(graph), side_by_side, place, note_read if forced else lambda _: None)
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
    """Write down that a stage has read the recordings where `data/raw/ecg` points now, if it reads them."""
    if not reads(stage):
        return
    with READ.open("a", encoding="utf-8") as file:
        file.write(f"{stage}\n")


def needs(name: str) -> list[str]:
    """The other studies whose data a study reads, and theirs."""
    text = (STUDIES / name / "dvc.yaml").read_text(encoding="utf-8")
    direct = dict.fromkeys(re.findall(r"\bdata/studies/([\w-]+)", text))
    return list(dict.fromkeys(other for each in direct if each != name for other in (each, *needs(each))))


def concerning(name: str, overrides: Sequence[str]) -> list[str]:
    """What of the values that are set by hand for a study concerns another one, whose data it reads.

    The cells and how they are compared are those of the study that is run; and of the other groups those count whose
    values the stages of the other study depend on. What it does not read need not suit it: it may have another
    vocabulary, or lack a label set.
    """
    text = (STUDIES / name / "dvc.yaml").read_text(encoding="utf-8")
    named = {*re.findall(r"^\s+- (\w+)", text, re.M), *re.findall(r"\$\{(\w+)", text), *EVERYWHERE}
    return [entry for entry in overrides if re.split(r"\W", entry)[0] in named - OF_ONE_STUDY]


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
    with atomic(folder / ".dvcignore") as temporary:  # another study that reads this one may run
        temporary.write_text(f"{IGNORE_HEAD}!dvc.yaml\n", encoding="utf-8")
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


@contextmanager
def where(
    on: str, gpus: float, visible: Sequence[str], graph: Graph, forced: Collection[str]
) -> Iterator[Place]:
    """Where the stages run: all in this working tree, or the cells on other machines.

    Args:
        on: here, ray, the address of a Ray cluster, slurm or sky.
        gpus: for each cell of a Ray cluster.
        visible: the study, and those whose data it reads.
        graph: all of its stages.
        forced: stages that read recordings anew.
    """
    if on == "here":
        yield Here(forced)
        return
    from rarebeat.core.cluster.connection import CLUSTER, connected
    from rarebeat.studies.away import Away, can_leave, default_remote
    from rarebeat.studies.batch_jobs import SYSTEMS, batch_launcher
    from rarebeat.studies.ray_jobs import ray_launcher

    remote = default_remote()
    cells = {
        stage for stage in graph if not reads(stage) and can_leave(stage, STUDIES / visible[0] / "dvc.yaml")
    }
    folders, here = [STUDIES / name for name in visible], Here(forced, pull=remote is not None)
    if on in SYSTEMS:
        yield Away(cells, graph, folders, batch_launcher(on), here, remote)
    elif on == "ray" or on.startswith(CLUSTER):
        with connected(f"{CLUSTER}auto" if on == "ray" else on) as ray:
            yield Away(cells, graph, folders, ray_launcher(ray, gpus), here, remote)
    else:
        raise RarebeatError(
            f"no machines are called {on!r}; there are: here, ray, ray:ADDRESS, {', '.join(SYSTEMS)}"
        )


if __name__ == "__main__":
    run(study)
