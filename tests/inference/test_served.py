"""The served model answers each ECG, or says why not."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch
from tests.inference.test_predict import broken_model

from rarebeat.core.signals import Preprocessing, preprocess
from rarebeat.inference.model_folder import ModelCard, load_model, save_model
from rarebeat.inference.predict import predict_files
from rarebeat.inference.probabilities import predict_probabilities
from rarebeat.inference.served import ServedModel
from rarebeat.models.registry import build
from rarebeat.readers.read_file import read_file

Ecg = npt.NDArray[np.float32]
CLASSES = ["sinus_rhythm", "atrial_fibrillation", "av_block_1st_degree"]


def serve(folder: Path) -> ServedModel:
    model = ServedModel()
    model.load_context(SimpleNamespace(artifacts={"folder": str(folder)}))  # type: ignore[arg-type]
    return model


@pytest.fixture
def ecg(wfdb_record: Path) -> Ecg:
    """Ten seconds at 500 Hz in millivolts."""
    return read_file(wfdb_record).signal.astype(np.float32) / 1000


def ask(folder: Path, ecgs: object, **params: object) -> pd.DataFrame:
    table = serve(folder).predict(None, ecgs, params)  # type: ignore[arg-type]
    assert isinstance(table, pd.DataFrame)
    return table


def test_a_good_ecg_gets_what_its_file_gets_to_the_last_digit(
    model_folder: Path, wfdb_record: Path, ecg: Ecg
) -> None:
    table = ask(model_folder, {"ecg": ecg[None]}, rate=500.0, age=-1.0, sex="")
    (answer,) = predict_files([wfdb_record], model_folder)
    assert table[CLASSES].iloc[0].tolist() == [answer["classes"][name]["probability"] for name in CLASSES]
    module, card = load_model(model_folder)
    signal = preprocess(read_file(wfdb_record).signal, 500, card.preprocessing)
    assert np.array_equal(
        table[CLASSES].to_numpy(np.float32), predict_probabilities(module, signal[None], 0.001)
    )
    assert table[["error", "warning"]].iloc[0].tolist() == ["", ""]


def test_a_batch_answers_the_good_and_says_why_it_refuses_the_others(model_folder: Path, ecg: Ecg) -> None:
    chest_leads_off = ecg.copy()
    chest_leads_off[6:] = 0
    batch = np.stack([ecg * 0, ecg, ecg * np.nan, ecg / 1000, chest_leads_off, ecg * np.float32(0.8)])
    table = ask(model_folder, batch)
    assert list(table.columns) == [*CLASSES, "error", "warning"]
    assert [error.partition(":")[0] for error in table["error"]] == [
        *("flat_lead", "", "not_a_number", "implausible_amplitude", "flat_lead", ""),
    ]
    assert table[CLASSES].isna().all(axis=1).tolist() == [True, False, True, True, True, False]
    assert table[CLASSES].dtypes.tolist() == [np.dtype(np.float64)] * 3
    alone = ask(model_folder, ecg[None])
    np.testing.assert_allclose(table[CLASSES].iloc[1], alone[CLASSES].iloc[0], atol=1e-6)


def test_normalised_amplitudes_are_served_as_their_files_are_answered(
    model_folder: Path, wfdb_record: Path
) -> None:
    wfdb_record.write_text(wfdb_record.read_text().replace("1000(0)/mV", "500(0)/NU"))
    record = read_file(wfdb_record)
    table = ask(model_folder, record.signal[None].astype(np.float32) / 1000, calibrated=False)
    (answer,) = predict_files([wfdb_record], model_folder)
    assert table[CLASSES].iloc[0].tolist() == [answer["classes"][name]["probability"] for name in CLASSES]
    assert table["warning"].tolist() == [answer["warning"]]


def test_a_batch_of_nothing_but_silence_has_no_probabilities(model_folder: Path) -> None:
    table = ask(model_folder, np.zeros((2, 12, 5000), np.float32))
    assert table[CLASSES].isna().all(axis=None)
    assert table["error"].str.startswith("flat_lead").all()
    assert len(ask(model_folder, np.zeros((0, 12, 5000), np.float32))) == 0


def test_a_long_and_a_short_recording_are_answered_with_a_warning(model_folder: Path, ecg: Ecg) -> None:
    table = ask(model_folder, [ecg[:, :500], ecg, np.tile(ecg, 60)])
    assert table["error"].tolist() == [""] * 3
    assert table[CLASSES].notna().all(axis=None)
    assert table["warning"].iloc[0].startswith("1 s of signal, the model expects 10 s")
    assert table["warning"].iloc[1] == ""
    assert table["warning"].iloc[2].startswith("600 s of signal, the model expects 10 s: judged by the mean")


def test_a_long_recording_is_judged_by_all_of_it(model_folder: Path, ecg: Ecg) -> None:
    """What lies outside the middle ten seconds counts."""
    calm, loud = np.tile(ecg, 3), np.tile(ecg, 3)
    loud[:, :4000] *= 3
    found = [ask(model_folder, one[None])[CLASSES].to_numpy()[0] for one in (calm, loud)]
    assert np.abs(found[0] - found[1]).max() > 1e-3
    module, _ = load_model(model_folder)
    whole = preprocess(np.rint(loud * 1000).astype(np.int16), 500, Preprocessing(samples=7500))
    windows = np.stack([whole[:, start : start + 2500] for start in (0, 1250, 2500, 3750, 5000)])
    expected = predict_probabilities(module, windows, 0.001).mean(axis=0)
    np.testing.assert_allclose(found[1], expected, atol=1e-6)


@pytest.fixture(scope="module")
def personal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that uses age and sex; its weights are random."""
    torch.manual_seed(0)
    card = ModelCard(
        architecture="se_resnet",
        settings={"width": 4},
        classes=("one",),
        thresholds={"one": 0.5},
        preprocessing=Preprocessing(),
        units="mV",
        heads="one",
        cohorts=("toy",),
        vocabulary="toy",
    )
    folder = tmp_path_factory.mktemp("models") / "person"
    save_model(folder, build("se_resnet", 1, 2500, {"width": 4}), card)
    return folder


