"""Which class of a vocabulary is which class of the challenge.

The challenge's labels say nothing of another vocabulary's classes, even where a name is the same: only the
vocabularies named here are made for it.
"""

from collections.abc import Sequence

from rarebeat.core.errors import ParamsError
from rarebeat.labels.vocabulary import load_vocabulary
from rarebeat.metrics.arrays import FloatArray
from rarebeat.metrics.challenge_classes import CLASSES, place_of, rewards

VOCABULARIES = ("cinc2020", "cinc2020_official")


def places_by_id(vocabulary: str) -> dict[str, int]:
    """Class id to its place in :data:`~rarebeat.metrics.challenge_classes.CLASSES`.

    Raises:
        ParamsError: when the vocabulary is not one of the challenge.
    """
    if vocabulary not in VOCABULARIES:
        raise ParamsError(
            f"vocabulary {vocabulary!r} does not have the classes of the challenge; there are: "
            f"{', '.join(VOCABULARIES)}"
        )
    places = {entry.id: place_of(entry.code) for entry in load_vocabulary(vocabulary).classes}
    return {name: place for name, place in places.items() if place is not None}


def class_rewards(classes: Sequence[str], vocabulary: str) -> FloatArray:
    """What calling one class (column) earns where another (row) is true, for some or all classes.

    Raises:
        ParamsError: when the vocabulary is not one of the challenge, or a class is not scored.
    """
    places = places_by_id(vocabulary)
    if unscored := [name for name in classes if name not in places]:
        raise ParamsError(f"the challenge does not score {', '.join(unscored)} of vocabulary {vocabulary!r}")
    return rewards([places[name] for name in classes])


def challenge_columns(classes: Sequence[str], vocabulary: str) -> tuple[int, ...] | None:
    """Which column holds each of the challenge's 24 classes; None unless all are there."""
    if vocabulary not in VOCABULARIES:
        return None
    places = places_by_id(vocabulary)
    columns = {places[name]: column for column, name in enumerate(classes) if name in places}
    if len(columns) < len(CLASSES):
        return None
    return tuple(columns[place] for place in range(len(CLASSES)))
