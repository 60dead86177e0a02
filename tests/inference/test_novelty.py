"""What is unlike the training data is answered with a warning and a number; ordinary ECGs are not."""

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from tests.hostile_signals import HOSTILE, half_flat
from torch import nn

from rarebeat.core.errors import RarebeatError
from rarebeat.core.record_files import iterate_rows
from rarebeat.core.records import LEADS, Signal
from rarebeat.core.signals import Preprocessing, preprocess
from rarebeat.inference.ensemble import load_detectors, save_ensemble
from rarebeat.inference.model_folder import (
    ModelCard,
    card_digest,
    load_detector,
    load_model,
    save_model,
    sign_model,
)
from rarebeat.inference.novelty import (
    Detector,
    Evidence,
    fit_detector,
    from_arrays,
    novelty_sentences,
    novelty_warnings,
    to_arrays,
)
from rarebeat.inference.predict import predict_files
from rarebeat.inference.probabilities import predict_probabilities, predict_with_features
from rarebeat.inference.served import ServedModel
from rarebeat.inference.signal_summary import summarise
from rarebeat.inference.voting import EnsembleSettings
from rarebeat.models.registry import NETWORKS, build
from rarebeat.readers.ingest import ingest_cohort

SETTINGS = Preprocessing()
CARD = ModelCard(
    architecture="hughes34",
    settings={"width": 4, "kernel": 8},
    classes=("one", "two"),
    thresholds={"one": 0.5, "two": 0.5},
    preprocessing=SETTINGS,
    units="mV",
    heads="two",
    cohorts=("sim",),
    vocabulary="toy",
)
Ecgs = list[Signal]


def evidence(network: nn.Module, signals: Ecgs) -> Evidence:
    """What a detector looks at, of recordings at 500 Hz."""
    seen = np.stack([preprocess(signal, 500, SETTINGS) for signal in signals])
    _, features = predict_with_features(network, seen, 0.001)
    return Evidence(features, summarise(seen, np.full(len(seen), SETTINGS.samples), SETTINGS.rate))


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Ecgs:
    """Simulated ECGs of ten seconds at 500 Hz, in microvolts."""
    folder = tmp_path_factory.mktemp("records") / "sim"
    ingest_cohort("simulated", Path(), folder, options={"records": 260, "seed": 3}, workers=1)
    return [row["signal"] for row in iterate_rows(folder, ["signal"])]


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """A network with random weights."""
    torch.manual_seed(0)
    return build(CARD.architecture, 2, SETTINGS.samples, CARD.settings).eval()


