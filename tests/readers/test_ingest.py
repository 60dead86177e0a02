import csv
import errno
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from rarebeat.core import record_files
from rarebeat.core.errors import BadRecordError, MissingSourceError, ParamsError, RarebeatError
from rarebeat.core.files import digest, read_json
from rarebeat.core.parquet import read_table
from rarebeat.core.record_files import (
    RECORD_SCHEMA,
    iterate_rows,
    part_files,
    read_metadata,
    read_warnings,
    write_part,
)
from rarebeat.core.records import LEADS, REASONS, Record, Signal
from rarebeat.readers import ingest
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.registry import Entry, Source
from rarebeat.readers.summary import summary_lines

RATE = 500


def synthetic(seed: int, samples: int = 1000) -> Signal:
    """Something like an ECG: microvolts, shape (12, samples), limb leads in agreement."""
    rng = np.random.default_rng(seed)
    beat = np.exp(-0.5 * ((np.arange(samples) % 400 - 200) / 8) ** 2)
    signal = np.rint(beat * rng.uniform(300, 900, (12, 1)) + rng.normal(0, 8, (12, samples)))
    one, two = signal[:2]
    signal[2:6] = two - one, -(one + two) / 2, one - two / 2, two - one / 2
    return np.rint(signal).astype(np.int16)


