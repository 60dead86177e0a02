"""``rarebeat predict`` as people call it: what it takes, what it prints, what it draws, and how it ends."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from rarebeat.cli.main import app
from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.simulator.archives.archive import write_archive
from rarebeat.simulator.settings import SimulatorSettings

CLASSES = ["sinus_rhythm", "atrial_fibrillation", "av_block_1st_degree"]


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two MUSE files."""
    folder = tmp_path_factory.mktemp("muse") / "exports"
    write_archive(folder, "muse-xml", SimulatorSettings(records=2))
    return folder


def run(model: Path, *arguments: object, stdin: bytes = b"") -> Result:
    words = ["predict", "--model", str(model), *(str(argument) for argument in arguments)]
    return CliRunner().invoke(app, words, input=stdin)


def test_a_table_has_a_row_for_each_ecg_and_class(model_folder: Path, wfdb_record: Path) -> None:
    result = run(model_folder, wfdb_record, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["class"] for row in rows] == CLASSES
    assert [float(row["threshold"]) for row in rows] == [0.5, 0.0, 1.0]
    for row in rows:
        assert int(row["decision"]) == (float(row["probability"]) >= float(row["threshold"]))
    table = run(model_folder, wfdb_record, "--format", "table").stdout
    assert table.count("\n| ") == 3 + 1
    assert table.startswith("| file")


def test_an_ecg_without_an_answer_has_its_reason_in_every_format(
    model_folder: Path, wfdb_record: Path
) -> None:
    wfdb_record.with_suffix(".dat").write_bytes(b"")
    for format in ("text", "table", "csv", "json"):
        result = run(model_folder, wfdb_record, "--format", format)
        assert result.exit_code == 1
        assert "truncated: the signal file holds 0 samples" in result.stdout


def test_standard_input_holds_an_xml_file_or_names_files(model_folder: Path, exports: Path) -> None:
    file = sorted(exports.rglob("*.xml"))[0]
    named = run(model_folder, file, "--json")
    piped = run(model_folder, "-", "--json", stdin=file.read_bytes())
    (expected,), (answer,) = json.loads(named.stdout), json.loads(piped.stdout)
    assert answer == expected | {"file": "-"}
    listed = run(model_folder, "-", "--json", stdin=f"{file}\n".encode())
    assert json.loads(listed.stdout) == [expected]


@pytest.mark.parametrize(
    ("stdin", "complaint"),
    [
        (b"", "names no file"),
        (b"%PDF-1.7 \x00", "it is a PDF document"),
        (b"PK\x03\x04\x00", "it is a ZIP or gzip file: unpack it"),
        (b"\x00\x01\xff\xfe", "holds neither an ECG file nor names of files"),
    ],
)
def test_standard_input_of_another_kind_is_refused(model_folder: Path, stdin: bytes, complaint: str) -> None:
    result = run(model_folder, "-", stdin=stdin)
    assert isinstance(result.exception, ParamsError)
    assert complaint in str(result.exception)


@pytest.mark.parametrize(
    "stdin", [b"<html><body/></html>", b"<RestingECG>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"]
)
def test_an_xml_file_that_is_no_ecg_is_not_answered(model_folder: Path, stdin: bytes) -> None:
    result = run(model_folder, "-", stdin=stdin)
    assert result.exit_code == 1
    assert "unreadable" in result.stdout


def test_a_picture_shows_the_ecg_with_its_answer_and_what_speaks_for_it(
    model_folder: Path, wfdb_record: Path, tmp_path: Path
) -> None:
    plain = run(model_folder, wfdb_record, "--picture", tmp_path / "a.png", "--evidence", "sinus_rhythm")
    assert plain.exit_code == 0, plain.output
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (1485, 1050)
    other = run(
        model_folder, wfdb_record, "--picture", tmp_path / "b.png", "--evidence", "atrial_fibrillation"
    )
    assert other.exit_code == 0
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


def test_pictures_of_a_folder_lie_in_a_folder(model_folder: Path, exports: Path, tmp_path: Path) -> None:
    result = run(model_folder, exports, "--picture", tmp_path / "drawn")
    assert result.exit_code == 0, result.output
    drawn = sorted(path.name for path in (tmp_path / "drawn").iterdir())
    assert drawn == sorted(f"{path.stem}.png" for path in exports.rglob("*.xml"))
    refused = run(model_folder, exports, "--picture", tmp_path / "drawn.png")
    assert "is a file, and there are 2 ECGs" in str(refused.exception)
    assert refused.stdout == ""  # before any ECG is answered


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--format", "xml"], "answers are printed as text, table, json, csv, not as 'xml'"),
        (["--evidence", "sinus_rhythm"], "--evidence goes with --picture"),
        (["--picture", "a.gif"], r"a.gif: a picture is written as .png, .pdf or .svg"),
        (["--picture", "a.png", "--evidence", "sinus_rythm"], "did you mean 'sinus_rhythm'"),
        (["--picture", "a.png", "--out", "b.csv"], "--picture goes with answers that are printed"),
        (["--format", "csv", "--out", "b.parquet"], "--format says what is printed, and --out writes"),
        (["--format", "csv", "--json"], "--json prints JSON, and --format csv another text"),
        (["--out", "b.xlsx"], "answers are written as .parquet, .csv, .jsonl"),
        (["--age", "63", "--sex", "robot"], "sex takes female or male"),
        (["--kind", "muse"], "did you mean 'muse-xml'"),
    ],
)
def test_a_wrong_option_is_said_in_one_line(
    model_folder: Path, wfdb_record: Path, arguments: list[str], complaint: str
) -> None:
    result = run(model_folder, wfdb_record, *arguments)
    assert isinstance(result.exception, RarebeatError)
    assert complaint in str(result.exception)
    assert result.stdout == ""  # before any ECG is answered


