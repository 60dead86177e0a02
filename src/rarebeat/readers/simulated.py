"""The simulated clinic as a source: nothing to download, nothing to find on disk."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rarebeat.core.params import parse
from rarebeat.core.records import Record
from rarebeat.readers.free_text.redaction import redact
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.registry import Entry
from rarebeat.simulator.clinic import record_name, simulate
from rarebeat.simulator.settings import SimulatorSettings

SOURCE = "simulated"
Options = SimulatorSettings
_OLDEST = 90.0


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
    settings = parse(SimulatorSettings, dict(options), "simulated")
    record = record_at(int(entry.details["index"]), settings, pseudonym)
    return replace(record, text=redact(record.text or ""))


def record_at(index: int, settings: SimulatorSettings, pseudonym: Pseudonym | None = None) -> Record:
    """Record ``index`` of a cohort as ingest sees it; patients go by the public pseudonym unless another is given."""
    simulated = simulate(index, settings)
    visit = simulated.recording.visit
    return Record(
        record_id=record_name(index),
        signal=simulated.signal,
        rate=settings.rate,
        source=SOURCE,
        patient_id=(pseudonym or Pseudonym()).of(SOURCE, str(visit.patient.number)),
        age=_OLDEST if visit.age >= _OLDEST else float(int(visit.age)),
        sex=visit.patient.sex,
        text=simulated.report.text,
    )
