"""Files are written whole or not at all, and read with messages that name file and line."""

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import (
    atomic,
    check_replaceable,
    digest,
    inside,
    owner,
    parse_json,
    read_csv,
    read_json,
    write_json,
)


def test_a_failing_write_leaves_the_old_file_and_no_temporary_one(tmp_path: Path) -> None:
    target = tmp_path / "metrics.json"
    write_json(target, {"f1": 0.5})
    with pytest.raises(ValueError, match="boom"), atomic(target) as temporary:
        temporary.write_text("half of")
        raise ValueError("boom")
    assert read_json(target) == {"f1": 0.5}
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "shards"
    for name in ("old", "new"):
        with atomic(target) as temporary:
            temporary.mkdir()
            (temporary / name).touch()
    assert [path.name for path in target.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [target]


WRITER = """
import os, signal, sys
from pathlib import Path
from rarebeat.core import files

target = Path(sys.argv[1])
if sys.argv[2] == "between the renames":
    files._remove = files.shutil.rmtree = lambda *_, **__: None
    Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with files.atomic(target) as temporary:
    temporary.mkdir()
    (temporary / "part").write_text("new")
    if sys.argv[2] == "while it writes":
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("moment", ["while it writes", "between the renames"])
def test_what_a_killed_writer_has_left_is_swept_by_the_next_one(tmp_path: Path, moment: str) -> None:
    target, other = tmp_path / "labels", tmp_path / "others"
    for folder in (target, other):
        with atomic(folder) as temporary:
            temporary.mkdir()
            (temporary / "part").write_text("old")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    command = [sys.executable, "-c", WRITER, str(target), moment]
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) > 2 or not target.exists()
    with atomic(other) as mine, pytest.raises(ZeroDivisionError), atomic(target) as temporary:
        mine.mkdir()
        raise ZeroDivisionError
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels", "others"]
    assert (target / "part").read_text() == "old"


def test_a_link_to_a_folder_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    disk, project = tmp_path / "disk", tmp_path / "project"
    (disk / "shards").mkdir(parents=True)
    (disk / "shards" / "old").touch()
    project.mkdir()
    link = project / "shards"
    link.symlink_to(disk / "shards", target_is_directory=True)
    with atomic(link) as temporary:
        temporary.mkdir()
        (temporary / "new").touch()
    assert link.readlink() == disk / "shards"
    assert [path.name for path in link.iterdir()] == ["new"]
    assert list(project.iterdir()) == [link]
    assert list(disk.iterdir()) == [disk / "shards"]


def test_what_two_processes_sweep_at_once_hinders_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one removes, or puts back, what this one has just listed."""
    listed = Path.iterdir
    left = [
        tmp_path / f".a.{owner().partition('-')[0]}-99999999.0123456{i}.{end}"
        for i, end in enumerate(("tmp", "old"))
    ]
    monkeypatch.setattr(Path, "iterdir", lambda path: [*listed(path), *left])
    write_json(tmp_path / "a", {})
    assert list(listed(tmp_path)) == [tmp_path / "a"]


def test_what_a_living_writer_writes_is_left_alone(tmp_path: Path) -> None:
    with atomic(tmp_path / "a") as first:
        first.write_text("1")
        with atomic(tmp_path / "a") as second:
            second.write_text("2")
        assert first.exists()
    assert (tmp_path / "a").read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_full_disk_is_one_clear_message(tmp_path: Path) -> None:
    message = r"could not write .*table.parquet: No space left on device"
    with pytest.raises(RarebeatError, match=message), atomic(tmp_path / "table.parquet") as temporary:
        temporary.write_bytes(b"some")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_something_else_is_not_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "holidays"
    check_replaceable(folder, "summary.json")  # not there: fine
    folder.mkdir()
    check_replaceable(folder, "summary.json")  # empty: fine
    (folder / "beach.jpg").touch()
    with pytest.raises(RarebeatError, match=r"holidays is not empty .* no summary\.json"):
        check_replaceable(folder, "summary.json")
    (folder / "summary.json").touch()
    check_replaceable(folder, "summary.json", ["*.jpg"])  # an earlier output: fine


def test_a_place_that_cannot_be_is_one_clear_message(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RarebeatError, match="could not write"):
        write_json(tmp_path / "file" / "metrics.json", {})


def test_metrics_cannot_hold_not_a_number(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "metrics.json", {"auroc": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["verdicts.csv", "pages/a.html", "audit-2.html", ".hidden", "part-2/part-1.txt"]
)
def test_a_folder_with_a_file_of_somebody_else_is_not_replaced(tmp_path: Path, name: str) -> None:
    written = ("audit.html", "part-*.txt", "summary.json")
    for own in ("sample.csv", "audit.html", "part-1.txt", ".DS_Store"):
        (tmp_path / own).write_text("x")
    check_replaceable(tmp_path, "sample.csv", written)
    check_replaceable(tmp_path / "new", "sample.csv", written)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("precious")
    with pytest.raises(RarebeatError, match=f"holds {re.escape(name)}, which this command does not write"):
        check_replaceable(tmp_path, "sample.csv", written)
    assert (tmp_path / name).read_text() == "precious"


def test_a_digest_depends_on_names_and_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"x")
    second.write_bytes(b"x")
    assert digest(first) != digest(second)
    before = digest(first, second)
    second.write_bytes(b"y")
    assert digest(first, second) != before


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../secret", "."])
def test_a_name_from_a_data_file_never_leaves_its_folder(tmp_path: Path, name: str) -> None:
    assert inside(tmp_path, name) is None


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    (tmp_path / "secret").write_text("x")
    (folder / "link").symlink_to(tmp_path / "secret")
    assert inside(folder, "link") is None
    assert inside(folder, "plain") == folder / "plain"


def write_bytes(folder: Path, content: bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(content)
    return path


def test_rows_come_with_the_line_on_which_they_start(tmp_path: Path) -> None:
    path = write_bytes(tmp_path, b'a,b\n1,"two\nlines, and a ""quote"""\n\n3,4\n')
    assert read_csv(path, ["a", "b"]) == [
        (2, {"a": "1", "b": 'two\nlines, and a "quote"'}),
        (5, {"a": "3", "b": "4"}),
    ]


def test_columns_may_stand_in_any_order_and_after_a_byte_order_mark(tmp_path: Path) -> None:
    path = write_bytes(tmp_path, b"\xef\xbb\xbfb,extra, a\r\n2,x,1\r\n")
    assert read_csv(path, ["a", "b"]) == [(2, {"a": "1", "b": "2"})]
    assert read_csv(path, ["a", "b"], others=True) == [(2, {"b": "2", "extra": "x", "a": "1"})]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no column a, b; its columns are: none"),
        (b"a;b\n1;2\n", r"has no column a, b; its columns are: a;b \(commas part them\)"),
        (b"a,b,a\n1,2,3\n", "has the column a twice"),
        (b"a,b\n1,2\n3\n", "line 3: 1 cells in 2 columns"),
        (b'a,b\n1,"2\n', "is not a CSV file, line 2"),
        (b"a,b\n\xff,1\n", "is not UTF-8 text"),
    ],
)
def test_what_is_wrong_with_a_csv_file_is_told(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(RarebeatError, match=message):
        read_csv(write_bytes(tmp_path, content), ["a", "b"])


def test_a_missing_csv_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(RarebeatError, match=r"cannot read .*none\.csv"):
        read_csv(tmp_path / "none.csv", ["a"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"id": 1, "text": "a", "id": 2}', "'id' is there twice"),
        ('{"a": [{"b": 1, "b": 1}]}', "'b' is there twice"),
        ('{"score": NaN}', "NaN is no number"),
        ('{"id": 1e999}', "1e999 is too large a number"),
        ("[" * 100_000, "nested too deeply"),
    ],
    ids=["twice", "within", "nan", "infinite", "deep"],
)
def test_json_that_says_two_things_or_has_no_end_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        parse_json(text)
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(RarebeatError, match=r"a\.json"):
        read_json(tmp_path / "a.json")


def test_a_folder_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    """A table of other programs may be a folder that is named like a file."""
    (tmp_path / "answers.parquet").mkdir()
    (tmp_path / "answers.parquet" / "part-0.parquet").write_text("somebody's")
    with (
        pytest.raises(RarebeatError, match="it is a folder, which is not replaced by a file"),
        atomic(tmp_path / "answers.parquet") as temporary,
    ):
        temporary.write_text("answers")
    assert [path.name for path in tmp_path.iterdir()] == ["answers.parquet"]
    assert (tmp_path / "answers.parquet" / "part-0.parquet").read_text() == "somebody's"
