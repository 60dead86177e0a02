"""The trainings of the ablation: each leaves its probabilities in a file, and is not run again while that is there.

A training is known by the fingerprint of its data, network, settings and code, so that a changed one gets a file of
its own. One that is killed goes on from its last epoch.
"""

import io
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context, parent_process
from pathlib import Path
from shutil import rmtree
from threading import Thread

import numpy as np
from torch import nn
from tqdm import tqdm

from rarebeat.core.files import read_json, write_json
from rarebeat.dataset.shards import load_split
from rarebeat.dataset.split import Split
from rarebeat.dataset.splits import SPLITS
from rarebeat.evaluation.compare import Answers, Exam, Trained, in_challenge_order
from rarebeat.inference.predictions import Predictions, read_predictions, write_predictions
from rarebeat.inference.splits import predict_split
from rarebeat.metrics.arrays import FloatArray
from rarebeat.metrics.challenge_classes import challenge_columns, rewards
from rarebeat.metrics.ranking import DEFAULT_THRESHOLD
from rarebeat.models.size import parameters
from rarebeat.training.checkpoint import fingerprint
from rarebeat.training.loop import train
from rarebeat.training.settings import ModelSettings, TrainSettings

ASKED = ("validation", "test")


@dataclass(frozen=True)
class Job:
    """One training.

    Attributes:
        trained: what it is called.
        shards: folder of the data.
        model: network and its size.
        settings: how it is trained, seed and loss included.
    """

    trained: Trained
    shards: Path
    model: ModelSettings
    settings: TrainSettings


@dataclass(frozen=True)
class Done:
    """One finished training.

    Attributes:
        answers: what it says of the validation and test splits.
        parameters: of the network.
        seconds: that training took, without predicting.
        cached: whether it was there from an earlier run.
    """

    answers: Answers
    parameters: int
    seconds: float
    cached: bool


@lru_cache(maxsize=1)
def load(shards: Path) -> dict[str, Split]:
    """All splits; those of the last folder are kept in memory."""
    return {name: load_split(shards, name) for name in SPLITS}


def exam_of(shards: Path) -> Exam:
    """What the networks of these shards are asked: classes with a positive training record can be learnt."""
    splits = load(shards)
    truth = {name: in_challenge_order(split.labels, _columns(split)) for name, split in splits.items()}
    learnt = np.flatnonzero((truth["train"] == 1).any(axis=0)).tolist()
    return Exam(tuple(learnt), truth["validation"], truth["test"], splits["test"].patients)


def _columns(split: Split) -> tuple[int, ...]:
    columns = challenge_columns(split.meta.classes, split.meta.vocabulary)
    assert columns is not None, "the ablation wants a vocabulary of the challenge"
    return columns


def run_job(job: Job, work: Path) -> Done:
    """Train and predict, or read what an earlier run left in the folder ``work``."""
    splits, exam = load(job.shards), exam_of(job.shards)
    columns = _columns(splits["train"])
    classes = tuple(splits["train"].meta.classes[columns[place]] for place in exam.learnt)
    key = fingerprint(list(splits.values()), classes, job.model, job.settings)
    name = "-".join([*vars(job.trained).values(), key])
    answers, facts = work / "answers" / f"{name}.parquet", work / "answers" / f"{name}.json"
    cached = facts.is_file()  # it is written last
    if not cached:
        network, seconds = _train(job, splits, classes, rewards(exam.learnt), work / "checkpoints" / name)
        write_predictions(answers, _predict(network, splits, classes, exam))
        write_json(facts, {"parameters": parameters(network), "seconds": round(seconds, 1)})
        rmtree(work / "checkpoints" / name)
    known, found = read_json(facts), read_predictions(answers)
    parts = Answers(*(found.only(split).probability for split in ASKED))
    return Done(parts, known["parameters"], known["seconds"], cached)


def _train(
    job: Job, splits: Mapping[str, Split], classes: tuple[str, ...], table: FloatArray, checkpoints: Path
) -> tuple[nn.Module, float]:
    """The network, and the seconds of all its epochs, those of a run that was killed too."""
    seconds: list[float] = []
    with redirect_stderr(io.StringIO()):  # several trainings run side by side; the caller says what is done
        network = train(
            splits["train"],
            splits["validation"],
            classes,
            job.model,
            job.settings,
            checkpoints,
            lambda report: seconds.append(report.seconds),
            table,
        )
    return network, sum(seconds)


def _predict(
    network: nn.Module, splits: Mapping[str, Split], classes: tuple[str, ...], exam: Exam
) -> Predictions:
    asked = [splits[name] for name in ASKED]
    truth = np.concatenate([exam.validation, exam.test])[:, list(exam.learnt)]
    return Predictions(
        record_ids=np.concatenate([split.record_ids for split in asked]),
        cohorts=np.concatenate([split.cohorts for split in asked]),
        patients=np.concatenate([split.patients for split in asked]),
        splits=np.repeat(ASKED, [len(split) for split in asked]),
        classes=classes,
        thresholds=np.full(len(classes), DEFAULT_THRESHOLD),
        probability=np.concatenate([predict_split(network, split) for split in asked]),
        truth=truth,
    )


def worker_pool(processes: int) -> ProcessPoolExecutor:
    """Fresh processes (a forked one must not use torch), which end with this one, however it ends."""
    return ProcessPoolExecutor(processes, get_context("spawn"), _end_with_parent)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def run_jobs(jobs: Sequence[Job], work: Path, processes: int) -> list[Done]:
    """Do all jobs, so many side by side, and return what came of each; standard error tells how far it is."""
    found: dict[int, Done] = {}
    with worker_pool(processes) as pool:
        waiting = {pool.submit(run_job, job, work): index for index, job in enumerate(jobs)}
        try:
            for done in tqdm(as_completed(waiting), total=len(jobs), unit="training", disable=None):
                job, result = jobs[waiting[done]], done.result()
                how = "was there" if result.cached else f"{result.seconds:.0f} s"
                tqdm.write(f"{' '.join(vars(job.trained).values())}: {how}", file=sys.stderr)
                found[waiting[done]] = result
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [found[index] for index in range(len(jobs))]
