"""Simulated records as EDF+ files, by edfio."""

from datetime import timedelta
from pathlib import Path

import numpy as np

from rarebeat.core.errors import ParamsError, need
from rarebeat.core.records import LEADS
from rarebeat.simulator.archives.export import Export

_STEPS = (-32767, 32767)
_HALF_A_YEAR = 182.625  # days
_YEAR = 365.25
_DURATION = 8  # characters of the header that tell seconds


def write_edf(folder: Path, ecg: Export) -> None:
    """Write ``<name>.edf``; the patient has a number and no name."""
    (folder / f"{ecg.name}.edf").write_bytes(edf_bytes(ecg))


def edf_bytes(ecg: Export) -> bytes:
    """One EDF+ file of a single data record. A step is a microvolt, so that nothing is rounded.

    EDF+ knows no age: the date of birth lies half a year before the last birthday. The statements are annotations, each
    a millisecond after the one before, which keeps their order.

    Raises:
        ParamsError: when the header cannot tell the length, from which readers compute the rate.
    """
    edfio = need("edfio", "the format edf")
    samples = ecg.signal.shape[1]
    seconds = samples / ecg.rate
    if len(f"{seconds}".removesuffix(".0")) > _DURATION:
        raise ParamsError(
            f"an EDF file tells seconds in {_DURATION} characters, and {samples} samples at {ecg.rate:g} Hz are "
            f"{seconds} s: take whole seconds at a whole rate, or another format"
        )
    signals = [
        edfio.EdfSignal(
            lead.astype(np.float64),
            ecg.rate,
            label=f"ECG {name}",
            physical_dimension="uV",
            physical_range=_STEPS,
            digital_range=_STEPS,
        )
        for name, lead in zip(LEADS, ecg.signal, strict=True)
    ]
    birth = ecg.time - timedelta(days=ecg.age * _YEAR + _HALF_A_YEAR)
    edf = edfio.Edf(
        signals,
        patient=edfio.Patient(code=str(ecg.patient), sex=ecg.sex[0].upper(), birthdate=birth.date()),
        recording=edfio.Recording(startdate=ecg.time.date(), equipment_code="simulated"),
        starttime=ecg.time.time().replace(microsecond=0),
        data_record_duration=seconds,
        annotations=[
            edfio.EdfAnnotation(n / 1000, None, line) for n, line in enumerate(ecg.text.splitlines())
        ],
    )
    content: bytes = edf.to_bytes()
    return content