@pytest.fixture(scope="module")
def detector(network: nn.Module, clinic: Ecgs) -> Detector:
    """Fitted on 120 ECGs, with limits from 60 others."""
    return fit_detector(evidence(network, clinic[:120]), evidence(network, clinic[120:180]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, network: nn.Module, detector: Detector) -> Path:
    """A model folder with a detector."""
    path = tmp_path_factory.mktemp("models") / "model"
    save_model(path, network, CARD, detector)
    return path


def serve(folder: Path, ecgs: object, rate: float = 500.0) -> list[tuple[str, str]]:
    """Error and warning of each ECG in microvolts, from the served model."""
    model = ServedModel()
    model.load_context(SimpleNamespace(artifacts={"folder": str(folder)}))  # type: ignore[arg-type]
    millivolts = [np.asarray(ecg, dtype=np.float32) / 1000 for ecg in ecgs]  # type: ignore[attr-defined]
    table = model.predict(None, millivolts, {"rate": rate})  # type: ignore[arg-type]
    return list(zip(table["error"], table["warning"], strict=True))


def test_ordinary_ecgs_pass(detector: Detector, network: nn.Module, clinic: Ecgs) -> None:
    warnings = novelty_sentences(detector, evidence(network, clinic[180:]), SETTINGS)
    assert sum(map(bool, warnings)) <= 4  # of 80; 1 in 100 is expected from each of two distances


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_ecg_is_answered_with_a_warning_and_a_number(folder: Path, kind: str) -> None:
    found = serve(folder, [HOSTILE[kind](np.random.default_rng(seed)) for seed in range(5)])
    assert [error for error, _ in found] == [""] * 5
    for _, warning in found:
        assert warning.startswith("unlike the training data: ")
        assert any(digit in warning for digit in "0123456789")


def test_a_record_that_is_half_flat_is_told_to_be(folder: Path, clinic: Ecgs) -> None:
    found = serve(folder, [half_flat(signal) for signal in clinic[180:190]])
    assert all("the longest flat stretch is 0." in warning for _, warning in found), found


def test_an_ecg_that_was_stored_five_times_too_large_is_told_to_be(folder: Path, clinic: Ecgs) -> None:
    found = serve(folder, [5 * signal.astype(np.int32) for signal in clinic[180:200]])
    told = [error.startswith("implausible") or "the median lead spans" in warning for error, warning in found]
    assert sum(told) >= 18, found


def test_a_second_of_an_ecg_and_ten_minutes_are_told_to_be(folder: Path, clinic: Ecgs) -> None:
    (short, long) = serve(folder, [clinic[0][:, :500], np.tile(clinic[0], 60)])
    assert short[1].startswith("1 s of signal, the model expects 10 s")
    assert long[1].startswith("600 s of signal, the model expects 10 s: judged by the mean of 119 windows")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda ecg: 0 * ecg, "flat_lead"),
        (lambda ecg: np.nan * ecg, "not_a_number"),
        (lambda ecg: ecg / 1000, "implausible_amplitude"),
        (lambda ecg: ecg * (np.arange(12) < 6)[:, None], "flat_lead"),
        (lambda ecg: np.random.default_rng(0).normal(0, 300, ecg.shape), "inconsistent_leads"),
    ],
)
def test_what_cannot_be_an_ecg_is_refused_without_a_number(
    folder: Path,
    clinic: Ecgs,
    change: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]],
    reason: str,
) -> None:
    ((error, warning),) = serve(folder, [change(clinic[0].astype(np.float64))])
    assert error.startswith(reason)
    assert warning == ""


def write_wfdb(folder: Path, signal: Signal) -> Path:
    """A record of 500 Hz as a file."""
    lines = [f"r 12 500 {signal.shape[1]}"]
    for name, lead in zip(LEADS, signal, strict=True):
        lines.append(f"r.dat 16 1000(0)/mV 16 0 {lead[0]} {int(lead.sum(dtype=np.int16))} 0 {name}")
    folder.mkdir(parents=True)
    (folder / "r.dat").write_bytes(signal.T.astype("<i2").tobytes())
    (folder / "r.hea").write_text("\n".join(lines) + "\n")
    return folder / "r.hea"


def test_files_arrays_and_ensembles_are_told_the_same(
    folder: Path, network: nn.Module, detector: Detector, clinic: Ecgs, tmp_path: Path
) -> None:
    noise = HOSTILE["white noise"](np.random.default_rng(0))
    files = [write_wfdb(tmp_path / name, signal) for name, signal in (("n", noise), ("e", clinic[200]))]
    served = [warning for _, warning in serve(folder, [noise, clinic[200]])]
    assert served[0]
    assert [answer.get("warning", "") for answer in predict_files(files, folder)] == served
    for number in range(3):
        save_model(tmp_path / "ensemble" / "members" / str(number), network, CARD, detector)
    save_ensemble(tmp_path / "ensemble", range(3), CARD.classes, EnsembleSettings())
    assert load_detectors(tmp_path / "ensemble")[2] is not None
    assert [answer.get("warning", "") for answer in predict_files(files, tmp_path / "ensemble")] == served


