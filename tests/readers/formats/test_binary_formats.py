"""ISHNE, SCP-ECG, MFER and ELI XML: what their readers do not take from the library as it comes."""

import binascii
import shutil
import struct
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.format_files import ENDINGS, STEPS, WRITERS, Planted, Steps
from tests.readers.formats.changing import refusal

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.formats import eli, ishne, kit, mfer, scp

Make = Callable[..., Path]


def test_a_fault_of_an_ishne_lead_is_no_voltage(signal: Steps, tmp_path: Path) -> None:
    content = bytearray(WRITERS["ishne"](signal, Planted()))
    content[-24 * 50 :] = struct.pack("<12h", *[-32768] * 12) * 50
    (tmp_path / "one.ecg").write_bytes(content)
    assert refusal(ishne.read_file, tmp_path / "one.ecg").reason == "not_a_number"


def test_ishne_writers_count_samples_of_a_lead_or_of_all(signal: Steps, tmp_path: Path) -> None:
    content = WRITERS["ishne"](signal, Planted())
    path = tmp_path / "one.ecg"
    for count, reason in ((2500, ""), (30_000, ""), (0, ""), (2501, "truncated"), (1250, "header_mismatch")):
        block = content[10:14] + struct.pack("<i", count) + content[18:-60_000]
        crc = struct.pack("<H", binascii.crc_hqx(block, 0xFFFF))
        path.write_bytes(content[:8] + crc + block + content[-60_000:])
        if reason:
            assert refusal(ishne.read_file, path).reason == reason
        else:
            assert ishne.read_file(path).signal.shape == signal.shape


def test_an_ishne_header_with_a_wrong_checksum_is_refused(file_of: Make) -> None:
    refused = refusal(ishne.read_file, file_of("ishne", (b"Doefamily\0", b"Smith\0\0\0\0\0")))
    assert "checksum" in refused.detail


def with_scp_checksums(content: bytes) -> bytes:
    """The file with all its checksums made right."""
    data = bytearray(content)
    for number in range(12):
        size, place = struct.unpack_from("<II", data, 24 + 10 * number)
        if size:
            crc = binascii.crc_hqx(bytes(data[place + 1 : place - 1 + size]), 0xFFFF)
            struct.pack_into("<H", data, place - 1, crc)
    struct.pack_into("<H", data, 0, binascii.crc_hqx(bytes(data[2:]), 0xFFFF))
    return bytes(data)


def test_the_rate_of_an_scp_file_is_not_rounded(file_of: Make) -> None:
    head = struct.pack("<HH", 5000, 2000)
    path = file_of("scp", (head, struct.pack("<HH", 5000, 1953)))
    assert "CRC" in refusal(scp.read_file, path).detail
    path.write_bytes(with_scp_checksums(path.read_bytes()))
    assert scp.read_file(path).rate == pytest.approx(512.03277)


@pytest.mark.parametrize("wrong", [(4, 6), (5, 6), (5,)])
def test_a_wrong_checksum_of_a_section_of_beats_hides_none(wrong: tuple[int, ...]) -> None:
    told = ", ".join(["record", *(f"Section {number}" for number in wrong)])
    assert not kit.is_on_other_things(f"SCP-ECG CRC mismatch in: {told}")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (struct.pack("<BB", 12, 4 | 12 << 3), struct.pack("<BB", 12, 3 << 3)),  # three leads at a time
        (struct.pack("<IIB", 1, 2500, 8), struct.pack("<IIB", 501, 3000, 8)),  # V6 begins a second later
    ],
)
def test_scp_leads_that_were_not_recorded_together_are_refused(file_of: Make, old: bytes, new: bytes) -> None:
    path = file_of("scp", (old, new))
    path.write_bytes(with_scp_checksums(path.read_bytes()))
    assert refusal(scp.read_file, path).reason == "header_mismatch"


RATE, STEP = b"\x0b\4\1\xfd\2\0", b"\x0c\4\0\xfa\1\0"


