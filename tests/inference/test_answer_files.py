"""Answers as Parquet, CSV and JSON lines: the same as for single files, whole or absent."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from rarebeat.core.errors import ParamsError
from rarebeat.core.parquet import read_table
from rarebeat.inference.answer_files import check_suffix, write_answers
from rarebeat.inference.ensemble import member_folder, save_ensemble
from rarebeat.inference.model_folder import load_model, save_model
from rarebeat.inference.predict import Answer, Model, open_model, predict_files
from rarebeat.inference.voting import EnsembleSettings


@pytest.fixture
def model(model_folder: Path) -> Model:
    return open_model(model_folder)


@pytest.fixture
def answers(model_folder: Path, wfdb_record: Path) -> list[Answer]:
    """One answered, one answered with a warning, one not answered."""
    normalised = wfdb_record.with_name("nu.hea")
    normalised.write_text(wfdb_record.read_text().replace("r1", "nu").replace("/mV", "/NU"))
    wfdb_record.with_name("nu.dat").write_bytes(wfdb_record.with_suffix(".dat").read_bytes())
    return predict_files([wfdb_record, normalised, wfdb_record.with_name("=no.hea")], model_folder)


def test_parquet_holds_every_answer_to_the_last_digit(
    answers: list[Answer], model: Model, tmp_path: Path
) -> None:
    counts = write_answers(tmp_path / "out.parquet", iter(answers), model)
    assert counts == {"answered": 2, "with a warning": 1, "not answered": 1}
    table = read_table(tmp_path / "out.parquet")
    assert table.column_names[:5] == [
        *("file", "error", "warning", "probability.sinus_rhythm", "decision.sinus_rhythm"),
    ]
    rows = table.to_pylist()
    assert [row["file"] for row in rows] == [answer["file"] for answer in answers]
    assert [row["error"] for row in rows] == [None, None, answers[2]["error"]]
    assert [row["warning"] for row in rows] == [None, answers[1]["warning"], None]
    for row, answer in zip(rows[:2], answers[:2], strict=True):
        for name, entry in answer["classes"].items():
            assert row[f"probability.{name}"] == entry["probability"]
            assert row[f"decision.{name}"] is entry["decision"]
    assert all(value is None for key, value in rows[2].items() if key not in ("file", "error"))
    content = json.loads(table.schema.metadata[b"rarebeat"])
    assert content["thresholds"]["sinus_rhythm"] == 0.5
    assert content["model"] == model.digest


def test_csv_holds_every_answer_to_the_last_digit(
    answers: list[Answer], model: Model, tmp_path: Path
) -> None:
    write_answers(tmp_path / "out.CSV", iter(answers), model)
    with (tmp_path / "out.CSV").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    entry = answers[0]["classes"]["atrial_fibrillation"]
    assert float(rows[0]["probability.atrial_fibrillation"]) == entry["probability"]
    assert [row["decision.atrial_fibrillation"] for row in rows] == ["1", "1", ""]
    assert [row["error"] for row in rows] == ["", "", answers[2]["error"]]


def test_json_lines_are_the_answers(answers: list[Answer], model: Model, tmp_path: Path) -> None:
    write_answers(tmp_path / "out.jsonl", iter(answers), model)
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == answers


def test_an_ensemble_has_a_column_of_votes(model_folder: Path, wfdb_record: Path, tmp_path: Path) -> None:
    module, card = load_model(model_folder)
    for number in (0, 1):
        save_model(member_folder(tmp_path / "folds", number), module, card)
    save_ensemble(tmp_path / "folds", (0, 1), card.classes, EnsembleSettings())
    (answer,) = predict_files([wfdb_record], tmp_path / "folds")
    write_answers(tmp_path / "out.parquet", [answer], open_model(tmp_path / "folds"))
    (row,) = read_table(tmp_path / "out.parquet").to_pylist()
    assert row["votes.atrial_fibrillation"] == answer["classes"]["atrial_fibrillation"]["votes"] == 2


def test_many_answers_are_written_in_row_groups(
    answers: list[Answer], model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rarebeat.inference.answer_files._ROW_GROUP", 4)
    write_answers(tmp_path / "out.parquet", answers * 3, model)
    with pq.ParquetFile(tmp_path / "out.parquet") as file:
        assert [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)] == [4, 4, 1]


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_a_file_is_written_whole_or_not_at_all(
    answers: list[Answer], model: Model, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / "answers" / f"out{suffix}"
    out.parent.mkdir()
    out.write_text("before")

    def killed() -> Iterator[Answer]:
        yield from answers
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_answers(out, killed(), model)
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    assert out.read_text() == "before"


@pytest.mark.parametrize("name", ["out.xlsx", "out", "out.json"])
def test_another_kind_of_file_is_refused(name: str) -> None:
    with pytest.raises(ParamsError, match=r"\.parquet, \.csv, \.jsonl"):
        check_suffix(Path(name))
