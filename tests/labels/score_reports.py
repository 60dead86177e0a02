"""How many reports get exactly the labels that a reader gave them?

    python tests/labels/score_reports.py tests/labels/reports.yaml [--vocabulary hughes24] [--failures]

A file holds traps, each with a list of reports: text, and the short codes of the classes that are positive, uncertain,
negative and unknown (tests/labels/reports.yaml).
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rarebeat.labels.states import STATE_NAMES
from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.vocabulary import load_vocabulary

Case = dict[str, Any]


class Reader:
    """Labels reports by short codes."""

    def __init__(self, vocabulary: str) -> None:
        classes = load_vocabulary(vocabulary)
        self._matcher = Matcher(classes)
        self._codes = {entry.id: entry.code for entry in classes.classes}

    def read(self, text: str) -> dict[str, set[str]]:
        """The classes in each state."""
        states = self._matcher.label(text).states
        return {
            word: {self._codes[name] for name, found in states.items() if found == state}
            for state, word in STATE_NAMES.items()
        }


def read_cases(path: Path) -> Iterator[tuple[str, Case]]:
    """Trap and case, in the order of the file."""
    for trap, cases in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        for case in cases:
            yield trap, case


def faults(found: dict[str, set[str]], case: Case) -> list[str]:
    """What differs; classes that a case does not list are neither positive nor uncertain."""
    wrong = []
    for state in ("positive", "uncertain"):
        expected = set(case.get(state, ()))
        if found[state] != expected:
            wrong.append(f"{state}: {sorted(found[state])} instead of {sorted(expected)}")
    for state in ("negative", "unknown"):
        if missing := set(case.get(state, ())) - found[state]:
            wrong.append(f"not {state}: {sorted(missing)}")
    return wrong


@dataclass
class Score:
    """Counts of one trap or of all."""

    cases: int = 0
    right: int = 0
    true: int = 0
    said: int = 0
    meant: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, found: dict[str, set[str]], case: Case) -> None:
        """Count one report."""
        wrong, expected = faults(found, case), set(case.get("positive", ()))
        self.cases += 1
        self.right += not wrong
        self.true += len(found["positive"] & expected)
        self.said += len(found["positive"])
        self.meant += len(expected)
        if wrong:
            self.failures.append(f"{case['text']!r}\n       " + "\n       ".join(wrong))


def main() -> None:
    """Print the score of each trap and of all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reports", type=Path)
    parser.add_argument("--vocabulary", default="hughes24")
    parser.add_argument("--failures", action="store_true")
    options = parser.parse_args()
    reader, total, traps = Reader(options.vocabulary), Score(), dict[str, Score]()
    for trap, case in read_cases(options.reports):
        found = reader.read(case["text"])
        total.add(found, case)
        traps.setdefault(trap, Score()).add(found, case)
    for trap, score in traps.items():
        print(f"{score.right:4} of {score.cases:4}  {trap}")
        for failure in score.failures if options.failures else ():
            print(f"     {failure}")
    precision, recall = total.true / total.said, total.true / total.meant
    print(
        f"{total.right:4} of {total.cases:4}  all; positive labels: precision {precision:.3f}, recall {recall:.3f}"
    )


if __name__ == "__main__":
    main()
