"""Headers and signal files that contradict each other, or lead out of their folder, are refused with a reason."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import wfdb

from rarebeat.core.errors import BadRecordError
from rarebeat.core.records import LEADS
from rarebeat.readers.wfdb import checks
from rarebeat.readers.wfdb import records as wfdb_files
from rarebeat.readers.wfdb.records import read_wfdb

Microvolts = npt.NDArray[np.int16]
Write = Callable[..., Path]


def refusal(header: Path) -> BadRecordError:
    with pytest.raises(BadRecordError) as caught:
        read_wfdb(header)
    return caught.value


def no_wfdb(*_: object, **__: object) -> None:
    raise AssertionError("the fast path was not taken")


@pytest.mark.parametrize(("whole", "first"), [(1001, 600), (1000, 500), (900, 500)])
def test_segments_that_contradict_their_headers(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path, whole: int, first: int
) -> None:
    write_wfdb(ecg[:, :600], "part_1")
    write_wfdb(ecg[:, 600:], "part_2")
    header = tmp_path / "whole.hea"
    header.write_text(f"whole/2 12 500 {whole}\npart_1 {first}\npart_2 400\n")
    assert refusal(header).reason == "header_mismatch"


def test_a_segment_without_a_gain(ecg: Microvolts, write_wfdb: Write, tmp_path: Path) -> None:
    write_wfdb(ecg, "part", gains=["0/mV"] * 12)
    header = tmp_path / "whole.hea"
    header.write_text("whole/1 12 500 1000\npart 1000\n")
    assert refusal(header).reason == "unknown_units"


def test_a_missing_signal_file_is_unreadable(ecg: Microvolts, write_wfdb: Write, tmp_path: Path) -> None:
    header = write_wfdb(ecg)
    (tmp_path / "rec.dat").unlink()
    assert refusal(header).reason == "unreadable"


def test_a_truncated_signal_file(ecg: Microvolts, write_wfdb: Write, tmp_path: Path) -> None:
    header = write_wfdb(ecg)
    content = (tmp_path / "rec.dat").read_bytes()
    (tmp_path / "rec.dat").write_bytes(content[:-1])
    error = refusal(header)
    assert error.reason == "truncated"
    assert "999 samples per lead and some bytes, the header says 1000" in error.detail


@pytest.mark.parametrize("promised", [1001, 5_000_000, 10**17])
def test_a_header_that_promises_more_samples_than_there_are(
    ecg: Microvolts, write_wfdb: Write, promised: int
) -> None:
    assert refusal(write_wfdb(ecg, samples=promised)).reason in ("truncated", "implausible_header")


def test_a_header_that_promises_fewer_samples_than_there_are(ecg: Microvolts, write_wfdb: Write) -> None:
    assert refusal(write_wfdb(ecg, samples=600)).reason == "header_mismatch"


def test_bytes_left_over_in_a_record_without_a_length(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path
) -> None:
    header = write_wfdb(ecg, first_line="rec 12 500")
    with (tmp_path / "rec.dat").open("ab") as file:
        file.write(b"\0")
    assert refusal(header).reason == "header_mismatch"


def test_an_offset_behind_the_end_of_the_file(ecg: Microvolts, write_wfdb: Write) -> None:
    header = write_wfdb(ecg, first_line="rec 12 500")
    header.write_text(header.read_text().replace(" 16 1000", " 16+99999999999999999 1000"))
    assert refusal(header).reason == "truncated"


@pytest.mark.parametrize(("samples", "reason"), [(2000, "truncated"), (500, "header_mismatch")])
def test_a_wrong_length_is_found_before_wfdb_reads(
    ecg: Microvolts, tmp_path: Path, samples: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wfdb.wrsamp(
        "rec",
        fs=500,
        units=["mV"] * 12,
        sig_name=list(LEADS),
        d_signal=np.ascontiguousarray(ecg.T // 2).astype(np.int64),
        fmt=["212"] * 12,
        adc_gain=[500.0] * 12,
        baseline=[0] * 12,
        write_dir=str(tmp_path),
    )
    header = tmp_path / "rec.hea"
    header.write_text(header.read_text().replace("rec 12 500 1000", f"rec 12 500 {samples}"))
    monkeypatch.setattr(wfdb, "rdrecord", no_wfdb)
    assert refusal(header).reason == reason


def test_samples_that_do_not_add_up_to_the_checksum(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path
) -> None:
    header = write_wfdb(ecg)
    damaged = ecg.copy()
    damaged[7, 500] ^= 0x40
    (tmp_path / "rec.dat").write_bytes(damaged.T.astype("<i2").tobytes())
    error = refusal(header)
    assert error.reason == "wrong_checksum"
    assert "V2" in error.detail


def test_a_wrong_checksum_is_found_behind_wfdb_too(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path
) -> None:
    header = write_wfdb(ecg, checksums=[1] * 12)
    header.write_text(header.read_text().replace(" 16 1000/mV 16 ", " 61 1000/mV 16 "))
    (tmp_path / "rec.dat").write_bytes(ecg.T.astype(">i2").tobytes())
    assert refusal(header).reason == "wrong_checksum"


def test_the_gain_of_georgia_headers_that_is_known_to_be_wrong(ecg: Microvolts, write_wfdb: Write) -> None:
    header = write_wfdb(ecg, data_name="rec.mat", offset=24, gains=["4880/mV"] * 12)
    error = refusal(header)
    assert error.reason == "implausible_header"
    assert "1000/mV" in error.detail


def test_wfdb_does_not_put_a_gain_of_200_where_there_is_none(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path
) -> None:
    header = write_wfdb(ecg)
    header.write_text(header.read_text().replace(" 16 1000/mV 16 ", " 61 0/mV 16 "))
    (tmp_path / "rec.dat").write_bytes(ecg.T.astype(">i2").tobytes())
    assert refusal(header).reason == "unknown_units"


def test_an_unknown_format(ecg: Microvolts, write_wfdb: Write) -> None:
    header = write_wfdb(ecg)
    header.write_text(header.read_text().replace(" 16 1000/mV", " 17 1000/mV"))
    assert refusal(header).reason == "unreadable"


@pytest.mark.parametrize(
    "name", ["../secret.dat", "sub/../../secret.dat", "{outside}/secret.dat", "..", ".", "x" * 5000]
)
def test_a_header_cannot_name_a_file_outside_its_folder(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path, name: str
) -> None:
    inner = tmp_path / "archive"
    header = write_wfdb(ecg, folder=inner)
    (inner / "sub").mkdir()
    (tmp_path / "secret.dat").write_bytes((inner / "rec.dat").read_bytes())
    header.write_text(header.read_text().replace("rec.dat", name.format(outside=tmp_path)))
    assert refusal(header).reason in (
        {"outside_folder"} if "secret" in name else {"outside_folder", "unreadable"}
    )


def test_a_link_out_of_the_folder_is_not_followed(ecg: Microvolts, write_wfdb: Write, tmp_path: Path) -> None:
    inner = tmp_path / "archive"
    header = write_wfdb(ecg, folder=inner)
    (inner / "rec.dat").rename(tmp_path / "secret.dat")
    (inner / "rec.dat").symlink_to(tmp_path / "secret.dat")
    assert refusal(header).reason == "outside_folder"


def test_a_linked_folder_is_not_followed(ecg: Microvolts, write_wfdb: Write, tmp_path: Path) -> None:
    header = write_wfdb(ecg, folder=tmp_path / "archive", data_name="link/rec.dat")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "archive" / "rec.dat").rename(tmp_path / "elsewhere" / "rec.dat")
    (tmp_path / "archive" / "link").symlink_to(tmp_path / "elsewhere")
    assert refusal(header).reason == "outside_folder"


def test_segments_cannot_leave_the_folder_either(ecg: Microvolts, write_wfdb: Write, tmp_path: Path) -> None:
    inner = tmp_path / "archive"
    write_wfdb(ecg, "part", folder=tmp_path)
    inner.mkdir()
    header = inner / "whole.hea"
    header.write_text("whole/1 12 500 1000\n../part 1000\n")
    assert refusal(header).reason == "outside_folder"


def test_a_record_cannot_be_its_own_segment(tmp_path: Path) -> None:
    header = tmp_path / "whole.hea"
    header.write_text("whole/1 12 500 1000\nwhole 1000\n")
    assert refusal(header).reason == "unreadable"


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket"])
def test_only_regular_files_are_opened(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    header = write_wfdb(ecg)
    data = tmp_path / "rec.dat"
    data.unlink()
    if kind == "folder":
        data.mkdir()
    elif kind == "pipe":
        os.mkfifo(data)
    else:
        with socket.socket(socket.AF_UNIX) as server:
            monkeypatch.chdir(tmp_path)  # the name of a socket must be short
            server.bind("rec.dat")
    assert refusal(header).reason == "unreadable"


def test_a_file_larger_than_any_ecg_is_not_read(
    ecg: Microvolts, write_wfdb: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "MAX_BYTES", 1000)
    assert refusal(write_wfdb(ecg)).reason == "unreadable"


def test_a_failing_disk_makes_the_record_unreadable(
    ecg: Microvolts, write_wfdb: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = write_wfdb(ecg)

    def fail(*_: object) -> Microvolts:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(wfdb_files, "_read_plain", fail)
    assert "Input/output error" in refusal(header).detail


def test_random_damage_to_a_header_gives_a_record_or_a_refusal(ecg: Microvolts, write_wfdb: Write) -> None:
    header = write_wfdb(ecg)
    original = header.read_bytes()
    rng = np.random.default_rng(2)
    reasons = set()
    for _ in range(400):
        content = bytearray(original)
        for _ in range(rng.integers(1, 4)):
            at = int(rng.integers(len(content)))
            content[at : at + int(rng.integers(3))] = rng.bytes(int(rng.integers(3)))
        header.write_bytes(bytes(content))
        try:
            assert read_wfdb(header)[1].shape[0] == 12
        except BadRecordError as error:
            reasons.add(error.reason)
    assert {"unreadable", "missing_leads", "wrong_checksum"} <= reasons
