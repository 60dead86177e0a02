"""Reports to labels: how many per second on one core, in one table.

    python benchmarks/labels.py [--records 20000] [--repeats 5]

The reports are those of the simulated clinic, in the wording and length of a MUSE system, with comparisons and
signatures. Each way reads all of them anew (a fresh matcher each time); the ways run in turn, and the table holds
medians. "no statement twice" appends a number in words to every statement, so that nothing can be remembered.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.vocabulary import Vocabulary, load_vocabulary
from rarebeat.simulator.clinic import recording_at, report_of
from rarebeat.simulator.settings import SimulatorSettings

_DIGITS = ("zero", "uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove")


def simulated_reports(records: int) -> list[str]:
    """Reports of the simulated clinic, seed 0."""
    settings = SimulatorSettings(records=records, seed=0)
    return [report_of(index, recording_at(index, settings), settings).text for index in range(records)]


def no_statement_twice(reports: Sequence[str]) -> list[str]:
    """The same reports with words at the end of each statement that no other statement has."""
    made = []
    count = 0
    for report in reports:
        lines = []
        for line in report.split("\n"):
            count += 1
            lines.append(f"{line} {' '.join(_DIGITS[int(digit)] for digit in str(count))}")
        made.append("\n".join(lines))
    return made


def with_matcher(vocabulary: Vocabulary, reports: Sequence[str]) -> None:
    """What the label stage does."""
    matcher = Matcher(vocabulary)
    for report in reports:
        matcher.label(report)


def every_pattern(vocabulary: Vocabulary, reports: Sequence[str]) -> None:
    """Every pattern of every class on the whole report in turn, and nothing else."""
    regexes = [phrase.pattern.regex for entry in vocabulary.classes for phrase in entry.include]
    for report in reports:
        text = report.lower()
        for regex in regexes:
            regex.search(text)


def reports_of(file: Path | None, records: int) -> list[str]:
    """The reports of a JSON file, which is written where there is none."""
    if file is None:
        return simulated_reports(records)
    if not file.exists():
        file.write_text(json.dumps(simulated_reports(records)), encoding="utf-8")
    reports: list[str] = json.loads(file.read_text(encoding="utf-8"))
    return reports


def seconds(run: Callable[[], None]) -> float:
    """How long one run takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def measure(ways: Mapping[str, tuple[int, Callable[[], None]]], repeats: int) -> dict[str, float]:
    """Reports per second of each way: medians over turns."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, (_, run) in ways.items():
            times[name].append(seconds(run))
    return {name: count / statistics.median(times[name]) for name, (count, _) in ways.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--vocabulary", default="hughes24")
    parser.add_argument("--reports", type=Path, help="JSON file of reports; written where there is none")
    parser.add_argument("--json", action="store_true", help="only Rarebeat's own speed, for speed.py")
    options = parser.parse_args()
    vocabulary = load_vocabulary(options.vocabulary)
    reports = reports_of(options.reports, options.records)
    unique = no_statement_twice(reports)
    ways: dict[str, tuple[int, Callable[[], None]]] = {
        "Rarebeat": (len(reports), lambda: with_matcher(vocabulary, reports)),
        "Rarebeat, no statement twice": (len(unique), lambda: with_matcher(vocabulary, unique)),
    }
    if options.json:
        rates = measure(ways, options.repeats)
        names = {"Rarebeat": "labels", "Rarebeat, no statement twice": "labels, no statement twice"}
        print(json.dumps([{"name": names[way], "value": rates[way], "unit": "reports/s"} for way in ways]))
        return
    ways["every pattern in turn, without cues"] = (
        len(reports) // 10,
        lambda: every_pattern(vocabulary, reports[: len(reports) // 10]),
    )
    rates = measure(ways, options.repeats)
    lengths = sorted(map(len, reports))
    print(f"{options.vocabulary}, {len(reports)} simulated reports, {len(set(reports))} of them different;")
    print(
        f"median {lengths[len(lengths) // 2]} characters, longest {lengths[-1]}; load {os.getloadavg()[0]:.1f}\n"
    )
    print("| reports to labels, one core | reports/s |")
    print("|---|--:|")
    for name, rate in rates.items():
        print(f"| {name} | {rate:,.0f} |")


if __name__ == "__main__":
    main()
