"""Every network, as ONNX, says of real recordings what torch says."""

from pathlib import Path

import numpy as np
import pytest
from tests.inference.handover.networks import CLASSES, WIDTHS, write_model

from rarebeat.inference.handover.onnx_export import TOLERANCE, export_onnx
from rarebeat.inference.handover.onnx_model import answer_records, open_onnx
from rarebeat.inference.predict import predict_files
from rarebeat.readers.read_file import read_file


@pytest.mark.slow
@pytest.mark.parametrize("name", WIDTHS)
def test_probabilities_and_decisions_are_those_of_torch(name: str, real_ecg: Path, tmp_path: Path) -> None:
    headers = (
        sorted((real_ecg / "ptb-xl").rglob("*.hea"))[:12]
        + sorted((real_ecg / "challenge").rglob("*.hea"))[:12]
    )
    folder = write_model(tmp_path / name, name)
    export_onnx(folder, tmp_path / "model.onnx")
    expected = [answer for answer in predict_files(headers, folder) if "error" not in answer]
    assert len(expected) > 12
    answers = answer_records(
        open_onnx(tmp_path / "model.onnx", threads=1),
        [read_file(Path(answer["file"])) for answer in expected],
    )
    found, truth = (
        np.array([[answer["classes"][one]["probability"] for one in CLASSES] for answer in each])
        for each in (answers, expected)
    )
    assert np.abs(found - truth).max() < TOLERANCE
    assert np.ptp(truth, axis=0).min() > 0.01  # the networks tell the recordings apart
    assert [answer.get("warning") for answer in answers] == [answer.get("warning") for answer in expected]
