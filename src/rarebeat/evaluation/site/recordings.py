"""The recordings of a site, of any kind that readers know, and what a model says of them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from tqdm import tqdm

from rarebeat.core.context import persons
from rarebeat.core.errors import BadRecordError, ParamsError, RarebeatError
from rarebeat.core.record_files import iterate_rows
from rarebeat.core.records import Record, own_group
from rarebeat.core.signals import output_scale
from rarebeat.inference.ensemble import is_ensemble
from rarebeat.inference.gate import NO_NUMBER, ModelInput, input_windows, network_input
from rarebeat.inference.model_card import ModelCard
from rarebeat.inference.novelty import Evidence
from rarebeat.inference.predict import MOST_SAMPLES
from rarebeat.inference.probabilities import Float32, predict_with_features
from rarebeat.inference.signal_summary import SignalSummary, summarise
from rarebeat.readers.fields import Person
from rarebeat.readers.read_file import Found, find_recordings, read_recording
from rarebeat.readers.registry import Options
from rarebeat.readers.tables.rows import names_of, recording_name

CHUNK = 64
"""Recordings that the network is asked about at a time, at most."""

PARTS = "part-*.parquet"
"""What the folder of a cohort holds that was ingested."""


@dataclass(frozen=True)
class Source:
    """Where the recordings are.

    Attributes:
        paths: files and folders, as for :func:`rarebeat.inference.predict.iterate_answers`; or one folder that
            ``ingest`` has written, which knows the patients.
        kind: of the archives that the paths are; None reads each file for itself.
        options: of the reader of that kind.
    """

    paths: tuple[Path, ...]
    kind: str | None = None
    options: Options = field(default_factory=dict)


@dataclass(frozen=True)
class Recording:
    """One recording as the network sees it.

    Attributes:
        name: its record id, or that of the names asked for by which it was found.
        patient: who it is of; a name of its own where that is not known.
        known: whether the patient is known.
        person: age and sex.
        given: the network's input.
    """

    name: str
    patient: str
    known: bool
    person: Person
    given: ModelInput


@dataclass(frozen=True)
class Refused:
    """A recording that cannot be read or trusted: its name, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Scored:
    """What a model says of the n recordings of a site.

    Attributes:
        names: of the recordings.
        patients: shape (n,), who each is of; a name of its own where that is not known.
        unknown: recordings whose patient is not known.
        probability: shape (n, classes).
        evidence: what tells whether they are unlike the training data.
        refused: the recordings that it was not asked about.
    """

    names: tuple[str, ...]
    patients: npt.NDArray[np.object_]
    unknown: int
    probability: Float32
    evidence: Evidence
    refused: tuple[Refused, ...]


def check_single(model: Path) -> None:
    """Check that a model folder is of one model.

    Raises:
        RarebeatError: when it is an ensemble, whose members have thresholds of their own.
    """
    if is_ensemble(model):
        raise RarebeatError(
            f"{model} is an ensemble: name one of its members, such as {model / 'members' / '0'}"
        )


def score_site(
    module: nn.Module, card: ModelCard, source: Source, wanted: Collection[str] | None = None
) -> Scored:
    """Ask a model about the recordings of a site. Memory does not grow with the length of their signals.

    Args:
        module: the network.
        card: of the model.
        source: where the recordings are.
        wanted: names of those to be asked about, see :func:`read_site`; None asks about all.

    Returns:
        What it says.

    Raises:
        ParamsError: as :func:`read_site`.
        RarebeatError: likewise, and when no recording could be read.
    """
    read, refused, parts = list[Recording](), list[Refused](), list[tuple[Float32, Evidence]]()
    recordings = tqdm(read_site(source, card, wanted), desc="predict", unit="record", disable=None)
    for chunk in _chunks(recordings):
        good = [one for one in chunk if isinstance(one, Recording)]
        refused += [one for one in chunk if isinstance(one, Refused)]
        if good:
            probability, evidence = ask(module, card, good)
            answered = np.asarray(np.isfinite(probability).all(axis=1))
            refused += [Refused(good[row].name, NO_NUMBER) for row in np.flatnonzero(~answered)]
            good = [good[row] for row in np.flatnonzero(answered)]
            parts.append((probability[answered], evidence.of(answered)))
            read += [replace(one, given=_without_signal(one.given)) for one in good]
    if not read and not refused and wanted is not None:
        raise RarebeatError(
            f"none of the recordings is called by one of the {len(wanted)} names, such as {min(wanted)!r}: a name is "
            "the record id, or the path, the name or the stem of the file"
        )
    if not read:
        why = f": {refused[0].name}: {refused[0].reason}" if refused else ""
        raise RarebeatError(f"none of the recordings can be used{why}")
    summaries = [evidence.summary for _, evidence in parts]
    summary = SignalSummary(
        np.concatenate([one.measures for one in summaries]), np.concatenate([one.bands for one in summaries])
    )
    return Scored(
        names=tuple(one.name for one in read),
        patients=np.array([one.patient for one in read], dtype=object),
        unknown=sum(not one.known for one in read),
        probability=np.concatenate([probability for probability, _ in parts]),
        evidence=Evidence(np.concatenate([evidence.features for _, evidence in parts]), summary),
        refused=tuple(refused),
    )


