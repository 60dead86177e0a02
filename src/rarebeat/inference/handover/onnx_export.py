"""A model as one ONNX file, with all that its numbers mean in the metadata; compared with torch before it is kept.

The graph takes what the network takes: signals of the network's rate and unit, of the length of its input. How a
recording becomes that is preprocessing, which stands in the metadata and is done by
:mod:`rarebeat.inference.handover.onnx_model`. The length is fixed, as the model's own is: longer recordings are judged
by windows of it, shorter ones are padded with zeros, and ``length`` says where the padding begins.
"""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rarebeat.core.context import Context
from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic
from rarebeat.core.records import LEADS
from rarebeat.inference.ensemble import is_ensemble
from rarebeat.inference.handover.onnx_model import FORMAT, INPUTS, OUTPUTS, require
from rarebeat.inference.model_folder import ModelCard, card_digest, load_model
from rarebeat.models.layers import TwoStepNetwork, pooled
from rarebeat.models.registry import uses_person

OPSET = 18
"""The version of ONNX operators that is written; onnxruntime reads it from 1.14 on."""

TOLERANCE = 1e-4
"""Probabilities may differ by so much from those of torch; more is refused."""

_CHECKED = 3  # ECGs that the file is compared on
_EXAMPLES = 2  # an example of one ECG would fix the size of the batch
_LARGEST_BATCH = 2**20


class _Exported(nn.Module):
    """The network as the file holds it: four tensors in, probabilities and features out."""

    def __init__(self, network: TwoStepNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, signal: Tensor, length: Tensor, age: Tensor, sex: Tensor) -> tuple[Tensor, Tensor]:
        """Judge signals of shape (batch, 12, samples)."""
        context = Context(length, age, sex)
        found = self.network.features(signal, context)
        return self.network.classify(found, context).sigmoid(), pooled(found)


def export_onnx(folder: Path, out: Path) -> float:
    """Write a model as ONNX, whole or not at all.

    Args:
        folder: model folder.
        out: file to write.

    Returns:
        By how much its probabilities differ from those of torch, at most, on noise of several lengths.

    Raises:
        RarebeatError: for an ensemble, for a folder as ``out``, when onnx, onnxscript or onnxruntime are missing, when
            the network cannot be exported, or when the file answers otherwise than the network.
    """
    if is_ensemble(folder):
        raise RarebeatError(f"{folder} is an ensemble: export its members, {folder}/members/*, one by one")
    if out.is_dir():
        raise RarebeatError(f"{out} is a folder: name a file for the model, such as {out}/model.onnx")
    require("onnx", "onnxscript", "onnxruntime")
    network, card = load_model(folder)
    assert isinstance(network, TwoStepNetwork)
    exported = _Exported(network).eval()
    samples = card.window.of(card.preprocessing.samples)
    content = _onnx_bytes(exported, samples, _metadata(card, card_digest(folder), samples))
    difference = _difference(content, exported, samples)
    if not difference <= TOLERANCE:
        raise RarebeatError(
            f"{out} was not written: as ONNX, {card.architecture} gives probabilities that differ by {difference:.2g} "
            f"from those of the network, more than {TOLERANCE:g}"
        )
    with atomic(out) as temporary:
        temporary.write_bytes(content)
    return difference


def _metadata(card: ModelCard, digest: str, samples: int) -> dict[str, str]:
    """What stands in the file besides the graph, each as JSON."""
    facts = {
        "format": FORMAT,
        "architecture": card.architecture,
        "classes": card.classes,
        "thresholds": card.thresholds,
        "codes": card.codes,
        "vocabulary": card.vocabulary,
        "cohorts": card.cohorts,
        "leads": LEADS,
        "rate": card.preprocessing.rate,
        "samples": samples,
        "units": card.units,
        "preprocessing": asdict(card.preprocessing),
        "window": asdict(card.window),
        "person": uses_person(card.architecture, card.settings),
        **({} if card.certainty is None else {"certainty": asdict(card.certainty), "offsets": card.offsets}),
        "model": digest,
        "exporter": f"torch {torch.__version__.partition('+')[0]}, torch.onnx with dynamo, opset {OPSET}",
    }
    return {f"rarebeat.{name}": json.dumps(value) for name, value in facts.items()}


def _arguments(batch: int, samples: int, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Noise of several lengths, of persons of whom some is known."""
    random = torch.Generator().manual_seed(seed)
    signal = torch.randn(batch, len(LEADS), samples, generator=random)
    length = torch.randint(samples // 2, samples + 1, (batch,), generator=random)
    signal *= torch.arange(samples) < length[:, None, None]
    age = torch.where(torch.arange(batch) % 2 == 0, 50.0, torch.nan)
    return signal, length, age, torch.arange(batch) % 3


def _onnx_bytes(exported: nn.Module, samples: int, metadata: dict[str, str]) -> bytes:
    import onnx

    batch = torch.export.Dim("batch", min=1, max=_LARGEST_BATCH)
    try:
        with _quiet():
            program = torch.onnx.export(
                exported,
                _arguments(_EXAMPLES, samples, 0),
                dynamo=True,
                opset_version=OPSET,
                input_names=list(INPUTS),
                output_names=list(OUTPUTS),
                dynamic_shapes=[{0: batch}] * len(INPUTS),
                verbose=False,
            )
    except Exception as error:  # of torch.export and its passes, which raise almost anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RarebeatError(f"the network cannot be exported: {reason}") from error
    assert program is not None
    model = program.model_proto
    _forget_origin(model)
    onnx.helper.set_model_props(model, metadata)
    model.producer_name, model.producer_version = "rarebeat", ""
    onnx.checker.check_model(model)
    written = BytesIO()
    onnx.save_model(model, written)
    return written.getvalue()


def _forget_origin(model: Any) -> None:
    """Remove where in the source each node came from: paths of this machine."""
    for part in (model.graph, *model.functions):
        del part.metadata_props[:]
        for entry in (*part.node, *part.value_info):
            del entry.metadata_props[:]
            entry.doc_string = ""


def _difference(content: bytes, exported: nn.Module, samples: int) -> float:
    import onnxruntime

    arguments = _arguments(_CHECKED, samples, 1)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    fed = {name: value.numpy() for name, value in zip(INPUTS, arguments, strict=True)}
    (found,) = session.run(OUTPUTS[:1], fed)
    with torch.no_grad():
        expected = exported(*arguments)[0].numpy()
    return float(np.abs(found - expected).max())


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter from telling of packages that are not there and of its own progress."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
