import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rarebeat.core.errors import MissingSourceError, RarebeatError
from rarebeat.readers.discovery import (
    is_inside,
    passed_over,
    physionet_help,
    read_table,
    readable,
    unlisted_entries,
    walk,
)
from rarebeat.readers.registry import Entry, get_source


def test_files_come_in_a_fixed_order_whatever_the_disk_says(tmp_path: Path) -> None:
    for name in ("b/2.hea", "b/10.hea", "a/z.HEA", "c.hea", "c.dat", ".hidden.hea"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in walk(tmp_path, ".hea")]
    assert found == ["c.hea", "a/z.HEA", "b/10.hea", "b/2.hea"]


def test_a_link_to_a_folder_is_not_walked(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.hea").touch()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "root" / "loop").symlink_to(tmp_path / "root")
    assert list(walk(tmp_path / "root", ".hea")) == []


def test_paths_are_inside_after_all_links_are_followed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "a.dat").touch()
    (tmp_path / "b.dat").touch()
    (root / "good").symlink_to(root / "a.dat")
    (root / "bad").symlink_to(tmp_path / "b.dat")
    (root / "away").symlink_to(tmp_path)
    names = (
        "a.dat",
        "sub/../a.dat",
        "good",
        "../b.dat",
        "sub/../../b.dat",
        "bad",
        "away/b.dat",
        "away/../b.dat",
    )
    assert [is_inside(root, root / name) for name in names] == [True] * 3 + [False] * 5
    assert not is_inside(root, root / "/etc/passwd")
    assert not is_inside(root, tmp_path / "root-of-another" / "a.dat")


def test_a_relative_root_is_looked_at_from_where_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "data").mkdir(parents=True)
    (tmp_path / "two" / "data" / "sub").symlink_to(tmp_path)
    (tmp_path / "one" / "data" / "sub").mkdir()
    for name, inside in (("one", True), ("two", False)):
        monkeypatch.chdir(tmp_path / name)
        assert is_inside(Path("data"), Path("data/sub/x.dat")) is inside


def test_names_that_are_no_text_can_be_stored(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.hea")
    (tmp_path / name).touch()
    (path,) = walk(tmp_path, ".hea")
    assert readable(path.stem).encode("utf-8").decode() == r"\xff"


def test_names_of_an_older_system_that_differ_by_one_byte_stay_two(
    muse_xml: Callable[..., bytes], tmp_path: Path
) -> None:
    """Else the second of Müller and Möller, in Latin-1, would be refused as a duplicate of the first."""
    for name in (b"M\xfcller.xml", b"M\xf6ller.xml"):
        (tmp_path / os.fsdecode(name)).write_bytes(muse_xml())
    assert [entry.record_id for entry in get_source("muse-xml").discover(tmp_path, {})] == [
        r"M\xf6ller.xml",
        r"M\xfcller.xml",
    ]


def test_a_csv_is_read_as_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'\xef\xbb\xbfa,b\n1,"x\ny"\n2,\n')
    assert read_table(tmp_path / "a.csv", ["a"]) == [{"a": "1", "b": "x\ny"}, {"a": "2", "b": ""}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('a,b\n1,"sinus\n2,af\n3,af\n', "a.csv is not a CSV file"),  # a stray quotation mark, never closed
        ('a,b\n1,"sinus\n2,"af"\n', "a.csv is not a CSV file, line 3"),  # closed where another begins
        ("a,b\n1,sinus, af\n", "line 2: 3 cells in 2 columns"),
        ("a,b\n1\n", "line 2: 1 cells in 2 columns"),
        ("a,a\n1,2\n", "has the column a twice"),
    ],
    ids=["open", "swallowed", "comma", "short", "twice"],
)
def test_a_csv_whose_cells_are_not_where_they_belong_is_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(RarebeatError, match=message):
        read_table(tmp_path / "a.csv", ["a"])


def test_recordings_that_a_table_does_not_name_are_found(tmp_path: Path) -> None:
    for name in ("a/1/x.hea", "a/2/y.hea", "b/z.hea", "w.hea"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    entries = [Entry("x", tmp_path / "a/1/x.hea")]
    missed = unlisted_entries(tmp_path, entries)
    assert [(entry.record_id, entry.listed) for entry in missed] == [("a/2/y.hea", False)]
    missed = unlisted_entries(tmp_path, [*entries, Entry("v", tmp_path / "v.hea")])
    assert [entry.record_id for entry in missed] == ["a/2/y.hea", "w.hea"]


def test_a_csv_that_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingSourceError, match=r"no\.csv\. Get it"):
        read_table(tmp_path / "no.csv", [], "Get it")
    (tmp_path / "a.csv").write_text("a\n" + "x" * 200_000)
    with pytest.raises(RarebeatError, match="field larger than"):
        read_table(tmp_path / "a.csv", ["a"])


def test_the_download_lands_in_the_folder_itself() -> None:
    text = physionet_help(Path("data/raw/ptb-xl"), "PTB-XL", "CC BY 4.0", "ptb-xl/1.0.3")
    assert "--cut-dirs=3 -P data/raw/ptb-xl https://physionet.org/files/ptb-xl/1.0.3/" in text


def test_a_folder_that_cannot_be_read_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("open/a.xml", "closed/b.xml"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    scan = os.scandir

    def refuse(path: str) -> object:
        if Path(path).name == "closed":
            raise PermissionError(path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert passed_over(tmp_path, (".xml",)) == {"folder that cannot be read": 1}
    assert passed_over(tmp_path, ()) == {"folder that cannot be read": 1, ".xml": 1}
