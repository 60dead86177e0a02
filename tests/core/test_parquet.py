"""Damage to a table on disk is found, and told with its remedy."""

from pathlib import Path

import pyarrow as pa
import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.core.parquet import read_table, row_groups, write_table


def test_a_damaged_table_is_found_by_its_checksums(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    write_table(path, pa.table({"number": list(range(10_000))}), compression="none", use_dictionary=False)
    content = bytearray(path.read_bytes())
    content[20_000] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(RarebeatError, match=r"cannot read .*table.parquet"):
        read_table(path)


def test_a_truncated_table_names_the_file_and_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    write_table(path, pa.table({"number": [1, 2, 3]}))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(RarebeatError, match=r"table\.parquet.*dvc repro"):
        read_table(path)


def test_row_groups_come_one_by_one_with_the_columns_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    write_table(path, pa.table({"a": [1, 2, 3], "b": ["x", "y", "z"]}), row_group_size=2)
    assert [group.to_pydict() for group in row_groups(path, ["a"])] == [{"a": [1, 2]}, {"a": [3]}]


def test_a_truncated_table_is_told_when_read_by_groups(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    write_table(path, pa.table({"a": [1, 2, 3]}))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(RarebeatError, match=r"cannot read .*table\.parquet"):
        list(row_groups(path))
