"""Commands about networks: ``rarebeat models``."""

import json
from dataclasses import asdict
from typing import Annotated

import typer


def models(as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> None:
    """List the networks: parameters, FLOPs of one ECG (two per multiply-add) and source, each as in its paper."""
    from rarebeat.models.size import format_sizes, paper_sizes

    sizes = paper_sizes()
    print(json.dumps([asdict(size) for size in sizes], indent=2) if as_json else format_sizes(sizes))
