"""An exported model answers as the model folder does, without torch."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from tests.inference.handover.networks import CERTAINTY, CLASSES, write_model

from rarebeat.core.context import FEMALE, MALE, UNKNOWN_SEX
from rarebeat.core.errors import RarebeatError
from rarebeat.core.records import LEADS
from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.windows import WHOLE
from rarebeat.inference.gate import ModelInput
from rarebeat.inference.handover import onnx_export, onnx_model
from rarebeat.inference.handover.onnx_export import TOLERANCE, export_onnx
from rarebeat.inference.handover.onnx_model import OnnxModel, answer_records, ask, open_onnx
from rarebeat.inference.model_folder import card_digest
from rarebeat.inference.predict import predict_files
from rarebeat.readers.fields import Person
from rarebeat.readers.read_file import read_file

SOURCE = Path(__file__).resolve().parents[3] / "src"

WITHOUT_TORCH = """
import json, sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split(".")[0] in ("torch", "pandas", "mlflow") else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
from pathlib import Path
from rarebeat.inference.handover.onnx_model import answer_records, open_onnx
from rarebeat.readers.read_file import read_file

answers = answer_records(open_onnx(Path(sys.argv[1]), threads=1), [read_file(Path(sys.argv[2]))])
assert "torch" not in sys.modules
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "person", "se_resnet")


@pytest.fixture(scope="module")
def exported(folder: Path) -> Path:
    path = folder.parent / "person.onnx"
    assert export_onnx(folder, path) < TOLERANCE
    return path


def probabilities(answer: dict[str, dict[str, dict[str, float]]]) -> list[float]:
    return [answer["classes"][name]["probability"] for name in CLASSES]


def test_a_file_gets_the_same_answer_without_torch(folder: Path, exported: Path, wfdb_record: Path) -> None:
    wfdb_record.write_text(wfdb_record.read_text() + "#Age: 63\n#Sex: Male\n")
    (expected,) = predict_files([wfdb_record], folder)
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-c", WITHOUT_TORCH, str(exported), str(wfdb_record)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    (answer,) = json.loads(done.stdout)
    assert np.allclose(probabilities(answer), probabilities(expected), atol=TOLERANCE)
    for name in CLASSES:
        assert answer["classes"][name]["decision"] == expected["classes"][name]["decision"]
        assert answer["classes"][name]["certain"] == expected["classes"][name]["certain"]
        told, known = (one["classes"][name]["calibrated"] for one in (answer, expected))
        assert told == pytest.approx(known, abs=TOLERANCE)


@pytest.mark.parametrize("seconds", [4, 10, 31])
def test_short_and_long_recordings_are_padded_and_windowed_alike(
    folder: Path, exported: Path, wfdb_record: Path, seconds: int
) -> None:
    text, samples = wfdb_record.read_text(), 500 * seconds
    whole = np.fromfile(wfdb_record.with_suffix(".dat"), "<i2").reshape(-1, 12)
    signal = np.resize(whole, (samples, 12))
    checksums = signal.sum(axis=0, dtype=np.int16)
    lines = text.replace("500 5000", f"500 {samples}").splitlines()
    for row in range(12):
        cells = lines[row + 1].split()
        lines[row + 1] = " ".join([*cells[:6], str(checksums[row]), *cells[7:]])
    wfdb_record.write_text("\n".join(lines) + "\n")
    wfdb_record.with_suffix(".dat").write_bytes(signal.astype("<i2").tobytes())
    (expected,) = predict_files([wfdb_record], folder)
    (answer,) = answer_records(open_onnx(exported), [read_file(wfdb_record)])
    assert np.allclose(probabilities(answer), probabilities(expected), atol=TOLERANCE)
    assert answer["warning"] == expected["warning"]  # age and sex are not known; where it is so, the length


