"""Every real recording is read, or refused for a reason that is true."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import wfdb
from tests.real.cohorts import COHORTS

from rarebeat.core.parquet import read_table
from rarebeat.core.record_files import iterate_rows, read_metadata, read_warnings
from rarebeat.core.records import LEADS
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.read_file import read_file

GEORGIA_NAMES = "E00666", "E00793"  # record lines that wfdb does not read


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cohort", "records", "reasons"),
    [
        ("ptb-xl", 353, {}),
        ("challenge", 200, {"clipped": 1, "flat_lead": 3, "implausible_header": 1}),
        ("ludb", 140, {}),
        ("ptb-xl-filtered", 1420, {}),
    ],
)
def test_every_recording_is_read_or_refused(
    real_ecg: Path, real_records: Path, cohort: str, records: int, reasons: dict[str, int]
) -> None:
    table = read_metadata(real_records / cohort)
    refused = read_table(real_records / cohort / "quarantine.parquet").column("reason").to_pylist()
    assert table.num_rows == records
    assert {reason: refused.count(reason) for reason in refused} == reasons
    assert table.num_rows + len(refused) == len(list((real_ecg / cohort).rglob("*.hea")))


@pytest.mark.slow
@pytest.mark.parametrize("cohort", list(COHORTS))
def test_signals_equal_wfdbs_physical_values_to_one_microvolt(
    real_ecg: Path, real_records: Path, cohort: str
) -> None:
    headers = {path.stem: path for path in (real_ecg / cohort).rglob("*.hea")}
    every = {"ptb-xl": 5, "ptb-xl-filtered": 19, "ludb": 3}.get(cohort, 1)
    compared = 0
    for row in list(iterate_rows(real_records / cohort))[::every]:
        name = row["record_id"].rpartition("/")[2]
        if name in GEORGIA_NAMES:
            continue
        path = headers[f"{int(name):05d}_hr" if cohort == "ptb-xl" else name]
        record = wfdb.rdrecord(str(path.with_suffix("")))
        order = [[lead.upper() for lead in record.sig_name].index(lead.upper()) for lead in LEADS]
        assert np.abs(row["signal"] - 1000 * record.p_signal.T[order]).max() <= 1
        assert row["rate"] == record.fs
        compared += 1
    assert compared >= 45


@pytest.mark.slow
def test_a_header_that_wfdb_cannot_parse_is_read_too(real_ecg: Path, real_records: Path) -> None:
    path = real_ecg / "challenge" / "georgia" / "E00666.mat"
    (row,) = (row for row in iterate_rows(real_records / "challenge") if row["record_id"] == "E00666")
    samples = np.fromfile(path, "<i2", offset=24).reshape(-1, 12).T  # 1000 steps per mV
    np.testing.assert_array_equal(row["signal"], samples)


@pytest.mark.slow
def test_refused_recordings_are_what_they_are_said_to_be(real_ecg: Path, real_records: Path) -> None:
    root = real_ecg / "challenge"
    refused = {
        row["record_id"]: row
        for row in read_table(real_records / "challenge" / "quarantine.parquet").to_pylist()
    }
    flat = {name for name, row in refused.items() if row["reason"] == "flat_lead"}
    assert flat == {"JS20008", "JS45544", "JS45551"}
    for name in flat:
        samples = np.fromfile(root / "chapman_ningbo" / f"{name}.mat", "<i2", offset=24).reshape(-1, 12)
        constant = [lead for lead, span in zip(LEADS, np.ptp(samples, axis=0), strict=True) if span == 0]
        assert refused[name]["detail"] == f"{', '.join(constant)} constant"
    assert refused["A0083"]["reason"] == "clipped"
    v4 = np.fromfile(root / "cpsc_2018" / "A0083.mat", "<i2", offset=24).reshape(-1, 12)[:, 9]
    assert v4.max() == 3711
    assert (v4[1380:1690] == 3710).all()  # 0.62 s at one value, one step below the highest of all
    assert refused["E00793"]["reason"] == "implausible_header"
    assert "4880/mV" in (root / "georgia" / "E00793.hea").read_text()


@pytest.mark.slow
def test_only_cohorts_that_lost_their_amplitude_are_uncalibrated(real_records: Path) -> None:
    calibrated = {
        cohort: set(read_metadata(real_records / cohort, ["calibrated"]).column("calibrated").to_pylist())
        for cohort in COHORTS
    }
    assert calibrated == {"ptb-xl": {True}, "challenge": {True}, "ludb": {False}, "ptb-xl-filtered": {False}}


@pytest.mark.slow
def test_metadata_is_complete_and_harmless(real_records: Path) -> None:
    ptb_xl = read_metadata(real_records / "ptb-xl").to_pylist()
    assert {row["sex"] for row in ptb_xl} == {"female", "male"}
    assert all(row["codes"] and all(code.startswith("scp:") for code in row["codes"]) for row in ptb_xl)
    assert len({row["patient_id"] for row in ptb_xl}) == 339
    assert {row["fold"] for row in ptb_xl} == set(range(1, 9))
    challenge = read_metadata(real_records / "challenge").to_pylist()
    assert {code.partition(":")[0] for row in challenge for code in row["codes"]} == {"snomed", "cpsc"}
    assert all(row["codes"] for row in challenge)
    assert {row["rate"] for row in challenge if row["source"] == "ptb"} == {1000.0}
    ludb = read_metadata(real_records / "ludb").to_pylist()
    assert all(row["text"].startswith("Rhythm: ") for row in ludb)
    for cohort in COHORTS:
        ages = read_metadata(real_records / cohort, ["age"]).column("age").to_pylist()
        assert max((age for age in ages if age is not None), default=0) <= 90


@pytest.mark.slow
def test_one_recording_in_two_databases_has_one_fingerprint(real_records: Path) -> None:
    def prints(cohort: str) -> dict[str, str]:
        table = read_metadata(real_records / cohort, ["fingerprint", "record_id"]).to_pydict()
        return dict(zip(table["fingerprint"], table["record_id"], strict=True))

    ptb_xl, challenge = prints("ptb-xl"), prints("challenge")
    shared = {(ptb_xl[mark], challenge[mark]) for mark in ptb_xl.keys() & challenge.keys()}
    assert ("4", "HR00004") in shared
    assert all(int(there[2:]) == int(here) for here, there in shared)


@pytest.mark.slow
def test_both_ptb_xl_cohorts_share_their_patients(real_records: Path) -> None:
    one, two = (set(read_metadata(real_records / name, ["patient_id"]).column(0).to_pylist()) for name in
                ("ptb-xl", "ptb-xl-filtered"))  # fmt: skip
    assert one & two
    assert Pseudonym().of("ptb-xl", "15709") in one


def test_no_sampling_rate_is_doubted_and_every_wrong_one_is(
    real_ecg: Path, real_records: Path, tmp_path: Path
) -> None:
    for cohort in COHORTS:
        assert not [text for text in read_warnings(real_records / cohort).values() if "the rate is" in text]
    for factor in (0.5, 2):
        archive = tmp_path / f"{factor}" / "ward"
        for header in sorted((real_ecg / "challenge" / "cpsc_2018").glob("*.hea"))[:30]:
            archive.mkdir(parents=True, exist_ok=True)
            first, rest = header.read_text().split("\n", 1)
            name, leads, rate, *more = first.split()
            first = " ".join([name, leads, f"{float(rate) * factor:g}", *more])
            (archive / header.name).write_text(f"{first}\n{rest}")
            shutil.copy(header.with_suffix(".mat"), archive)
        summary = ingest_cohort("challenge", archive.parent, tmp_path / f"cohort-{factor}", workers=1)
        assert summary["rate_warned"] == summary["records"] > 25


def test_single_files_are_read_for_prediction(real_ecg: Path) -> None:
    header = real_ecg / "ptb-xl" / "records500" / "00000" / "00001_hr.hea"
    for path in (header, header.with_suffix(".dat")):
        record = read_file(path)
        assert (record.signal.shape, record.rate) == ((12, 5000), 500.0)
    georgia = real_ecg / "challenge" / "georgia" / "E00666.mat"
    assert read_file(georgia).signal.shape == (12, 5000)
