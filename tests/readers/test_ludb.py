"""Records of the Lobachevsky University database."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tests.readers.reading import read_all

Microvolts = npt.NDArray[np.int16]
Write = Callable[..., Path]


def test_ludb_headers_hold_the_diagnoses_as_text(ecg: Microvolts, write_wfdb: Write, tmp_path: Path) -> None:
    comments = [
        "<age>: >89",
        "<sex>: F",
        "<diagnoses>:",
        "Rhythm: Sinus rhythm.",
        "Left ventricular hypertrophy. ",
    ]
    gains = [f"{np.ptp(lead)}(-7)/mV" for lead in ecg]
    for name in ("10", "9"):
        write_wfdb(ecg, name, tmp_path / "data", names=["i", "ii", "iii", "avr", "avl", "avf", *
                   (f"v{i}" for i in range(1, 7))], gains=gains, comments=comments)  # fmt: skip
    first, second = read_all("ludb", tmp_path)
    assert (first.record_id, second.record_id) == ("9", "10")
    assert first.text == "Rhythm: Sinus rhythm.\nLeft ventricular hypertrophy."
    assert (first.age, first.sex, first.source) == (90.0, "female", "ludb")
    assert first.codes == ("ludb:sinus rhythm", "ludb:left ventricular hypertrophy")
    assert first.patient_id == "9"  # one record per subject: the record stands for the patient
    assert not first.calibrated  # every lead is scaled to 1 mV
    assert np.abs(np.ptp(first.signal.astype(int), axis=1) - 1000).max() <= 1


def test_a_ludb_header_without_diagnoses_has_no_text(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path
) -> None:
    write_wfdb(ecg, "1", comments=["<age>: 50"])
    (record,) = read_all("ludb", tmp_path)
    assert (record.text, record.age, record.sex) == (None, 50.0, None)
