"""A model with calibration says the same of an ECG at every door; one without says what it always said."""

import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from rarebeat.core.errors import RarebeatError
from rarebeat.core.parquet import read_table
from rarebeat.inference.answer_files import printed_answers, write_answers
from rarebeat.inference.ensemble import member_folder, save_ensemble
from rarebeat.inference.handover.hub import write_hub_folder
from rarebeat.inference.handover.site import write_site_model
from rarebeat.inference.model_folder import card_digest, read_card, save_adapted, sign_model
from rarebeat.inference.predict import open_model, predict_files
from rarebeat.inference.served import ServedModel
from rarebeat.inference.voting import EnsembleSettings
from rarebeat.metrics.certainty import Certainty, ClassCertainty, tell
from rarebeat.readers.read_file import read_file

CERTAINTY = Certainty(
    0.9,
    {
        "sinus_rhythm": ClassCertainty(
            0.5, -1.0, yes_above=30.0, no_below=-30.0, positives=40, negatives=400
        ),
        "atrial_fibrillation": ClassCertainty(
            1.0, -2.0, yes_above=-30.0, no_below=None, positives=3, negatives=400
        ),
    },
)
"""Sinus rhythm is always in doubt, fibrillation never where it is called; of the third class nothing is stored."""


def with_certainty(source: Path, folder: Path, certainty: Certainty = CERTAINTY) -> Path:
    save_adapted(folder, source, replace(read_card(source), certainty=certainty))
    return folder


@pytest.fixture
def certain_model(model_folder: Path, tmp_path: Path) -> Path:
    return with_certainty(model_folder, tmp_path / "certain")


def test_calibrated_and_certain_stand_beside_what_was_always_said(
    model_folder: Path, certain_model: Path, wfdb_record: Path
) -> None:
    (plain,), (told,) = (predict_files([wfdb_record], folder) for folder in (model_folder, certain_model))
    for name, entry in plain["classes"].items():
        assert set(entry) == {"probability", "threshold", "decision"}
        assert told["classes"][name].items() >= entry.items()
    sinus, fibrillation, block = told["classes"].values()
    assert sinus["certain"] == "unsure"
    assert (fibrillation["decision"], fibrillation["certain"]) == (True, "yes")
    assert set(block) == {"probability", "threshold", "decision"}
    odds = np.log(sinus["probability"] / (1 - sinus["probability"]))
    assert sinus["calibrated"] == pytest.approx(1 / (1 + np.exp(-(0.5 * odds - 1))))


def test_every_form_of_an_answer_has_both(certain_model: Path, wfdb_record: Path, tmp_path: Path) -> None:
    answers = predict_files([wfdb_record], certain_model)
    sinus = answers[0]["classes"]["sinus_rhythm"]
    model = open_model(certain_model)
    write_answers(tmp_path / "out.parquet", answers, model)
    (row,) = read_table(tmp_path / "out.parquet").to_pylist()
    assert row["calibrated.sinus_rhythm"] == np.float32(sinus["calibrated"])
    assert row["certain.atrial_fibrillation"] == "yes"
    assert row["certain.av_block_1st_degree"] is None
    write_answers(tmp_path / "out.csv", answers, model)
    with (tmp_path / "out.csv").open(newline="") as file:
        (cells,) = csv.DictReader(file)
    assert float(cells["calibrated.sinus_rhythm"]) == sinus["calibrated"]
    assert cells["certain.sinus_rhythm"] == "unsure"
    assert json.loads(printed_answers(answers, "json")) == answers
    rows = list(csv.DictReader(io.StringIO(printed_answers(answers, "csv"))))
    assert [one["certain"] for one in rows] == ["unsure", "yes", ""]
    assert "calibrated" in printed_answers(answers, "text")


def test_a_model_without_calibration_has_no_such_columns(
    model_folder: Path, wfdb_record: Path, tmp_path: Path
) -> None:
    answers = predict_files([wfdb_record], model_folder)
    write_answers(tmp_path / "out.parquet", answers, open_model(model_folder))
    names = read_table(tmp_path / "out.parquet").column_names
    assert not [name for name in names if name.startswith(("calibrated", "certain"))]
    assert "calibrated" not in printed_answers(answers, "text") + printed_answers(answers, "csv")


