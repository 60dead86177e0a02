"""Commands about labels: ``rarebeat label-text`` and the group ``rarebeat labels``."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli import audit
from rarebeat.cli.console import examples, new_app, refuse
from rarebeat.core.errors import RarebeatError

_HEADING = "Labels"


def register(app: typer.Typer) -> None:
    """Add ``label-text`` and the group ``labels`` to an application."""
    labelling = (
        "rarebeat label-text < reports.jsonl > labels.jsonl",
        'rarebeat label-text --explain "Sinus rhythm with possible PACs, no RBBB"',
    )
    app.command(rich_help_panel=_HEADING, epilog=examples(*labelling))(label_text)
    labels = new_app(
        help="Look into labels: agreement of text and codes, label noise, audit by hand or by a model."
    )
    comparing = "rarebeat labels agreement data/labels/ptb-xl --examples 5"
    labels.command(rich_help_panel=_HEADING, epilog=examples(comparing))(agreement)
    simulating = "rarebeat labels noise --records 5000 --held-out 1 --out noise.csv"
    labels.command("noise", rich_help_panel=_HEADING, epilog=examples(simulating))(label_noise)
    listing = "rarebeat labels words --vocabulary own.yaml"
    labels.command("words", rich_help_panel=_HEADING, epilog=examples(listing))(words)
    audit.register(labels)
    app.add_typer(labels, name="labels")


VocabularyOption = Annotated[
    str, typer.Option("--vocabulary", help="name of a vocabulary, or path of a .yaml file")
]


def label_text(
    context: typer.Context,
    explain: Annotated[
        str | None, typer.Option(help="a report to explain instead of reading standard input")
    ] = None,
    vocabulary: VocabularyOption = "hughes24",
    full: Annotated[
        bool, typer.Option("--full", help="add negative and unknown classes, and warnings")
    ] = False,
) -> None:
    """Label reports, or explain one.

    JSON lines {"id", "text"} in, JSON lines {"id", "positive", "uncertain", "evidence"} out, both in UTF-8. A line
    that cannot be read gives {"line", "error"}; the others are answered, and the exit code is 1.
    """
    from rarebeat.labels.explain import explain as explain_text
    from rarebeat.labels.json_lines import label_lines
    from rarebeat.labels.text.matcher import Matcher
    from rarebeat.labels.vocabulary import load_vocabulary

    matcher = Matcher(load_vocabulary(vocabulary))
    if explain is not None:
        refuse(context, ("full",), "--explain, which tells all,")
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
    """How far text and codes agree, class by class.

    With examples of where they do not.
    """
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


def label_noise(
    records: Annotated[int, typer.Option(min=1, help="number of simulated reports")] = 5000,
    preset: Annotated[str, typer.Option(help="how common each rhythm is, as in params.yaml")] = "clinic",
    seed: Annotated[int, typer.Option(min=0, help="seed of the simulated clinic")] = 0,
    held_out: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="share of patients whose reports use wordings kept back")
    ] = 0.0,
    examples: Annotated[int, typer.Option(min=0, help="texts to show for each disagreement")] = 0,
    out: Annotated[Path | None, typer.Option(help="also write the table as CSV")] = None,
) -> None:
    """How noisy labels of simulated reports are.

    Compares truth, reports and extracted labels of the simulated clinic, class by class.
    """
    from rarebeat.audit.label_noise import (
        COLUMNS,
        disagreements,
        format_label_noise,
        noise_rows,
        read_reports,
    )
    from rarebeat.core.params import parse
    from rarebeat.core.tables import write_rows
    from rarebeat.simulator.reports.findings import Style
    from rarebeat.simulator.settings import SimulatorSettings

    settings = parse(SimulatorSettings, {"seed": seed, "preset": preset}, "simulated")
    readings = read_reports(settings, records, Style(held_out=held_out))
    rows = noise_rows(readings)
    print(format_label_noise(rows))
    if examples:
        for row in disagreements(readings, examples):
            print(
                f"\n{row['count']} x {row['class']}: {row['writer']}, label {row['label']}\n  {row['examples']}"
            )
    if out:
        write_rows(out, rows, COLUMNS)


def words(
    vocabulary: Annotated[
        list[str] | None,
        typer.Option("--vocabulary", help="name, or path of a .yaml file; may be repeated; default: all"),
    ] = None,
) -> None:
    """List the words kept of private reports.

    They are the words and codes of vocabularies: all that ingest keeps by default of a private cohort's text. Those of
    a vocabulary of your own go to the cohort's option `words`.
    """
    from rarebeat.labels.statement_words import statement_words
    from rarebeat.labels.vocabulary import FOLDER, load_vocabulary

    names = vocabulary or sorted(path.stem for path in FOLDER.glob("*.yaml"))
    print(*statement_words(map(load_vocabulary, names)), sep="\n")
