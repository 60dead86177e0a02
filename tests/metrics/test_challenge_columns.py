import numpy as np
import pytest

from rarebeat.core.errors import ParamsError
from rarebeat.labels.vocabulary import load_vocabulary
from rarebeat.metrics.challenge_classes import SINUS, place_of, rewards
from rarebeat.metrics.challenge_columns import (
    VOCABULARIES,
    challenge_columns,
    class_rewards,
    places_by_id,
)


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_every_class_of_the_challenge_has_one_id(vocabulary):
    assert sorted(places_by_id(vocabulary).values()) == list(range(24))
    assert places_by_id(vocabulary)["sinus_rhythm"] == SINUS


def test_columns_are_put_into_the_order_of_the_challenge():
    ids = load_vocabulary("cinc2020").class_ids[::-1]
    columns = challenge_columns(ids, "cinc2020")
    assert columns is not None
    assert ids[columns[SINUS]] == "sinus_rhythm"
    assert ids[columns[place_of("PVC")]] == "premature_ventricular_complexes"


def test_without_all_24_classes_there_is_no_challenge():
    ids = load_vocabulary("cinc2020").class_ids
    assert challenge_columns(ids[1:], "cinc2020") is None
    assert challenge_columns(load_vocabulary("hughes24").class_ids, "hughes24") is None
    assert challenge_columns(ids, "not-even-a-file.yaml") is None


def test_some_classes_have_rewards_of_their_own():
    table = class_rewards(("sinus_rhythm", "atrial_fibrillation"), "cinc2020")
    np.testing.assert_array_equal(table, rewards([SINUS, place_of("AF")]))


def test_classes_that_are_not_scored_are_named():
    with pytest.raises(ParamsError, match="does not score avnrt, fusion of vocabulary 'cinc2020'"):
        class_rewards(("avnrt", "sinus_rhythm", "fusion"), "cinc2020")
    with pytest.raises(ParamsError, match=r"'hughes24' does not have the classes.*cinc2020"):
        class_rewards(("sinus_rhythm",), "hughes24")
