"""What an archive tells of a simulated record, and which records show a class."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count

from rarebeat.core.errors import ParamsError
from rarebeat.core.records import Signal
from rarebeat.simulator.clinic import Simulated, record_name, recording_at, report_of, simulate_many
from rarebeat.simulator.reports.findings import USUAL
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import CLASSES

_MACHINE = replace(USUAL, typed=0.0, overread=0.0, signed=0.0)
"""How reports are written before a person has seen them."""
_CANDIDATES, _EXAMPLES = 20, 4  # records looked at, records taken


@dataclass(frozen=True)
class Export:
    """One record as a hospital's system would hold it.

    Attributes:
        name: of its files.
        signal: int16 (12, samples), microvolts.
        rate: samples per second.
        patient: number of the patient in the simulated clinic.
        age: whole years on the day.
        sex: "female" or "male".
        time: of the recording, an invention that keeps a patient's recordings in order.
        machine: statements before the over-read.
        text: statements of the report.
        truth: the classes that the recording shows.
    """

    name: str
    signal: Signal
    rate: float
    patient: int
    age: int
    sex: str
    time: datetime
    machine: str
    text: str
    truth: frozenset[str]


def export(index: int, settings: SimulatorSettings) -> Export:
    """Make one record as a hospital's system would hold it.

    Args:
        index: of the record, from 0.
        settings: of the cohort.

    Returns:
        Signal, description, both versions of the report, and the truth.
    """
    return next(export_many([index], settings))


def export_many(indices: Sequence[int], settings: SimulatorSettings) -> Iterator[Export]:
    """Make records as a hospital's system would hold them, in less time than one by one.

    Args:
        indices: of the records, from 0.
        settings: of the cohort.

    Yields:
        What :func:`export` returns for each, to the byte.
    """
    for index, simulated in zip(indices, simulate_many(indices, settings), strict=True):
        yield _export(index, simulated, settings)


def _export(index: int, simulated: Simulated, settings: SimulatorSettings) -> Export:
    recording = simulated.recording
    visit = recording.visit
    return Export(
        name=record_name(index),
        signal=simulated.signal,
        rate=settings.rate,
        patient=visit.patient.number,
        age=int(visit.age),
        sex=visit.patient.sex,
        time=visit.time,
        machine=report_of(index, recording, settings, _MACHINE).text,
        text=simulated.report.text,
        truth=recording.truth,
    )


def class_counts(settings: SimulatorSettings) -> dict[str, int]:
    """How many records of a cohort truly show each class. No signal is made."""
    found = Counter(name for index in range(settings.records) for name in recording_at(index, settings).truth)
    return {name: found[name] for name in CLASSES}


def records_showing(name: str, settings: SimulatorSettings) -> Iterator[int]:
    """Indices of the records that truly show a class, ascending and without end. No signal is made.

    Raises:
        ParamsError: when there is no such class.
    """
    _check_classes([name])
    return (index for index in count() if name in recording_at(index, settings).truth)


def clear_examples(names: Sequence[str], settings: SimulatorSettings) -> dict[str, list[int]]:
    """For each class some records that show it and little else, the clearest first. No signal is made.

    Of the first records that show a class, only those are taken that have the fewest other classes; sinus rhythm
    does not count.

    Raises:
        ParamsError: when there is no such class.
    """
    _check_classes(names)
    found: dict[str, list[tuple[int, int]]] = {name: [] for name in names}
    for index in count():
        truth = recording_at(index, settings).truth
        for name in truth & found.keys():
            if len(found[name]) < _CANDIDATES:
                found[name].append((len(truth - {name, "sinus_rhythm"}), index))
        if all(len(seen) == _CANDIDATES for seen in found.values()):
            break
    fewest = {name: min(seen)[0] for name, seen in found.items()}
    return {
        name: [index for others, index in seen if others == fewest[name]][:_EXAMPLES]
        for name, seen in found.items()
    }


def _check_classes(names: Iterable[str]) -> None:
    for name in names:
        if name not in CLASSES:
            raise ParamsError(f"unknown class {name!r}; the simulated ones are: {', '.join(CLASSES)}")
