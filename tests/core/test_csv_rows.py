"""CSV files that people may have edited."""

from pathlib import Path

import pytest

from rarebeat.core.csv_rows import read_rows
from rarebeat.core.errors import RarebeatError


def write(folder: Path, content: bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(content)
    return path


def test_rows_come_with_the_line_on_which_they_start(tmp_path: Path) -> None:
    path = write(tmp_path, b'a,b\n1,"two\nlines, and a ""quote"""\n\n3,4\n')
    assert read_rows(path, ["a", "b"]) == [
        (2, {"a": "1", "b": 'two\nlines, and a "quote"'}),
        (5, {"a": "3", "b": "4"}),
    ]


def test_columns_may_stand_in_any_order_and_after_a_byte_order_mark(tmp_path: Path) -> None:
    path = write(tmp_path, b"\xef\xbb\xbfb,extra, a\r\n2,x,1\r\n")
    assert read_rows(path, ["a", "b"]) == [(2, {"a": "1", "b": "2"})]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no column 'a': expected a, b, parted by commas"),
        (b"a;b\n1;2\n", "has no column 'a'"),
        (b"a,b\n1,2\n3\n", "line 3: 1 cells in 2 columns"),
        (b'a,b\n1,"2\n', "is not a CSV file, line 2"),
        (b"a,b\n\xff,1\n", "is not UTF-8 text"),
    ],
)
def test_what_is_wrong_is_told(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(RarebeatError, match=message):
        read_rows(write(tmp_path, content), ["a", "b"])


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(RarebeatError, match=r"cannot read .*none\.csv"):
        read_rows(tmp_path / "none.csv", ["a"])
