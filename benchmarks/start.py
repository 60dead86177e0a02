"""How long the command line takes until it answers, in milliseconds (medians of fresh processes).

python benchmarks/start.py [--repeats 5]
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import rarebeat
from rarebeat.core.tables import markdown_table


def entry_point() -> str:
    """Python that does what the installed command ``rarebeat`` does."""
    project = Path(rarebeat.__file__).parents[2] / "pyproject.toml"
    module, function = tomllib.loads(project.read_text())["project"]["scripts"]["rarebeat"].split(":")
    return f"from {module} import {function}; {function}()"


def milliseconds(code: str, *arguments: str) -> float:
    """Time of one fresh process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, stdout=subprocess.DEVNULL)
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    """Measure in turn and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="the same as JSON, for speed.py")
    arguments = parser.parse_args()
    ways = {
        "python, nothing imported": ("pass",),
        "import rarebeat": ("import rarebeat",),
        "rarebeat --help": (entry_point(), "--help"),
    }
    rounds = [{name: milliseconds(*way) for name, way in ways.items()} for _ in range(arguments.repeats)]
    medians = {name: statistics.median(one[name] for one in rounds) for name in ways}
    if arguments.json:
        print(json.dumps([{"name": name, "value": value, "unit": "ms"} for name, value in medians.items()]))
    else:
        print(markdown_table([{"start": name, "ms": f"{value:.0f}"} for name, value in medians.items()]))


if __name__ == "__main__":
    main()
