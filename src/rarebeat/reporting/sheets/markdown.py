"""Pieces of Markdown that the sheets share."""

from collections.abc import Iterable, Mapping, Sequence

from rarebeat.core.tables import Cell, Row, markdown_table


def bullets(points: Iterable[str]) -> str:
    """A list.

    Args:
        points: one or more.

    Returns:
        A line for each.
    """
    return "\n".join(f"- {point}" for point in points)


def facts_table(facts: Mapping[str, Cell]) -> str:
    """Facts by their names, those without a value left out.

    Args:
        facts: value by name.

    Returns:
        A table of two columns without a header.
    """
    lines = [f"| {name} | {_cell(value)} |" for name, value in facts.items() if value is not None]
    return "\n".join(["| | |", "|---|---|", *lines])


def _cell(value: Cell) -> str:
    return " ".join(str(value).replace("|", "\\|").split())


def trimmed(rows: Sequence[Row]) -> str:
    """A table without the columns that say nothing in any row.

    Args:
        rows: cells by column, the same columns in each.

    Returns:
        The table; "" for no rows.
    """
    if not rows:
        return ""
    names = list(rows[0])
    kept = [
        name for place, name in enumerate(names) if not place or any(row[name] is not None for row in rows)
    ]
    return markdown_table([{name: row[name] for name in kept} for row in rows])
