"""CSV tables whose columns are the challenge's codes, brought into the order and number of its 24 classes."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.evaluation.csv_tables import ClassTable, some
from rarebeat.labels.vocabulary import load_vocabulary
from rarebeat.metrics.arrays import BoolArray, FloatArray, Truth
from rarebeat.metrics.challenge_classes import CLASSES, VOCABULARIES, challenge_places, place_of

Groups = list[list[int]]
"""For each of the challenge's classes, the columns that say it: one, or two for a pair."""


def group_columns(table: ClassTable, vocabulary: str, note: Callable[[str], None]) -> Groups:
    """Find the columns of each of the challenge's classes.

    A column is named by a SNOMED CT code, an abbreviation of the challenge, or a class id of the vocabulary.
    A pair of codes that count as one class may have one column or two. Columns that are not scored are left
    out with a note.

    Args:
        table: whose columns are meant.
        vocabulary: "cinc2020" or "cinc2020_official".
        note: where notes go.

    Raises:
        RarebeatError: when a class has no column, or one code has two.
        ParamsError: when the vocabulary is not one of the challenge.
    """
    ids = _scored_ids(vocabulary)
    groups: Groups = [[] for _ in CLASSES]
    unscored = []
    for column, name in enumerate(table.classes):
        place = ids.get(name, place_of(name))
        if place is None:
            unscored.append(name)
        else:
            groups[place].append(column)
    if unscored:
        note(f"{table.path}: left out {len(unscored)} columns, which are not scored: {some(unscored)}")
    for entry, columns in zip(CLASSES, groups, strict=True):
        if len(columns) > len(entry.codes):
            names = ", ".join(table.classes[column] for column in columns)
            raise RarebeatError(f"{table.path}: the columns {names} are one class: give it once")
    if missing := [entry.names[0] for entry, found in zip(CLASSES, groups, strict=True) if not found]:
        raise RarebeatError(
            f"{table.path} lacks {len(missing)} of the {len(CLASSES)} scored classes: {some(missing)}; add a "
            "column of zeros for a class that no record has"
        )
    return groups


def _scored_ids(vocabulary: str) -> dict[str, int]:
    """Class id to its place in :data:`~rarebeat.metrics.challenge_classes.CLASSES`."""
    if vocabulary not in VOCABULARIES:
        raise ParamsError(
            f"vocabulary {vocabulary!r} does not have the classes of the challenge; there are: "
            f"{', '.join(VOCABULARIES)}"
        )
    return challenge_places(
        vocabulary, {entry.id: entry.code for entry in load_vocabulary(vocabulary).classes}
    )


def merge_truth(truth: Truth, groups: Groups) -> Truth:
    """Shape (n, 24): positive where a code of the class is, unknown where none is but one is unknown."""
    columns = []
    for group in groups:
        states = truth[:, group]
        rest = np.where((states < 0).any(axis=1), -1, 0)
        columns.append(np.where((states == 1).any(axis=1), 1, rest))
    return np.stack(columns, axis=1).astype(np.int8)


def merge_decisions(decisions: BoolArray, groups: Groups) -> BoolArray:
    """Shape (n, 24): called where a code of the class is called."""
    return np.stack([decisions[:, group].any(axis=1) for group in groups], axis=1)


def merge_probabilities(probability: FloatArray, groups: Groups) -> npt.NDArray[np.float64]:
    """Shape (n, 24): the mean over the codes of the class."""
    return np.stack([probability[:, group].mean(axis=1) for group in groups], axis=1)
