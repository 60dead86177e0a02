"""An ensemble on disk: the fold models, and how they vote.

::

    models/studies/crossval/
      members/0/ ...   model folders, see :mod:`rarebeat.inference.model_folder`
      ensemble.yaml    which of them belong to it, with the digests of their cards, and how they vote
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic.dataclasses import dataclass
from torch import nn

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic
from rarebeat.core.params import STRICT, parse
from rarebeat.core.yaml_text import load_yaml
from rarebeat.inference.model_folder import ModelCard, card_digest, load_detector, load_model
from rarebeat.inference.novelty import Detector
from rarebeat.inference.voting import EnsembleSettings, vote
from rarebeat.metrics.arrays import FloatArray

CARD = "ensemble.yaml"
MEMBERS = "members"
FORMAT = 2

Member = tuple[nn.Module, ModelCard]


@dataclass(frozen=True, config=STRICT)
class EnsembleCard:
    """What an ensemble is.

    Attributes:
        classes: all that a member knows, in the order of the vocabulary.
        members: fold number to the digest of its model, see :func:`rarebeat.inference.model_folder.card_digest`.
        settings: how they vote.
    """

    classes: tuple[str, ...]
    members: dict[int, str]
    settings: EnsembleSettings

    def __post_init__(self) -> None:
        if not self.members:
            raise ValueError("members must name one model or more")
        if not self.classes or len(set(self.classes)) != len(self.classes):
            raise ValueError("classes must name at least one class, each once")


def is_ensemble(folder: Path) -> bool:
    """Whether a folder is that of an ensemble, and not of one model."""
    return (folder / CARD).is_file() or (folder / MEMBERS).is_dir()


def member_folder(folder: Path, number: int) -> Path:
    """Where the model of a fold lies."""
    return folder / MEMBERS / str(number)


def save_ensemble(
    folder: Path, numbers: Sequence[int], classes: tuple[str, ...], settings: EnsembleSettings
) -> EnsembleCard:
    """Write ``ensemble.yaml`` beside the members, whole or not at all.

    Args:
        folder: of the ensemble; the members are there.
        numbers: the folds that belong to it.
        classes: all that a member knows, in order.
        settings: how they vote.

    Raises:
        RarebeatError: when it cannot be written, or a member cannot be read.
    """
    digests = {number: card_digest(member_folder(folder, number)) for number in numbers}
    card = EnsembleCard(classes, digests, settings)
    content = {"format": FORMAT} | asdict(card) | {"classes": list(classes)}
    with atomic(folder / CARD) as temporary:
        temporary.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return card


def read_ensemble(folder: Path) -> EnsembleCard:
    """Read ``ensemble.yaml``.

    Raises:
        RarebeatError: when it is missing or damaged.
    """
    path = folder / CARD
    try:
        content = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RarebeatError(f"cannot read {path}: {error}. `make crossval` writes it.") from error
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise RarebeatError(f"{path} is not an ensemble of format {FORMAT}: run `make crossval`")
    return parse(EnsembleCard, content, str(path))


def load_ensemble(folder: Path, device: str = "cpu") -> tuple[list[Member], EnsembleCard]:
    """Load all members.

    Raises:
        RarebeatError: when the card or a member is missing or damaged; when a member was trained again since, or has
            another preprocessing, window or vocabulary than the first.
    """
    card = read_ensemble(folder)
    members = [load_model(member_folder(folder, number), device) for number in card.members]
    check_members(folder, card, dict(zip(card.members, (entry for _, entry in members), strict=True)))
    return members, card


def load_detectors(folder: Path) -> list[Detector | None]:
    """What a model, or each member of an ensemble, knows of its training data.

    Args:
        folder: of a model or of an ensemble.

    Returns:
        One for each model, in the order of :func:`load_ensemble`; None where a model was saved without.

    Raises:
        RarebeatError: when one is missing or damaged.
    """
    if not is_ensemble(folder):
        return [load_detector(folder)]
    return [load_detector(member_folder(folder, number)) for number in read_ensemble(folder).members]


def vote_on_record(
    probabilities: Sequence[Sequence[float]], members: Sequence[ModelCard], card: EnsembleCard
) -> dict[str, dict[str, Any]]:
    """What the members say together of one record.

    Args:
        probabilities: of each member, for its classes in order.
        members: their cards.
        card: of the ensemble.

    Returns:
        For each class ``{"probability", "threshold", "decision", "votes", "members"}``: means, the vote, and how many
        of the members that know the class call it.
    """
    named = [
        dict(zip(entry.classes, row, strict=True)) for entry, row in zip(members, probabilities, strict=True)
    ]
    asked = _by_class(named, card.classes)
    thresholds = _by_class([entry.thresholds for entry in members], card.classes)
    mean, decisions = vote(asked[:, None].astype(np.float32), thresholds, card.settings)
    columns = zip(
        card.classes,
        mean[0].tolist(),
        np.nanmean(thresholds, axis=0).tolist(),
        decisions[0].tolist(),
        (asked >= thresholds).sum(axis=0).tolist(),
        (~np.isnan(thresholds)).sum(axis=0).tolist(),
        strict=True,
    )
    keys = ("probability", "threshold", "decision", "votes", "members")
    return {name: dict(zip(keys, values, strict=True)) for name, *values in columns}


def _by_class(values: Sequence[Mapping[str, float]], classes: Sequence[str]) -> FloatArray:
    """Shape (members, classes): NaN where a member does not know the class."""
    return np.array([[entry.get(name, np.nan) for name in classes] for entry in values], dtype=np.float64)


def check_members(folder: Path, card: EnsembleCard, members: Mapping[int, ModelCard]) -> None:
    """Check that these are the members, and that they can be asked together.

    Raises:
        RarebeatError: as :func:`load_ensemble`.
    """
    first = next(iter(members.values()))
    for number, member in members.items():
        place = member_folder(folder, number)
        if card_digest(place) != card.members[number]:
            raise RarebeatError(f"{place} was trained again after {CARD} was written: run `make crossval`")
        for what in ("preprocessing", "window", "vocabulary"):
            if getattr(member, what) != getattr(first, what):
                raise RarebeatError(f"{place} has another {what} than the other members have")
    known = {name for member in members.values() for name in member.classes}
    if differing := known ^ set(card.classes):
        names = ", ".join(sorted(differing))
        raise RarebeatError(
            f"{folder / CARD} and the members differ in classes ({names}): run `make crossval`"
        )
