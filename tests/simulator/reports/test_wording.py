"""The wordings that are kept back are others than the usual ones."""

import pytest

from rarebeat.simulator.reports.wording import HELD_OUT, PHRASES
from rarebeat.simulator.truth import CLASSES

SINUS = ("sinus_rhythm", "sinus_bradycardia", "sinus_tachycardia")
ONE_NAME = {*SINUS, "atrial_fibrillation", "atrial_flutter", "ventricular_tachycardia"}
"""Machines have one name for these."""


def test_every_class_has_words() -> None:
    assert set(CLASSES) - set(PHRASES) == {"paced_rhythm", "av_block_2nd_degree_advanced"}
    assert set(HELD_OUT) == set(PHRASES)


@pytest.mark.parametrize("name", sorted(PHRASES))
def test_no_wording_is_both_usual_and_kept_back(name: str) -> None:
    usual = {phrase.casefold() for phrase in PHRASES[name][0] + PHRASES[name][1]}
    for typed, phrases in enumerate(HELD_OUT[name]):
        kept_back = {phrase.casefold() for phrase in phrases}
        if typed or name not in ONE_NAME:
            assert not kept_back & usual