def write_record(folder: Path, name: str, seed: int, samples: int = 1000) -> None:
    signal = synthetic(seed, samples)
    lines = [f"{name} 12 {RATE} {samples}"]
    lines += [
        f"{name}.dat 16 1000/mV 16 0 0 {int(lead.sum(dtype=np.int16))} 0 {lead_name}"
        for lead, lead_name in zip(signal, LEADS, strict=True)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.hea").write_text("\n".join([*lines, "#Dx: 426783006"]) + "\n")
    (folder / f"{name}.dat").write_bytes(signal.T.astype("<i2").tobytes())


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Seven records of two databases, of which one is truncated; two lengths."""
    root = tmp_path / "archive"
    for index in range(7):
        write_record(root / ("georgia" if index < 5 else "ptb"), f"E{index}", index, 1000 + 200 * (index % 2))
    data = root / "georgia" / "E3.dat"
    data.write_bytes(data.read_bytes()[:-100])
    return root


def test_every_record_is_stored_or_quarantined(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "records" / "mine"
    summary = ingest_cohort("challenge", archive, out, workers=1)
    assert summary == read_json(out / "summary.json")
    assert summary.pop("contract")["rates"] == {"500": 6}
    assert summary == {
        "cohort": "mine",
        "kind": "challenge",
        "records": 6,
        "quarantined": 1,
        "patients": 0,
        "without_patient": 6,
        "calibrated": 6,
        "with_text": 0,
        "with_codes": 6,
        "reasons": {"truncated": 1},
        "sources": {"georgia": 4, "ptb": 2},
        "rates": {"500": 6},
        "warned": 0,
    }
    assert read_warnings(out) == {}
    (refused,) = read_table(out / "quarantine.parquet").to_pylist()
    assert (refused["record_id"], refused["source"], refused["reason"]) == ("E3", "georgia", "truncated")
    rows = list(iterate_rows(out))
    assert [row["record_id"] for row in rows] == ["E0", "E1", "E2", "E4", "E5", "E6"]
    for row in rows:
        index = int(row["record_id"][1:])
        np.testing.assert_array_equal(row["signal"], synthetic(index, row["samples"]))
        assert row["samples"] == 1000 + 200 * (index % 2)
        assert (row["cohort"], row["codes"]) == ("mine", ["snomed:426783006"])
    assert read_table(part_files(out)[0]).schema.equals(RECORD_SCHEMA)


@pytest.mark.slow
def test_the_number_of_workers_changes_nothing(archive: Path, tmp_path: Path) -> None:
    outs = [tmp_path / "one" / "cohort", tmp_path / "two" / "cohort"]
    for out, workers in zip(outs, (1, 2), strict=True):
        ingest_cohort("challenge", archive, out, workers=workers, part_size=3)
    names = [
        "part-00000.parquet",
        "part-00001.parquet",
        "part-00002.parquet",
        "quarantine.parquet",
        "summary.json",
        "warnings.parquet",
    ]
    for out in outs:
        assert sorted(path.name for path in out.iterdir()) == names
    assert digest(*[outs[0] / name for name in names]) == digest(*[outs[1] / name for name in names])


def test_a_wrong_gain_is_told_by_the_rest_of_the_cohort(tmp_path: Path) -> None:
    for seed in range(30):
        write_record(tmp_path / "archive", f"E{seed}", seed)
    header = tmp_path / "archive" / "E7.hea"
    header.write_text(header.read_text().replace("1000/mV", "200/mV"))
    summary = ingest_cohort("challenge", tmp_path / "archive", tmp_path / "cohort", workers=1, part_size=7)
    assert (summary["records"], summary["warned"]) == (30, 1)
    (name, warning), *_ = read_warnings(tmp_path / "cohort").items()
    assert name == "E7"
    assert warning.endswith("mV: the gain is probably wrong")
    lines = summary_lines("mine", "challenge", tmp_path, summary)
    assert "the gain is probably wrong in 1 of 30 records: warnings.parquet says where and why" in lines


def test_a_wrong_sampling_rate_is_told_by_all_records_of_a_source_together(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    for seed in range(24):
        write_record(archive / "ward", f"E{seed}", seed, 5000)
    assert "rate_warned" not in ingest_cohort("challenge", archive, tmp_path / "true", workers=1)
    assert read_warnings(tmp_path / "true") == {}
    for header in archive.rglob("*.hea"):
        header.write_text(header.read_text().replace(f" 12 {RATE} ", " 12 250 "))
    summary = ingest_cohort("challenge", archive, tmp_path / "slow", workers=1)
    assert (summary["records"], summary["warned"], summary["rate_warned"]) == (24, 0, 24)
    warnings = read_warnings(tmp_path / "slow")
    assert len(warnings) == 24
    assert {text.rpartition(": ")[2] for text in warnings.values()} == {"the rate is probably too low"}
    lines = summary_lines("mine", "challenge", tmp_path, summary)
    assert (
        "the sampling rate is probably wrong in 24 of 24 records: warnings.parquet says where and why"
        in lines
    )


def test_an_existing_cohort_is_replaced_as_a_whole(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "cohort"
    ingest_cohort("challenge", archive, out, workers=1, part_size=2)
    ingest_cohort("challenge", archive, out, workers=1)
    assert [path.name for path in part_files(out)] == ["part-00000.parquet"]


def test_a_folder_that_is_no_cohort_is_never_replaced(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("x")
    for folder in (tmp_path / "precious", archive):
        before = sorted(folder.rglob("*"))
        with pytest.raises(RarebeatError, match="is not empty and was not written by this command"):
            ingest_cohort("challenge", archive, folder, workers=1)
        assert sorted(folder.rglob("*")) == before


def test_a_second_record_with_an_id_is_quarantined(archive: Path, tmp_path: Path) -> None:
    write_record(archive / "ptb", "E0", 99)
    out = tmp_path / "cohort"
    summary = ingest_cohort("challenge", archive, out, workers=1)
    assert summary["reasons"] == {"duplicate_id": 1, "truncated": 1}
    assert next(iterate_rows(out))["source"] == "georgia"


def test_equal_recordings_have_equal_fingerprints(archive: Path, tmp_path: Path) -> None:
    write_record(archive / "ptb", "copy", 0)
    out = tmp_path / "cohort"
    ingest_cohort("challenge", archive, out, workers=1)
    prints = dict(zip(*read_metadata(out, ["record_id", "fingerprint"]).to_pydict().values(), strict=True))
    assert prints["copy"] == prints["E0"]
    assert len(set(prints.values())) == len(prints) - 1


def test_rows_whose_files_are_absent_are_counted(archive: Path, tmp_path: Path) -> None:
    with (archive / "own.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["record"], ["georgia/E0"], ["georgia/E999"], ["../archive/ptb/E5"], ["/etc/hosts"]]
        )
    options = {"patient_namespace": "mine"}
    summary = ingest_cohort("wfdb", archive, tmp_path / "cohort", options=options, workers=1)
    assert summary["records"] == 2
    assert summary["reasons"] == {"outside_folder": 1, "unreadable": 1}


def test_a_header_behind_a_link_out_of_the_archive_is_not_read(archive: Path, tmp_path: Path) -> None:
    write_record(tmp_path / "elsewhere", "secret", 5)
    (archive / "secret.hea").symlink_to(tmp_path / "elsewhere" / "secret.hea")
    summary = ingest_cohort("challenge", archive, tmp_path / "cohort", workers=1)
    assert summary["reasons"] == {"outside_folder": 1, "truncated": 1}


# ------------------------------------------------------------------ private archives


def test_a_private_archive_leaves_no_trace_of_its_ids(archive: Path, tmp_path: Path) -> None:
    with (archive / "own.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["record", "mrn"], ["georgia/E0", "MRN471108151"], ["georgia/E3", "MRN471108151"]]
        )
    out, key_file = tmp_path / "cohort", tmp_path / "config" / "my.key"
    options = {"patient_column": "mrn", "key_file": str(key_file)}
    ingest_cohort("wfdb", archive, out, options=options, workers=1)
    assert key_file.is_file()
    for path in out.iterdir():
        content = path.read_bytes() if path.suffix == ".json" else str(read_table(path).to_pylist()).encode()
        assert b"4711081" not in content
        assert b"E3" not in content
        assert b"georgia" not in content


def test_a_private_refusal_quotes_nothing(archive: Path, tmp_path: Path) -> None:
    (archive / "own.csv").write_text("record\ngeorgia/E0\ngeorgia/E1\n")
    (archive / "georgia" / "E1.hea").write_text("Jane Doe, born yesterday\n")
    out = tmp_path / "cohort"
    ingest_cohort("wfdb", archive, out, options={"key_file": str(tmp_path / "key")}, workers=1)
    (refused,) = read_table(out / "quarantine.parquet").to_pylist()
    assert refused["detail"] == "not a WFDB header: its number of signals is '…'"


@pytest.mark.parametrize("field", [5, 6], ids=["initial value", "checksum"])
def test_a_private_refusal_quotes_no_name_of_a_signal(archive: Path, tmp_path: Path, field: int) -> None:
    (archive / "own.csv").write_text("record\ngeorgia/E0\ngeorgia/E1\n")
    header = archive / "georgia" / "E1.hea"
    lines = [line.split() for line in header.read_text().splitlines()]
    for line in lines[1:13]:
        line[field] = "77"
    lines[12][8] = "Roentgen^Wilhelm"
    header.write_text("\n".join(map(" ".join, lines)) + "\n")
    out = tmp_path / "cohort"
    ingest_cohort("wfdb", archive, out, options={"key_file": str(tmp_path / "key")}, workers=1)
    (refused,) = read_table(out / "quarantine.parquet").to_pylist()
    assert refused["reason"] == ("wrong_checksum" if field == 6 else "header_mismatch")
    assert "V5, '…'" in refused["detail"]
    assert "Roentgen" not in refused["detail"]


# ------------------------------------------------------------------ failures


def test_no_readable_record_is_an_error_with_the_reasons(archive: Path, tmp_path: Path) -> None:
    for data in archive.rglob("*.dat"):
        data.write_bytes(b"")
    out = tmp_path / "cohort"
    with pytest.raises(
        RarebeatError, match=r"(?s)0 of 7 records .*\(truncated 7\).*the signal file holds 0 samples"
    ):
        ingest_cohort("challenge", archive, out, workers=1)
    assert not out.exists()


def test_an_empty_folder_is_a_missing_source(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingSourceError, match="there are no headers"):
        ingest_cohort("challenge", tmp_path / "empty", tmp_path / "cohort")
    assert not (tmp_path / "cohort").exists()


def test_a_table_without_rows_is_no_cohort(tmp_path: Path) -> None:
    header = "ecg_id,patient_id,age,sex,report,scp_codes,strat_fold,filename_lr,filename_hr\n"
    (tmp_path / "ptbxl_database.csv").write_text(header)
    with pytest.raises(RarebeatError, match="no recordings of kind ptb-xl"):
        ingest_cohort("ptb-xl", tmp_path, tmp_path / "cohort")


def test_wrong_arguments_are_named(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="unknown kind"):
        ingest_cohort("hl7", archive, tmp_path / "cohort")
    with pytest.raises(RarebeatError, match="workers must be at least 1"):
        ingest_cohort("challenge", archive, tmp_path / "cohort", workers=0)


@pytest.mark.parametrize("failing", ["part", "summary"])
def test_a_full_disk_leaves_the_old_cohort_and_no_rubbish(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    out = tmp_path / "cohort"
    ingest_cohort("challenge", archive, out, workers=1)
    before = digest(*sorted(out.iterdir()))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if failing == "part":
        monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    else:
        monkeypatch.setattr(json, "dumps", full)
    with pytest.raises(RarebeatError, match="No space left on device"):
        ingest_cohort("challenge", archive, out, workers=1)
    assert digest(*sorted(out.iterdir())) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "cohort"]


def test_a_disk_that_fails_while_reading_is_not_taken_for_a_full_one(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(entry: Entry, pseudonym: Pseudonym, options: Mapping[str, Any]) -> Record:
        if entry.record_id == "bad":
            raise OSError(errno.EIO, "Input/output error")
        return Record(entry.record_id, synthetic(0), RATE, "test")

    source = Source("test", lambda root, options: [Entry("good"), Entry("bad")], read, "for this test")
    monkeypatch.setattr(ingest, "get_source", lambda kind: source)
    summary = ingest_cohort("test", archive, tmp_path / "cohort", workers=1)
    assert summary["reasons"] == {"unreadable": 1}


def test_every_reason_has_a_meaning(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(entry: Entry, pseudonym: Pseudonym, options: Mapping[str, Any]) -> Record:
        if entry.record_id == "good":
            return Record("good", synthetic(0), RATE, "test")
        raise BadRecordError(entry.record_id, "made for this test")

    entries = [Entry("good"), *(Entry(reason) for reason in REASONS)]
    source = Source("test", lambda root, options: entries, read, "for this test")
    monkeypatch.setattr(ingest, "get_source", lambda kind: source)
    summary = ingest_cohort("test", archive, tmp_path / "cohort", workers=1)
    assert set(summary["reasons"]) == set(REASONS)


# ------------------------------------------------------------------ parts


def test_a_part_is_written_in_groups_that_fit_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_files, "_ROW_GROUP_BYTES", 50_000)
    made = [Record(str(index), synthetic(index), RATE, "test", text="ä" * index) for index in range(7)]
    assert write_part(tmp_path / "part-00000.parquet", "mine", iter(made)) == 7
    assert pq.ParquetFile(tmp_path / "part-00000.parquet").num_row_groups == 3
    for row, record in zip(iterate_rows(tmp_path), made, strict=True):
        np.testing.assert_array_equal(row["signal"], record.signal)
        assert row["text"] == record.text


def test_a_part_without_records_is_not_written(tmp_path: Path) -> None:
    assert write_part(tmp_path / "part-00000.parquet", "mine", iter(())) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_part_is_noticed(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "cohort"
    ingest_cohort("challenge", archive, out, workers=1)
    (part,) = part_files(out)
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 0xFF
    part.write_bytes(content)
    with pytest.raises(RarebeatError, match=r"part-00000\.parquet"):
        list(iterate_rows(out))
