"""Damage to a table on disk is found, and told with its remedy."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.core.parquet import read_table, row_groups, table_of, write_table


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


def test_a_table_that_is_not_there_is_not_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(RarebeatError, match=r"none\.parquet: there is no such file") as refused:
        read_table(tmp_path / "none.parquet")
    assert "damaged" not in str(refused.value)


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


@pytest.mark.parametrize("columns", [None, ["record_id", "age"]])
def test_no_changed_bit_of_the_footer_goes_unseen(tmp_path: Path, columns: list[str] | None) -> None:
    path, random = tmp_path / "part.parquet", np.random.default_rng([0])
    table = pa.table(
        {
            "record_id": [f"r{number}" for number in range(50)],
            "age": pa.array(random.random(50), pa.float32()),
            "codes": pa.array([["426783006", "AFIB"]] * 50, pa.list_(pa.string())),
            "signal": pa.array([bytes(100)] * 50, pa.binary()),
        }
    )
    write_table(path, table)
    wanted, good = table.select(columns or table.column_names), path.read_bytes()
    footer = len(good) - 8 - int.from_bytes(good[-8:-4], "little")
    refused = 0
    for place in range(footer, len(good)):
        changed = bytearray(good)
        changed[place] ^= 1 << random.integers(8)
        path.write_bytes(changed)
        try:
            found = read_table(path, columns), pa.concat_tables(row_groups(path, columns))
        except RarebeatError:
            refused += 1
        else:
            assert found[0].equals(wanted) and found[1].equals(wanted), place  # noqa: PT018
    assert refused > (len(good) - footer) / 3


def test_a_column_that_is_asked_for_and_not_there_is_told(tmp_path: Path) -> None:
    write_table(tmp_path / "a.parquet", pa.table({"a": [1]}))
    with pytest.raises(RarebeatError, match=r"a\.parquet: it has no column b"):
        read_table(tmp_path / "a.parquet", ["a", "b"])


def test_tables_of_python_values_are_those_of_arrow() -> None:
    columns = {
        "text": ["sinus", None, "", "Überleitung"],
        "codes": [["scp:AFIB", "scp:1AVB"], [], None, [""]],
        "calibrated": [True, False, True, True],
        "age": [61.5, None, 0.0, 90.0],
        "fold": [None, 3, -1, 10],
        "samples": [5000, 1, 0, 2**31 - 1],
    }
    kinds = [pa.string(), pa.list_(pa.string()), pa.bool_(), pa.float32(), pa.int16(), pa.int32()]
    schema = pa.schema(list(zip(columns, kinds, strict=True)), metadata={"leads": "I,II"})
    made = table_of(columns, schema)
    made.validate(full=True)
    assert made.equals(pa.Table.from_pydict(columns, schema=schema), check_metadata=True)
    assert table_of({name: [] for name in columns}, schema).num_rows == 0


KINDS: dict[str, tuple[pa.DataType, tuple[object, ...]]] = {
    "text": (pa.string(), ("", "sinus", "Überleitung", "心電図", "a\0b", "x" * 300)),
    "codes": (pa.list_(pa.string()), ([], ["scp:AFIB"], ["", "ü", "b"], ["a", None])),
    "calibrated": (pa.bool_(), (True, False)),
    "age": (pa.float32(), (0.0, -0.0, 61.7, 1e30, float("inf"))),
    "fold": (pa.int16(), (-(2**15), -1, 0, 2**15 - 1)),
    "samples": (pa.int32(), (-(2**31), 0, 5000, 2**31 - 1)),
}
"""Types of columns, and values that they may hold beside None."""


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 64, 1000])
@pytest.mark.parametrize("missing", [0.0, 0.3, 1.0])
def test_tables_of_any_values_are_those_of_arrow(tmp_path: Path, rows: int, missing: float) -> None:
    random = np.random.default_rng([rows, int(10 * missing)])
    columns = {
        name: [None if random.random() < missing else random.choice(len(values)) for _ in range(rows)]
        for name, (_, values) in KINDS.items()
    }
    columns = {
        name: [None if index is None else KINDS[name][1][index] for index in indices]
        for name, indices in columns.items()
    }
    schema = pa.schema([(name, kind) for name, (kind, _) in KINDS.items()])
    made = table_of(columns, schema)
    made.validate(full=True)
    assert made.equals(pa.Table.from_pydict(columns, schema=schema))
    write_table(tmp_path / "a.parquet", made)
    assert read_table(tmp_path / "a.parquet").equals(made)


@pytest.mark.parametrize(
    ("kind", "value"),
    [(pa.int16(), 2**15), (pa.int32(), 2**31), (pa.string(), 5), (pa.list_(pa.string()), [5])],
    ids=repr,
)
def test_a_value_that_does_not_fit_is_not_turned_into_another(kind: pa.DataType, value: object) -> None:
    with pytest.raises((OverflowError, TypeError)):
        table_of({"a": [value]}, pa.schema([("a", kind)]))


def test_tables_are_made_without_pandas() -> None:
    """It takes a third of a second to import, in every process that ingests."""
    script = """
import sys
import pyarrow as pa
from rarebeat.core.parquet import table_of
kinds = [pa.string(), pa.list_(pa.string()), pa.bool_(), pa.float32(), pa.int16(), pa.int32()]
table_of(dict.fromkeys("abcdef", [None]), pa.schema(list(zip("abcdef", kinds))))
sys.exit("pandas" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
