"""Where the project is, also from inside a temporary or queued DVC experiment."""

import os
import subprocess
from pathlib import Path

_EXPERIMENTS = f"{os.sep}.dvc{os.sep}tmp{os.sep}exps"


def project_root() -> Path:
    """Find the repository that owns this run.

    DVC runs queued and temporary experiments in a copy under ``.dvc/tmp/exps``; what outlives the experiment (the
    tracking database, relative data roots) belongs to the repository around it.

    Returns:
        The folder of DVC, or else the nearest one at or above the current folder that holds a ``dvc.yaml``.
    """
    inside = os.environ.get("DVC_ROOT") or str(_nearest_pipeline(Path.cwd()))
    return Path(inside.split(_EXPERIMENTS)[0])


def _nearest_pipeline(folder: Path) -> Path:
    return next((place for place in (folder, *folder.parents) if (place / "dvc.yaml").is_file()), folder)


def resolve_root(root: str, params: Path) -> Path:
    """Find a data root that a params file names.

    Args:
        root: absolute, with ``~``, or relative: to the project, where the params file lies in it (as those of the
            studies do), otherwise to the folder of the params file.
        params: the params file. That of a temporary DVC experiment is a copy: there the project is the repository
            around it.

    Returns:
        The folder, whether it exists or not.

    Example:
        >>> resolve_root("/data/ludb", Path("params.yaml")).as_posix()
        '/data/ludb'
    """
    project, place = project_root(), params.resolve().parent
    has_params = (project / "dvc.yaml").is_file() and place.is_relative_to(project.resolve())
    base = project if has_params or "DVC_ROOT" in os.environ else place
    return base / Path(root).expanduser()


def git_commit() -> tuple[str | None, bool]:
    """Ask git for the state of the current folder.

    Returns:
        The commit that is checked out, and whether tracked files differ from it; (None, False) outside git.
    """
    try:
        commit = _git("rev-parse", "HEAD")
        return commit, bool(_git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        return None, False


def _git(*arguments: str) -> str:
    result = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    return result.stdout.strip()
