"""Prediction needs the model folder alone; a file that cannot be used does not stop the others."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rarebeat.errors import RarebeatError
from rarebeat.predict import format_answers, predict_files


def test_each_class_has_a_probability_a_threshold_and_a_decision(
    model_folder: Path, wfdb_record: Path
) -> None:
    (answer,) = predict_files([wfdb_record], model_folder)
    assert answer["file"] == str(wfdb_record)
    assert list(answer["classes"]) == ["sinus_rhythm", "atrial_fibrillation", "av_block_1st_degree"]
    for entry in answer["classes"].values():
        assert 0 < entry["probability"] < 1
        assert entry["decision"] == (entry["probability"] >= entry["threshold"])
    assert answer["classes"]["atrial_fibrillation"]["decision"]  # its threshold is 0
    assert not answer["classes"]["av_block_1st_degree"]["decision"]  # its threshold is 1


def test_a_model_folder_works_wherever_it_is_copied(
    model_folder: Path, wfdb_record: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(model_folder, copy)
    assert predict_files([wfdb_record], copy) == predict_files([wfdb_record], model_folder)


def test_the_others_are_answered_when_one_file_is_unsuitable(model_folder: Path, wfdb_record: Path) -> None:
    answers = predict_files([wfdb_record.with_name("no.hea"), wfdb_record], model_folder)
    assert "no.hea" in answers[0]["file"]
    assert "error" in answers[0]
    assert "classes" in answers[1]


def test_a_truncated_signal_is_an_error_and_no_prediction(model_folder: Path, wfdb_record: Path) -> None:
    signal = wfdb_record.with_suffix(".dat")
    signal.write_bytes(signal.read_bytes()[:-24_000])
    (answer,) = predict_files([wfdb_record], model_folder)
    assert set(answer) == {"file", "error"}
    assert "truncated" in answer["error"]


def test_a_folder_without_a_model_is_one_clear_message(tmp_path: Path, wfdb_record: Path) -> None:
    with pytest.raises(RarebeatError, match="not a model folder"):
        predict_files([wfdb_record], tmp_path)


def test_people_get_a_line_per_file(model_folder: Path, wfdb_record: Path) -> None:
    text = format_answers(predict_files([wfdb_record, wfdb_record.with_name("no.hea")], model_folder))
    assert "atrial_fibrillation (" in text
    assert "no.hea: not answered" in text


def test_normalised_amplitudes_are_answered_with_a_warning(model_folder: Path, wfdb_record: Path) -> None:
    wfdb_record.write_text(wfdb_record.read_text().replace("/mV", "/NU"))
    (answer,) = predict_files([wfdb_record], model_folder)
    assert "amplitude" in answer["warning"]


@pytest.mark.slow
def test_the_command_prints_json_and_exits_with_1_when_a_file_fails(
    model_folder: Path, wfdb_record: Path
) -> None:
    command = [sys.executable, "-m", "rarebeat.cli", "predict", "--json", "--model", str(model_folder)]
    good = subprocess.run([*command, str(wfdb_record)], capture_output=True, text=True)
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)[0]["classes"]["sinus_rhythm"]["threshold"] == 0.5
    bad = subprocess.run([*command, str(wfdb_record), "missing.hea"], capture_output=True, text=True)
    assert bad.returncode == 1
    assert "classes" in json.loads(bad.stdout)[0]
    assert "missing.hea" in bad.stderr
    assert "Traceback" not in bad.stderr


def test_a_folder_given_as_a_file_is_one_clear_message(model_folder: Path, tmp_path: Path) -> None:
    (answer,) = predict_files([tmp_path], model_folder)
    assert "is a folder" in answer["error"]
