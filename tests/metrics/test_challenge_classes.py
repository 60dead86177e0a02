import numpy as np
import pytest

from rarebeat.core.errors import ParamsError
from rarebeat.labels.vocabulary import load_vocabulary
from rarebeat.metrics.challenge_classes import (
    CLASSES,
    SINUS,
    VOCABULARIES,
    challenge_columns,
    challenge_places,
    class_rewards,
    place_of,
    rewards,
)


def test_27_codes_are_24_classes():
    codes = [code for entry in CLASSES for code in entry.codes]
    assert (len(CLASSES), len(codes), len(set(codes))) == (24, 27, 27)
    names = [name.casefold() for entry in CLASSES for name in entry.names]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("one", "other"), [("713427006", "59118001"), ("284470004", "63593006"), ("427172004", "17338001")]
)
def test_the_three_pairs_are_one_class_each(one, other):
    assert place_of(one) == place_of(other) is not None


def test_a_class_is_found_by_code_and_by_abbreviation_in_any_case():
    assert place_of("426783006") == place_of("NSR") == place_of("SNR") == place_of("snr") == SINUS
    assert CLASSES[place_of("STach")].codes == ("427084000",)
    assert place_of("VEB") is None  # the ventricular ectopics of PTB-XL are not scored


def test_rewards_are_symmetric_with_1_for_the_class_itself():
    table = rewards()
    np.testing.assert_array_equal(table, table.T)
    np.testing.assert_array_equal(np.diag(table), 1.0)
    others = table[~np.eye(24, dtype=bool)]
    assert (others.min(), others.max()) == (0.15, 0.5)


def test_a_few_rewards_of_the_official_table():
    table = rewards()
    assert table[place_of("AF"), place_of("AFL")] == 0.5
    assert table[place_of("QAb"), SINUS] == 0.15
    assert table[place_of("LBBB"), place_of("LPR")] == 0.325
    assert table[place_of("PAC"), place_of("PVC")] == 0.4625


def test_some_classes_have_their_part_of_the_table():
    places = [place_of("PVC"), SINUS]
    np.testing.assert_array_equal(rewards(places), rewards()[np.ix_(places, places)])


def codes_of(vocabulary: str) -> dict[str, str]:
    return {entry.id: entry.code for entry in load_vocabulary(vocabulary).classes}


PLACES = challenge_places("cinc2020", codes_of("cinc2020"))


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_every_class_of_the_challenge_has_one_id(vocabulary):
    places = challenge_places(vocabulary, codes_of(vocabulary))
    assert sorted(places.values()) == list(range(24))
    assert places["sinus_rhythm"] == SINUS


def test_columns_are_put_into_the_order_of_the_challenge():
    ids = tuple(PLACES)[::-1]
    columns = challenge_columns(ids, PLACES)
    assert columns is not None
    assert ids[columns[SINUS]] == "sinus_rhythm"
    assert ids[columns[place_of("PVC")]] == "premature_ventricular_complexes"


def test_without_all_24_classes_there_is_no_challenge():
    assert challenge_columns(tuple(PLACES)[1:], PLACES) is None
    assert challenge_places("hughes24", codes_of("hughes24")) == {}
    assert challenge_columns(tuple(PLACES), {}) is None


def test_some_classes_have_rewards_of_their_own():
    table = class_rewards(("sinus_rhythm", "atrial_fibrillation"), PLACES)
    np.testing.assert_array_equal(table, rewards([SINUS, place_of("AF")]))
    assert class_rewards(("sinus_rhythm",), {}) is None


def test_classes_that_are_not_scored_are_named():
    with pytest.raises(ParamsError, match="does not score avnrt, fusion"):
        class_rewards(("avnrt", "sinus_rhythm", "fusion"), PLACES)
