"""EDF and EDF+ files that hold a 12-lead ECG, by edfio.

A voltage is (digital + offset) x gain from the four limits in the header, in the dimension that the header names. The
dimension is read here: it is never assumed. Signals that are no lead (a pulse wave, annotations) are left out.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import BadRecordError, need
from rarebeat.readers.files.ecg import FileEcg, FileOptions, FilePerson
from rarebeat.readers.formats.ecg import Format, file_ecg, read_content
from rarebeat.readers.formats.edges import LONGEST_SECONDS, without_fillers
from rarebeat.readers.formats.guard import guarded
from rarebeat.readers.formats.person import NOBODY, read_person
from rarebeat.readers.private import is_private
from rarebeat.readers.quality import RawLeads, lead_index, shown_name

Options = FileOptions
TAKES = (".edf",)

_PREFIX = re.compile(r"^(?:ECG|EKG)\s+(?=\S)", re.IGNORECASE)
_SAMPLE_BYTES = 2
_BIRTH = 2  # place of the date of birth among what EDF+ tells of a patient


def looks_like(head: bytes) -> bool:
    """Tell an EDF file by its first bytes.

    Args:
        head: at least 192 bytes.

    Returns:
        True for the version "0" and a reserved field that is empty or names EDF+.
    """
    return head[:8] == b"0       " and head[192:196].strip(b" \0") in (b"", b"EDF+")


def read_file(path: Path) -> FileEcg:
    """Read one file.

    Args:
        path: the file.

    Returns:
        What is kept of it.

    Raises:
        BadRecordError: when it is no EDF file of 12 leads, or one that cannot be trusted.
        RarebeatError: when edfio is not installed.
    """
    edfio = need("edfio", "kind edf")
    content = read_content(path)
    with guarded("edfio"):
        if not looks_like(content[:256]):
            raise BadRecordError("unreadable", "not an EDF file: its first bytes are others")
        _check_length(content)
        edf = edfio.read_edf(content, lazy_load_data=False, header_encoding="latin-1")
        if not edf.is_continuous:
            raise BadRecordError("truncated", "the EDF+ file is discontinuous: there are gaps in it")
        raw, rate = _leads(edf)
        statements = [line for note in edf.annotations for line in note.text.splitlines()]
        person, names = _person(edf)
        leads, cut = without_fillers(raw, rate, longest=max(LONGEST_SECONDS, edf.data_record_duration))
        return file_ecg(leads, rate, person, statements, names, cut=cut)


_FORMAT = Format("edf", TAKES, read_file, "EDF and EDF+ files, each of one 12-lead ECG")
discover, read = _FORMAT.discover, _FORMAT.read
__all__ = ["TAKES", "Options", "discover", "is_private", "looks_like", "read", "read_file"]


def _check_length(content: bytes) -> None:
    """Hold the size of the file against its header, before a library cuts what is left over."""
    signals, records = int(content[252:256]), int(content[236:244])
    counts = content[
        256 + 216 * signals : 256 + 224 * signals
    ]  # samples in a record, eight digits for each signal
    samples = sum(int(counts[start : start + 8]) for start in range(0, len(counts), 8))
    expected = int(content[184:192]) + _SAMPLE_BYTES * records * samples
    if len(content) < expected:
        raise BadRecordError(
            "truncated", f"the file holds {len(content)} bytes, its header promises {expected}"
        )
    if len(content) > expected:
        raise BadRecordError(
            "header_mismatch", f"the file holds {len(content)} bytes, its header promises {expected}"
        )


def _leads(edf: Any) -> tuple[RawLeads, float]:
    """The signals that are leads, and their rate."""
    signals = [(_PREFIX.sub("", signal.label.strip()), signal) for signal in edf.signals]
    leads = [(name, signal) for name, signal in signals if lead_index(name) is not None]
    if not leads:
        found = " ".join(name for name, _ in signals)[:200]
        raise BadRecordError(
            "missing_leads", f"none of the signals is one of the twelve leads; found {found!r}"
        )
    rates = {float(signal.sampling_frequency) for _, signal in leads}
    if len(rates) > 1:
        raise BadRecordError("header_mismatch", "the leads were recorded at different rates")
    scales = [_scale(name, signal) for name, signal in leads]
    raw = RawLeads(
        samples=np.stack([_digital(*lead, gain) for lead, (gain, _) in zip(leads, scales, strict=True)]),
        names=[name for name, _ in leads],
        gains=[1 / abs(gain) for gain, _ in scales],
        baselines=[-offset * np.sign(gain) for gain, offset in scales],
        units=[signal.physical_dimension for _, signal in leads],
    )
    return raw, rates.pop()


def _scale(name: str, signal: Any) -> tuple[float, float]:
    """The gain, which is negative for an inverting amplifier, and the offset in steps."""
    low, high = float(signal.physical_min), float(signal.physical_max)
    bottom, top = signal.digital_min, signal.digital_max
    gain = (high - low) / (top - bottom) if top != bottom else 0.0
    if not 0 < abs(gain) < np.inf:
        raise BadRecordError("unknown_units", f"the limits of lead {shown_name(name)} tell no gain")
    return gain, low / gain - bottom


def _digital(name: str, signal: Any, gain: float) -> npt.NDArray[np.float64]:
    digital = signal.digital.astype(np.float64)
    if digital.min() < signal.digital_min or digital.max() > signal.digital_max:
        raise BadRecordError(
            "header_mismatch", f"lead {shown_name(name)} leaves the digital range of its header"
        )
    return np.asarray(np.sign(gain) * digital)


def _person(edf: Any) -> tuple[FilePerson, list[str]]:
    """Age and sex of an EDF+ file, and what may name somebody in any file."""
    names = [edf.local_patient_identification, edf.local_recording_identification]
    fields = edf.local_patient_identification.split()  # code, sex, date of birth, name
    if (
        not edf.reserved.startswith("EDF+") or len(fields) < _BIRTH + 1
    ):  # EDF, and many writers, have no form for them
        return NOBODY, names
    patient, told = edf.patient, fields[_BIRTH]
    person = read_person(
        patient="" if patient.code == "X" else patient.code,
        sex="" if patient.sex == "X" else patient.sex,
        birth=_day(lambda: patient.birthdate),
        recorded=_day(lambda: edf.startdate),
        told="" if told == "X" else told,
    )
    return person, [*names, *_parts(patient.name), *_parts(patient.code)]


def _day(get: Callable[[], date]) -> date | None:
    """A date of an EDF+ file; "X", for one that is not told, raises a ValueError in edfio."""
    try:
        return get()
    except ValueError:
        return None


def _parts(name: str) -> Iterator[str]:
    yield name.replace("_", " ")
