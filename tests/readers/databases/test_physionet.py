"""MIMIC-IV-ECG and ecg-arrhythmia in the layout in which PhysioNet publishes them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.readers.reading import PUBLIC, read_all

from rarebeat.core.errors import MissingSourceError
from rarebeat.core.record_files import read_quarantine
from rarebeat.core.records import LEADS
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.readers.registry import get_source

Microvolts = npt.NDArray[np.int16]
Write = Callable[..., Path]

MIMIC_LEADS = ("I", "II", "III", "aVR", "aVF", "aVL", *LEADS[6:])
"""As MIMIC-IV-ECG stores them."""


@pytest.fixture
def mimic(ecg: Microvolts, write_wfdb: Write, tmp_path: Path) -> Path:
    """Three studies of two subjects: a sound one, one with an invalid sample, one with a lead of zeros."""
    swapped = ecg[[LEADS.index(name) for name in MIMIC_LEADS]]
    invalid, zeros = swapped.copy(), swapped.copy()
    invalid[4, 100] = -32768
    zeros[10] = 0
    records, measured = (
        ["subject_id,study_id,file_name,ecg_time,path"],
        ["subject_id,study_id,cart_id,ecg_time,report_0,report_1,report_2,bandwidth,filtering"],
    )
    for study, subject, signal in ((41, 7, swapped), (42, 7, invalid), (43, 8, zeros)):
        path = f"files/p{subject}/s{study}/{study}"
        write_wfdb(signal, path, tmp_path, data_name=f"{study}.dat", names=MIMIC_LEADS)
        header = tmp_path / f"{path}.hea"
        header.write_text(header.read_text().replace(f"{path} 12", f"{study} 12"))
        records.append(f"{subject},{study},{study},2180-08-12 10:45:00,{path}")
        measured.append(
            f"{subject},{study},6,2180-08-12 10:45:00,Sinus rhythm,,- LBBB,0.005-150 Hz,60 Hz notch"
        )
    (tmp_path / "record_list.csv").write_text("\n".join(records) + "\n")
    (tmp_path / "machine_measurements.csv").write_text("\n".join(measured) + "\n")
    return tmp_path


def test_leads_are_taken_by_name_and_reports_from_the_measurements(
    mimic: Path, ecg: Microvolts, tmp_path: Path
) -> None:
    summary = ingest_cohort("mimic-iv-ecg", mimic, tmp_path / "out", workers=1)
    assert (summary["records"], summary["patients"]) == (1, 1)
    assert summary["report_statuses"] == {"unconfirmed": 1}
    assert summary["contract"]["filters"] == {"0.005-150, 60": 1}
    assert summary["contract"]["leads"] == {" ".join(MIMIC_LEADS): 1}
    reasons = {row["record_id"][-2:]: row["reason"] for row in read_quarantine(tmp_path / "out").to_pylist()}
    assert reasons == {"42": "not_a_number", "43": "flat_lead"}


def test_a_record_is_whole_with_age_and_sex_of_the_hospital_table(mimic: Path, ecg: Microvolts) -> None:
    (mimic / "patients.csv").write_text("subject_id,gender,anchor_age,anchor_year\n7,F,52,2176\n")
    options = {"patients_csv": "patients.csv"}
    source = get_source("mimic-iv-ecg")
    entry = next(iter(source.discover(mimic, options)))
    record = source.read(entry, PUBLIC, options)
    np.testing.assert_array_equal(record.signal, ecg)
    assert (record.age, record.sex, record.source) == (56.0, "female", "mimic-iv-ecg")
    assert record.text == "Sinus rhythm\n- LBBB"
    assert record.patient_id == PUBLIC.of("mimic-iv", "7")


def test_without_measurements_the_archive_is_not_complete(mimic: Path) -> None:
    (mimic / "machine_measurements.csv").unlink()
    with pytest.raises(
        MissingSourceError, match=r"machine_measurements\.csv.*\n.*physionet\.org/files/mimic-iv-ecg"
    ):
        read_all("mimic-iv-ecg", mimic)


def test_the_tree_of_ecg_arrhythmia_is_one_source(ecg: Microvolts, write_wfdb: Write, tmp_path: Path) -> None:
    comments = ("Age: 59", "Sex: Female", "Dx: 164889003,59118001,164934002", "Rx: Unknown", "Hx: Unknown")
    for folder, name in (("01/010", "JS00001"), ("02/020", "JS01052")):
        write_wfdb(ecg, name, tmp_path / "WFDBRecords" / folder, comments=comments)
    (tmp_path / "ConditionNames_SNOMED-CT.csv").touch()
    one, two = read_all("ecg-arrhythmia", tmp_path)
    assert {one.source, two.source} == {"chapman_ningbo"}
    assert (one.record_id, one.age, one.sex) == ("JS00001", 59.0, "female")
    assert one.codes == ("snomed:164889003", "snomed:59118001", "snomed:164934002")
    assert [record.source for record in read_all("ecg-arrhythmia", tmp_path / "WFDBRecords")] == [
        "chapman_ningbo"
    ] * 2
