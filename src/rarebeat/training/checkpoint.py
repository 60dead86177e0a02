"""Checkpoints: a killed training goes on where it stopped, and never from another training's state."""

import hashlib
import io
import json
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rarebeat.core.files import atomic, digest
from rarebeat.dataset.split import Split, parts_of
from rarebeat.models.own import is_own, own_file
from rarebeat.training.distributed.world import ALONE, World
from rarebeat.training.settings import ModelSettings, TrainSettings

PACKAGE = Path(__file__).parents[1]
ROOMS = ("core", "models", "metrics", "measure", "dataset", "inference", "training")
"""The code that weights depend on: what the train stage depends on in ``dvc.yaml``."""


@dataclass
class Progress:
    """How far a training has come.

    Attributes:
        history: one mapping per finished epoch.
        best: the weights of the epoch with the lowest validation loss, where they are to be kept.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Tensor] | None = None

    @property
    def epoch(self) -> int:
        """The epoch to go on with, counted from zero."""
        return len(self.history)


def fingerprint(
    splits: Sequence[Split], classes: Sequence[str], model: ModelSettings, settings: TrainSettings
) -> str:
    """Make a key that changes with whatever changes the weights.

    Args:
        splits: training and validation data.
        classes: the label set.
        model: which network.
        settings: how it is trained.

    Returns:
        16 hexadecimal digits of a hash over these, the code and the version of torch.
    """
    total = hashlib.sha256()
    for split in splits:
        total.update(str(split.signals.shape).encode())
        for part in parts_of(split.signals, 256):
            total.update(np.ascontiguousarray(part).data)
        total.update(str(split.labels.shape).encode())
        total.update(np.ascontiguousarray(split.labels).data)
        total.update(repr(split.meta).encode())
        for known_of_records in (split.lengths, split.ages, split.sexes):
            known = None if known_of_records is None else known_of_records.tolist()
            total.update(repr(known).encode())
    own = [own_file(model.name)] if is_own(model.name) else []
    code = digest(*(path for room in ROOMS for path in sorted((PACKAGE / room).rglob("*.py"))), *own)
    start = None if settings.start is None else _model_in(settings.start)
    facts = [list(classes), asdict(model), asdict(settings), start, code, torch.__version__]
    total.update(json.dumps(facts, sort_keys=True, default=str).encode())
    return total.hexdigest()[:16]


def _model_in(folder: Path) -> str:
    from rarebeat.inference.model_folder import (
        card_digest,  # model folders need more libraries than training does
    )

    return card_digest(folder)


class Checkpoint:
    """The checkpoint of one training: ``<folder>/<key>/last.pt``.

    Args:
        folder: of all checkpoints.
        key: the training's :func:`fingerprint`.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.path = folder / key / "last.pt"

    def save(self, network: nn.Module, optimiser: torch.optim.Optimizer, progress: Progress) -> None:
        """Write the state at the end of an epoch, whole or not at all.

        Args:
            network: its weights are written.
            optimiser: its state is written.
            progress: the epochs so far.

        Raises:
            RarebeatError: when it cannot be written.
        """
        state = {
            "network": network.state_dict(),
            "optimiser": optimiser.state_dict(),
            "history": progress.history,
            "best": progress.best,
        }
        content = io.BytesIO()  # torch itself tells of a full disk in terms of its container format
        torch.save(state, content)
        with atomic(self.path) as temporary:
            temporary.write_bytes(content.getbuffer())

    def resume(self, network: nn.Module, optimiser: torch.optim.Optimizer, world: World = ALONE) -> Progress:
        """Put network and optimiser into the stored state, or leave them as they are where there is none.

        A checkpoint that cannot be read is no reason to stop: the training starts again, with a warning.

        Args:
            network: takes the stored weights.
            optimiser: takes the stored state.
            world: the processes of the training, which all get what the first one reads.

        Returns:
            The epochs so far; none where nothing is stored.
        """
        state = world.from_first(self._read() if world.first else None)
        if state is None:
            return Progress()
        fresh = _copy(network.state_dict()), optimiser.state_dict()
        try:
            network.load_state_dict(state["network"])
            optimiser.load_state_dict(state["optimiser"])
            return Progress(list(state["history"]), state["best"])
        except Exception as error:  # torch raises almost anything at a damaged file
            self._warn(error)
            network.load_state_dict(fresh[0])
            optimiser.load_state_dict(fresh[1])
            return Progress()

    def _read(self) -> Mapping[str, Any] | None:
        """What is stored; None where nothing is, or nothing that can be read."""
        for leftover in self.path.parent.glob(".last.pt.*.tmp"):  # of a run that was killed while it wrote
            leftover.unlink(missing_ok=True)
        if not self.path.exists():
            return None
        try:
            return _load(self.path)
        except Exception as error:  # torch raises almost anything at a damaged file
            self._warn(error)
            return None

    def _warn(self, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        warnings.warn(f"{self.path} is damaged ({reason}): the training starts again", stacklevel=3)


def _load(path: Path) -> Mapping[str, Any]:
    with zipfile.ZipFile(path) as archive:  # torch itself does not compare the checksums
        if (damaged := archive.testzip()) is not None:
            raise ValueError(f"wrong checksum of {damaged}")
    state: Mapping[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def _copy(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in state.items()}
