"""The metric of the CinC Challenge 2020 and the threshold rules: how long they take, in two tables.

    python benchmarks/challenge.py [--records 40000] [--validation 5000] [--repeats 9]

Truth and probabilities are random, 24 classes. The ways run in turn, and the first table holds medians and minima.
"in loops" is the score as its definition reads, record by record and pair by pair, on a twentieth of the records.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rarebeat.core.tables import markdown_table
from rarebeat.evaluation.challenge import challenge_metrics, judge, score_decisions, score_intervals
from rarebeat.metrics.arrays import Probability, Truth
from rarebeat.metrics.challenge_classes import CLASSES, SINUS, rewards
from rarebeat.metrics.thresholds import RULES, choose_thresholds

_SLOW_SHARE = 20


def random_case(records: int, seed: int = 0) -> tuple[Truth, Probability]:
    """Truth with common and rare classes, and probabilities (float32) that know something of it."""
    rng = np.random.default_rng(seed)
    prevalence = np.geomspace(0.005, 0.5, len(CLASSES))
    truth = (rng.random((records, len(CLASSES))) < prevalence).astype(np.int8)
    logits = rng.normal(2.2 * truth + np.log(prevalence / (1 - prevalence)) - 1, 1)
    return truth, (1 / (1 + np.exp(-logits))).astype(np.float32)


def score_in_loops(truth: Sequence[set[int]], decisions: Sequence[set[int]]) -> float:
    """The challenge score of sets of classes."""
    table: list[list[float]] = rewards().tolist()

    def earned(all_calls: Sequence[set[int]]) -> float:
        return sum(
            sum(table[i][j] for i in true for j in called) / max(1, len(true | called))
            for true, called in zip(truth, all_calls, strict=True)
        )

    inactive = earned([{SINUS}] * len(truth))
    return (earned(decisions) - inactive) / (earned(truth) - inactive)


def in_turn(ways: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each way, which run in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def own_speed(records: int, validation: int, repeats: int) -> list[dict[str, str | float]]:
    """Median seconds of the metric and of a bootstrap."""
    truth, probability = random_case(records)
    decisions = probability >= 0.3
    patients = (np.arange(validation) // 2).astype(object)
    ways: dict[str, Callable[[], object]] = {
        "challenge metric": lambda: challenge_metrics(truth, decisions, probability),
        "challenge bootstrap": lambda: score_intervals(truth[:validation], decisions[:validation], patients),
    }
    times = in_turn(ways, repeats)
    return [{"name": name, "value": statistics.median(times[name]), "unit": "s"} for name in ways]


def metric_rows(records: int, validation: int, repeats: int) -> list[dict[str, str]]:
    """Time of the metric, in full and in part, and of a bootstrap."""
    truth, probability = random_case(records)
    decisions = probability >= 0.3
    few, called = (
        [set(np.flatnonzero(row).tolist()) for row in cells[: records // _SLOW_SHARE]]
        for cells in (truth, decisions)
    )
    patients = (np.arange(validation) // 2).astype(str)
    ways: dict[str, Callable[[], object]] = {
        f"all seven numbers, {records:,} records": lambda: challenge_metrics(truth, decisions, probability),
        f"those of decisions alone, {records:,}": lambda: score_decisions(judge(truth, decisions)),
        f"the score in loops, {records // _SLOW_SHARE:,}": lambda: score_in_loops(few, called),
        f"1,000 bootstrap replicates, {validation:,}": lambda: score_intervals(
            truth[:validation], decisions[:validation], patients
        ),
    }
    return [
        {
            "what": name,
            "median, s": f"{statistics.median(seconds):.3f}",
            "best, s": f"{min(seconds):.3f}",
        }
        for name, seconds in in_turn(ways, repeats).items()
    ]


def rule_rows(records: int) -> list[dict[str, str]]:
    """Time of each rule, and its score on the records it chose on and on as many others."""
    chosen, scored = random_case(records, seed=1), random_case(records, seed=2)
    rows = []
    for rule in RULES:
        start = time.perf_counter()
        thresholds = choose_thresholds(*chosen, rule, rewards())
        seconds = time.perf_counter() - start
        scores = [
            float(score_decisions(judge(truth, probability >= thresholds))["score"])
            for truth, probability in (chosen, scored)
        ]
        rows.append(
            {
                "rule": rule,
                "seconds": f"{seconds:.3f}",
                "score there": f"{scores[0]:.3f}",
                "on others": f"{scores[1]:.3f}",
            }
        )
    return rows


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=40000)
    parser.add_argument("--validation", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--json", action="store_true", help="only Rarebeat's own speed, for speed.py")
    arguments = parser.parse_args()
    if arguments.json:
        print(json.dumps(own_speed(arguments.records, arguments.validation, arguments.repeats)))
        return
    print(markdown_table(metric_rows(arguments.records, arguments.validation, arguments.repeats)))
    print(f"\n{markdown_table(rule_rows(arguments.validation))}")


if __name__ == "__main__":
    main()
