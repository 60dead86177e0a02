"""How fast bootstrap replicates are scored: every metric of every class, by patient and record by record.

    python benchmarks/bootstrap.py [--records 40000] [--replicates 1000]

Truth and scores are drawn: classes that 0.1 to 60 % of records have, normal scores, records of patients that have one
or a few. The record by record computation is timed on a few replicates, and its scores must be equal.
"""

import argparse
import time

import numpy as np

from rarebeat.core.tables import Row, markdown_table
from rarebeat.evaluation.bootstrap import bootstrap, patient_weights, replicate_scores
from rarebeat.evaluation.scores import Prepared, prepare, score

CLASSES = 24
FEW = 20  # replicates of the computation record by record
PATIENTS_PER_RECORD = 0.72


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=40_000)
    parser.add_argument("--replicates", type=int, default=1000)
    arguments = parser.parse_args()
    prepared, patients = _table(arguments.records)

    start = time.process_time()
    bootstrap(prepared, patients, arguments.replicates)
    seconds = time.process_time() - start
    start = time.process_time()
    plain = score(prepared, next(patient_weights(patients, FEW, 0, FEW))).values
    plainly = (time.process_time() - start) * arguments.replicates / FEW
    fast = replicate_scores(prepared, patients, FEW)
    off = max(float(np.nanmax(np.abs(plain[name] - fast[name]))) for name in plain)
    rows: list[Row] = [
        {"Replicates": "by patient, with intervals", "Seconds of a core": f"{seconds:.1f}"},
        {"Replicates": f"record by record, from {FEW}", "Seconds of a core": f"{plainly:.1f}"},
    ]
    print(markdown_table(rows))
    print(
        f"\n{arguments.records} records, {CLASSES} classes, {arguments.replicates} replicates; off by at most {off:.0e}"
    )


def _table(records: int) -> tuple[Prepared, np.ndarray]:
    rng = np.random.default_rng([0])
    truth = (rng.random((records, CLASSES)) < np.geomspace(0.6, 0.001, CLASSES)).astype(np.int8)
    scores = rng.normal(size=truth.shape) + 2.5 * truth - 3
    probability = (1 / (1 + np.exp(-scores))).astype(np.float32)
    patients = rng.integers(0, round(PATIENTS_PER_RECORD * records), records).astype(str).astype(object)
    return prepare(truth, probability, 0.5), patients


if __name__ == "__main__":
    main()
