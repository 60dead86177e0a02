"""The simulated clinic as a source: nothing to download, nothing to find on disk."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from rarebeat.core.params import parse
from rarebeat.core.records import Record
from rarebeat.readers.fields import OLDEST
from rarebeat.readers.free_text.redaction import redact
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.registry import Entry
from rarebeat.simulator.clinic import Simulated, record_name, simulate, simulate_many
from rarebeat.simulator.settings import SimulatorSettings

SOURCE = "simulated"
Options = SimulatorSettings
_TOGETHER = 50
"""Records that are simulated together, for speed; it makes no difference to them."""


def discover(root: Path, options: Mapping[str, Any]) -> list[Entry]:
    """The recordings of a cohort.

    Args:
        root: not used.
        options: of :class:`~rarebeat.simulator.settings.SimulatorSettings`.

    Raises:
        ParamsError: when an option is unknown or out of range.
    """
    settings = parse(SimulatorSettings, dict(options), "simulated")
    return [
        Entry(record_id=record_name(index), source=SOURCE, details={"index": index})
        for index in range(settings.records)
    ]


def read(entry: Entry, pseudonym: Pseudonym, options: Mapping[str, Any]) -> Record:
    """Generate one recording. Its classes are in the report alone, as in a clinic: there are no codes.

    Dates and signatures are invented, and go the way of real ones: they do not pass ingest.
    """
    settings = _settings(tuple(options.items()))
    index = int(entry.details["index"])
    simulated = _together(index // _TOGETHER, settings)[index % _TOGETHER]
    record = _record(index, simulated, settings, pseudonym)
    return replace(record, text="\n".join(filter(None, map(_redacted, (record.text or "").splitlines()))))


@lru_cache(maxsize=4)  # every record comes with the same options
def _settings(options: tuple[tuple[str, Any], ...]) -> SimulatorSettings:
    return parse(SimulatorSettings, dict(options), "simulated")


@lru_cache(maxsize=1)  # records are read in order
def _together(number: int, settings: SimulatorSettings) -> list[Simulated]:
    first = number * _TOGETHER
    return list(simulate_many(range(first, min(first + _TOGETHER, settings.records)), settings))


@lru_cache(maxsize=4096)  # most lines of reports are statements that come again
def _redacted(line: str) -> str:
    return redact(line)


def record_at(index: int, settings: SimulatorSettings, pseudonym: Pseudonym | None = None) -> Record:
    """Record ``index`` of a cohort as ingest sees it; patients go by the public pseudonym unless another is given."""
    return _record(index, simulate(index, settings), settings, pseudonym or Pseudonym())


def _record(index: int, simulated: Simulated, settings: SimulatorSettings, pseudonym: Pseudonym) -> Record:
    visit = simulated.recording.visit
    return Record(
        record_id=record_name(index),
        signal=simulated.signal,
        rate=settings.rate,
        source=SOURCE,
        patient_id=pseudonym.of(SOURCE, str(visit.patient.number)),
        age=OLDEST if visit.age >= OLDEST else float(int(visit.age)),
        sex=visit.patient.sex,
        text=simulated.report.text,
    )
