"""Files that ecgdatakit reads: what of its answer is taken, and which of its warnings refuse a file.

The library warns where it goes on with a guess (a checksum that is wrong, a second recording, a frame that is cut). A
guess is no recording: every warning refuses the file, but those on what is not read here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rarebeat.core.errors import BadRecordError, need
from rarebeat.readers.files.ecg import FileEcg, FilePerson
from rarebeat.readers.formats.ecg import file_ecg, read_content
from rarebeat.readers.formats.edges import without_fillers
from rarebeat.readers.formats.guard import guarded
from rarebeat.readers.formats.person import read_person
from rarebeat.readers.quality import RawLeads, lead_index

_ON_OTHER_THINGS = re.compile(
    r"representative beat|repbeats|median|typical_cycle|reference beat|value ignored|invalid birth date"
    r"|invalid measurement time|Section (?:4|5|12)\b|integer; rounded",
    re.IGNORECASE,
)
"""What warnings are about that refuse no file: beats, measurements and dates; rates are checked by the readers."""

_ON_WHOLE_FILE = re.compile(r"CRC mismatch|in its header and")

_NUMBERED = re.compile(r"(.+)_\d+")
_CONFIRMED = ("confirmed", "overread")


@dataclass(frozen=True)
class KitRecord:
    """The answer of the library for one file.

    Attributes:
        record: an ``ecgdatakit.models.ECGRecord``.
        content: the bytes of the file.
    """

    record: Any
    content: bytes


def parse_with_kit(path: Path, kind: str, module: str, parser: str) -> KitRecord:
    """Read a file with one of the parsers of ecgdatakit.

    Args:
        path: the file.
        kind: of archive.
        module: of ``ecgdatakit.parsing.parsers``.
        parser: the class in it.

    Returns:
        What it found.

    Raises:
        BadRecordError: when the library cannot read it, or warns of something that is read here.
        RarebeatError: when the library is not installed.
    """
    found = getattr(need(f"ecgdatakit.parsing.parsers.{module}", f"kind {kind}"), parser)
    content = read_content(path)
    with guarded("ecgdatakit") as warned:
        record = found().parse(path)
    for warning in warned:
        if not is_on_other_things(str(warning.message)):
            raise BadRecordError("header_mismatch", f"ecgdatakit warns: {str(warning.message)[:150]!r}")
    return KitRecord(record, content)


def is_on_other_things(message: str) -> bool:
    """Tell whether a warning of the library is on nothing that is read.

    Args:
        message: the warning. One on checksums lists all parts of the file of which it is wrong; beats (sections 4 and 5
            of SCP-ECG) are added to the recording by some writers.

    Returns:
        True where the record is what it would be without the warning.

    Example:
        >>> is_on_other_things("Section 12 is not loaded"), is_on_other_things("CRC mismatch in: Section 4, Section 6")
        (True, False)
    """
    return not _ON_WHOLE_FILE.search(message) and _ON_OTHER_THINGS.search(message) is not None


def leads_of(record: Any, rate: float | None = None) -> tuple[RawLeads, float]:
    """Take the leads of a rhythm recording.

    Args:
        record: an ``ecgdatakit.models.ECGRecord``.
        rate: samples per second, where the file tells it better than the library, which rounds it.

    Returns:
        The leads with their steps and units, and the rate.

    Raises:
        BadRecordError: when there is none, when one is there twice, or when they differ in rate or length.
    """
    leads = list(record.leads)
    if not leads:
        raise BadRecordError("missing_leads", "the file holds no leads")
    paces = {_pace(lead) for lead in leads if lead_index(lead.label) is not None}
    if len(paces) == 1:  # signals beside the leads, such as a pulse wave, may have their own
        leads = [lead for lead in leads if _pace(lead) in paces]
    twice = [match[1] for lead in leads if (match := _NUMBERED.fullmatch(lead.label))]
    if any(lead_index(name) is not None for name in twice):
        raise BadRecordError("header_mismatch", f"lead {twice[0]} is there twice")
    if len({lead.sampling_rate for lead in leads}) > 1:
        raise BadRecordError("header_mismatch", "the leads were recorded at different rates")
    if len({len(lead.samples) for lead in leads}) > 1:
        raise BadRecordError("header_mismatch", "the leads have different lengths")
    scales = [
        (lead.resolution, lead.offset, lead.resolution_unit) if lead.is_raw else (1.0, 0.0, lead.units)
        for lead in leads
    ]
    raw = RawLeads(
        samples=np.stack([np.asarray(lead.samples, dtype=np.float64) for lead in leads]),
        names=[lead.label for lead in leads],
        gains=[1 / step if step else None for step, _, _ in scales],
        baselines=[-offset / step if step else 0.0 for step, offset, _ in scales],
        units=[unit for _, _, unit in scales],
    )
    return raw, float(leads[0].sampling_rate) if rate is None else rate


def _pace(lead: Any) -> tuple[float, int]:
    return lead.sampling_rate, len(lead.samples)


def person_of(record: Any, age: str = "", unit: str = "years", told: str = "", sex: str = "") -> FilePerson:
    """Take patient, age and sex.

    Args:
        record: an ``ecgdatakit.models.ECGRecord``.
        age: as the file has it; "" takes the library's, in whole years.
        unit: of the age.
        told: whatever else the file says of the age, see :func:`rarebeat.readers.formats.person.read_person`.
        sex: as the file has it; "" takes the library's.

    Returns:
        What is kept. The library says "U" for any sex that it does not know.
    """
    patient, when = record.patient, record.recording.date
    birth = patient.birth_date
    return read_person(
        patient=patient.patient_id or "",
        sex=sex or ("not known" if patient.sex == "U" else patient.sex),
        age=age or ("" if patient.age is None else str(patient.age)),
        unit=unit if age else "years",
        birth=None if birth is None else birth.date(),
        recorded=None if when is None else when.date(),
        told=told,
    )


def kit_ecg(
    record: Any, raw: RawLeads, rate: float, person: FilePerson | None = None, names: Iterable[str] = ()
) -> FileEcg:
    """Make what is kept of a file from the library's answer.

    Args:
        record: an ``ecgdatakit.models.ECGRecord``.
        raw: its leads.
        rate: samples per second.
        person: patient, age and sex; None takes those of :func:`person_of`.
        names: further names and ids that the report must not tell.

    Returns:
        The file with fillers cut off, its statements (without the criteria beside them), and their status.

    Raises:
        BadRecordError: for a signal that cannot be trusted.
    """
    told = record.interpretation
    status = (
        "confirmed" if told.source in _CONFIRMED else "unconfirmed" if told.source == "machine" else "unknown"
    )
    known = [*_names_of(record), *names]
    person = person_of(record) if person is None else person
    statements = [statement for statement, _ in told.statements]
    filters = record.recording.acquisition.filters
    passed = "-".join(f"{limit:g}" for limit in (filters.highpass, filters.lowpass) if limit)
    device = (
        "" if record.source_format == "ishne_holter" else record.recording.device.model
    )  # ISHNE: any text
    leads, cut = without_fillers(raw, rate)
    return file_ecg(leads, rate, person, statements, known, status, passed, device, cut)


def _names_of(record: Any) -> list[str]:
    patient, recording, device = record.patient, record.recording, record.recording.device
    return [
        *(patient.patient_id, patient.first_name, patient.last_name, patient.clinical_history),
        *(recording.technician, recording.referring_physician, recording.room, recording.location),
        *(device.serial_number, device.institution, device.department, device.name),
        record.interpretation.interpreter,
    ]
