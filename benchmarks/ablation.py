"""The ablation of the challenge's systems: network x loss x threshold rule, over seeds.

    python benchmarks/ablation.py [--ecg /path/to/ecg] [--out reports/ablation.md] [--records 2000] [--epochs 8]

On simulated ECGs and, where `--ecg` names the folder of `make real`, on real ones (a small sample): every network with
every loss is trained with every seed, on the 24 classes of the CinC Challenge 2020, at 125 Hz. All threshold rules are
then tried on the same trained network. A CSV beside the page holds one row per network, loss, rule and seed.

What is done stays in `--work`: started again, the command goes on where it stopped. Delete that folder when readers,
labels or the simulator have changed. `--paper` takes the networks at the width of their papers, one at a time, and
wants a GPU.
"""

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path

import pandas as pd
from ablation_page import page
from ablation_runs import Done, Job, exam_of, load, run_jobs, worker_pool
from cohorts import REAL_SPLIT, Cohort, ingest_and_label, real_cohorts, simulated_cohort
from tqdm import tqdm

from rarebeat.core.files import atomic
from rarebeat.core.signals import Preprocessing
from rarebeat.core.tables import Row, write_rows
from rarebeat.dataset.prepare import PrepareSettings, prepare
from rarebeat.dataset.splits import SplitSettings
from rarebeat.evaluation.compare import COLUMNS, Trained, score_rules, with_ensembles
from rarebeat.metrics.thresholds import RULES
from rarebeat.training.losses import LOSSES
from rarebeat.training.settings import ModelSettings, Pretrain, TrainSettings

VOCABULARY = "cinc2020"
SIGNAL = Preprocessing(rate=125, samples=1250, normalise="zscore")
"""125 Hz as in Vicar et al. 2020; z-scored because two of the real databases are not calibrated."""

SIMULATED_SPLIT = SplitSettings(validation_every=4)
"""As many patients to choose thresholds as to test."""

WIDTHS = {"hughes34": 8, "global_skip": 6, "se_resnet": 12, "xresnet1d101": 8}
"""About equally fast on a CPU."""


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    ecg: Path | None
    work: Path
    out: Path
    records: int
    preset: str
    models: list[str]
    losses: list[str]
    seeds: int
    epochs: int
    batch: int
    processes: int
    paper: bool


def make_shards(options: Options) -> dict[str, Path]:
    """Data set to its shards; records and labels of an earlier run are kept."""
    simulated = simulated_cohort(options.preset, options.records, seed=0)
    sets: dict[str, tuple[Mapping[str, Cohort], SplitSettings]] = {"simulated": (simulated, SIMULATED_SPLIT)}
    if options.ecg:
        sets["real"] = real_cohorts(options.ecg), REAL_SPLIT
    records, labels = options.work / "records", options.work / "labels"
    folders = {}
    for name, (cohorts, split) in sets.items():
        ingest_and_label(cohorts, records, labels, VOCABULARY)
        folders[name] = options.work / f"shards-{name}"
        settings = PrepareSettings(signal=SIGNAL, split=split)
        prepare(records, labels, folders[name], list(cohorts), VOCABULARY, settings)
    return folders


def settings_of(loss: str, seed: int, options: Options) -> TrainSettings:
    """How a network is trained: as many epochs in total for every loss.

    The challenge's loss comes after weighted BCE, which gets 60 of 95 epochs as in Vicar et al. 2020, on the
    training split alone.
    """
    first = options.epochs * 60 // 95 if loss == "challenge" else 0
    return TrainSettings(
        epochs=options.epochs - first,
        pretrain=Pretrain(epochs=first),
        loss=loss,  # type: ignore[arg-type]
        batch=options.batch,
        learning_rate=0.003,
        schedule="cosine",
        keep="best",
        seed=seed,
        threads=None if options.paper else 1,
    )


def make_jobs(folders: Mapping[str, Path], options: Options) -> list[Job]:
    """Every training, those of one data set together."""
    return [
        Job(
            trained=Trained(name, model, loss, str(seed)),
            shards=shards,
            model=ModelSettings(model, {} if options.paper else {"width": WIDTHS[model]}),
            settings=settings_of(loss, seed, options),
        )
        for name, shards in folders.items()
        for model in options.models
        for loss in options.losses
        for seed in range(options.seeds)
    ]


def score(folders: Mapping[str, Path], jobs: list[Job], done: list[Done], options: Options) -> list[Row]:
    """Every network and every ensemble under every rule."""
    answers = {job.trained: result.answers for job, result in zip(jobs, done, strict=True)}
    everyone = with_ensembles(answers)
    exams = {name: exam_of(shards) for name, shards in folders.items()}
    with worker_pool(options.processes) as pool:
        found = pool.map(
            score_rules,
            [exams[trained.data] for trained in everyone],
            everyone.keys(),
            everyone.values(),
            repeat(tuple(RULES)),
        )
        bar = tqdm(found, total=len(everyone), unit="network", desc="thresholds", disable=None)
        return [row for rows in bar for row in rows]


def run(options: Options) -> None:
    """Train what is not there, score everything, and write the page and its CSV."""
    start = time.perf_counter()
    folders = make_shards(options)
    jobs = make_jobs(folders, options)
    done = run_jobs(jobs, options.work, options.processes)
    rows = score(folders, jobs, done, options)
    table = options.out.with_suffix(".csv")
    said = {name: getattr(options, name) for name in ("epochs", "batch", "seeds", "processes")}
    said |= {
        "size": "as wide as in their papers" if options.paper else "narrow, so that all are fast",
        "csv": table.name,
    }
    sets = {name: (load(shards), exam_of(shards)) for name, shards in folders.items()}
    minutes = (time.perf_counter() - start) / 60
    text = page(pd.DataFrame(rows), sets, jobs, done, said, minutes)
    write_rows(table, rows, COLUMNS)
    with atomic(options.out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(text)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ecg", type=Path)
    parser.add_argument("--work", type=Path, default=Path("data/ablation"))
    parser.add_argument("--out", type=Path, default=Path("reports/ablation.md"))
    parser.add_argument("--records", type=int, default=2000, help="simulated")
    parser.add_argument("--preset", default="balanced", help="of the simulated clinic")
    parser.add_argument("--models", nargs="+", choices=tuple(WIDTHS), default=list(WIDTHS))
    parser.add_argument("--losses", nargs="+", choices=LOSSES, default=list(LOSSES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--processes", type=int, default=2, help="trainings side by side, a thread each")
    parser.add_argument(
        "--paper", action="store_true", help="networks at the width of their papers, one at a time"
    )
    options = Options(**vars(parser.parse_args()))
    run(replace(options, processes=1) if options.paper else options)


if __name__ == "__main__":
    main()
