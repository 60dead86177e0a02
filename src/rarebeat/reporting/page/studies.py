"""Tables and figures of studies on the page of the pipeline.

A study's page is an output of the study, which the pipeline must not wait for: `dvc repro` would train the study. So
the page depends on a list of what studies have written, with the digest of each file. The list changes when a study has
ended (`pipeline/study.py` writes it), and a file that is not the one of the list is not shown: what the page shows
depends on the list alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from markdown_it import MarkdownIt

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic, digest
from rarebeat.core.yaml_text import load_yaml
from rarebeat.reporting.page.html import Html, Section, folded, paragraph, picture, scrolled

HEAD = (
    "# Written by `make study`: pages of studies that reports/index.html shows, with the SHA-256 of each file. The\n"
    "# stage evaluate depends on this list, so that the page is made anew when a study has ended.\n"
)
ENDINGS = (".md", ".png")
"""Files of a study's page: the text, and its figure where it has one."""


@dataclass(frozen=True)
class StudyPage:
    """A study's page.

    Attributes:
        name: of the study.
        text: Markdown; "" where the file is missing or is not the one that is listed.
        figure: PNG, or None.
    """

    name: str
    text: str
    figure: bytes | None


def list_studies(path: Path, names: Iterable[str]) -> bool:
    """Write the list of studies, for those that have a page beside it.

    Args:
        path: YAML to write, in the folder of the pages.
        names: of studies.

    Returns:
        Whether it has changed; otherwise the file is left alone.

    Raises:
        RarebeatError: when it cannot be written.
    """
    found = {}
    for name in sorted(names):
        files = [path.parent / f"{name}{ending}" for ending in ENDINGS]
        if files[0].is_file():
            found[name] = {file.name: digest(file) for file in files if file.is_file()}
    text = HEAD + yaml.safe_dump(found, sort_keys=True)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return True


def read_studies(path: Path) -> list[StudyPage]:
    """Read the pages of the studies that are listed.

    Args:
        path: written by :func:`list_studies`.

    Returns:
        The pages, by name.

    Raises:
        RarebeatError: when the list cannot be read.
    """
    try:
        content: Mapping[str, Mapping[str, str]] = load_yaml(path.read_text(encoding="utf-8")) or {}
        return [_read(path.parent, name, files) for name, files in content.items()]
    except (OSError, ValueError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise RarebeatError(f"cannot read {path}: {error}; run `make study` of any study") from error


def _read(folder: Path, name: str, files: Mapping[str, str]) -> StudyPage:
    def listed(file: str) -> bytes | None:
        path = folder / file
        known = file in files and path.parent == folder and path.is_file()
        return path.read_bytes() if known and digest(path) == files[file] else None

    text, figure = (listed(f"{name}{ending}") for ending in ENDINGS)
    return StudyPage(name, (text or b"").decode("utf-8", errors="replace"), figure)


def study_section(pages: Sequence[StudyPage]) -> Section:
    """Write the section on studies.

    Args:
        pages: of studies.

    Returns:
        The section.
    """
    parts = [paragraph("What trains more than one model, as each study says of itself.", "note")]
    for page in pages:
        if not page.text:
            parts.append(
                paragraph(
                    f"The page of {page.name} has changed since it was listed: make study STUDY={page.name}."
                )
            )
            continue
        title = next(
            (line.lstrip("# ") for line in page.text.splitlines() if line.startswith("# ")), page.name
        )
        shown = [] if page.figure is None else [picture(page.figure, f"Figure of the study: {title}")]
        parts.append(folded(title, [*shown, markdown(page.text)]))
    return Section("studies", "Studies", parts)


def markdown(text: str) -> Html:
    """Turn Markdown into HTML for a part of the page: what leads elsewhere becomes plain text.

    Args:
        text: Markdown with tables; HTML in it is shown as text.

    Returns:
        HTML without links and pictures, its headings two levels lower and its first heading left out.

    Example:
        >>> print(markdown("# Title\\n\\nSee [the paper](https://example.org) & <b>more</b>."), end="")
        <p>See the paper &amp; &lt;b&gt;more&lt;/b&gt;.</p>
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        tokens = tokens[3:]
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
        if token.children:
            token.children = [child for child in token.children if child.type not in _ELSEWHERE]
    rendered = str(parser.renderer.render(tokens, parser.options, {}))
    return Html(
        rendered.replace(
            "<table>", scrolled("<table>", "Table of the study").removesuffix("\n</div>")
        ).replace("</table>", "</table>\n</div>")
    )


_ELSEWHERE = ("link_open", "link_close", "image")
