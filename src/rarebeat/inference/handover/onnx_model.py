"""An exported model, run by onnxruntime: no torch is imported here.

The road of a recording is that of ``rarebeat predict``: the same gate, the same preprocessing, windows over what is
longer than the network's input, and thresholds.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import RarebeatError
from rarebeat.core.params import parse
from rarebeat.core.records import Record
from rarebeat.core.signals import Preprocessing, output_scale
from rarebeat.dataset.windows import WindowSettings, windows_of
from rarebeat.inference.gate import (
    NO_NUMBER,
    ModelInput,
    input_windows,
    joined,
    network_input,
    person_warning,
)
from rarebeat.inference.novelty import Detector, from_arrays, novelty_warnings
from rarebeat.metrics.certainty import Certainty, add_certainty, tell
from rarebeat.readers.fields import Person

FORMAT = 1
INPUTS = ("signal", "length", "age", "sex")
"""signal: float32, (batch, 12, samples), in the model's unit, zeros behind its end; length: int64, (batch,), samples
before these; age: float32, (batch,), years, NaN where unknown; sex: int64, (batch,), 1 female, 2 male, 0 unknown."""
OUTPUTS = ("probability", "features")
"""probability: float32, (batch, classes); features: float32, (batch, channels), which detectors ask for."""

_SEXES = {"female": 1, "male": 2}
_BATCH = 64

Answer = dict[str, Any]


@dataclass(frozen=True)
class OnnxModel:
    """An exported model in memory.

    Attributes:
        session: of onnxruntime.
        classes: class ids, in the order of the outputs.
        thresholds: probability from which each class counts as present.
        preprocessing: how a recording becomes the network's input.
        window: what of a recording the network sees at a time.
        person: whether it uses age and sex.
        detector: knows what the training data looked like; None says nothing of that.
        certainty: calibration and conformal limits, where the model has them.
        offsets: that the graph adds to the logits, by class.
    """

    session: Any
    classes: tuple[str, ...]
    thresholds: Mapping[str, float]
    preprocessing: Preprocessing
    window: WindowSettings
    person: bool
    detector: Detector | None = None
    certainty: Certainty | None = None
    offsets: Mapping[str, float] = field(default_factory=dict)

    @property
    def uses_person(self) -> bool:
        """Whether it uses age and sex, as the gate asks."""
        return self.person


def require(*packages: str) -> None:
    """Make sure that packages of the extra ``export`` are installed.

    Raises:
        RarebeatError: naming those that are missing.
    """
    if missing := [name for name in packages if find_spec(name) is None]:
        raise RarebeatError(f"{', '.join(missing)} is not installed: pip install 'rarebeat[export]'")


def open_onnx(path: Path, novelty: Path | None = None, threads: int | None = None) -> OnnxModel:
    """Read a file that :func:`rarebeat.inference.handover.onnx_export.export_onnx` has written.

    Args:
        path: the file.
        novelty: ``novelty.safetensors`` of the model folder that it was made from; with it, ECGs that are unlike the
            training data are answered with a warning.
        threads: of onnxruntime; None leaves it to it.

    Raises:
        RarebeatError: when it cannot be read, or is another ONNX file.
    """
    require("onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no base class of its errors
        raise RarebeatError(f"cannot read {path}: {error}") from error
    stored = session.get_modelmeta().custom_metadata_map
    facts = {
        name.removeprefix("rarebeat."): json.loads(text)
        for name, text in stored.items()
        if name.startswith("rarebeat.")
    }
    if facts.get("format") != FORMAT:
        raise RarebeatError(f"{path} was not written by `rarebeat export` (format {FORMAT})")
    return OnnxModel(
        session,
        tuple(facts["classes"]),
        facts["thresholds"],
        parse(Preprocessing, facts["preprocessing"], f"{path}: preprocessing"),
        parse(WindowSettings, facts["window"], f"{path}: window"),
        bool(facts["person"]),
        None if novelty is None else _read_detector(novelty),
        parse(Certainty, facts["certainty"], f"{path}: certainty") if "certainty" in facts else None,
        facts.get("offsets", {}),
    )


def _read_detector(path: Path) -> Detector:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return from_arrays(load_file(path))
    except (OSError, SafetensorError, ValueError) as error:
        raise RarebeatError(f"{path} is no detector: {error}") from error


def answer_records(model: OnnxModel, records: Sequence[Record]) -> list[Answer]:
    """Classify recordings.

    Args:
        model: of :func:`open_onnx`.
        records: as :func:`rarebeat.readers.read_file.read_file` reads them.

    Returns:
        For each ``{"classes": {NAME: {"probability", "threshold", "decision", ...}}}``, as ``rarebeat predict`` says
        it, to 1e-4, with a ``"warning"`` where there is one; ``{"error"}`` where the network gives no number.

    Raises:
        BadRecordError: for a recording shorter than a second.
    """
    answers: list[Answer] = []
    for record in records:
        found = network_input(record.signal, record.rate, record.calibrated, model)
        person = Person(record.age, record.sex)
        probabilities, features = ask(model, [found], [person])
        if not np.isfinite(probabilities).all():
            answers.append({"error": NO_NUMBER})
            continue
        lengths = np.array([found.length])
        unlike = novelty_warnings(
            [model.detector], [features], found.signal[None], lengths, model.preprocessing
        )
        warning = joined(found.warning, unlike[0], person_warning(person, [model]))
        classes: dict[str, Answer] = {
            name: {
                "probability": value,
                "threshold": model.thresholds[name],
                "decision": value >= model.thresholds[name],
            }
            for name, value in zip(model.classes, probabilities[0].tolist(), strict=True)
        }
        if model.certainty is not None:
            told = tell(model.certainty, model.classes, probabilities, model.offsets)
            add_certainty(classes, [told])
        answers.append({"classes": classes} | ({"warning": warning} if warning else {}))
    return answers


def ask(
    model: OnnxModel, inputs: Sequence[ModelInput], people: Sequence[Person]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """What the network says of recordings of one length.

    Args:
        model: of :func:`open_onnx`.
        inputs: n recordings, as :func:`rarebeat.inference.gate.network_input` makes them.
        people: whose they are.

    Returns:
        Probabilities, shape (n, classes), and features, shape (n, channels); of a recording longer than the network's
        input the mean (or the largest probability, as the model says) of its windows.
    """
    signals = np.stack([found.signal for found in inputs])
    lengths = np.array([found.length for found in inputs])
    window = input_windows(model).of(signals.shape[2])
    pieces = windows_of(lengths, window)
    ages = np.array([np.nan if one.age is None else one.age for one in people], dtype=np.float32)
    sexes = np.array([_SEXES.get(one.sex or "", 0) for one in people])
    probabilities, features = [], []
    for start in range(0, len(pieces.records), _BATCH):
        rows, starts = pieces.records[start : start + _BATCH], pieces.starts[start : start + _BATCH]
        index = np.minimum(starts[:, None, None] + np.arange(window), signals.shape[2] - 1)
        cut = np.take_along_axis(signals[rows], index, axis=2).astype(np.float32)
        fed = {
            "signal": cut * np.float32(output_scale(model.preprocessing)),
            "length": np.minimum(lengths[rows] - starts, window),
            "age": ages[rows],
            "sex": sexes[rows],
        }
        values = model.session.run(OUTPUTS, fed)
        probabilities.append(values[0])
        features.append(values[1])
    firsts = np.flatnonzero(np.diff(pieces.records, prepend=-1))
    counts = np.diff(np.append(firsts, len(pieces.records)))[:, None].astype(np.float32)
    every, found = (np.concatenate(parts).astype(np.float32) for parts in (probabilities, features))
    means = np.add.reduceat(every, firsts) / counts
    combined = np.maximum.reduceat(every, firsts) if model.window.combine == "max" else means
    return np.asarray(combined, np.float32), np.asarray(np.add.reduceat(found, firsts) / counts, np.float32)
