import numpy as np
import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.evaluation.csv_tables import read_probabilities, read_truth


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes):
        path = tmp_path / "table.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def test_a_plain_table(write):
    table = read_truth(write("id,af,pac\n00123,1,0\n7,,1.0\n"))
    assert table.records == ("00123", "7")
    assert table.classes == ("af", "pac")
    np.testing.assert_array_equal(table.values, [[1, 0], [np.nan, 1]])


@pytest.mark.parametrize(
    "content",
    [
        '\ufeff"record, id",af\na,1\nb,0\n',
        "id,af\r\na,1\r\nb,0\r\n",
        '"id","af"\n"a","1"\n"b","0"\n',
        "id, af \na , 1\n b,0",
        "id,af\n\na,1\nb,0\n,\n\n",
        ",af\na,1\nb,0\n",
    ],
    ids=["byte order mark", "CRLF", "quotes", "blanks, no last newline", "empty lines", "unnamed id column"],
)
def test_what_spreadsheets_make_of_it(write, content):
    table = read_truth(write(content))
    assert (table.records, table.classes) == (("a", "b"), ("af",))
    assert table.values.tolist() == [[1], [0]]


def test_quoted_names_may_hold_commas_and_line_breaks(write):
    table = read_truth(write('id,"block, complete"\n"a\nb",1\n'))
    assert (table.records, table.classes) == (("a\nb",), ("block, complete",))


def test_probabilities_may_be_written_in_any_usual_way(write):
    table = read_probabilities(write("id,af\na,1e-3\nb,.5\nc,1\nd,0\n"))
    assert table.values.ravel().tolist() == [0.001, 0.5, 1, 0]


@pytest.mark.parametrize("cell", ["2", "-1", "0.5", "yes", "nan", "NA", "0_1", "1,5"])
def test_a_truth_that_is_not_zero_or_one_is_refused(write, cell):
    with pytest.raises(
        RarebeatError, match=r"table\.csv, line 3, column 'af': expected 0, 1 or empty .*found"
    ):
        read_truth(write(f'id,af\na,0\nb,"{cell}"\n'))


@pytest.mark.parametrize("cell", ["", "1.01", "-0.1", "nan", "inf", "high", "0_1", "12%"])
def test_a_prediction_that_is_not_a_probability_is_refused(write, cell):
    with pytest.raises(RarebeatError, match=r"line 2, column 'pac': expected a number from 0 to 1, found"):
        read_probabilities(write(f"id,af,pac\na,0.5,{cell}\n"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("id,af\n", "has a header but no records"),
        ("id\na\n", "has no class columns"),
        ("id;af\na;1\n", "no class columns.*parted by commas"),
        ("id\taf\na\t1\n", "no class columns.*parted by commas"),
        ("id,af,af\na,1,1\n", "class columns must be unique; repeated: af"),
        ("id,af,\na,1,1\n", "column 3 has no name"),
        ("id,af\na,1\na,0\n", "record ids must be unique; repeated: a"),
        ("id,af\n,1\n", "line 2: the first column must hold a record id"),
        ("id,af\na,1,0\n", "line 2: 3 cells, but the header has 2"),
        ("id,af\na\n", "line 2: 1 cells, but the header has 2"),
        ('id,af\n"a,1\n', "is not a CSV file, line"),
        ("id,af\na,1\n".encode("utf-16"), "is not UTF-8 text"),
        ("id,hémibloc\na,1\n".encode("latin-1"), "is not UTF-8 text"),
        (b"id\0,af\na,1\n", "binary data"),
    ],
)
def test_what_is_not_such_a_table_is_refused(write, content, message):
    with pytest.raises(RarebeatError, match=message):
        read_truth(write(content))


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(RarebeatError, match=f"cannot read {path}"):
            read_truth(path)