def test_text_that_names_no_file_is_refused_and_not_repeated(model_folder: Path, wfdb_record: Path) -> None:
    header = wfdb_record.read_bytes() + b"# report: seen by Dr. Smith\n"
    result = run(model_folder, "-", stdin=header)
    assert isinstance(result.exception, ParamsError)
    assert "14 lines of text, and none names a file that there is" in str(result.exception)
    assert "Smith" not in result.output + str(result.exception)


def test_a_model_that_is_not_there_is_told_with_the_way_to_one(tmp_path: Path, wfdb_record: Path) -> None:
    for command in (["predict", str(wfdb_record), "--model"], ["thresholds"], ["adapt"], ["drift"]):
        rest = {
            "thresholds": ["out", "--set", "a=0.5"],
            "adapt": ["r", "l.csv", "--out", "o"],
            "drift": ["r"],
        }
        words = [*command, str(tmp_path / "trained"), *rest.get(command[0], [])]
        refused = CliRunner().invoke(app, words).exception
        assert "is not a model folder: it is not there" in str(refused), command
        assert "make repro" in str(refused)


def test_exit_codes_say_how_it_ended(model_folder: Path, wfdb_record: Path, tmp_path: Path) -> None:
    def ended(*arguments: object) -> tuple[int, str]:
        command = [sys.executable, "-m", "rarebeat.cli.main", "predict", "--model", str(model_folder)]
        done = subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    assert ended(wfdb_record) == (0, "")
    code, said = ended(wfdb_record, tmp_path / "absent.hea")
    assert (code, said.strip().endswith("there is no file " + str(tmp_path / "absent.hea"))) == (1, True)
    (tmp_path / "empty").mkdir()
    code, said = ended(tmp_path / "empty")
    assert code == 2
    assert said.startswith("error: there is no ECG in the folder")


def test_each_ecg_has_a_picture_of_its_own_whatever_the_files_are_called(
    model_folder: Path, exports: Path, tmp_path: Path
) -> None:
    file = sorted(exports.rglob("*.xml"))[0]
    named = [tmp_path / "a" / "ecg-2.xml", tmp_path / "b" / "ecg.xml", tmp_path / "c" / "ecg.xml"]
    for path in named:
        path.parent.mkdir()
        shutil.copy(file, path)
    result = run(model_folder, *named, "--picture", tmp_path / "drawn")
    assert result.exit_code == 0, result.output
    assert "3 drawn" in result.stderr
    assert len(list((tmp_path / "drawn").iterdir())) == 3


def test_pictures_go_with_their_answers_where_files_come_and_go_meanwhile(
    model_folder: Path, exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that another program writes to is walked again for the pictures."""
    folder = shutil.copytree(exports, tmp_path / "exports")
    first = sorted(folder.rglob("*.xml"))[0]

    def come(*_: object) -> str:
        shutil.copy(first, first.with_name("0.xml"))
        return ""

    monkeypatch.setattr("rarebeat.inference.answer_files.printed_answers", come)
    result = run(model_folder, folder, "--picture", tmp_path / "drawn")
    assert result.exit_code == 0, result.output
    drawn = {path.name for path in (tmp_path / "drawn").iterdir()}
    assert drawn == {f"{path.stem}.png" for path in exports.rglob("*.xml")}


@pytest.mark.parametrize(
    ("arguments", "stray"),
    [(["--kind", "no-kind"], "--kind"), (["-o", "a=1", "--workers", "2"], "--option, --workers")],
)
def test_an_ecg_on_standard_input_takes_no_options_of_readers(
    model_folder: Path, exports: Path, arguments: list[str], stray: str
) -> None:
    content = next(exports.rglob("*.xml")).read_bytes()
    result = run(model_folder, "-", *arguments, stdin=content)
    assert isinstance(result.exception, ParamsError)
    assert f"an ECG on standard input does not take {stray}" in str(result.exception)


@pytest.mark.parametrize(("name", "there"), [("drawn.png", "folder"), ("drawn", "file")])
def test_a_place_that_cannot_take_a_picture_is_told_before_any_ecg_is_answered(
    model_folder: Path, wfdb_record: Path, tmp_path: Path, name: str, there: str
) -> None:
    place = tmp_path / name
    place.mkdir() if there == "folder" else place.touch()
    result = run(model_folder, wfdb_record, "--picture", place)
    assert f"{name} is a {there}: name another" in str(result.exception)
    assert result.stdout == ""


@pytest.mark.parametrize("name", ["answers.parquet", "answers.csv"])
def test_a_folder_where_the_answers_should_go_is_told_before_any_ecg_is_answered(
    model_folder: Path, wfdb_record: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).mkdir()
    result = run(model_folder, wfdb_record, "--out", tmp_path / name)
    assert isinstance(result.exception, ParamsError)
    assert f"{name} is a folder" in str(result.exception)


def test_a_folder_that_cannot_be_read_is_not_passed_over(
    model_folder: Path, exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(exports, tmp_path / "exports")
    (folder / "closed").mkdir()
    listed = os.scandir

    def scandir(path: str) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr("os.scandir", scandir)
    result = run(model_folder, folder)
    assert isinstance(result.exception, RarebeatError)
    assert "closed: Permission denied" in str(result.exception)
