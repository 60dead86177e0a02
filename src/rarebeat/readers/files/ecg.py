"""What is kept of a file of any format, before its ids become pseudonyms."""

from dataclasses import dataclass, field
from typing import NamedTuple

from rarebeat.core.records import Record, Signal, Stored


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
