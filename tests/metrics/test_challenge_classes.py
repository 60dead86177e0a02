import numpy as np
import pytest

from rarebeat.metrics.challenge_classes import CLASSES, SINUS, place_of, rewards


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
