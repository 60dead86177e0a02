"""What files are, for a person who holds one in hand: format, rate, leads, units, length, device, what is missing.

Files are read one after the other, and told as they are read: a folder may hold more signals than memory does.
"""

import json
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rarebeat.core.errors import BadRecordError, RarebeatError
from rarebeat.core.records import LEADS, Record
from rarebeat.measure.amplitude import smallest_step, typical_span
from rarebeat.readers.discovery import walk
from rarebeat.readers.files.formats import format_named
from rarebeat.readers.files.reader import entries_of, read
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.registry import Entry

_OPTIONS = {"patient_namespace": "inspected", "statements": "all"}
_PARTS = (".dat", ".mat")
_UNREADABLE = "not read"


@dataclass(frozen=True)
class Inspection:
    """What was found out of one file, or of one member of an archive.

    Attributes:
        name: path of the file.
        facts: for people, in a fixed order; of a file that was not read, what it is and why.
        missing: what the file does not tell.
        record: the ECG; None where it was not read.
    """

    name: str
    facts: dict[str, str]
    missing: tuple[str, ...] = ()
    record: Record | None = None


def files_at(path: Path) -> list[Entry]:
    """List what there is to inspect.

    Args:
        path: a file, which may be a ZIP or gzip file, or a folder.

    Returns:
        An entry for each file, or member of an archive; their ids are the names that people know them by.

    Raises:
        RarebeatError: when there is no such file, or the folder is empty.
    """
    if not path.exists():
        raise RarebeatError(f"there is no file or folder {path}")
    if path.is_dir():
        entries = entries_of(path, walk(path, ""))
    else:
        header = path.with_suffix(".hea")
        named = header if path.suffix.lower() in _PARTS and header.is_file() else path
        entries = entries_of(named.parent, [named])
    if not entries:
        raise RarebeatError(f"there are no files in the folder {path}")
    return entries


def inspect(entries: Iterable[Entry]) -> Iterator[Inspection]:
    """Find out what files are, one after the other.

    Args:
        entries: from :func:`files_at`.

    Yields:
        What each is. Ids of patients are not among it.
    """
    return map(_inspected, entries)


def _inspected(entry: Entry) -> Inspection:
    name = entry.details["format"]
    about = format_named(name).about if name else str(entry.details["what"])
    try:
        record = read(entry, Pseudonym(), _OPTIONS)
    except BadRecordError as error:
        return Inspection(entry.record_id, {"format": about, **({_UNREADABLE: str(error)} if name else {})})
    except OSError as error:
        return Inspection(entry.record_id, {"format": about, _UNREADABLE: str(error.strerror)})
    return Inspection(entry.record_id, {"format": about, **_facts(record)}, _missing(record), record)


def _facts(record: Record) -> dict[str, str]:
    samples = record.signal.shape[1]
    stored = record.stored.leads.split()
    derived = [lead for lead in LEADS if stored and lead not in stored]
    facts = {
        "rate": f"{record.rate:g} Hz",
        "length": f"{samples / record.rate:g} s ({samples} samples)" + _cut(record.stored.cut),
        "leads": record.stored.leads + (f"; derived: {' '.join(derived)}" if derived else ""),
        "unit": record.stored.unit,
        "amplitude": _amplitude(record),
        "filters": record.stored.filters,
        "device": record.stored.device,
        "age": "" if record.age is None else f"{record.age:g}{' or over' if record.age >= 90 else ''}",
        "sex": record.sex or "",
        "patient": "told" if record.patient_id else "",
        "report": _report(record),
        "codes": ", ".join(record.codes),
    }
    return {name: fact for name, fact in facts.items() if fact}


def _cut(seconds: float) -> str:
    return f"; {seconds:g} s at the ends held no recording and were cut" if seconds else ""


def _amplitude(record: Record) -> str:
    if not record.calibrated:
        return "not calibrated: it was normalised away"
    span = typical_span(record.signal, record.rate) / 1000
    return f"the median lead spans {span:.2g} mV in the median second, in steps of {smallest_step(record.signal)} uV"


def _report(record: Record) -> str:
    if not record.text:
        return ""
    status = f", {record.report_status}" if record.report_status else ""
    return f"{len(record.text.splitlines())} lines{status}"


def _missing(record: Record) -> tuple[str, ...]:
    told = _facts(record)
    wanted = ("leads", "unit", "filters", "device", "age", "sex", "patient", "report", "codes")
    return tuple(name for name in wanted if name not in told)


def in_lines(found: Iterable[Inspection], names: Sequence[str]) -> Iterator[str]:
    """Write what is found out for people: in full of one file, a line each and the sums of several.

    Args:
        found: from :func:`inspect`.
        names: of all the files, so that their lines can be aligned before the last one is read.

    Yields:
        Lines, as the files are read.
    """
    if len(names) == 1:
        for entry in found:
            yield from _in_full(entry)
        return
    width, counts = max(map(len, names)), Counter[str]()
    for entry in found:
        counts[entry.facts["format"] if entry.record else "not read"] += 1
        yield f"{entry.name:{width}}  {_in_short(entry)}"
    yield ""
    yield from (f"{count:6} {name}" for name, count in counts.most_common())


def _in_full(entry: Inspection) -> list[str]:
    facts = entry.facts | ({"missing": ", ".join(entry.missing)} if entry.missing else {})
    return [entry.name, *(f"  {name:10} {fact}" for name, fact in facts.items())]


def _in_short(entry: Inspection) -> str:
    if entry.record is None:
        return "  ".join(entry.facts.values())
    facts = entry.facts
    told = [facts["format"], facts["rate"], facts["length"].partition(" (")[0], facts.get("unit", "")]
    return "  ".join([*told, *([f"missing: {', '.join(entry.missing)}"] if entry.missing else [])])


def in_json(found: Iterable[Inspection]) -> Iterator[str]:
    """Write what is found out for programs.

    Args:
        found: from :func:`inspect`.

    Yields:
        The lines of a JSON list, with an object for each file, as the files are read.
    """
    before = ""
    yield "["
    for entry in found:
        told = {"name": entry.name, "read": entry.record is not None, **entry.facts}
        if before:
            yield f"{before},"
        before = textwrap.indent(json.dumps(told | {"missing": list(entry.missing)}, indent=2), "  ")
    if before:
        yield before
    yield "]"
