"""Prediction needs the model folder alone; a file that cannot be used does not stop the others."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.records import LEADS
from rarebeat.core.signals import Preprocessing, preprocess
from rarebeat.dataset.windows import WindowSettings
from rarebeat.inference.answer_files import printed_answers
from rarebeat.inference.ensemble import member_folder, save_ensemble
from rarebeat.inference.model_folder import ModelCard, load_model, save_model
from rarebeat.inference.predict import (
    Answer,
    PredictSettings,
    iterate_answers,
    open_model,
    predict_files,
)
from rarebeat.inference.probabilities import predict_probabilities
from rarebeat.inference.voting import EnsembleSettings
from rarebeat.models.registry import build
from rarebeat.readers.read_file import read_file

CLASSES = ("one", "two", "three")
CARD = ModelCard(
    architecture="global_skip",
    settings={"width": 2},
    classes=CLASSES,
    thresholds=dict.fromkeys(CLASSES, 0.5),
    preprocessing=Preprocessing(),
    units="mV",
    heads="three",
    cohorts=("toy",),
    vocabulary="toy",
)


def write_wfdb(header: Path, samples: np.ndarray) -> Path:
    """A record of shape (12, n) at 500 Hz, said to have 1000 steps per millivolt."""
    lines = [f"{header.stem} 12 500 {samples.shape[1]}"]
    for name, lead in zip(LEADS, samples, strict=True):
        checksum = int(lead.sum(dtype=np.int16))
        lines.append(f"{header.stem}.dat 16 1000(0)/mV 16 0 {lead[0]} {checksum} 0 {name}")
    header.write_text("\n".join(lines) + "\n")
    header.with_suffix(".dat").write_bytes(np.ascontiguousarray(samples.T, "<i2").tobytes())
    return header


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


GAINS = (0.2, 0.5, 2.0, 4.88, 5.0)


def with_gain(header: Path, factor: float) -> Path:
    """The same record as a recorder with another gain would have written it, its header none the wiser."""
    samples = np.fromfile(header.with_suffix(".dat"), "<i2").reshape(-1, 12) * factor
    assert np.abs(samples).max() < 32_768
    changed = np.rint(samples).astype("<i2")
    return write_wfdb(header.with_name(f"gain_{round(1000 * factor)}.hea"), changed.T)


def test_with_z_scores_a_gain_changes_no_prediction(model_folder: Path, tmp_path: Path) -> None:
    """BUTTeam divided by a fixed amplitude, which may be why it scored .235 on records with another gain."""
    module, card = load_model(model_folder)
    normalised = replace(card, preprocessing=Preprocessing(normalise="zscore"), units="z")
    save_model(tmp_path / "normalised", module, normalised)
    noise = np.random.default_rng(0).normal(0, 145, (12, 5000))  # large beside its rounding, also at a fifth
    one, two = noise[:2]
    noise[2:6] = two - one, -(one + two) / 2, one - two / 2, two - one / 2
    record = write_wfdb(tmp_path / "noise.hea", np.rint(noise).astype("<i2"))
    files = [record, *(with_gain(record, factor) for factor in GAINS)]
    answers = [answer["classes"] for answer in predict_files(files, tmp_path / "normalised")]
    found = np.array([[entry["probability"] for entry in classes.values()] for classes in answers])
    np.testing.assert_allclose(found[1:], found[[0]].repeat(len(GAINS), axis=0), atol=0.005)
    in_millivolts = [answer["classes"] for answer in predict_files(files, model_folder)]
    assert (
        abs(
            in_millivolts[1]["sinus_rhythm"]["probability"] - in_millivolts[-1]["sinus_rhythm"]["probability"]
        )
        > 0.05
    )


@pytest.mark.parametrize("factor", [0.001, 18.0])
def test_a_record_in_wrong_units_is_refused(model_folder: Path, wfdb_record: Path, factor: float) -> None:
    """Volts where the header says millivolts, and a gain eighteen times too large."""
    (answer,) = predict_files([with_gain(wfdb_record, factor)], model_folder)
    assert set(answer) == {"file", "error"}


def test_padding_is_not_part_of_a_short_recording(wfdb_record: Path, tmp_path: Path) -> None:
    """A network that looks at lengths answers alike, however much a recording of five seconds is padded."""
    torch.manual_seed(0)
    module = build("global_skip", 3, 2500, {"width": 2})
    samples = np.fromfile(wfdb_record.with_suffix(".dat"), "<i2").reshape(-1, 12)[:2500]
    short = write_wfdb(tmp_path / "short.hea", samples.T)
    found = []
    for padded in (1250, 2500, 4000):
        card = replace(CARD, preprocessing=Preprocessing(samples=padded))
        save_model(tmp_path / f"to{padded}", module, card)
        (answer,) = predict_files([short], tmp_path / f"to{padded}")
        found.append([entry["probability"] for entry in answer["classes"].values()])
    np.testing.assert_allclose(found[1:], [found[0]] * 2, atol=1e-5)


def test_a_long_recording_is_judged_window_by_window(wfdb_record: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = build("hughes34", 3, 1000, {"width": 2, "kernel": 5})
    settings = Preprocessing(samples=2500)
    card = replace(CARD, architecture="hughes34", settings={"width": 2, "kernel": 5}, preprocessing=settings)
    save_model(tmp_path / "model", module, replace(card, window=WindowSettings(1000, "max")))
    (answer,) = predict_files([wfdb_record], tmp_path / "model")
    record = read_file(wfdb_record)
    signal = preprocess(record.signal, record.rate, settings)
    windows = np.stack([signal[:, start : start + 1000] for start in (0, 500, 1000, 1500)])
    expected = predict_probabilities(module, windows, 0.001).max(axis=0)
    found = [entry["probability"] for entry in answer["classes"].values()]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_recordings_of_another_length_are_answered_with_a_warning(
    model_folder: Path, wfdb_record: Path, tmp_path: Path
) -> None:
    samples = read_file(wfdb_record).signal
    short = write_wfdb(tmp_path / "short.hea", samples[:, :500])
    long = write_wfdb(tmp_path / "long.hea", np.tile(samples, 60))
    answers = predict_files([short, wfdb_record, long], model_folder)
    assert answers[0]["warning"] == "1 s of signal, the model expects 10 s: the rest is padded with zeros"
    assert "warning" not in answers[1]
    assert answers[2]["warning"].endswith("judged by the mean of 119 windows over all of it")
    module, card = load_model(model_folder)
    whole = preprocess(np.tile(samples, 60), 500, replace(card.preprocessing, samples=150_000))
    starts = np.rint(np.linspace(0, 147_500, 119)).astype(int)
    windows = np.stack([whole[:, start : start + 2500] for start in starts])
    expected = predict_probabilities(module, windows, 0.001).mean(axis=0)
    found = [entry["probability"] for entry in answers[2]["classes"].values()]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_an_ensemble_judges_a_long_recording_as_its_members_do(
    model_folder: Path, wfdb_record: Path, tmp_path: Path
) -> None:
    for number in (0, 1):
        shutil.copytree(model_folder, member_folder(tmp_path / "folds", number))
    classes = load_model(model_folder)[1].classes
    save_ensemble(tmp_path / "folds", (0, 1), classes, EnsembleSettings())
    long = write_wfdb(tmp_path / "long.hea", np.tile(read_file(wfdb_record).signal, 3))
    (together,), (alone,) = predict_files([long], tmp_path / "folds"), predict_files([long], model_folder)
    assert together["warning"] == alone["warning"]
    assert [entry["probability"] for entry in together["classes"].values()] == pytest.approx(
        [entry["probability"] for entry in alone["classes"].values()]
    )


@pytest.mark.parametrize(("age", "sex"), [(540.0, None), (None, "boy")])
def test_a_person_that_cannot_be_is_refused(
    model_folder: Path, wfdb_record: Path, age: float | None, sex: str | None
) -> None:
    with pytest.raises(ParamsError, match="takes"):
        predict_files([wfdb_record], model_folder, age, sex)


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
    answers = predict_files([wfdb_record, wfdb_record.with_name("no.hea")], model_folder)
    text = printed_answers(answers, "text")
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
    command = [sys.executable, "-m", "rarebeat.cli.main", "predict", "--json", "--model", str(model_folder)]
    good = subprocess.run([*command, str(wfdb_record)], capture_output=True, text=True)
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)[0]["classes"]["sinus_rhythm"]["threshold"] == 0.5
    bad = subprocess.run([*command, str(wfdb_record), "missing.hea"], capture_output=True, text=True)
    assert bad.returncode == 1
    assert "classes" in json.loads(bad.stdout)[0]
    assert "missing.hea" in bad.stderr
    assert "Traceback" not in bad.stderr


def test_a_folder_without_ecgs_is_one_clear_message(model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(RarebeatError, match="there is no ECG in the folder"):
        predict_files([tmp_path], model_folder)


@pytest.fixture
def archive(wfdb_record: Path) -> Path:
    """A folder with records in sub-folders, long and short ones among them, one cut off and one XML of another kind."""
    samples = read_file(wfdb_record).signal
    folder = wfdb_record.parent / "archive"
    (folder / "b").mkdir(parents=True)
    for number in range(6):
        write_wfdb(folder / "b" / f"r{number}.hea", np.roll(samples, 100 * number, axis=1))
    write_wfdb(folder / "a.hea", samples[:, :3000])
    write_wfdb(folder / "long.hea", np.tile(samples, 3))
    cut = write_wfdb(folder / "b" / "cut.hea", samples).with_suffix(".dat")
    cut.write_bytes(cut.read_bytes()[:-24])
    (folder / "other.xml").write_text("<AnnotatedECG/>")
    (folder / "b" / "notes.csv").write_text("a,b\n")
    return folder


def assert_same(found: list[Answer], expected: list[Answer]) -> None:
    """Answers are equal, but for the last digit of a probability in float32."""
    for one, other in zip(found, expected, strict=True):
        assert {key: one[key] for key in one if key != "classes"} == {
            key: other[key] for key in other if key != "classes"
        }
        for name, entry in one.get("classes", {}).items():
            probability = other["classes"][name]["probability"]
            assert entry == other["classes"][name] | {"probability": pytest.approx(probability, abs=2**-20)}


def test_a_folder_is_answered_as_its_files_are_one_by_one(archive: Path, model_folder: Path) -> None:
    together = predict_files([archive], model_folder)
    names = [str(Path(answer["file"]).relative_to(archive)) for answer in together]
    assert names == ["a.hea", "long.hea", "other.xml", "b/cut.hea", *(f"b/r{n}.hea" for n in range(6))]
    for answer in together:
        assert_same(predict_files([Path(answer["file"])], model_folder), [answer])
    errors = {
        name: answer["error"] for name, answer in zip(names, together, strict=True) if "error" in answer
    }
    assert list(errors) == ["other.xml", "b/cut.hea"]
    assert errors["b/cut.hea"].startswith("truncated")


def test_processes_give_the_answers_of_one_process(
    archive: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rarebeat.inference.predict.CHUNK", 3)
    model = open_model(model_folder)
    settings = [PredictSettings(workers=workers) for workers in (1, 2)]
    one, two = (list(iterate_answers([archive], model_folder, model, entry)) for entry in settings)
    assert_same(one, two)
    assert len(one) == 10


def test_signals_that_would_not_fit_into_memory_together_are_answered_in_turn(
    archive: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = predict_files([archive], model_folder)
    monkeypatch.setattr("rarebeat.inference.predict.MOST_SAMPLES", 1000)
    assert_same(predict_files([archive], model_folder), together)


def test_a_link_out_of_the_folder_is_not_followed(
    wfdb_record: Path, model_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.hea").symlink_to(wfdb_record)
    (answer,) = predict_files([folder], model_folder)
    assert answer["error"].startswith("outside_folder")


PTB_XL = {
    "ecg_id": 1,
    "patient_id": 7,
    "age": 300.0,
    "sex": 1,
    "report": "",
    "scp_codes": "{}",
    "strat_fold": 3,
}


def test_an_archive_of_a_kind_tells_what_its_table_knows(wfdb_record: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    card = replace(CARD, architecture="se_resnet", settings={"width": 2})
    save_model(tmp_path / "person", build("se_resnet", 3, 2500, {"width": 2}), card)
    record = write_wfdb(tmp_path / "00001_hr.hea", read_file(wfdb_record).signal)
    row = PTB_XL | {"filename_hr": "00001_hr", "filename_lr": "00001_lr"}
    lines = [",".join(map(str, values)) for values in (row, row.values())]
    (tmp_path / "ptbxl_database.csv").write_text("\n".join(lines) + "\n")
    model = open_model(tmp_path / "person")
    settings = PredictSettings(kind="ptb-xl")
    answer, unlisted = iterate_answers([tmp_path], tmp_path / "person", model, settings)
    assert_same([answer], predict_files([record], tmp_path / "person", age=90, sex="F"))
    (untold,) = predict_files([record], tmp_path / "person")
    assert_same([unlisted], predict_files([wfdb_record], tmp_path / "person"))
    assert untold["warning"].endswith("is not told the age and the sex")
    assert untold["classes"] != answer["classes"]
    record.unlink()
    missing, _ = iterate_answers([tmp_path], tmp_path / "person", model, settings)
    assert missing["error"] == f"there is no file {record}"


def test_options_need_a_kind(wfdb_record: Path, model_folder: Path) -> None:
    settings = PredictSettings(options={"rate": 100})
    with pytest.raises(ParamsError, match="name the kind"):
        list(iterate_answers([wfdb_record], model_folder, open_model(model_folder), settings))
    with pytest.raises(ParamsError, match="workers must be at least 1"):
        PredictSettings(workers=0)


def broken_model(folder: Path, value: float) -> Path:
    module = build(CARD.architecture, len(CLASSES), 2500, dict(CARD.settings))
    signs = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(value * torch.randn(parameter.shape, generator=signs).sign())
    save_model(folder, module, CARD)
    return folder


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(wfdb_record: Path, tmp_path: Path, value: float) -> None:
    with pytest.raises(RarebeatError, match="holds values that are no numbers"):
        predict_files([wfdb_record], broken_model(tmp_path / "model", value))


def test_a_network_that_gives_no_number_is_an_error_and_the_answer_stays_json(
    wfdb_record: Path, tmp_path: Path
) -> None:
    (answer,) = predict_files([wfdb_record], broken_model(tmp_path / "model", 3e38))
    assert answer == {"file": str(wfdb_record), "error": "the network gave no number for it"}
    json.dumps(answer, allow_nan=False)