def test_a_batch_is_of_any_size_and_age_and_sex_are_used(exported: Path) -> None:
    model = open_onnx(exported)
    signals = np.random.default_rng(0).normal(0, 300, (5, 12, 2500)).astype(np.int16)
    people = [
        Person(20.0, "female"),
        Person(80.0, "male"),
        Person(None, None),
        Person(50.0, None),
        Person(None, "male"),
    ]
    inputs = [ModelInput(signal, 2500, "") for signal in signals]
    together, features = ask(model, inputs, people)
    alone = np.concatenate(
        [ask(model, [one], [person])[0] for one, person in zip(inputs, people, strict=True)]
    )
    assert np.allclose(together, alone, atol=1e-6)
    assert features.shape == (5, 32)
    others = ask(model, inputs, people[::-1])[0]
    assert np.abs(others[:2] - together[:2]).max() > 1e-4
    assert onnx_model._SEXES == {"female": FEMALE, "male": MALE}
    assert UNKNOWN_SEX == 0


def test_the_file_says_what_its_numbers_mean_and_nothing_of_this_machine(
    folder: Path, exported: Path
) -> None:
    model = onnx.load(exported)
    facts = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert facts["rarebeat.classes"] == list(CLASSES)
    assert facts["rarebeat.thresholds"] == dict.fromkeys(CLASSES, 0.5)
    assert (facts["rarebeat.rate"], facts["rarebeat.samples"], facts["rarebeat.units"]) == (250, 2500, "mV")
    assert facts["rarebeat.certainty"] == asdict(CERTAINTY)
    assert facts["rarebeat.leads"] == list(LEADS)
    assert facts["rarebeat.model"] == card_digest(folder)
    assert {entry.domain: entry.version for entry in model.opset_import}[""] == onnx_export.OPSET
    content = exported.read_bytes()
    for place in (str(SOURCE), sys.prefix, str(Path.home()), ".py"):
        assert place.encode() not in content


def test_a_file_that_answers_otherwise_is_not_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_export, "_onnx_bytes", lambda *_: b"")
    monkeypatch.setattr(onnx_export, "_difference", lambda *_: 0.01)
    with pytest.raises(RarebeatError, match=r"differ by 0\.01 from those of the network"):
        export_onnx(folder, tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_a_folder_is_refused_before_anything_is_exported(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(onnx_export, "_onnx_bytes")
    with pytest.raises(
        RarebeatError, match=r"is a folder: name a file for the model, such as .*/model\.onnx"
    ):
        export_onnx(folder, tmp_path)


def test_other_onnx_files_are_refused(exported: Path, tmp_path: Path) -> None:
    model = onnx.load(exported)
    del model.metadata_props[:]
    onnx.save_model(model, tmp_path / "other.onnx")
    with pytest.raises(RarebeatError, match="was not written by `rarebeat export`"):
        open_onnx(tmp_path / "other.onnx")
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(RarebeatError, match="cannot read"):
        open_onnx(tmp_path / "text.onnx")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        RarebeatError, match=r"onnx_of_nobody is not installed: pip install 'rarebeat\[export\]'"
    ):
        onnx_model.require("onnxruntime", "onnx_of_nobody")


@pytest.mark.slow
def test_a_network_that_masks_padding_is_equal_to_torch(tmp_path: Path, wfdb_record: Path) -> None:
    folder = write_model(tmp_path / "masked", "global_skip")
    assert export_onnx(folder, tmp_path / "model.onnx") < TOLERANCE
    model = open_onnx(tmp_path / "model.onnx")
    record = read_file(wfdb_record)
    shorter = replace(record, signal=record.signal[:, :2600])
    (expected,) = predict_files([wfdb_record], folder)
    whole, short = answer_records(model, [record, shorter])
    assert np.allclose(probabilities(whole), probabilities(expected), atol=TOLERANCE)
    assert np.abs(np.subtract(probabilities(short), probabilities(whole))).max() > 1e-3


def test_an_ecg_that_the_graph_gives_no_number_for_is_an_error(wfdb_record: Path) -> None:
    broken = [np.full((1, 1), np.nan, np.float32), np.zeros((1, 4), np.float32)]
    session = SimpleNamespace(run=lambda *_: broken)
    model = OnnxModel(session, ("avnrt",), {"avnrt": 0.5}, Preprocessing(), WHOLE, person=False)
    answers = answer_records(model, [read_file(wfdb_record)])
    assert answers == [{"error": "the network gave no number for it"}]
