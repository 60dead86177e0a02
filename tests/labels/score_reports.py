"""How many reports get exactly the labels that a reader gave them?

    python benchmarks/label_reports.py tests/labels/reports.yaml [--vocabulary hughes24] [--failures]

A file holds traps, each with a list of reports: text, and the short codes of the classes that are positive, uncertain,
negative and unknown (tests/labels/reports.yaml). To score an earlier state of the patterns, put its sources first:

    git worktree add ../earlier b1d26c1
    PYTHONPATH=../earlier/src python benchmarks/label_reports.py tests/labels/reports.yaml
"""

import argparse
from pathlib import Path
from typing import Any

import yaml

from rarebeat.labels.states import STATE_NAMES
from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.vocabulary import load_vocabulary


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


def faults(found: dict[str, set[str]], case: dict[str, Any]) -> list[str]:
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


def main() -> None:
    """Print the score of each trap and of all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reports", type=Path)
    parser.add_argument("--vocabulary", default="hughes24")
    parser.add_argument("--failures", action="store_true")
    options = parser.parse_args()
    reader = Reader(options.vocabulary)
    right = total = true = said = meant = 0
    for trap, cases in yaml.safe_load(options.reports.read_text(encoding="utf-8")).items():
        found = [reader.read(case["text"]) for case in cases]
        wrong = [faults(labels, case) for labels, case in zip(found, cases, strict=True)]
        print(f"{wrong.count([]):4} of {len(cases):4}  {trap}")
        for case, reasons in zip(cases, wrong, strict=True):
            if options.failures and reasons:
                print(f"     {case['text']!r}\n       " + "\n       ".join(reasons))
        right, total = right + wrong.count([]), total + len(cases)
        for labels, case in zip(found, cases, strict=True):
            expected = set(case.get("positive", ()))
            true += len(labels["positive"] & expected)
            said += len(labels["positive"])
            meant += len(expected)
    print(
        f"{right:4} of {total:4}  all; positive labels: precision {true / said:.3f}, recall {true / meant:.3f}"
    )


if __name__ == "__main__":
    main()
