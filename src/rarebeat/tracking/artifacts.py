"""Where a database of runs in the project keeps their files: in the project, also after it was copied or moved.

MLflow writes down absolute places when an experiment and a run are created. Without this a copy of a project would
go on to write into the one that it was copied from.
"""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

FOLDER = "mlartifacts"
_LOG = logging.getLogger(__name__)
# Tables of MLflow with a place each: the column that names a row, and the one that holds the place.
_PLACES = (
    ("experiments", "experiment_id", "artifact_location"),
    ("runs", "run_uuid", "artifact_uri"),
    ("logged_models", "model_id", "artifact_location"),
)


def artifact_location(root: Path) -> str:
    """Say where an experiment of a project keeps its files.

    Args:
        root: of the project.

    Returns:
        A URI, as MLflow wants it.
    """
    return (root / FOLDER).absolute().as_uri()


def follow_project(root: Path, database: Path) -> None:
    """Make the places in a database those of the project that it lies in.

    An experiment moves always, so that nothing is written to its old place; a run or a model where its files have
    come along. A database that cannot be read stays as it is, for MLflow to say what is wrong with it.

    Args:
        root: of the project.
        database: of its runs; nothing happens where it is not there.
    """
    if not database.is_file():
        return
    try:
        with closing(sqlite3.connect(database)) as connection, connection:
            moved = [place for table in _PLACES for place in _follow(connection, root, *table)]
    except sqlite3.Error:
        return
    if moved:
        _LOG.warning("this project was copied or moved from %s: its runs keep their files here now", moved[0])


def _follow(connection: sqlite3.Connection, root: Path, table: str, key: str, column: str) -> list[str]:
    """Change one table; the roots from which its rows have come."""
    found = []
    for name, uri in connection.execute(f"SELECT {key}, {column} FROM {table}").fetchall():
        before, inside = _divide(uri or "")
        if before is None or before == root.absolute():
            continue
        if table == "experiments" or (root / FOLDER / inside).exists():
            place = (root.absolute() / FOLDER / inside).as_uri()
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (place, name))
            found.append(str(before))
    return found


def _divide(uri: str) -> tuple[Path | None, Path]:
    """The project of a place in a folder of this name, and the place in that folder.

    >>> _divide("file:///home/ann/ecg/mlartifacts/3f/artifacts")
    (PosixPath('/home/ann/ecg'), PosixPath('3f/artifacts'))
    >>> _divide("s3://bucket/runs")
    (None, PosixPath('.'))
    """
    parts = urlsplit(uri)
    path = Path(unquote(parts.path))
    if parts.scheme not in ("file", "") or FOLDER not in path.parts:
        return None, Path()
    place = path.parts.index(FOLDER)
    return Path(*path.parts[:place]), Path(*path.parts[place + 1 :])
