"""Commands about labels: ``rarebeat label-text`` and ``rarebeat labels agreement``."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from rarebeat.core.errors import RarebeatError

VocabularyOption = Annotated[
    str, typer.Option("--vocabulary", help="name of a vocabulary, or path of a .yaml file")
]


def label_text(
    explain: Annotated[
        str | None, typer.Option(help="a report to explain instead of reading standard input")
    ] = None,
    vocabulary: VocabularyOption = "hughes24",
    full: Annotated[
        bool, typer.Option("--full", help="add negative and unknown classes, and warnings")
    ] = False,
) -> None:
    """Label reports: JSON lines {"id", "text"} in, JSON lines {"id", "positive", "uncertain", "evidence"} out.

    Both in UTF-8. A line that cannot be read gives {"line", "error"}; the others are answered, and the exit code is
    1.
    """
    from rarebeat.labels.explain import explain as explain_text
    from rarebeat.labels.json_lines import label_lines
    from rarebeat.labels.text.matcher import Matcher
    from rarebeat.labels.vocabulary import load_vocabulary

    matcher = Matcher(load_vocabulary(vocabulary))
    if explain is not None:
        print(explain_text(explain, matcher, colour=sys.stdout.isatty()))
        return
    failed = 0
    for answer in label_lines(sys.stdin.buffer, matcher, full):
        sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
        if "error" in answer:
            failed += 1
            print(f"error: line {answer['line']}: {answer['error']}", file=sys.stderr)
    if failed:
        raise typer.Exit(1)


def agreement(
    folders: Annotated[
        list[Path], typer.Argument(help="label folders of cohorts, such as data/labels/ptb-xl")
    ],
    examples: Annotated[int, typer.Option(min=0, help="disagreements shown per class and kind")] = 3,
    as_json: Annotated[
        bool, typer.Option("--json", help="print counts per cohort and class as JSON")
    ] = False,
) -> None:
    """How far text and codes agree, class by class, with examples of where they do not."""
    from rarebeat.labels.agreement import read_agreement
    from rarebeat.reporting.agreement_page import agreement_page, agreement_table

    named: dict[str, Path] = {}
    for folder in folders:
        name = folder.resolve().name
        if name in named:
            raise RarebeatError(f"two label folders are named {name!r}: {named[name]} and {folder}")
        named[name] = folder
    if as_json:
        tables = {name: agreement_table(read_agreement(folder)[0]) for name, folder in named.items()}
        print(json.dumps(tables, indent=2))
    else:
        print(agreement_page(named, examples))
