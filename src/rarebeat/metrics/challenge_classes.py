"""The scored classes of the PhysioNet/CinC Challenge 2020, and what each is worth in place of another.

The challenge scores 27 SNOMED CT codes. Three pairs of them count as one class each, which leaves 24. Rewards
are symmetric: a class in its own place earns 1, in place of another between 0.15 and 0.5. The official table
(``weights.csv`` of Perez Alday et al. 2020, doi 10.1088/1361-6579/abc960) follows from one number per class:
how far its treatment is from that of sinus rhythm. The reward is 0.5 less the distance of the two numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rarebeat.core.errors import ParamsError
from rarebeat.metrics.arrays import FloatArray

VOCABULARIES = ("cinc2020", "cinc2020_official")
"""The vocabularies made for the challenge. Of another one's classes its labels say nothing, even under equal names."""


@dataclass(frozen=True)
class ScoredClass:
    """One class.

    Attributes:
        distance: from sinus rhythm, 0 to 0.35.
        codes: SNOMED CT; of a pair, the code that stands for both is first.
        names: official abbreviations; the first is that of the class.
    """

    distance: float
    codes: tuple[str, ...]
    names: tuple[str, ...]


CLASSES = (
    ScoredClass(0.05, ("270492004",), ("IAVB",)),
    ScoredClass(0.25, ("164889003",), ("AF",)),
    ScoredClass(0.25, ("164890007",), ("AFL",)),
    ScoredClass(0.05, ("426627000",), ("Brady",)),
    ScoredClass(0.15, ("713427006", "59118001"), ("RBBB", "CRBBB")),
    ScoredClass(0.05, ("713426002",), ("IRBBB",)),
    ScoredClass(0.1, ("445118002",), ("LAnFB",)),
    ScoredClass(0.1, ("39732003",), ("LAD",)),
    ScoredClass(0.225, ("164909002",), ("LBBB",)),
    ScoredClass(0.175, ("251146004",), ("LQRSV",)),
    ScoredClass(0.1, ("698252002",), ("NSIVCB",)),
    ScoredClass(0.125, ("10370003",), ("PR",)),
    ScoredClass(0.0875, ("284470004", "63593006"), ("PAC", "SVPB")),
    ScoredClass(0.125, ("427172004", "17338001"), ("PVC", "VPB")),
    ScoredClass(0.05, ("164947007",), ("LPR",)),
    ScoredClass(0.2, ("111975006",), ("LQT",)),
    ScoredClass(0.35, ("164917005",), ("QAb",)),
    ScoredClass(0.1, ("47665007",), ("RAD",)),
    ScoredClass(0.05, ("427393009",), ("SA",)),
    ScoredClass(0.05, ("426177001",), ("SB",)),
    ScoredClass(0.0, ("426783006",), ("NSR", "SNR")),  # written either way by the challenge itself
    ScoredClass(0.125, ("427084000",), ("STach",)),
    ScoredClass(0.25, ("164934002",), ("TAb",)),
    ScoredClass(0.25, ("59931005",), ("TInv",)),
)
"""The 24 classes in the order of the official table, pairs merged."""

_PLACES = {
    name.casefold(): place for place, entry in enumerate(CLASSES) for name in (*entry.codes, *entry.names)
}


def place_of(name: str) -> int | None:
    """Find where a class stands in :data:`CLASSES`.

    Args:
        name: SNOMED CT code or abbreviation.

    Returns:
        The index; None for any other name.

    Example:
        >>> place_of("59118001") == place_of("CRBBB") == place_of("rbbb"), place_of("STD")
        (True, None)
    """
    return _PLACES.get(name.casefold())


SINUS = _PLACES["nsr"]
"""Where sinus rhythm stands: what the challenge's baseline says of every record."""


def rewards(places: Sequence[int] | None = None) -> FloatArray:
    """What calling one class (column) earns where another (row) is true.

    Args:
        places: classes, as indices into :data:`CLASSES`; default: all.

    Returns:
        Shape (classes, classes), symmetric, 1 on the diagonal.

    Source:
        ``weights.csv`` of Perez Alday et al. 2020 (doi 10.1088/1361-6579/abc960), which it is equal to.
    """
    chosen = range(len(CLASSES)) if places is None else places
    distance = np.array([CLASSES[place].distance for place in chosen], dtype=np.float64)
    # Rounded to the digits of the official table: 0.25 - 0.05 is not 0.2 in floating point.
    table: FloatArray = np.round(0.5 - np.abs(distance[:, None] - distance), 4)
    np.fill_diagonal(table, 1.0)
    return table


def challenge_places(vocabulary: str, codes: Mapping[str, str]) -> dict[str, int]:
    """Find where the scored classes of a vocabulary stand in :data:`CLASSES`.

    Args:
        vocabulary: its name.
        codes: class id to short code, as shards and model folders hold them.

    Returns:
        Class id to place, without the classes that are not scored; empty for a vocabulary that is not one of
        :data:`VOCABULARIES`.
    """
    if vocabulary not in VOCABULARIES:
        return {}
    places = {name: place_of(code) for name, code in codes.items()}
    return {name: place for name, place in places.items() if place is not None}


def class_rewards(classes: Sequence[str], places: Mapping[str, int]) -> FloatArray | None:
    """What calling one class (column) earns where another (row) is true, for some or all classes.

    Args:
        classes: class ids.
        places: of :func:`challenge_places`.

    Returns:
        Shape (classes, classes); None where there are no places, because the vocabulary is not the challenge's.

    Raises:
        ParamsError: when one of the classes is not scored.
    """
    if not places:
        return None
    if unscored := [name for name in classes if name not in places]:
        raise ParamsError(f"the CinC Challenge 2020 does not score {', '.join(unscored)}")
    return rewards([places[name] for name in classes])


def challenge_columns(classes: Sequence[str], places: Mapping[str, int]) -> tuple[int, ...] | None:
    """Find the columns of the challenge's 24 classes.

    Args:
        classes: class ids, in column order.
        places: of :func:`challenge_places`.

    Returns:
        Which column holds each class of :data:`CLASSES`; None unless all are there.
    """
    columns = {places[name]: column for column, name in enumerate(classes) if name in places}
    if len(columns) < len(CLASSES):
        return None
    return tuple(columns[place] for place in range(len(CLASSES)))
