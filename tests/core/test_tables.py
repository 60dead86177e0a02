"""Tables for people and for files."""

import csv

import numpy as np

from rarebeat.core.tables import interval_text, markdown_table, write_rows


def test_an_interval_is_written_with_two_decimals():
    assert interval_text(0.834, 0.7791, 0.8666) == "0.83 (0.78–0.87)"
    assert interval_text(0.834, np.nan, np.nan) == "0.83"
    assert interval_text(np.nan, np.nan, np.nan) == "–"


def test_a_markdown_table_is_aligned_and_escapes_bars():
    table = markdown_table([{"a": "x|y", "n": 1}, {"a": "z", "n": None}])
    assert table.splitlines() == ["| a    |   n |", "| ---- | --: |", "| x\\|y |   1 |", "| z    |   – |"]
    assert markdown_table([]) == ""


def test_rows_are_written_as_csv_with_empty_cells_for_undefined(tmp_path):
    path = tmp_path / "classes.csv"
    write_rows(path, [{"class": "a, b", "f1": 0.5}, {"class": "c", "f1": None}], ("class", "f1"))
    assert path.read_text() == 'class,f1\n"a, b",0.5\nc,\n'
    with path.open(newline="") as file:
        assert [row["f1"] for row in csv.DictReader(file)] == ["0.5", ""]


def test_a_table_without_rows_still_has_its_header(tmp_path):
    write_rows(tmp_path / "empty.csv", [], ("class", "recall"))
    assert (tmp_path / "empty.csv").read_text() == "class,recall\n"
