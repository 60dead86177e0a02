"""Run a benchmark of this folder on the ``rarebeat`` that PYTHONPATH names, which may be an older one.

    PYTHONPATH=/path/to/older/src python benchmarks/moved.py labels --json

One script then measures both trees. Where the older one kept a module elsewhere, its module goes by today's name.
A function that was renamed ends the run with an ImportError, as it should.
"""

import importlib
import sys
from pathlib import Path

import rarebeat

MOVED = {
    "rarebeat.core.records": "rarebeat.records",
    "rarebeat.core.signals": "rarebeat.signals",
    "rarebeat.core.tables": "rarebeat.evaluation.tables",
    "rarebeat.dataset.shards": "rarebeat.shards",
    "rarebeat.dataset.split": "rarebeat.shards",
    "rarebeat.labels.text.matcher": "rarebeat.labels.matcher",
    "rarebeat.metrics.arrays": "rarebeat.evaluation.arrays",
    "rarebeat.metrics.challenge_classes": "rarebeat.evaluation.challenge_classes",
    "rarebeat.metrics.thresholds": "rarebeat.evaluation.thresholds",
    "rarebeat.readers.ingest": "rarebeat.ingest",
    "rarebeat.training.schedule": "rarebeat.training.optimiser",
}
"""Where a module stood before it stood where it stands today."""


def moved_in(script: str, sources: Path) -> dict[str, str]:
    """Which modules a script imports that the tree in the folder ``sources`` keeps elsewhere."""
    return {
        today: before
        for today, before in MOVED.items()
        if f"from {today} import" in script and not (sources / f"{today.replace('.', '/')}.py").exists()
    }


def main() -> None:
    """Import the modules under both names, then run the benchmark."""
    name = sys.argv.pop(1)
    script = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    for today, before in moved_in(script, Path(rarebeat.__file__).parents[1]).items():
        sys.modules[today] = importlib.import_module(before)
    importlib.import_module(name).main()


if __name__ == "__main__":
    main()