def _chunks(recordings: Iterable[Recording | Refused]) -> Iterator[list[Recording | Refused]]:
    """Few at a time, and fewer of long ones: a day of signal takes as much memory as thousands of ECGs."""
    chunk, samples = list[Recording | Refused](), 0
    for one in recordings:
        chunk.append(one)
        samples += one.given.signal.shape[1] if isinstance(one, Recording) else 0
        if len(chunk) == CHUNK or samples > MOST_SAMPLES:
            yield chunk
            chunk, samples = [], 0
    if chunk:
        yield chunk


def _without_signal(given: ModelInput) -> ModelInput:
    return replace(given, signal=given.signal[:, :0].copy())


def ask(module: nn.Module, card: ModelCard, recordings: Sequence[Recording]) -> tuple[Float32, Evidence]:
    """Ask the network; recordings of one length go through it together.

    Args:
        module: the network.
        card: of the model.
        recordings: one or more.

    Returns:
        Probabilities, shape (n, classes), and what tells whether the n recordings are unlike the training data.
    """
    lengths = np.array([one.given.signal.shape[1] for one in recordings])
    places, probabilities, features, measures, bands = [], [], [], [], []
    for samples in np.unique(lengths):
        rows = np.flatnonzero(lengths == samples)
        chosen = [recordings[row] for row in rows.tolist()]
        signals = np.stack([one.given.signal for one in chosen])
        filled = np.array([one.given.length for one in chosen])
        people = persons([one.person.age for one in chosen], [one.person.sex for one in chosen])
        found, seen = predict_with_features(
            module,
            signals,
            output_scale(card.preprocessing),
            context=replace(people, lengths=torch.from_numpy(filled)),
            windows=input_windows(card),
        )
        summary = summarise(signals, filled, card.preprocessing.rate)
        places.append(rows)
        probabilities.append(found)
        features.append(seen)
        measures.append(summary.measures)
        bands.append(summary.bands)
    order = np.argsort(np.concatenate(places), kind="stable")
    summary = SignalSummary(np.concatenate(measures)[order], np.concatenate(bands)[order])
    return np.concatenate(probabilities)[order], Evidence(np.concatenate(features)[order], summary)


def read_site(
    source: Source, card: ModelCard, wanted: Collection[str] | None = None
) -> Iterator[Recording | Refused]:
    """Read the recordings of a site.

    Args:
        source: where they are.
        card: of the model that is to be asked.
        wanted: the recordings to read: by record id, or the path, the name or the stem of the file. None reads all.

    Yields:
        Each recording, or why it cannot be used.

    Raises:
        ParamsError: for an unknown kind or a wrong option.
        RarebeatError: when a folder holds no recordings, two are called by one of the names, or one by two of them.
    """
    taken: set[str] = set()
    others: dict[str, str] = {}
    asked = {recording_name(one): one for one in sorted(wanted or ())}
    if twice := sorted(set(wanted or ()) - set(asked.values())):
        raise RarebeatError(_one_recording(twice[0], asked[recording_name(twice[0])]))
    for names, read in _offered(source):
        called = [asked[one] for one in map(recording_name, names) if one in asked]
        name = names[0] if wanted is None else next(iter(called), None)
        if name is None:
            continue
        if wanted is not None and name in taken:
            raise RarebeatError(f"two recordings are called {name}: name them by their paths")
        taken.add(name)
        others |= dict.fromkeys(called[1:], name)
        yield _recording(name, read, card)
    if twice := sorted(set(others) - taken):  # it may be the name of another recording, too
        raise RarebeatError(_one_recording(others[twice[0]], twice[0]))


def _one_recording(one: str, other: str) -> str:
    return f"{one!r} and {other!r} are names of one recording: give it once"


def _recording(name: str, read: Any, card: ModelCard) -> Recording | Refused:
    try:
        record: Record = read()
        given = network_input(record.signal, record.rate, record.calibrated, card)
    except (BadRecordError, RarebeatError) as error:
        return Refused(name, str(error))
    except (OSError, ValueError, ArithmeticError, LookupError) as error:  # what a reader did not foresee
        return Refused(name, f"unreadable: {type(error).__name__}: {error}")
    patient = record.patient_id or own_group("record", name)
    return Recording(name, patient, record.patient_id is not None, Person(record.age, record.sex), given)


def _offered(source: Source) -> Iterable[tuple[list[str], Any]]:
    """For each recording all names that it may be called by, its record id first, and a function that reads it."""
    for path in source.paths:
        if not path.exists():
            raise RarebeatError(f"there is no file or folder {path}")
    cohorts = [path for path in source.paths if next(path.glob(PARTS), None) is not None]
    if cohorts and (source.kind or len(source.paths) > 1):
        raise ParamsError(f"{cohorts[0]} was written by ingest: name it alone, and without a kind")
    if cohorts:
        for row in iterate_rows(cohorts[0]):
            yield [row["record_id"]], lambda row=row: _stored(row)
        return
    for found in find_recordings(source.paths, source.kind, source.options):
        yield _names(found), lambda found=found: read_recording(found, source.kind, source.options)


def _names(found: Found) -> list[str]:
    path = found.entry.path
    if found.entry.member is not None:
        return list(names_of(found.entry, found.folder or Path()))
    files = [] if path is None else [path.stem, path.name, found.name]
    # Without a kind the id of an entry is its path; the record that is read is called by the stem.
    listed = [found.entry.record_id] if found.entry.record_id != found.name else []
    return list(dict.fromkeys([*listed, *files])) or [found.entry.record_id]


def _stored(row: dict[str, Any]) -> Record:
    keys = ("record_id", "signal", "rate", "source", "patient_id", "age", "sex", "calibrated")
    return Record(**{key: row[key] for key in keys})