def test_the_served_model_says_what_its_file_is_answered(certain_model: Path, wfdb_record: Path) -> None:
    served = ServedModel()
    served.load_context(SimpleNamespace(artifacts={"folder": str(certain_model)}))  # type: ignore[arg-type]
    ecg = read_file(wfdb_record).signal.astype(np.float32) / 1000
    table = served.predict(None, np.stack([ecg, ecg * 0]), {"calls": True})  # type: ignore[arg-type]
    (answer,) = predict_files([wfdb_record], certain_model)
    for name in CERTAINTY.classes:
        assert table[f"calibrated.{name}"][0] == pytest.approx(answer["classes"][name]["calibrated"])
        assert table[f"certain.{name}"].tolist() == [answer["classes"][name]["certain"], ""]
    assert table["certain.av_block_1st_degree"].tolist() == ["", ""]
    plain = served.predict(None, ecg[None], {})  # type: ignore[arg-type]
    assert not [name for name in plain.columns if name.startswith(("calibrated", "certain"))]


def test_an_ensemble_takes_the_mean_and_the_vote(
    model_folder: Path, certain_model: Path, wfdb_record: Path, tmp_path: Path
) -> None:
    other = replace(CERTAINTY.classes["sinus_rhythm"], offset=1.0, yes_above=-30.0, no_below=30.0)
    sure = Certainty(0.9, CERTAINTY.classes | {"sinus_rhythm": other})
    folders = [certain_model, *(with_certainty(model_folder, tmp_path / name, sure) for name in ("b", "c"))]
    for number, folder in enumerate(folders):
        shutil.copytree(folder, member_folder(tmp_path / "folds", number))
    save_ensemble(tmp_path / "folds", (0, 1, 2), read_card(model_folder).classes, EnsembleSettings())
    answers = [
        predict_files([wfdb_record], folder)[0]["classes"] for folder in (*folders, tmp_path / "folds")
    ]
    *members, together = [answer["sinus_rhythm"] for answer in answers]
    assert together["calibrated"] == pytest.approx(np.mean([one["calibrated"] for one in members]))
    assert [one["certain"] != "unsure" for one in (*members, together)] == [False, True, True, True]
    assert open_model(tmp_path / "folds").tells


def test_an_ensemble_with_a_member_of_an_earlier_version_tells_nothing(
    model_folder: Path, certain_model: Path, wfdb_record: Path, tmp_path: Path
) -> None:
    for number, folder in enumerate((certain_model, model_folder)):
        shutil.copytree(folder, member_folder(tmp_path / "folds", number))
    save_ensemble(tmp_path / "folds", (0, 1), read_card(model_folder).classes, EnsembleSettings())
    (answer,) = predict_files([wfdb_record], tmp_path / "folds")
    assert "calibrated" not in answer["classes"]["sinus_rhythm"]
    assert not open_model(tmp_path / "folds").tells


def test_it_is_signed_with_the_folder_and_can_be_changed_by_hand(certain_model: Path) -> None:
    before, path = card_digest(certain_model), certain_model / "model.yaml"
    content = yaml.safe_load(path.read_text())
    content["certainty"]["classes"]["sinus_rhythm"]["slope"] = 2.0
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(RarebeatError, match="was changed after it was written"):
        read_card(certain_model)
    sign_model(certain_model)
    assert card_digest(certain_model) != before
    content["certainty"]["classes"]["sinus_rhythm"]["slope"] = -1.0
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(RarebeatError, match=r"certainty\.classes\.sinus_rhythm\.slope"):
        sign_model(certain_model)


def test_a_threshold_of_a_site_leaves_it_as_it_was(
    certain_model: Path, wfdb_record: Path, tmp_path: Path
) -> None:
    write_site_model(certain_model, tmp_path / "ward", {"atrial_fibrillation": 1.0})
    assert read_card(tmp_path / "ward").certainty == CERTAINTY
    (answer,) = predict_files([wfdb_record], tmp_path / "ward")
    entry = answer["classes"]["atrial_fibrillation"]
    assert (entry["decision"], entry["certain"]) == (False, "unsure")  # "no" takes more than a threshold


def test_the_card_for_the_hub_says_that_calibration_is_there(certain_model: Path, tmp_path: Path) -> None:
    write_hub_folder(certain_model, tmp_path / "hub")
    text = (tmp_path / "hub" / "README.md").read_text()
    assert "`calibrated` beside them is fitted to the validation split" in text
    assert 'Too few patients had atrial_fibrillation for any "no".' in text
    assert tell(CERTAINTY, ["sinus_rhythm"], np.array([[0.5]])).calibrated[0, 0] < 0.5


def test_a_table_has_every_column_whichever_ecg_comes_first(certain_model: Path, wfdb_record: Path) -> None:
    """An ECG without an answer, and a class of which nothing is stored, leave cells empty."""
    absent = wfdb_record.with_name("absent.hea")
    for paths in ([wfdb_record, absent], [absent, wfdb_record]):
        table = printed_answers(predict_files(paths, certain_model), "table").splitlines()
        for name in ("calibrated", "certain", "error"):
            assert name in [title.strip() for title in table[0].split("|")]
        assert len(table) == 2 + 3 + 1
        assert len({line.count("|") for line in table}) == 1
