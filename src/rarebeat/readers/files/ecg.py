"""What is kept of a file of any format, and the record that is stored or predicted of it."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import pydantic.dataclasses

from rarebeat.core.params import STRICT
from rarebeat.core.records import Record, Signal, Stored
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.private import PrivateOptions, patient_id, storable
from rarebeat.readers.registry import Entry


class FilePerson(NamedTuple):
    """What a file tells of the person.

    Attributes:
        patient: the raw patient id, to be hashed at once; None where there is none.
        age: years, 90 for 90 and over; None where it is not told.
        sex: "female", "male" or None.
        not_understood: "age", "sex" and "patient" where they are told in a form that is not understood.
    """

    patient: str | None = None
    age: float | None = None
    sex: str | None = None
    not_understood: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileEcg:
    """What is kept of one file.

    Attributes:
        signal: int16, shape (12, samples), microvolts.
        rate: samples per second.
        calibrated: whether the amplitude means anything.
        person: patient, age and sex.
        text: the statements, one a line, without persons and dates.
        status: "confirmed", "unconfirmed" or "unknown" where the format tells whether a person has confirmed the
            report, else None.
        codes: statements as ``system:code``.
        stored: how the file holds the signal.
    """

    signal: Signal
    rate: float
    calibrated: bool
    person: FilePerson = field(default_factory=FilePerson)
    text: str | None = None
    status: str | None = None
    codes: tuple[str, ...] = ()
    stored: Stored = field(default_factory=Stored)


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT)
class FileOptions(PrivateOptions):
    """Options of the kinds of archive that are folders of files, each of one ECG, beside those of private archives.

    Attributes:
        statements: "confirmed" takes the statements of reports that a person has confirmed alone; other files become
            records without text. "all" takes those of the machine, too, and those of which the file does not tell.
    """

    statements: Literal["confirmed", "all"] = "confirmed"


def stored_record(ecg: FileEcg, entry: Entry, pseudonym: Pseudonym, settings: FileOptions) -> Record:
    """Make the record that is stored of a file.

    Args:
        ecg: what is kept of it.
        entry: the file.
        pseudonym: makes the ids of record and patient.
        settings: of the archive.

    Returns:
        The record; of a private archive without what may identify a person.
    """
    trusted = settings.statements == "all" or ecg.status in ("confirmed", None)
    said = (ecg.text if trusted else None) or ""
    text, codes = storable(said, ecg.codes, pseudonym, settings.free_text, settings.words)
    return Record(
        record_id=pseudonym.record_id(entry.record_id),
        signal=ecg.signal,
        rate=ecg.rate,
        source=entry.source,
        patient_id=patient_id(pseudonym, settings.patient_namespace, ecg.person.patient),
        age=ecg.person.age,
        sex=ecg.person.sex,
        calibrated=ecg.calibrated,
        text=text or None,
        codes=codes,
        report_status=ecg.status,
        not_understood=ecg.person.not_understood,
        stored=ecg.stored,
    )


def record_of(ecg: FileEcg, name: str, kind: str) -> Record:
    """Make the record of a single file, to be predicted.

    Args:
        ecg: what is kept of it.
        name: of the file, which becomes the id.
        kind: its format.

    Returns:
        The record, without patient and codes.
    """
    person, source = ecg.person, "muse" if kind == "muse-xml" else kind
    return Record(
        name,
        ecg.signal,
        ecg.rate,
        source,
        age=person.age,
        sex=person.sex,
        calibrated=ecg.calibrated,
        text=ecg.text,
    )
