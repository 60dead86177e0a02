"""HTML of pages that need no network: text is escaped, tables are tables, pictures lie within the page."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from rarebeat.core.tables import Cell

_FOLDER = Path(__file__).parent / "page_files"
_UNDEFINED = "–"


class Html(str):
    """Text that is HTML already: it is not escaped again."""

    __slots__ = ()


@dataclass(frozen=True)
class Section:
    """A part of a page that its navigation leads to.

    Attributes:
        name: of its place in the page: letters and dashes.
        title: its heading.
        parts: HTML, in order.
    """

    name: str
    title: str
    parts: Sequence[Html]


def base_style() -> str:
    """Read the style sheet that all pages share: colours by day and by night, and type.

    Returns:
        CSS.
    """
    return (_FOLDER / "base.css").read_text(encoding="utf-8").rstrip()


def document(title: str, sections: Sequence[Section]) -> str:
    """Put a page together.

    Args:
        title: of the window and the page.
        sections: in order.

    Returns:
        A whole HTML document.
    """
    own = (_FOLDER / "page.css").read_text(encoding="utf-8").rstrip()
    return Template((_FOLDER / "page.html").read_text(encoding="utf-8")).substitute(
        title=escape(title),
        style=f"{base_style()}\n{own}",
        navigation="\n".join(f'<a href="#{escape(one.name)}">{escape(one.title)}</a>' for one in sections),
        sections="\n".join(
            f'<section id="{escape(one.name)}">\n<h2>{escape(one.title)}</h2>\n'
            + "\n".join(one.parts)
            + "\n</section>"
            for one in sections
        ),
    )


def cell_html(cell: Cell) -> str:
    """Write a cell.

    Args:
        cell: text, which is escaped unless it is :class:`Html`, a number, or None.

    Returns:
        HTML.

    Example:
        >>> cell_html("a < b"), cell_html(Html("<b>a</b>")), cell_html(12345), cell_html(None)
        ('a &lt; b', '<b>a</b>', '12,345', '–')
    """
    if cell is None:
        return _UNDEFINED
    if isinstance(cell, Html):
        return cell
    return f"{cell:,}" if isinstance(cell, int) else escape(str(cell))


def paragraph(text: str, kind: str = "") -> Html:
    """Write a paragraph.

    Args:
        text: escaped unless it is :class:`Html`.
        kind: its class; "" for none.

    Returns:
        HTML.

    Example:
        >>> paragraph("R & D", "note")
        '<p class="note">R &amp; D</p>'
    """
    marked = f' class="{kind}"' if kind else ""
    return Html(f"<p{marked}>{cell_html(text)}</p>")


def heading(text: str) -> Html:
    """Write a heading within a section.

    Args:
        text: is escaped.

    Returns:
        HTML.
    """
    return Html(f"<h3>{escape(text)}</h3>")


def table(rows: Sequence[Mapping[str, Cell]], caption: str, totals: int = 0, kind: str = "") -> Html:
    """Write a table that may be wider than the page: it is scrolled on its own.

    Args:
        rows: cells by column. The columns are those of the first row; the first one names the row.
        caption: what the table shows.
        totals: how many rows at its end are averages or sums.
        kind: its class; "" for none.

    Returns:
        HTML; a sentence where there are no rows.
    """
    if not rows:
        return paragraph(f"{caption}: nothing to show.", "note")
    names = list(rows[0])
    head = "".join(f'<th scope="col">{cell_html(name)}</th>' for name in names)
    lines = [
        f'<tr><th scope="row">{cell_html(row[names[0]])}</th>'
        + "".join(_table_cell(row[name]) for name in names[1:])
        + "</tr>"
        for row in rows
    ]
    body = "\n".join(lines[: len(lines) - totals])
    foot = f"\n<tfoot>\n{chr(10).join(lines[len(lines) - totals :])}\n</tfoot>" if totals else ""
    return scrolled(
        f"<table{f' class={chr(34)}{kind}{chr(34)}' if kind else ''}>\n<caption>{cell_html(caption)}</caption>\n"
        f"<thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n{body}\n</tbody>{foot}\n</table>",
        caption,
    )


def _table_cell(cell: Cell) -> str:
    """Words stand on the left, numbers on the right."""
    start = '<td class="words">' if isinstance(cell, str) and cell[:1].isalpha() else "<td>"
    return f"{start}{cell_html(cell)}</td>"


def scrolled(content: str, label: str) -> Html:
    """Let something wide be scrolled on its own, also by keyboard.

    Args:
        content: HTML.
        label: what it is, for who does not see it.

    Returns:
        HTML.
    """
    return Html(
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(label)}">\n{content}\n</div>'
    )


def facts(rows: Mapping[str, Cell]) -> Html:
    """Write names and what they stand for.

    Args:
        rows: name to a cell.

    Returns:
        HTML.
    """
    lines = "\n".join(f"<dt>{escape(name)}</dt><dd>{cell_html(cell)}</dd>" for name, cell in rows.items())
    return Html(f'<dl class="facts">\n{lines}\n</dl>')


def folded(summary: str, parts: Sequence[Html]) -> Html:
    """Write what is shown when it is asked for.

    Args:
        summary: what it is.
        parts: HTML.

    Returns:
        HTML.
    """
    return Html(f"<details>\n<summary>{escape(summary)}</summary>\n" + "\n".join(parts) + "\n</details>")


def picture(png: bytes, alt: str) -> Html:
    """Put a picture into the page.

    Args:
        png: its bytes.
        alt: what it shows.

    Returns:
        HTML.
    """
    data = b64encode(png).decode("ascii")
    return Html(f'<img src="data:image/png;base64,{data}" alt="{escape(alt)}">')
