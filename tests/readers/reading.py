"""Reading a small archive as ingest does, and writing the tables of one."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rarebeat.core.records import Record
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.registry import get_source

PUBLIC = Pseudonym()


def read_all(kind: str, root: Path, options: Mapping[str, Any] | None = None) -> list[Record]:
    source = get_source(kind)
    return [source.read(entry, PUBLIC, options or {}) for entry in source.discover(root, options or {})]


def write_csv(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
