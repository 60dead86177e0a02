"""Classifying files with a model folder, or an ensemble of them, and nothing else: one file or a hundred thousand.

Files are read and answered in chunks: in this process where there are few, otherwise in processes side by side, each
with one thread. An answer does not depend on the others, see :data:`rarebeat.inference.probabilities.FULL`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from rarebeat.core.context import persons
from rarebeat.core.errors import BadRecordError, ParamsError, RarebeatError
from rarebeat.core.files import digest
from rarebeat.core.parallel import core_count, map_in_order
from rarebeat.core.records import Record
from rarebeat.core.signals import output_scale
from rarebeat.inference.ensemble import CARD as ENSEMBLE_CARD
from rarebeat.inference.ensemble import (
    EnsembleCard,
    Member,
    is_ensemble,
    load_detectors,
    load_ensemble,
    vote_on_record,
)
from rarebeat.inference.gate import (
    NO_NUMBER,
    ModelInput,
    input_windows,
    joined,
    known_person,
    network_input,
    person_warning,
)
from rarebeat.inference.model_folder import ModelCard, card_digest, load_model
from rarebeat.inference.novelty import Detector, novelty_warnings
from rarebeat.inference.probabilities import predict_with_features
from rarebeat.metrics.certainty import Told, add_certainty, tell
from rarebeat.readers.fields import Person
from rarebeat.readers.read_file import Found, find_recordings, read_recording
from rarebeat.readers.registry import Options

CHUNK = 64
"""Files that are read before the network is asked."""

MOST_SAMPLES = 4_000_000
"""Samples per lead after which it is asked earlier: 100 MB of signals."""

MANY = 256
"""From so many files on it pays to start processes, which takes seconds."""

Answer = dict[str, Any]


@dataclass(frozen=True)
class Model:
    """A model folder, or an ensemble, in memory.

    Attributes:
        members: networks and their cards: one, or those of the ensemble.
        detectors: what each member knows of its training data, where it was saved with it.
        ensemble: how they vote; None for a single model.
        digest: what identifies it, weights and thresholds included.
    """

    members: Sequence[Member]
    detectors: Sequence[Detector | None]
    ensemble: EnsembleCard | None
    digest: str

    @property
    def cards(self) -> list[ModelCard]:
        """The cards of the members."""
        return [card for _, card in self.members]

    @property
    def thresholds(self) -> dict[str, float]:
        """The threshold of each class in order; of an ensemble the mean over the members that know the class."""
        classes = self.cards[0].classes if self.ensemble is None else self.ensemble.classes
        known = {
            name: [card.thresholds[name] for card in self.cards if name in card.classes] for name in classes
        }
        return {name: float(np.mean(values)) for name, values in known.items()}

    @property
    def tells(self) -> bool:
        """Whether answers have a calibrated probability, and say whether they are certain."""
        return all(card.certainty is not None for card in self.cards)


@dataclass(frozen=True)
class PredictSettings:
    """What may be said of the files.

    Attributes:
        kind: of the archives that the paths are, see :func:`rarebeat.readers.registry.kinds`; None reads each file
            for itself.
        options: of the reader of that kind.
        age: years (0 to 120), for all files; None takes what each file says.
        sex: "female" or "male" (also F or M), for all files; None takes what each file says.
        workers: processes; None takes one per core where there are many files.
    """

    kind: str | None = None
    options: Options = field(default_factory=dict)
    age: float | None = None
    sex: str | None = None
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise ParamsError(f"workers must be at least 1, found {self.workers}")


@dataclass(frozen=True)
class _Job:
    """What all chunks share; small, for it travels to the processes."""

    folder: Path
    digest: str
    kind: str | None
    options: Options
    told: Person


def open_model(folder: Path) -> Model:
    """Load a model folder or the folder of an ensemble.

    Raises:
        RarebeatError: when it cannot be used.
    """
    if is_ensemble(folder):
        members, card = load_ensemble(folder)
        return Model(members, load_detectors(folder), card, digest(folder / ENSEMBLE_CARD))
    return Model([load_model(folder)], load_detectors(folder), None, card_digest(folder))


def predict_files(
    paths: Sequence[Path], model: Path, age: float | None = None, sex: str | None = None
) -> list[Answer]:
    """Classify files, and those of folders.

    Args:
        paths: as for :func:`iterate_answers`.
        model: model folder, or the folder of an ensemble (see :mod:`rarebeat.inference.ensemble`).
        age: as in :class:`PredictSettings`.
        sex: likewise.

    Returns:
        All answers.

    Raises:
        ParamsError: as :func:`iterate_answers`.
        RarebeatError: likewise.
    """
    return list(iterate_answers(paths, model, open_model(model), PredictSettings(age=age, sex=sex)))


def answer_records(model: Model, records: Sequence[Record], told: Sequence[Person]) -> list[Answer]:
    """Classify recordings that are in memory.

    Args:
        model: what :func:`open_model` has found.
        records: n recordings, as readers return them.
        told: n persons, of whom more may be known than the records tell; what is known here wins.

    Returns:
        As :func:`iterate_answers` yields them, without ``"file"``.
    """
    answers: list[Answer] = [{} for _ in records]
    waiting: dict[int, tuple[ModelInput, Person]] = {}
    for row, (record, person) in enumerate(zip(records, told, strict=True)):
        try:
            waiting[row] = _input(model, record, person)
        except BadRecordError as error:
            answers[row]["error"] = str(error)
    _answer_waiting(model, waiting, answers)
    return answers


def iterate_answers(
    paths: Sequence[Path], folder: Path, model: Model, settings: PredictSettings
) -> Iterator[Answer]:
    """Classify files, and those of folders. Memory does not grow with their number.

    Args:
        paths: WFDB headers, challenge ``.hea`` or ``.mat`` files, GE MUSE XML files; folders, of which all headers and
            XML files are taken; with ``settings.kind``, folders of archives.
        folder: of the model.
        model: what :func:`open_model` has found there.
        settings: what is said of the files.

    Yields:
        One mapping per file, in order: ``{"file", "classes": {NAME: {"probability", "threshold", "decision"}}}``, or
        ``{"file", "error"}`` for a file that cannot be answered. There is also a ``"warning"`` for a record that is
        much shorter than the network's input, one that is longer (judged by windows over all of it), one whose
        amplitude is not calibrated when the model learned from millivolts, one that is unlike the training data (see
        :mod:`rarebeat.inference.novelty`), and one of a person whose age or sex is not known when the network uses
        them. Of an ensemble, probability and threshold are means, the decision is the vote's, and ``"votes"`` of
        ``"members"`` call the class. A class whose calibration is stored with the model also has ``"calibrated"`` (a
        probability) and ``"certain"`` ("yes", "no" or "unsure"), see :mod:`rarebeat.metrics.certainty`.

    Raises:
        ParamsError: for an age or a sex that nobody has, an unknown kind or a wrong option.
        RarebeatError: when a folder has no files of ECGs, or a process was killed.
    """
    job = _Job(
        folder, model.digest, settings.kind, settings.options, known_person(settings.age, settings.sex)
    )
    total = sum(1 for _ in find_recordings(paths, job.kind, job.options))
    recordings = find_recordings(paths, job.kind, job.options)
    chunks = iter(lambda: list(islice(recordings, CHUNK)), [])
    workers = min(settings.workers or (core_count() if total >= MANY else 1), -(-total // CHUNK))
    work = partial(_answer_chunk, job, model) if workers == 1 else partial(_answer_in_process, job)
    hidden = True if total <= CHUNK else None  # of a few files the answers are there at once
    with tqdm(total=total, desc="predict", unit="file", disable=hidden) as progress:
        for answers in map_in_order(work, chunks, workers):
            yield from answers
            progress.update(len(answers))


@lru_cache(maxsize=1)
def _opened(folder: Path, expected: str) -> Model:
    """The model of a process, loaded once."""
    model = open_model(folder)
    if model.digest != expected:
        raise RarebeatError(f"{folder} was changed while files were classified with it")
    return model


def _answer_in_process(job: _Job, recordings: Sequence[Found]) -> list[Answer]:
    return _answer_chunk(job, _opened(job.folder, job.digest), recordings)


def _answer_chunk(job: _Job, model: Model, recordings: Sequence[Found]) -> list[Answer]:
    """The answers of some files, in order."""
    answers: list[Answer] = [{"file": recording.name} for recording in recordings]
    waiting: dict[int, tuple[ModelInput, Person]] = {}
    for row, recording in enumerate(recordings):
        try:
            waiting[row] = _read(job, model, recording)
        except (BadRecordError, RarebeatError) as error:
            answers[row]["error"] = str(error)
        except (OSError, ValueError, ArithmeticError, LookupError) as error:  # what a reader did not foresee
            answers[row]["error"] = f"unreadable: {type(error).__name__}: {error}"
        if sum(found.signal.shape[1] for found, _ in waiting.values()) > MOST_SAMPLES:
            _answer_waiting(model, waiting, answers)
            waiting = {}
    _answer_waiting(model, waiting, answers)
    return answers


def _read(job: _Job, model: Model, recording: Found) -> tuple[ModelInput, Person]:
    record = read_recording(recording, job.kind, job.options)
    return _input(model, record, job.told)


def _input(model: Model, record: Record, told: Person) -> tuple[ModelInput, Person]:
    found = network_input(record.signal, record.rate, record.calibrated, model.cards[0])
    return found, told.otherwise(Person(record.age, record.sex))


def _answer_waiting(
    model: Model, waiting: Mapping[int, tuple[ModelInput, Person]], answers: Sequence[Answer]
) -> None:
    """Add to the answers what the model says; ECGs of one length go through the networks together."""
    for samples in sorted({found.signal.shape[1] for found, _ in waiting.values()}):
        rows = [row for row, (found, _) in waiting.items() if found.signal.shape[1] == samples]
        inputs, people = zip(*(waiting[row] for row in rows), strict=True)
        for row, (probabilities, unlike) in zip(rows, _ask(model, inputs, people), strict=True):
            found, person = waiting[row]
            answers[row].update(_answer(model, probabilities, found, person, unlike))


def _ask(
    model: Model, inputs: Sequence[ModelInput], people: Sequence[Person]
) -> Iterator[tuple[Sequence[list[float]], str]]:
    """For each ECG what each member says of its classes, and how it is unlike those of the training."""
    lengths = np.array([found.length for found in inputs])
    context = replace(persons(*zip(*people, strict=True)), lengths=torch.from_numpy(lengths))
    signals = np.stack([found.signal for found in inputs])
    found = [
        predict_with_features(
            module, signals, output_scale(card.preprocessing), context=context, windows=input_windows(card)
        )
        for module, card in model.members
    ]
    features = [own for _, own in found]
    unlike = novelty_warnings(model.detectors, features, signals, lengths, model.cards[0].preprocessing)
    by_record = zip(*(probabilities.tolist() for probabilities, _ in found), strict=True)
    return zip(by_record, unlike, strict=True)


def _answer(
    model: Model, probabilities: Sequence[Sequence[float]], found: ModelInput, person: Person, unlike: str
) -> Answer:
    """All that is said of one ECG. Every warning joins the others here."""
    if not np.isfinite(np.concatenate(probabilities)).all():
        return {"error": NO_NUMBER}
    cards = model.cards
    if model.ensemble is None:
        classes = _classes(probabilities[0], cards[0])
    else:
        classes = vote_on_record(probabilities, cards, model.ensemble)
    add_certainty(
        classes, [_told(card, row, classes) for card, row in zip(cards, probabilities, strict=True)]
    )
    warning = joined(found.warning, unlike, person_warning(person, cards))
    return {"classes": classes} | ({"warning": warning} if warning else {})


def _told(card: ModelCard, probabilities: Sequence[float], classes: Mapping[str, Answer]) -> Told | None:
    """What a model tells of the classes of an answer; None where nothing is stored with it."""
    known = dict(zip(card.classes, probabilities, strict=True))
    row = np.array([[known.get(name, np.nan) for name in classes]])
    return None if card.certainty is None else tell(card.certainty, list(classes), row, card.offsets)


def _classes(probabilities: Sequence[float], card: ModelCard) -> dict[str, Answer]:
    return {
        name: {
            "probability": probability,
            "threshold": card.thresholds[name],
            "decision": probability >= card.thresholds[name],
        }
        for name, probability in zip(card.classes, probabilities, strict=True)
    }
