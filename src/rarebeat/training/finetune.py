"""Starting from a trained model: whether it fits, which heads it brings, and where the new model comes from.

What becomes of each part, on purpose:

* The standardisation at the entrance is the source's in every protocol. Its weights have learnt behind it; with that
  of the target, every feature would move at once.
* The statistics of batch norm belong to the weights. Where the body is frozen, or nothing is trained, they stay as they
  are to the byte; where all layers are trained, they move to the target like the weights.
* Heads are taken over by class id. Heads of other classes are drawn by the seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from rarebeat.core.errors import ParamsError
from rarebeat.core.params import parse
from rarebeat.dataset.split import ShardMeta, Split
from rarebeat.inference.model_folder import (
    ModelCard,
    card_digest,
    check_complete,
    load_detector,
    load_model,
    read_card,
)
from rarebeat.inference.novelty import Detector
from rarebeat.metrics.certainty import Certainty, fit_certainty
from rarebeat.models.layers import heads_of
from rarebeat.models.registry import build, settings_kind
from rarebeat.training.schedule import is_head
from rarebeat.training.settings import FineTune, ModelSettings, TrainSettings


@dataclass(frozen=True)
class Source:
    """The model that a training starts from.

    Attributes:
        folder: where it is.
        name: as the params name it; no place of this machine.
        card: what it is.
        digest: what identifies it.
        tuning: how the training goes on.
    """

    folder: Path
    name: str
    card: ModelCard
    digest: str
    tuning: FineTune

    @property
    def trains_nothing(self) -> bool:
        """Whether the weights of the source stay as they are."""
        return self.tuning.without_training

    def kept(self, classes: Sequence[str]) -> tuple[str, ...]:
        """The classes, of those of the new model, whose heads are taken over."""
        taken = () if self.tuning.fresh_heads else self.card.classes
        return tuple(name for name in classes if name in taken)

    def lost(self, classes: Sequence[str]) -> tuple[str, ...]:
        """The classes of the source that the new model does not know."""
        return tuple(name for name in self.card.classes if name not in classes)

    def offsets(self, classes: Sequence[str]) -> dict[str, float]:
        """The offsets of the source, for those of the new model's classes that have one."""
        return {name: self.card.offsets[name] for name in classes if name in self.card.offsets}

    def detector(self) -> Detector | None:
        """What knows the training data, where these stay those of the source since nothing is trained."""
        return load_detector(self.folder) if self.trains_nothing else None

    def describe(self, classes: Sequence[str]) -> dict[str, Any]:
        """Where a model with these classes comes from, for its card and for the tracking server."""
        kept = self.kept(classes)
        return {
            "model": self.name,
            "digest": self.digest,
            "protocol": self.tuning.protocol,
            "heads_kept": list(kept),
            "heads_new": [name for name in classes if name not in kept],
            "heads_lost": list(self.lost(classes)),
            "cohorts": list(self.card.cohorts),
            "records": self.card.training.get("records", 0),
            "vocabulary": self.card.vocabulary,
            **({"origin": self.card.origin} if self.card.origin else {}),
        }

    def summary(self, classes: Sequence[str]) -> str:
        """Say in a few lines what a model with these classes takes over."""
        kept, lost = self.kept(classes), self.lost(classes)
        new = [name for name in classes if name not in kept]
        parts = [
            f"starts from {self.name}, which learnt from {', '.join(self.card.cohorts)} ({self.tuning.protocol})",
            f"heads taken over: {', '.join(kept) or 'none'}",
        ]
        parts += [f"new heads: {', '.join(new)}"] if new else []
        parts += (
            [f"heads lost, since the label set does not name them or none is learnt: {', '.join(lost)}"]
            if lost
            else []
        )
        return "\n".join(parts)


def open_source(settings: TrainSettings, model: ModelSettings, meta: ShardMeta) -> Source | None:
    """Read what a training starts from, and check that it can.

    Args:
        settings: of the training.
        model: which network is trained.
        meta: of the shards.

    Returns:
        The model to start from; None where the training starts from drawn weights.

    Raises:
        ParamsError: as :func:`check_start`; for fresh heads without a training.
        RarebeatError: for a folder that holds no whole model.
    """
    folder = settings.start
    if folder is None:
        return None
    check_complete(folder)
    card = read_card(folder)
    check_start(card, model, meta, str(settings.init))
    if settings.finetune.without_training and settings.finetune.fresh_heads:
        raise ParamsError(
            f"train.finetune.fresh_heads: {settings.finetune.protocol} trains nothing, so that drawn heads would stay "
            "as they were drawn: set it to false, or choose another protocol"
        )
    return Source(folder, str(settings.init), card, card_digest(folder), settings.finetune)


