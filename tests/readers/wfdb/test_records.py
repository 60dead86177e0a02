"""What is read equals what the wfdb package reads, to one microvolt."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import wfdb

from rarebeat.core.errors import BadRecordError
from rarebeat.core.records import LEADS
from rarebeat.readers.wfdb.checks import check_checksums
from rarebeat.readers.wfdb.records import read_wfdb

Microvolts = npt.NDArray[np.int16]
Write = Callable[..., Path]


def physical_microvolts(header: Path) -> npt.NDArray[np.float64]:
    record = wfdb.rdrecord(str(header.with_suffix("")))
    order = [[name.upper() for name in record.sig_name].index(lead.upper()) for lead in LEADS]
    return np.asarray(record.p_signal).T[order] * 1000


def no_wfdb(*_: object, **__: object) -> None:
    raise AssertionError("the fast path was not taken")


@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"data_name": "rec.mat", "offset": 24},
        {
            "gains": [
                f"{gain}({baseline})/mV"
                for gain, baseline in zip(range(994, 1006), range(-6, 6), strict=True)
            ]
        },
        {"gains": ["2.5/uV"] * 12},
        {"names": [name.lower() for name in LEADS]},
    ],
    ids=[
        "format 16",
        "16 with an offset",
        "a gain and a baseline per lead",
        "microvolts",
        "lower-case names",
    ],
)
def test_the_fast_path_equals_wfdb_to_one_microvolt(
    ecg: Microvolts, write_wfdb: Write, layout: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    header = write_wfdb(ecg, **layout)
    expected = physical_microvolts(header) / (1000 if "2.5/uV" in layout.get("gains", ()) else 1)
    monkeypatch.setattr(wfdb, "rdrecord", no_wfdb)
    parsed, signal, calibrated = read_wfdb(header)
    assert signal.dtype == np.int16
    assert np.abs(signal - expected).max() <= 0.5 + 1e-9
    assert parsed.rate == 500
    assert calibrated


@pytest.mark.parametrize("storage", ["80", "212", "24", "32", "516", "61"])
def test_every_other_format_is_read_through_wfdb(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path, storage: str
) -> None:
    step = 8.0 if storage == "80" else 1.0 if storage in ("24", "32", "61") else 2.0
    digital = np.rint(ecg / step).astype(np.int64)
    if storage == "61":  # format 16 with the bytes swapped, which wfdb reads and does not write
        header = write_wfdb(digital.astype(np.int16))
        (tmp_path / "rec.dat").write_bytes(digital.T.astype(">i2").tobytes())
        header.write_text(header.read_text().replace(" 16 1000/mV 16 ", " 61 1000/mV 16 "))
    else:
        wfdb.wrsamp(
            "rec",
            fs=500,
            units=["mV"] * 12,
            sig_name=list(LEADS),
            d_signal=np.ascontiguousarray(digital.T),
            fmt=[storage] * 12,
            adc_gain=[1000 / step] * 12,
            baseline=[0] * 12,
            write_dir=str(tmp_path),
        )
        header = tmp_path / "rec.hea"
    expected = physical_microvolts(header)
    _, signal, _ = read_wfdb(header)
    assert np.abs(signal - expected).max() <= 0.5 + 1e-9
    assert np.abs(signal - step * digital).max() <= 0.5 + 1e-9


def test_leads_in_two_files_are_read_through_wfdb(ecg: Microvolts, write_wfdb: Write, tmp_path: Path) -> None:
    header = write_wfdb(ecg)
    lines = header.read_text().splitlines()
    lines[7:] = [line.replace("rec.dat", "chest.dat") for line in lines[7:]]
    header.write_text("\n".join(lines) + "\n")
    (tmp_path / "rec.dat").write_bytes(ecg[:6].T.astype("<i2").tobytes())
    (tmp_path / "chest.dat").write_bytes(ecg[6:].T.astype("<i2").tobytes())
    _, signal, _ = read_wfdb(header)
    np.testing.assert_array_equal(signal, ecg)


def test_a_record_of_segments_is_read_through_wfdb(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path
) -> None:
    write_wfdb(ecg[:, :600], "part_1")
    write_wfdb(ecg[:, 600:], "part_2")
    header = tmp_path / "whole.hea"
    header.write_text("whole/2 12 500 1000\npart_1 600\npart_2 400\n")
    _, signal, _ = read_wfdb(header)
    np.testing.assert_array_equal(signal, ecg)


def write_frames(signal: Microvolts, header: Path) -> Path:
    """Two samples to a frame, at 250 frames a second."""
    name, frames = header.stem, signal.reshape(12, -1, 2)
    header.with_suffix(".dat").write_bytes(frames.transpose(1, 0, 2).astype("<i2").tobytes())
    lines = [
        f"{name} 12 250 {frames.shape[1]}",
        *(f"{name}.dat 16x2 1000/mV 16 0 0 0 0 {lead}" for lead in LEADS),
    ]
    header.write_text("\n".join(lines) + "\n")
    return header


@pytest.mark.parametrize("segments", [1, 2])
def test_of_several_samples_in_a_frame_the_mean_is_read_and_none_may_be_missing(
    ecg: Microvolts, tmp_path: Path, segments: int
) -> None:
    """wfdb would average the mark of a missing sample, -32768, with the sample beside it."""
    header = write_frames(ecg, tmp_path / "rec.hea")
    whole = header
    if segments == 2:
        whole = tmp_path / "whole.hea"
        whole.write_text("whole/2 12 250 1000\nrec 500\nrec 500\n")
    means = ecg.reshape(12, -1, 2).mean(axis=2)
    assert np.abs(read_wfdb(whole)[1] - np.tile(means, segments)).max() <= 0.5
    damaged = ecg.copy()
    damaged[6, 401] = -32768
    write_frames(damaged, header)
    with pytest.raises(BadRecordError) as caught:
        read_wfdb(whole)
    assert caught.value.reason == "not_a_number"
    assert f"V1 ({segments})" in caught.value.detail


def test_further_signals_than_the_twelve_leads_are_left_out(ecg: Microvolts, write_wfdb: Write) -> None:
    both = np.concatenate([ecg[:1], ecg])
    header = write_wfdb(both, names=["vx", *LEADS], gains=["1000/mV"] * 13)
    np.testing.assert_array_equal(read_wfdb(header)[1], ecg)


def test_a_record_line_that_names_the_signal_file_is_forgiven(ecg: Microvolts, write_wfdb: Write) -> None:
    header = write_wfdb(ecg, data_name="rec.mat", offset=24, first_line="rec.mat 12 500 1000")
    np.testing.assert_array_equal(read_wfdb(header)[1], ecg)


def test_a_header_without_a_length_takes_it_from_the_file(ecg: Microvolts, write_wfdb: Write) -> None:
    header = write_wfdb(ecg, first_line="rec 12 500")
    np.testing.assert_array_equal(read_wfdb(header)[1], ecg)


def test_checksums_wrap_at_16_bits() -> None:
    samples = np.array([[30_000, 30_000, 30_000], [1, 2, 3]], dtype=np.int16)
    check_checksums(samples, [90_000 % 65536, 6], ["I", "II"])
    check_checksums(samples, [90_000 % 65536 - 65536, None], ["I", "II"])
    with pytest.raises(BadRecordError, match="wrong_checksum: the samples of II "):
        check_checksums(samples, [90_000 % 65536, 7], ["I", "II"])
    with pytest.raises(BadRecordError, match="the samples of 'Jane Doe' do not"):
        check_checksums(samples, [90_000 % 65536, 7], ["I", "Jane Doe"])
