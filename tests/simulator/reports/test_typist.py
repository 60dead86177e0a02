"""Slips of the finger stay in the word where they happen."""

import numpy as np

from rarebeat.simulator.reports.typist import NEIGHBOURS, mistype, slip

TEXT = "Sinus rhythm with 1st degree AVB, rate 72"


def test_no_slips_leave_the_text_alone() -> None:
    assert mistype(np.random.default_rng(0), TEXT, 0.0) == TEXT
    assert mistype(np.random.default_rng(0), "AF 72", 1.0) == "AF 72"


def test_a_slip_hits_a_neighbour_or_drops_doubles_or_swaps_letters() -> None:
    seen = {slip(np.random.default_rng(seed), "rhythm") for seed in range(200)}
    assert "rhythm" not in seen
    assert {"rhyhtm", "rhthm", "rhhythm", "rhyyhm"} & seen
    assert {len(word) for word in seen} == {5, 6, 7}
    assert all(word[0] == "r" for word in seen)


def test_two_equal_letters_are_not_swapped() -> None:
    assert all(slip(np.random.default_rng(seed), "aaaa") != "aaaa" for seed in range(100))


def test_neighbours_touch_each_other() -> None:
    assert set(NEIGHBOURS["g"]) == set("fhtb")
    assert all(letter in NEIGHBOURS[other] for letter in NEIGHBOURS for other in NEIGHBOURS[letter])


def test_numbers_and_short_words_stay() -> None:
    for seed in range(50):
        wrong = mistype(np.random.default_rng(seed), TEXT, 1.0)
        assert wrong != TEXT
        assert "1st" in wrong
        assert "AVB, " in wrong
        assert wrong.endswith(" 72")


def test_the_rate_is_that_of_words() -> None:
    words = " ".join(["rhythm"] * 4000)
    wrong = sum(word != "rhythm" for word in mistype(np.random.default_rng(1), words, 0.1).split())
    assert 320 < wrong < 480
