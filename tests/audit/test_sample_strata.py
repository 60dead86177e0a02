"""A few of many: every pattern is seen, and the weights still tell of all."""

from collections import Counter

import numpy as np
import pytest

from rarebeat.audit.sample import allocate, draw_strata

COMMON = [("common", f"statement {number % 40}") for number in range(900)]
DOMINANT = [("common", "the usual statement")] * 2000
RARE = [("rare", "seldom said")] * 3 + [("rarer", "hardly ever said")]
MANY = [*COMMON, *DOMINANT, *RARE]


def pick(seats: int, seed: int = 0) -> list[tuple[int, float]]:
    return draw_strata(MANY, seats, np.random.default_rng(seed))


@pytest.mark.parametrize("seats", [1, 2, 3, 7, 20, 60, 2000])
def test_so_many_are_drawn_without_repeats_and_their_weights_add_up_to_all(seats: int) -> None:
    drawn = pick(seats)
    assert len({index for index, _ in drawn}) == len(drawn) == seats
    assert sum(weight for _, weight in drawn) == pytest.approx(len(MANY))


def test_where_there_are_no_more_than_seats_all_are_taken_for_themselves() -> None:
    assert draw_strata(RARE, 20, np.random.default_rng(0)) == [(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0)]
    assert (
        draw_strata([], 20, np.random.default_rng(0)) == draw_strata(RARE, 0, np.random.default_rng(0)) == []
    )


def test_each_pattern_is_seen_and_statements_differ() -> None:
    drawn = [MANY[index] for index, _ in pick(20)]
    assert {pattern for pattern, _ in drawn} == {"common", "rare", "rarer"}
    assert Counter(drawn)["common", "the usual statement"] < 10  # two thirds of all
    assert len(set(drawn)) > 8


def test_equal_seeds_draw_equal_ones() -> None:
    assert pick(20) == pick(20)
    assert pick(20) != pick(20, seed=1)


def test_each_one_is_drawn_as_often_as_its_weight_says() -> None:
    seen = np.zeros(len(MANY))
    for seed in range(400):
        for index, weight in pick(20, seed):
            seen[index] += weight / 400
    for pattern in ("common", "rare", "rarer"):
        of_pattern = [index for index, (name, _) in enumerate(MANY) if name == pattern]
        assert seen[of_pattern].mean() == pytest.approx(1)
    # Halves of one stratum are drawn equally often (standard error 0.05 over 400 draws).
    usual = slice(len(COMMON), len(COMMON) + len(DOMINANT) // 2)
    assert seen[usual].mean() == pytest.approx(1, abs=0.2)


def test_seats_go_by_the_square_root_of_sizes_and_never_beyond_them() -> None:
    assert allocate([400, 100], 30) == [20, 10]
    assert allocate([10_000, 2, 1], 20) == [18, 1, 1]
    assert allocate([3, 2], 20) == [3, 2]