def check_start(card: ModelCard, model: ModelSettings, meta: ShardMeta, name: str) -> None:
    """Check that a training can start from the weights of a model.

    Raises:
        ParamsError: naming all that differs, when it is another network, or learnt from signals of another rate, scale
            or filter.
    """
    before, now = card.preprocessing, meta.preprocessing
    wanted = {
        "network": (card.architecture, model.name),
        "sampling rate": (before.rate, now.rate),
        "normalisation": (before.normalise, now.normalise),
        "unit": (card.units, meta.units),
        "band-pass": (before.bandpass, now.bandpass),
    }
    if card.architecture == model.name:
        settings = [_settings(model.name, entry) for entry in (card.settings, model.settings)]
        wanted["settings of the network"] = settings[0], settings[1]
    faults = [
        f"the {what} of {name} is {found}, this training has {expected}"
        for what, (found, expected) in wanted.items()
        if found != expected
    ]
    if faults:
        raise ParamsError(
            f"train.init: {'; '.join(faults)}. Set model and prepare.signal to what it has, or start from another"
        )


def _settings(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a network, those that are left out too."""
    return asdict(parse(settings_kind(name), dict(settings), f"model.{name}"))


def learnable(label_set: Sequence[str], train_split: Split, source: Source | None = None) -> tuple[str, ...]:
    """The classes of a label set that a model can know after the training.

    Args:
        label_set: class ids.
        train_split: to learn from.
        source: the model that the training starts from: what it knows is known afterwards, also without a positive
            record to train on.

    Returns:
        Those of the label set that have a positive training record, or whose head the source brings; where nothing is
        trained, the latter alone.
    """
    known = () if source is None else source.kept(label_set)
    if source is not None and source.trains_nothing:
        return known
    positives = (train_split.targets(label_set) == 1).any(axis=0)
    return tuple(name for name, found in zip(label_set, positives, strict=True) if found or name in known)


def certainty_of(
    source: Source | None,
    validation: Split,
    probability: npt.NDArray[np.float32],
    classes: Sequence[str],
    settings: TrainSettings,
) -> Certainty:
    """Fit calibration and conformal limits on the validation split; near the source's where nothing is trained.

    Args:
        source: the model that the training starts from.
        validation: n records.
        probability: shape (n, classes), what the network says of them.
        classes: of the network.
        settings: of the training.

    Returns:
        What the model folder holds.
    """
    kept = source if source is not None and source.trains_nothing else None
    return fit_certainty(
        validation.columns(classes),
        probability,
        validation.patients,
        classes,
        settings.certainty,
        {} if kept is None else kept.offsets(classes),
        None if kept is None else kept.card.certainty,
    )


def start_from(source: Source, classes: Sequence[str], network: nn.Module) -> None:
    """Give a new network the weights of a trained one.

    The standardisation and all layers but the heads are taken as they are, and so are the heads of the classes that
    both know; heads of other classes stay as the seed has drawn them. Offsets of the source become part of the biases
    of its heads where the training goes on, and stay offsets where nothing is trained.

    Args:
        source: the model to start from.
        classes: of the new network, in the order of its outputs.
        network: changed in place.

    Raises:
        RarebeatError: when the folder cannot be read.
        ParamsError: when the weights do not fit, since the recordings are of another length, say.
    """
    trained, card = load_model(source.folder)
    weights, fresh = trained.state_dict(), network.state_dict()
    rows = {name: row for row, name in enumerate(card.classes)}
    taken = source.kept(classes)
    for key in filter(is_head, fresh):
        if weights[key].shape[1:] == fresh[key].shape[1:]:
            heads = fresh[key].clone()
            for row, name in enumerate(classes):
                if name in taken:
                    heads[row] = weights[key][rows[name]]
            weights[key] = heads
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ParamsError(f"train.init: the weights of {source.name} do not fit: {error}") from error
    offsets = torch.tensor([source.offsets(taken).get(name, 0.0) for name in classes])
    if not offsets.any():
        return
    if source.trains_nothing:
        heads_of(network).shift(offsets)
    else:
        with torch.no_grad():
            heads_of(network).regressions.bias[: len(classes)].add_(offsets)


def untrained(source: Source, classes: Sequence[str], model: ModelSettings, samples: int) -> nn.Module:
    """A network for some classes of a model, with the model's own weights.

    Args:
        source: the model.
        classes: some of its classes.
        model: which network it is.
        samples: of the network's input.

    Returns:
        The network, in evaluation mode.

    Raises:
        RarebeatError: as :func:`start_from`.
    """
    network = build(model.name, len(classes), samples, model.settings)
    start_from(source, classes, network)
    return network.eval()