def test_an_ensemble_warns_where_most_of_its_members_do(
    detector: Detector, network: nn.Module, clinic: Ecgs
) -> None:
    anxious = replace(detector, feature_limit=np.zeros(1))
    seen = preprocess(clinic[200], 500, SETTINGS)[None]
    _, features = predict_with_features(network, seen, 0.001)

    def warned(*detectors: Detector | None) -> bool:
        lengths = np.array([SETTINGS.samples])
        (warning,) = novelty_warnings(detectors, [features] * len(detectors), seen, lengths, SETTINGS)
        return warning != ""

    assert not warned(detector)
    assert warned(anxious, anxious, detector)
    assert not warned(anxious, detector)
    assert warned(anxious, None)
    assert not warned(None, None)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_gives_features_and_the_same_probabilities_with_them(name: str, clinic: Ecgs) -> None:
    torch.manual_seed(0)
    module = build(name, 2, SETTINGS.samples, {"width": 2})
    seen = np.stack([preprocess(signal, 500, SETTINGS) for signal in clinic[:3]])
    probabilities, features = predict_with_features(module, seen, 0.001)
    assert np.array_equal(probabilities, predict_probabilities(module, seen, 0.001))
    assert features.ndim == 2
    assert len(features) == 3
    assert np.isfinite(features).all()


def test_a_detector_comes_back_as_it_was_saved(folder: Path, detector: Detector) -> None:
    found = load_detector(folder)
    assert found is not None
    for entry in fields(Detector):
        kept = getattr(detector, entry.name).astype(np.float32)
        assert np.array_equal(getattr(found, entry.name), kept), entry.name
    assert (folder / "novelty.safetensors").stat().st_size < 100_000


def test_a_model_without_a_detector_says_nothing(tmp_path: Path, network: nn.Module) -> None:
    save_model(tmp_path / "model", network, CARD)
    assert load_detector(tmp_path / "model") is None
    noise = HOSTILE["white noise"](np.random.default_rng(0))
    assert serve(tmp_path / "model", [noise]) == [("", "")]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda path: flip(path), "novelty.safetensors is damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "novelty.safetensors is damaged"),
        (lambda path: path.unlink(), "it lacks novelty.safetensors"),
    ],
)
def test_a_damaged_detector_is_refused(
    tmp_path: Path, network: nn.Module, detector: Detector, damage: Callable[[Path], None], complaint: str
) -> None:
    save_model(tmp_path, network, CARD, detector)
    damage(tmp_path / "novelty.safetensors")
    for ask in (load_model, load_detector, sign_model):
        with pytest.raises(RarebeatError, match=complaint):
            ask(tmp_path)  # type: ignore[operator]


def test_the_card_is_signed_with_the_detector(tmp_path: Path, network: nn.Module, detector: Detector) -> None:
    digests = set()
    for name, saved in (
        ("with", detector),
        ("without", None),
        ("other", replace(detector, band_limit=np.ones(1))),
    ):
        save_model(tmp_path / name, network, CARD, saved)
        digests.add(card_digest(tmp_path / name))
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("feature_limit", np.array([np.nan])),
        ("components", np.zeros((2, 5))),
        ("ranges", np.zeros((2, 3))),
        ("spectra", np.zeros((0, 13))),
    ],
)
def test_arrays_that_no_detector_can_have_are_refused(
    detector: Detector, name: str, value: npt.NDArray[np.float64]
) -> None:
    with pytest.raises(ValueError, match=name):
        from_arrays(to_arrays(detector) | {name: value})
    arrays = to_arrays(detector)
    del arrays[name]
    with pytest.raises(ValueError, match="expected centre"):
        from_arrays(arrays)


def test_features_that_are_no_numbers_are_the_fault_of_the_training(network: nn.Module, clinic: Ecgs) -> None:
    seen = evidence(network, clinic[:3])
    broken = replace(seen, features=np.full_like(seen.features, np.nan))
    for pair in ((broken, seen), (seen, broken)):
        with pytest.raises(RarebeatError, match="the training failed"):
            fit_detector(*pair)


def test_few_records_are_enough_to_fit(network: nn.Module, clinic: Ecgs) -> None:
    seen = evidence(network, clinic[:3])
    small = fit_detector(seen, evidence(network, clinic[3:4]))
    assert not any(novelty_sentences(small, evidence(network, clinic[3:4]), SETTINGS))
