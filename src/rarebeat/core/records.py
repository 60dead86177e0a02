"""What a record is: one 12-lead ECG with metadata, and why one may be refused."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""The order of leads everywhere behind ingest."""

REASONS = {
    "unreadable": "the file or its header cannot be parsed",
    "truncated": "fewer samples than the header promises",
    "header_mismatch": "the header contradicts itself or the signal file",
    "implausible_header": "the header holds a value that no ECG has, or one that is known to be wrong",
    "wrong_checksum": "samples do not add up to the checksum in the header",
    "missing_leads": "a lead is missing and cannot be derived exactly from the others",
    "unknown_units": "the gain or the unit of a lead is missing or not a voltage",
    "not_a_number": "the signal holds samples marked as invalid",
    "flat_lead": "a lead is constant",
    "clipped": "a lead sits at the limit of the converter",
    "implausible_amplitude": "amplitudes no ECG has: the gain is probably wrong",
    "inconsistent_leads": "the limb leads contradict each other: a lead is swapped, scaled, inverted or misnamed",
    "too_short": "shorter than one second",
    "outside_folder": "the header points to a file outside its folder",
    "duplicate_id": "a second record with the same id",
}
"""Why a record is quarantined: code and meaning."""

Signal = npt.NDArray[np.int16]

INCOMPLETE = "codes:incomplete"
"""Stands behind the codes of a record whose list is not complete: what is not in it may be there all the same."""


@dataclass(frozen=True, slots=True)
class Stored:
    """How an archive holds the signal of a recording. It is counted, for the contract of a cohort, and not stored.

    Attributes:
        unit: such as "mV"; "" where it is not told.
        leads: names of the stored leads in their order, with a blank between them.
        filters: of the recorder, as the recording tells them.
        device: the model of the recorder.
        cut: seconds at both ends that held no recording (fillers, a calibration pulse), and were cut off.
    """

    unit: str = ""
    leads: str = ""
    filters: str = ""
    device: str = ""
    cut: float = 0.0


@dataclass(frozen=True, slots=True)
class Record:
    """One 12-lead ECG as a reader returns it.

    Attributes:
        record_id: unique within its cohort; free of identifying information.
        signal: int16, shape (12, samples), leads in the order of :data:`LEADS`; microvolts, or thousandths of
            the normalised unit where ``calibrated`` is False.
        rate: samples per second.
        source: the database, or the part of it, that the record comes from.
        patient_id: keyed hash, or None where unknown; the id of the record in an archive with one per subject.
        age: years, at most 90 (which stands for 90 and over).
        sex: "female", "male" or None.
        fold: the database's own fold, or None.
        calibrated: whether the amplitude is in microvolts; False where it was normalised away.
        text: the report, or None.
        codes: statements as ``system:code``; :data:`INCOMPLETE` behind them where the archive says that some lack.
        report_status: "confirmed", "unconfirmed" or "unknown" where the archive tells whether a person has
            confirmed the report, else None. It is counted and not stored.
        not_understood: fields that the archive tells in a form that is not understood, such as "age"; they are
            counted and not stored.
        stored: how the archive holds the signal.
    """

    record_id: str
    signal: Signal
    rate: float
    source: str
    patient_id: str | None = None
    age: float | None = None
    sex: str | None = None
    fold: int | None = None
    calibrated: bool = True
    text: str | None = None
    codes: tuple[str, ...] = ()
    report_status: str | None = None
    not_understood: tuple[str, ...] = ()
    stored: Stored = field(default_factory=Stored)


def own_group(cohort: str, record_id: str) -> str:
    """The group of a record whose patient is not known.

    Args:
        cohort: its cohort.
        record_id: unique within its cohort only.

    Returns:
        A name that no patient has: it holds a slash.

    Example:
        >>> own_group("challenge", "A0001")
        'challenge/A0001'
    """
    return f"{cohort}/{record_id}"
