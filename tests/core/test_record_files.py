"""Records on disk: what is written comes back, and what earlier versions wrote, too."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rarebeat.core.record_files import (
    RECORD_SCHEMA,
    blocks,
    decode_signal,
    encode_signal,
    iterate_rows,
    read_block,
    write_part,
)
from rarebeat.core.records import Record, Signal


def signal_of(seed: int, samples: int) -> Signal:
    return np.random.default_rng(seed).integers(-32768, 32768, (12, samples)).astype(np.int16)


def records() -> list[Record]:
    return [Record(f"r{seed}", signal_of(seed, 500 + seed), 500.0, "own") for seed in range(3)]


@pytest.mark.parametrize("value", [-32768, -32767, -257, -256, -1, 0, 1, 255, 256, 32767])
def test_every_sample_comes_back(value: int) -> None:
    signal = np.full((12, 3), value, np.int16)
    stored = np.zeros(signal.nbytes, np.uint8)
    encode_signal(signal, stored)
    assert np.array_equal(decode_signal(stored), signal)
    assert stored.tolist() == [value & 0xFF] * 36 + [(value >> 8) & 0xFF] * 36


def test_records_of_different_lengths_come_back(tmp_path: Path) -> None:
    assert write_part(tmp_path / "part-00000.parquet", "ward", records()) == 3
    for row, record in zip(iterate_rows(tmp_path), records(), strict=True):
        assert row["signal"].dtype == np.int16
        assert np.array_equal(row["signal"], record.signal)
    (block,) = blocks(tmp_path)
    rows = list(read_block(block, ["record_id", "signal"]))
    assert [row["record_id"] for row in rows] == ["r0", "r1", "r2"]
    assert np.array_equal(rows[2]["signal"], records()[2].signal)


def test_a_signal_that_is_a_view_of_another_array_is_stored_as_it_reads(tmp_path: Path) -> None:
    whole = signal_of(0, 1000)
    write_part(tmp_path / "part-00000.parquet", "ward", [Record("r", whole[:, ::2], 250.0, "own")])
    (row,) = iterate_rows(tmp_path)
    assert np.array_equal(row["signal"], whole[:, ::2])


def test_a_cohort_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    """They hold sample after sample, and say so in words that must not change."""
    path = tmp_path / "part-00000.parquet"
    write_part(path, "ward", records())
    table = pq.read_table(path)
    place = RECORD_SCHEMA.get_field_index("signal")
    contents = [record.signal.astype("<i2").tobytes() for record in records()]
    earlier = table.set_column(place, RECORD_SCHEMA.field(place), pa.array(contents, pa.binary()))
    said = "int16 little-endian, 12 x samples, microvolt (0.001 NU if not calibrated)"
    pq.write_table(earlier.replace_schema_metadata({"signal": said}), path)
    for row, record in zip(iterate_rows(tmp_path), records(), strict=True):
        assert np.array_equal(row["signal"], record.signal)