def test_m_is_male_and_the_age_counts(personal: Path, ecg: Ecg) -> None:
    def one(**params: object) -> float:
        return float(ask(personal, ecg[None], **params)["one"].iloc[0])

    assert one(sex="M") == one(sex="male") != one(sex="")
    assert one(sex="F") == one(sex="Female") != one(sex="M")
    assert one(age=95.0) == one(age=90.0) != one(age=-1.0)
    assert one(age=-1.0, sex="") == one()


@pytest.mark.parametrize(
    ("params", "warning"),
    [
        ({"age": 63.0, "sex": "F"}, ""),
        ({"sex": "F"}, "the model uses age and sex, and is not told the age"),
        ({"age": 63.0}, "the model uses age and sex, and is not told the sex"),
        ({}, "the model uses age and sex, and is not told the age and the sex"),
    ],
)
def test_a_network_that_uses_age_and_sex_says_what_it_is_not_told(
    personal: Path, model_folder: Path, ecg: Ecg, params: dict[str, object], warning: str
) -> None:
    assert ask(personal, ecg[None], **params)["warning"].tolist() == [warning]
    assert ask(model_folder, ecg[None], **params)["warning"].tolist() == [""]


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"age": 540.0}, "age takes 0 to 120 years, or -1 where it is unknown, found 540"),
        ({"sex": "boy"}, "sex takes female or male, found 'boy'"),
        ({"rate": 0.0}, "implausible_header: 0 Hz; expected 50 to 50000"),
    ],
)
def test_a_person_or_a_rate_that_cannot_be_is_refused(
    personal: Path, ecg: Ecg, params: dict[str, object], reason: str
) -> None:
    table = ask(personal, np.stack([ecg, ecg]), **params)
    assert table["error"].tolist() == [reason] * 2
    assert table["one"].isna().all()


def test_rate_age_and_sex_are_told_of_each_ecg(wfdb_record: Path, ecg: Ecg, tmp_path: Path) -> None:
    torch.manual_seed(1)
    card = ModelCard(
        architecture="se_resnet",
        settings={"width": 4},
        classes=("one",),
        thresholds={"one": 0.5},
        preprocessing=Preprocessing(),
        units="mV",
        heads="one",
        cohorts=("toy",),
        vocabulary="toy",
    )
    save_model(tmp_path / "model", build("se_resnet", 1, 2500, {"width": 4}), card)
    batch = np.stack([ecg, ecg, ecg])
    table = ask(
        tmp_path / "model", batch, rates=[500, 500, 1000], ages=[20, 80, -1], sexes=["female", "male", ""]
    )
    alone = [
        ask(tmp_path / "model", ecg[None], rate=500, age=20, sex="female"),
        ask(tmp_path / "model", ecg[None], rate=500, age=80, sex="male"),
        ask(tmp_path / "model", ecg[None], rate=1000),
    ]
    expected = [one["one"][0] for one in alone]
    assert table["one"].tolist() == pytest.approx(expected, abs=1e-6)
    assert len(set(expected)) == 3
    assert table["warning"].tolist() == [one["warning"][0] for one in alone]
    wrong = ask(tmp_path / "model", batch, ages=[20, 200, 30])
    assert [error[:16] for error in wrong["error"]] == ["", "age takes 0 to 1", ""]
    few = ask(tmp_path / "model", batch, ages=[20])
    assert few["error"].tolist() == ["age: 1 values for 3 ECGs"] * 3


def test_calls_and_thresholds_are_answered_where_they_are_asked_for(model_folder: Path, ecg: Ecg) -> None:
    table = ask(model_folder, np.stack([ecg, ecg * 0]), calls=True)
    thresholds = load_model(model_folder)[1].thresholds
    for name in CLASSES:
        assert table[f"threshold.{name}"].tolist() == [thresholds[name]] * 2
        assert table[f"decision.{name}"][0] == (table[name][0] >= thresholds[name])
        assert np.isnan(table[f"decision.{name}"][1])


def test_an_ecg_that_the_network_gives_no_number_for_is_an_error(tmp_path: Path, ecg: Ecg) -> None:
    table = ask(broken_model(tmp_path / "model", 3e38), ecg[None], calls=True)
    assert table["error"].tolist() == ["the network gave no number for it"]
    decisions = table.filter(like="decision.")
    assert decisions.size
    assert decisions.isna().all(axis=None)
