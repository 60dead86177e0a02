"""The project in one file: what another machine needs to run a stage of it as this working tree would."""

import io
import subprocess
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from rarebeat.core.errors import RarebeatError

LARGEST = 100 << 20
"""Bytes of all files together. Data come through DVC, not with the code."""

_GENERATED = ("params.yaml", ".dvcignore", "dvc.lock", "own/*")
"""What lies in the folder of a study that was run and is not in git."""


def project_files(studies: Sequence[Path]) -> list[Path]:
    """List what a copy of the working tree is made of, with changes that are not committed.

    Args:
        studies: folders of the studies that DVC is to see.

    Returns:
        Files relative to the project, in which this runs: those that git has or would add, DVC's settings, and what
        was written for the studies. No outputs of stages.

    Raises:
        RarebeatError: where there is no git repository, or the files are too large.
    """
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        capture_output=True,
        text=True,
    )
    if listing.returncode:
        raise RarebeatError(f"cannot list the files of the project: {listing.stderr.strip()}")
    found = dict.fromkeys(Path(name) for name in listing.stdout.split("\0") if name)
    found |= dict.fromkeys(Path(".dvc") / name for name in ("config", "config.local"))
    found |= dict.fromkeys(path for study in studies for name in _GENERATED for path in study.glob(name))
    files = [path for path in found if path.is_file() and not path.is_symlink()]
    sizes = {path: path.stat().st_size for path in files}
    if sum(sizes.values()) > LARGEST:
        largest = max(files, key=lambda path: sizes[path])
        raise RarebeatError(
            f"the files of the project are larger than {LARGEST >> 20} MB together, too much to send to other "
            f"machines; the largest is {largest}, with {sizes[largest] >> 20} MB: let git ignore what is no code"
        )
    return files


def pack(files: Iterable[Path]) -> bytes:
    """Pack files into a compressed archive.

    Args:
        files: relative to the folder in which this runs.

    Returns:
        The content of a ``.tar.gz`` file.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for path in files:
            archive.add(path, recursive=False)
    return buffer.getvalue()


def unpack(packed: bytes, place: Path) -> None:
    """Unpack what :func:`pack` made.

    Args:
        packed: the archive.
        place: the folder.
    """
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        archive.extractall(place, filter="data")