def test_an_mfer_file_tells_its_rate_and_its_step(file_of: Make, signal: Steps) -> None:
    half = mfer.read_file(file_of("mfer", (STEP, b"\x0c\4\0\xf9\5\0")))  # 5 x 10^-7 V
    assert np.abs(2 * half.signal.astype(int) - signal).max() <= 1
    assert mfer.read_file(file_of("mfer", (RATE, b"\x0b\4\1\xfd\4\0"))).rate == 250.0
    for told in (RATE, STEP):
        assert refusal(mfer.read_file, file_of("mfer", (told, b""))).reason in (
            "unknown_units",
            "header_mismatch",
        )
    assert (
        refusal(mfer.read_file, file_of("mfer", (STEP, b"\x0c\4\1\xfa\1\0"))).reason == "unknown_units"
    )  # mmHg


def test_a_signal_beside_the_leads_may_have_its_own_rate(signal: Steps, file_of: Make) -> None:
    path = file_of("mfer")
    record = kit.parse_with_kit(path, "mfer", "mfer", "MFERParser").record
    pulse = replace(record.leads[0], label="Pleth", sampling_rate=125, samples=record.leads[0].samples[::4])
    raw, rate = kit.leads_of(replace(record, leads=[*record.leads, pulse]))
    assert (raw.samples.shape, rate) == (signal.shape, 500.0)
    slow = replace(record.leads[0], sampling_rate=125, samples=record.leads[0].samples[::4])
    with pytest.raises(BadRecordError, match="the leads were recorded at different rates"):
        kit.leads_of(replace(record, leads=[slow, *record.leads[1:]]))


def test_an_mfer_file_that_breaks_off_is_refused(file_of: Make) -> None:
    path = file_of("mfer")
    path.write_bytes(path.read_bytes()[:-1000])
    assert refusal(mfer.read_file, path).reason == "unreadable"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'UNITS_PER_MV="400"', b"", "unknown_units"),
        (b'DURATION="2500"', b'DURATION="2400"', "unreadable"),
        (b'OFFSET="0"', b'OFFSET="12"', "header_mismatch"),
        (b'NAME="V6"', b'NAME="V5"', "header_mismatch"),
        (b'BITS="16"', b'BITS="12"', "unreadable"),
        (b"<SUBJECT", b'<SUBJECT ID="7"/><SUBJECT', "header_mismatch"),
    ],
)
def test_an_eli_file_that_contradicts_itself_is_refused(
    file_of: Make, old: bytes, new: bytes, reason: str
) -> None:
    assert refusal(eli.read_file, file_of("eli-xml", (old, new))).reason == reason


def test_the_age_of_an_eli_file_has_a_unit(file_of: Make) -> None:
    months = (b'AGE="63" AGE_UNITS="YEARS"', b'AGE="18" AGE_UNITS="MONTHS"')
    born = (b'DOB="19500501"', b'DOB="20111101"')
    assert eli.read_file(file_of("eli-xml", months, born)).person.age == 1.5


def test_the_sex_of_an_eli_file_is_a_whole_word(file_of: Make) -> None:
    person = eli.read_file(file_of("eli-xml", (b'GENDER="Female"', b'GENDER="mV"'))).person
    assert (person.sex, person.not_understood) == (None, ("sex",))


@pytest.mark.skipif(not shutil.which("save2gdf"), reason="the biosig tools are not installed")
@pytest.mark.parametrize("kind", ["scp", "aecg", "edf"])
def test_biosig_reads_the_same(kind: str, signal: Steps, file_of: Make, tmp_path: Path) -> None:
    told = tmp_path / "told"
    path = file_of(kind)
    subprocess.run(["save2gdf", "-f=ASCII", str(path), str(told)], check=True, capture_output=True)
    columns = [np.loadtxt(tmp_path / f"told.a{number:02d}") for number in range(1, 13)]
    away = np.abs(np.stack(columns) - signal)
    assert ENDINGS[kind] == path.suffix
    assert away.max() <= STEPS[kind] / 2 + 0.5
