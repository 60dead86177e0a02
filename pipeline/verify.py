"""Beside the road: compare DVC's cache with its checksums, and remove what is damaged, for `dvc repro` to make again.

DVC takes a read-only object of its cache for what its name says, without reading it: a damaged one comes back with
every checkout, and stays when a stage that writes it anew is run.
"""

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def verify(
    cache: Annotated[Path | None, typer.Option(help="DVC's cache; default: that of this project")] = None,
) -> None:
    """Read all objects of the cache and remove those whose bytes are not those of their name."""
    from rarebeat.core.errors import RarebeatError

    folder = cache or Path(subprocess.check_output(["dvc", "cache", "dir"], text=True).strip())
    damaged = list(damaged_objects(folder))
    for path in damaged:
        path.unlink()
        print(f"removed, since it is damaged: {path}")
    if damaged:
        raise RarebeatError(
            f"{len(damaged)} objects of {folder} were damaged. Delete what was made of them (a message names the file; "
            "`make clean` deletes all outputs), then run `dvc repro`"
        )
    print(f"{folder}: nothing is damaged")


def damaged_objects(cache: Path) -> Iterator[Path]:
    """The objects whose MD5 is not the one that they are named by."""
    for path in sorted(cache.glob("files/md5/[0-9a-f][0-9a-f]/*")):
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "md5").hexdigest()
        if found != path.parent.name + path.name.removesuffix(".dir"):
            yield path


if __name__ == "__main__":
    run(verify)
