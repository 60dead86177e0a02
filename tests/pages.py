"""The pages of the documentation, and what stands in them: commands, blocks, headings, links."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/**/*.md", "own/*.md", "studies/**/*.md")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"  # tells of what was
)
"""Every page that a person has written, and the reference; a new one is found by itself."""

ELSEWHERE = "sh elsewhere"
"""The language of a block whose commands want what a test has not: a download, hours. They are parsed, and not run."""

_BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```", re.M | re.S)
_HEADING = re.compile(r"^#+ +(.+?) *$", re.M)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_ENDS = re.compile(r"\s(?:[|<>]|&&|#)(?=\s|$)|;\s")
"""Where a command ends and the shell, or a comment, begins."""


@dataclass(frozen=True)
class Command:
    """A command line of a page: its words, without assignments before them and without what belongs to the shell."""

    page: str
    line: str
    words: tuple[str, ...]


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(text: str) -> list[tuple[str, str]]:
    """Language and content of every fenced block, in order."""
    return _BLOCK.findall(text)


def command_lines(text: str, languages: tuple[str, ...] = ("sh", ELSEWHERE)) -> list[str]:
    """Every command line of the blocks in ``sh``; a backslash at the end of a line goes on."""
    joined = [block.replace("\\\n", " ") for language, block in blocks(text) if language in languages]
    lines = [line.strip() for block in joined for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def words_of(line: str) -> tuple[str, ...]:
    words = shlex.split(_ENDS.split(line)[0])
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    return tuple(words)


def commands(program: str = "") -> list[Command]:
    """Every command of the blocks of all pages, or those of one program."""
    found = [Command(page, line, words_of(line)) for page in PAGES for line in command_lines(text_of(page))]
    return [command for command in found if not program or command.words[:1] == (program,)]


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    found: set[str] = set()
    for heading in _HEADING.findall(_BLOCK.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = 0
        while (name := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(name)
    return found


def links(page: str) -> Iterator[tuple[Path, str]]:
    """Every link of a page to a file of the project: the file and the anchor in it, "" for none."""
    for target in _LINK.findall(_BLOCK.sub("", text_of(page))):
        if not re.match(r"[a-z]+:", target):
            name, _, anchor = target.partition("#")
            yield ((ROOT / page).parent / name).resolve() if name else ROOT / page, anchor
