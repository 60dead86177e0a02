"""Drawing a few of many for a person to look at, so that rare kinds are seen and the total can still be told.

The many are parted into strata: by pattern, and within a pattern by statement, where the rarer statements of a
pattern are one stratum together. Each stratum gives at least one, and the other seats go by the square root of
its size (power allocation, Bankier, The American Statistician 42, 1988): a pattern that matched 5 records is seen
beside one that matched 50,000, and the frequent one still fills most seats. Within a stratum all are equally
likely, so each one drawn stands for ``size / seats``: its weight. Weights add up to the number of the many, and
the weighted share of any property is unbiased.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np

_SEATS_PER_STATEMENT = 2  # with fewer, seats that every statement has by right would starve the frequent ones


def draw(keys: Sequence[tuple[str, str]], seats: int, rng: np.random.Generator) -> list[tuple[int, float]]:
    """Draw up to ``seats`` of many, without repeats.

    Args:
        keys: pattern and statement of each of the many.
        seats: how many to draw; all are taken where there are no more.
        rng: decides within strata.

    Returns:
        Index and weight of each one drawn, in ascending order.
    """
    drawn: list[tuple[int, float]] = []
    patterns = [pattern for pattern, _ in keys]
    statements = [statement for _, statement in keys]
    for members, share in _strata(list(range(len(keys))), patterns, seats, seats):
        for stratum, few in _strata(members, statements, share, share // _SEATS_PER_STATEMENT):
            chosen = rng.choice(len(stratum), size=few, replace=False)
            drawn += [(stratum[place], len(stratum) / few) for place in chosen]
    return sorted(drawn)


def _strata(members: list[int], names: Sequence[str], seats: int, most: int) -> list[tuple[list[int], int]]:
    """Members with a common name, and their seats; beyond ``most`` names the rarer ones are put together."""
    if not members or not seats:
        return []
    groups: dict[str, list[int]] = {}
    for member in members:
        groups.setdefault(names[member], []).append(member)
    parts = sorted(groups.values(), key=len, reverse=True)
    if len(parts) > most:
        alone = max(most - 1, 0)
        parts = [*parts[:alone], sorted(member for part in parts[alone:] for member in part)]
    return list(zip(parts, allocate([len(part) for part in parts], seats), strict=True))


def allocate(sizes: Sequence[int], seats: int) -> list[int]:
    """Seats of each stratum: one, then by the square root of the sizes (highest averages), at most its size.

    >>> allocate([10_000, 100, 1], 12)
    [10, 1, 1]
    """
    given = [1] * len(sizes)
    for _ in range(min(seats, sum(sizes)) - len(sizes)):
        places = [place for place, size in enumerate(sizes) if given[place] < size]
        given[max(places, key=lambda place: sqrt(sizes[place]) / (given[place] + 1))] += 1
    return given
