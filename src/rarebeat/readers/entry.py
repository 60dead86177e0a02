"""One recording that a source offers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One recording that a source offers; picklable, so that a worker process can read it.

    Attributes:
        record_id: the archive's own id (it may identify a person: see :meth:`Pseudonym.record_id`).
        path: where to read it; None for what is generated.
        details: whatever the reader needs besides (cells of a CSV row, a seed).
        source: the database, or the part of it, that the recording comes from; "" for the kind of archive.
    """

    record_id: str
    path: Path | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
