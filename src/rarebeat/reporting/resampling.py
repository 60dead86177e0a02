"""What class re-sampling did to the training records: how many of each class there were, and how many were kept."""

import json
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from rarebeat.core.errors import RarebeatError
from rarebeat.core.parquet import read_table
from rarebeat.core.tables import Row, markdown_table, write_rows
from rarebeat.dataset.catalogue import SUMMARY
from rarebeat.dataset.remote import Folder
from rarebeat.dataset.selection import RESAMPLED
from rarebeat.reporting.figures import bars_figure


def read_summary(shards: Folder) -> dict[str, Any]:
    """Read what prepare counted.

    Args:
        shards: folder written by prepare.

    Returns:
        The content of its ``summary.json``.

    Raises:
        RarebeatError: when it cannot be read.
    """
    try:
        content: dict[str, Any] = json.loads((shards / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RarebeatError(f"cannot read {shards / SUMMARY}: {error}; run prepare again") from error
    return content


def resampling_rows(summary: dict[str, Any]) -> list[Row]:
    """Count the positive training records of each class before and after class re-sampling.

    Args:
        summary: the content of a ``summary.json`` of prepare.

    Returns:
        A row per class, the most common class first: class, before, after, and the share that was kept.
    """
    counts = {
        name: (entry["before"]["positive"], entry["after"]["positive"])
        for name, entry in summary["splits"]["train"]["classes"].items()
    }
    return [
        {
            "class": name,
            "before": before,
            "after": after,
            "kept": round(after / before, 3) if before else None,
        }
        for name, (before, after) in sorted(counts.items(), key=lambda item: -item[1][0])
    ]


def training_records_left_out(shards: Folder) -> int:
    """Count the training records that class re-sampling left out; those of other splits do not count.

    Args:
        shards: folder written by prepare.

    Returns:
        Their number, from its ``splits.parquet``.

    Raises:
        RarebeatError: when it cannot be read.
    """
    table = read_table(shards / "splits.parquet", ["split", "reason"])
    left_out = pc.and_(pc.equal(table["split"], "train"), pc.equal(table["reason"], RESAMPLED))
    return int(pc.sum(left_out).as_py() or 0)


def write_resampling(folder: Path, shards: Folder) -> tuple[list[str], Path]:
    """Write ``resampling.csv`` and ``figures/resampling.png``.

    Args:
        folder: ``reports/``.
        shards: folder written by prepare.

    Returns:
        Paragraphs for ``results.md``, none where nothing was left out; and the path of the table.

    Raises:
        RarebeatError: when the counts of prepare cannot be read.
    """
    summary = read_summary(shards)
    rows = resampling_rows(summary)
    path = folder / "resampling.csv"
    write_rows(path, rows, list(rows[0]))
    bars_figure(
        folder / "figures" / "resampling.png",
        [str(row["class"]) for row in rows],
        {name: [float(row[name] or 0) for row in rows] for name in ("before", "after")},
        "positive training records",
    )
    kept = summary["splits"]["train"]["records"]
    left_out = training_records_left_out(shards)
    if not left_out:
        return [], path
    share = 100 * left_out / (kept + left_out)
    text = (
        f"Class re-sampling: of {kept + left_out:,} training records {kept:,} were kept ({share:.0f} % left out). "
        "Positive records of each class before and after:"
    )
    return ["## Training records", text, markdown_table(rows)], path
