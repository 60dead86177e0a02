"""Does training on simulated ECGs transfer to real ones?

    python benchmarks/transfer.py --ecg /path/to/ecg [--out reports/transfer.md] [--tune]

The folder holds ptb-xl, challenge, ludb and ptb-xl-filtered, as for `make real`. The same network, with the same
settings, is trained three times: (a) on simulated ECGs alone, (b) on the real training records, (c) on simulated ECGs
whose labels were shuffled, which is the floor. All are tested on the same real test records (PTB-XL folds 7 and 8, one
in five of the others), for every class with at least 15 positive ones. Leads are z-scored, because two of the databases
are not calibrated. `--tune` scores (a) on the real training records instead: for work on the simulator, so
that the test records are looked at once.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from cohorts import REAL_SPLIT, ingest_and_label, real_cohorts, simulated_cohort

from rarebeat.core.files import atomic
from rarebeat.core.signals import Preprocessing
from rarebeat.core.tables import interval_text, markdown_table
from rarebeat.dataset.prepare import PrepareSettings, prepare
from rarebeat.dataset.shards import load_split
from rarebeat.dataset.split import Split, join
from rarebeat.dataset.splits import SplitSettings
from rarebeat.evaluation.evaluate import EvaluateSettings, Evaluation, evaluate
from rarebeat.inference.splits import predict_split
from rarebeat.training.loop import train
from rarebeat.training.settings import ModelSettings, TrainSettings

VOCABULARY = "hughes24"
FEWEST = 15

Labels = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    ecg: Path
    work: Path
    out: Path | None
    records: int
    preset: str
    width: int
    epochs: int
    seed: int
    tune: bool


def make_shards(options: Options) -> tuple[Path, Path]:
    """Shards of the simulated clinic and of the real cohorts; what is there from an earlier run is kept."""
    simulated = simulated_cohort(options.preset, options.records, options.seed)
    real = real_cohorts(options.ecg)
    records, labels = options.work / "records", options.work / "labels"
    ingest_and_label(real | simulated, records, labels, VOCABULARY)
    signal = Preprocessing(normalise="zscore")
    made = PrepareSettings(signal=signal, split=SplitSettings(test_every=1000))
    found = PrepareSettings(signal=signal, split=REAL_SPLIT)
    folders = options.work / "shards-simulated", options.work / "shards-real"
    prepare(records, labels, folders[0], list(simulated), VOCABULARY, made)
    prepare(records, labels, folders[1], list(real), VOCABULARY, found)
    return folders


def shuffled(split: Split, seed: int) -> Split:
    """The split with its rows of labels dealt out at random."""
    order = np.random.default_rng(seed).permutation(len(split))
    return replace(split, labels=split.labels[order])


def probabilities(
    name: str, learn: Split, validation: Split, target: Split, classes: Sequence[str], options: Options
) -> npt.NDArray[np.float64]:
    """Train on ``learn`` and predict ``target``: shape (records, classes); a class that cannot be learnt is 0.5."""
    print(f"== {name}: {len(learn)} records", file=sys.stderr)
    positives = (learn.labels == 1).any(axis=0)
    heads = tuple(c for c in classes if positives[learn.meta.classes.index(c)])
    settings = TrainSettings(
        epochs=options.epochs,
        batch=64,
        learning_rate=0.003,
        schedule="cosine",
        seed=options.seed,
        keep="best",
    )
    model = ModelSettings("hughes34", {"width": options.width})
    network = train(learn, validation, heads, model, settings, options.work / f"checkpoints-{name}")
    found = predict_split(network, target)
    result = np.full((len(target), len(classes)), 0.5)
    for column, head in enumerate(heads):
        result[:, classes.index(head)] = found[:, column]
    return result


def columns(split: Split, classes: Sequence[str]) -> Labels:
    """The labels of some classes."""
    return split.labels[:, [split.meta.classes.index(name) for name in classes]]


def score(target: Split, probability: npt.NDArray[np.float64], classes: tuple[str, ...]) -> Evaluation:
    """Areas with intervals over patients."""
    thresholds = np.full(len(classes), 0.5)
    truth = columns(target, classes)
    return evaluate(
        truth, probability, thresholds, target.patients, classes, settings=EvaluateSettings(replicates=1000)
    )


def table(evaluations: dict[str, Evaluation], classes: tuple[str, ...]) -> str:
    """One row per class, and their mean."""
    rows = []
    first = next(iter(evaluations.values()))
    for index, name in enumerate([*classes, "macro"]):
        row: dict[str, Any] = {
            "class": name,
            "positives": int(first.positives[index] if name != "macro" else first.positives.sum()),
        }
        for training, evaluation in evaluations.items():
            for metric in ("auroc", "auprc"):
                value, low, high = ends(evaluation, metric, index)
                row[f"{training}: {metric.upper()}"] = interval_text(value, low, high)
        rows.append(row)
    return markdown_table(rows)


def ends(evaluation: Evaluation, metric: str, index: int) -> tuple[float, float, float]:
    """Value and interval of a metric for the class with that number; the one behind the last is the macro mean."""
    operating = evaluation.tuned
    parts = operating.scores, operating.intervals.low, operating.intervals.high
    value, low, high = (float(part.values[metric][index]) for part in parts)
    return value, low, high


def run(options: Options) -> str:
    """Train, score, and write down."""
    simulated, real = make_shards(options)
    learn, validation = load_split(simulated, "train"), load_split(simulated, "validation")
    real_train, real_validation = load_split(real, "train"), load_split(real, "validation")
    target = join([real_train, real_validation]) if options.tune else load_split(real, "test")
    counts = (target.labels == 1).sum(axis=0)
    classes = tuple(name for name, count in zip(target.meta.classes, counts, strict=True) if count >= FEWEST)
    trainings = {"simulated": (learn, validation)}
    if not options.tune:
        trainings["real"] = (real_train, real_validation)
        trainings["shuffled"] = (shuffled(learn, options.seed), shuffled(validation, options.seed))
    evaluations = {
        name: score(target, probabilities(name, *splits, target, classes, options), classes)
        for name, splits in trainings.items()
    }
    return PAGE.format(
        records=len(target),
        patients=len(set(target.patients.tolist())),
        what="training" if options.tune else "test",
        simulated=len(learn),
        real=len(real_train),
        table=table(evaluations, classes),
        **{name: getattr(options, name) for name in ("preset", "width", "epochs", "seed")},
    )


PAGE = """# Transfer from simulated to real ECGs

Tested on {records} real {what} records of {patients} patients (a small sample): every class with at least 15 positive
ones, with 95 % intervals over patients. The same network (hughes34, width {width}, {epochs} epochs, seed {seed},
z-scored leads) learnt from

- *simulated*: {simulated} simulated ECGs (preset `{preset}`) and nothing else,
- *real*: the {real} real training records,
- *shuffled*: the simulated ECGs with their labels shuffled, which is the floor.

{table}
"""


def main() -> None:
    """Read the command line, print the page, and write it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ecg", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("data/transfer"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--records", type=int, default=6000)
    parser.add_argument("--preset", default="clinic")
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tune", action="store_true")
    options = Options(**vars(parser.parse_args()))
    page = run(options)
    print(page)
    if options.out:
        with atomic(options.out) as temporary:
            temporary.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
