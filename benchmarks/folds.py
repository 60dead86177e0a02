"""How evenly folds share the classes: stratified by all of them at once, and patients dealt out by chance.

    python benchmarks/folds.py [--records 41522] [--cohorts 6]

Labels are drawn: 24 classes that 0.04 to 30 % of patients have, records of 30,000 patients, most of them with one or
two. Off is how far a fold is from its fair share of the positive records of a class.
"""

import argparse
import time

import numpy as np
import numpy.typing as npt

from rarebeat.core.tables import Row, markdown_table
from rarebeat.dataset.folds import assign_folds

CLASSES = 24
FOLDS = 5
PATIENTS_PER_RECORD = 0.72


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=41522, help="as many as Hughes et al. trained on")
    parser.add_argument("--cohorts", type=int, default=6)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    people = round(PATIENTS_PER_RECORD * arguments.records)
    owner = rng.integers(0, people, arguments.records)
    prevalence = np.exp(rng.uniform(np.log(0.0004), np.log(0.3), CLASSES))
    labels = (rng.random((people, CLASSES)) < prevalence)[owner] & (rng.random((len(owner), CLASSES)) < 0.8)
    patients = owner.astype(str).astype(object)
    cohorts = rng.integers(0, arguments.cohorts, people)[owner].astype(str).astype(object)

    start = time.perf_counter()
    stratified = assign_folds(labels.astype(np.int8), patients, cohorts, FOLDS)
    seconds = time.perf_counter() - start
    chance = rng.integers(0, FOLDS, people)[owner]
    rows = [_row("stratified", stratified, labels), _row("by chance", chance, labels)]
    print(markdown_table(rows))
    counts = labels.sum(axis=0)
    print(
        f"\n{len(owner)} records of {people} patients and {arguments.cohorts} cohorts, {CLASSES} classes of "
        f"{counts.min()} to {counts.max()} positive records, {FOLDS} folds: {seconds:.2f} s"
    )


def _row(name: str, folds: npt.NDArray[np.int64], labels: npt.NDArray[np.bool_]) -> Row:
    counts = np.array([labels[folds == number].sum(axis=0) for number in range(FOLDS)])
    share = counts.mean(axis=0)
    off = np.abs(counts - share)
    return {
        "Folds": name,
        "Off at most, records": f"{off.max():.1f}",
        "Off on average": f"{(off / share).mean():.1%}",
        "Largest fold, records": int(np.bincount(folds).max()),
        "Smallest": int(np.bincount(folds).min()),
    }


if __name__ == "__main__":
    main()
