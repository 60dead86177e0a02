"""The classes of the PhysioNet/CinC Challenge 2020, harmonised and as the challenge's own script labels them."""

from pathlib import Path

import pytest
import yaml

from rarebeat.labels.codes import CodeLabeller
from rarebeat.labels.states import NEGATIVE, POSITIVE, UNCERTAIN, UNKNOWN
from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.vocabulary import load_vocabulary

CASES = yaml.safe_load((Path(__file__).parent / "cases_cinc2020.yaml").read_text(encoding="utf-8"))
HARMONISED = load_vocabulary("cinc2020")
OFFICIAL = load_vocabulary("cinc2020_official")
LABELLERS = {"harmonised": CodeLabeller(HARMONISED), "official": CodeLabeller(OFFICIAL)}
MATCHER = Matcher(HARMONISED)
SHORT = {entry.id: entry.code for entry in HARMONISED.classes}

# The challenge's table of weights: abbreviation and codes, pairs that count as one class merged.
SCORED = {
    "IAVB": {"270492004"},
    "AF": {"164889003"},
    "AFL": {"164890007"},
    "Brady": {"426627000"},
    "RBBB": {"713427006", "59118001"},
    "IRBBB": {"713426002"},
    "LAnFB": {"445118002"},
    "LAD": {"39732003"},
    "LBBB": {"164909002"},
    "LQRSV": {"251146004"},
    "NSIVCB": {"698252002"},
    "PR": {"10370003"},
    "PAC": {"284470004", "63593006"},
    "PVC": {"427172004", "17338001"},
    "LPR": {"164947007"},
    "LQT": {"111975006"},
    "QAb": {"164917005"},
    "RAD": {"47665007"},
    "SA": {"427393009"},
    "SB": {"426177001"},
    "NSR": {"426783006"},
    "STach": {"427084000"},
    "TAb": {"164934002"},
    "TInv": {"59931005"},
}


def states(variant: str, *codes: str, source: str | None = None) -> dict[str, int | None]:
    labels = LABELLERS[variant].label(codes, source)
    return {SHORT[name]: state for name, state in labels.states.items()}


def having(state: int | None, found: dict[str, int | None]) -> set[str]:
    return {code for code, value in found.items() if value is state}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{trap}: {case['text'][:60]!r}")
        for trap, cases in CASES.items()
        for case in cases
    ],
)
def test_a_report_gets_the_labels_that_a_reader_gives_it(case: dict) -> None:
    found = {SHORT[name]: state for name, state in MATCHER.label(case["text"]).states.items()}
    assert having(POSITIVE, found) == set(case.get("positive", ()))
    assert having(UNCERTAIN, found) == set(case.get("uncertain", ()))
    assert having(NEGATIVE, found) >= set(case.get("negative", ()))
    assert having(UNKNOWN, found) >= set(case.get("unknown", ()))


def test_both_variants_have_the_24_classes_in_the_order_of_the_weights() -> None:
    for vocabulary in (HARMONISED, OFFICIAL):
        assert [entry.code for entry in vocabulary.classes] == list(SCORED)
    assert HARMONISED.class_ids == OFFICIAL.class_ids
    assert sum(map(len, SCORED.values())) == 27


def test_classes_of_the_main_experiment_keep_their_ids() -> None:
    assert len(set(HARMONISED.class_ids) & set(load_vocabulary("hughes24").class_ids)) == 12


def test_official_codes_are_the_scored_codes_and_deny_what_is_not_there() -> None:
    for entry in OFFICIAL.classes:
        snomed = entry.codes["snomed"]
        assert set(snomed.positive) == SCORED[entry.code]
        assert snomed.weak == ()
        assert {codes.absent for codes in entry.codes.values()} == {"negative"}
        assert set(entry.codes) == {"snomed", "cpsc"}


@pytest.mark.parametrize(("code", "pair"), [(code, pair) for code, pair in SCORED.items() if len(pair) == 2])
@pytest.mark.parametrize("variant", ["harmonised", "official"])
def test_the_codes_of_a_pair_are_one_class(variant: str, code: str, pair: set[str]) -> None:
    for snomed in pair:
        assert having(POSITIVE, states(variant, f"snomed:{snomed}")) == {code}


def test_each_scored_code_is_positive_in_both_variants() -> None:
    for code, snomed in ((code, snomed) for code, pair in SCORED.items() for snomed in pair):
        for variant in LABELLERS:
            assert having(POSITIVE, states(variant, f"snomed:{snomed}")) == {code}


def test_official_labels_deny_all_others_whatever_the_database_and_the_device() -> None:
    others = set(SCORED) - {"PR"}
    assert having(NEGATIVE, states("official", "snomed:10370003", source="ptb")) == others
    assert having(NEGATIVE, states("official", "snomed:164865005", source="cpsc_2018")) == set(SCORED)
    assert having(UNKNOWN, states("harmonised", "snomed:10370003", source="ptb-xl")) == others


def test_pvcs_of_ptb_xl_are_positive_harmonised_and_negative_official() -> None:
    codes = ("snomed:426783006", "snomed:164884008")
    assert having(POSITIVE, states("harmonised", *codes, source="ptb-xl")) == {"NSR", "PVC"}
    official = states("official", *codes, source="ptb-xl")
    assert having(POSITIVE, official) == {"NSR"}
    assert official["PVC"] == NEGATIVE


def test_short_names_of_cpsc_count_as_the_challenge_mapped_them() -> None:
    names = {"Normal": "NSR", "AF": "AF", "I-AVB": "IAVB", "LBBB": "LBBB", "RBBB": "RBBB", "PAC": "PAC"}
    for name, code in names.items():
        assert having(POSITIVE, states("official", f"cpsc:{name}")) == {code}
    for name in ("PVC", "STD", "STE"):
        assert having(NEGATIVE, states("official", f"cpsc:{name}")) == set(SCORED)
    assert having(POSITIVE, states("harmonised", "cpsc:PVC")) == {"PVC"}


def test_records_with_other_code_systems_are_no_challenge_records() -> None:
    for code in ("scp:AFIB", "chapman:AFIB", "ludb:atrial fibrillation"):
        assert having(UNKNOWN, states("official", code)) == set(SCORED)
        assert having(POSITIVE, states("harmonised", code)) == {"AF"}


@pytest.mark.parametrize(
    ("code", "classes"),
    [
        ("scp:LAFB", {"LAnFB"}),
        ("scp:IRBBB", {"IRBBB"}),
        ("scp:IVCD", {"NSIVCB"}),
        ("scp:LVOLT", {"LQRSV"}),
        ("scp:LNGQT", {"LQT"}),
        ("scp:QWAVE", {"QAb"}),
        ("scp:INVT", {"TInv"}),
        ("scp:NDT", {"TAb"}),
        ("scp:NT_", {"TAb"}),
        ("scp:NT", {"TAb"}),
        ("scp:TAB_", {"TAb"}),
        ("scp:LOWT", {"TAb"}),
        ("scp:LPR", {"LPR"}),
        ("scp:SARRH", {"SA"}),
        ("scp:PACE", {"PR"}),
        ("scp:NORM", set()),
        ("scp:ILBBB", set()),
        ("scp:LPFB", set()),
        ("scp:ABQRS", set()),
        ("chapman:ALS", {"LAD"}),
        ("chapman:ARS", {"RAD"}),
        ("chapman:AQW", {"QAb"}),
        ("chapman:IDC", {"NSIVCB"}),
        ("chapman:IVB", {"NSIVCB"}),
        ("chapman:LVQRSAL", {"LQRSV"}),
        ("chapman:LVQRSCL", {"LQRSV"}),
        ("chapman:LVQRSLL", {"LQRSV"}),
        ("chapman:PRIE", {"LPR"}),
        ("chapman:QTIE", {"LQT"}),
        ("chapman:TWC", {"TAb"}),
        ("chapman:TWO", {"TInv"}),
        ("chapman:LFBBB", {"LAnFB"}),
        ("chapman:LBBBB", set()),
        ("chapman:AF", {"AFL"}),
        ("ludb:electric axis of the heart: left axis deviation", {"LAD"}),
        ("ludb:electric axis of the heart: horizontal", set()),
        ("ludb:left anterior hemiblock", {"LAnFB"}),
        ("ludb:incomplete left bundle branch block", set()),
        ("snomed:251259000", {"TAb"}),
        ("snomed:251147008", {"LQRSV"}),
        ("snomed:426749004", {"AF"}),
        ("snomed:251120003", set()),
        ("snomed:251200008", set()),
    ],
)
def test_a_code_makes_its_classes_positive(code: str, classes: set[str]) -> None:
    assert having(POSITIVE, states("harmonised", code)) == classes


@pytest.mark.parametrize(
    ("code", "classes"),
    [
        ("scp:LAFB/LPFB", {"LAnFB"}),
        ("scp:AVB", {"IAVB", "LPR"}),
        ("scp:_AVB", {"IAVB", "LPR"}),
        ("scp:CD", {"IAVB", "LPR", "LBBB", "RBBB", "IRBBB", "LAnFB", "NSIVCB"}),
        ("scp:ISC_", {"TAb", "TInv"}),
        ("scp:ISCA", {"TAb", "TInv"}),
        ("scp:STTC", {"TAb"}),
        ("scp:NST_", {"TAb"}),
        ("scp:1AVB", {"LPR"}),
        ("scp:LPR", {"IAVB"}),
        ("snomed:428750005", {"TAb"}),
        ("snomed:6374002", {"LBBB", "RBBB", "IRBBB"}),
        ("snomed:426627000", {"SB"}),
        ("chapman:STTC", {"TAb"}),
        ("ludb:non-specific repolarization abnormalities", {"TAb"}),
    ],
)
def test_a_code_that_leaves_classes_open_makes_them_uncertain(code: str, classes: set[str]) -> None:
    assert having(UNCERTAIN, states("harmonised", code)) == classes


@pytest.mark.parametrize(
    ("source", "unknown"),
    [
        ("ptb-xl", {"Brady", "LAD", "RAD"}),
        ("georgia", set()),
        ("chapman_ningbo", {"Brady", "IRBBB", "PR"}),
        ("cpsc_2018_extra", set(SCORED) - {"NSR"}),
        ("st_petersburg_incart", set(SCORED) - {"NSR"}),
        ("ptb", set(SCORED) - {"NSR"}),
    ],
)
def test_a_database_denies_only_what_it_tells(source: str, unknown: set[str]) -> None:
    found = states("harmonised", "snomed:426783006", source=source)
    assert having(UNKNOWN, found) == unknown
    assert having(NEGATIVE, found) == set(SCORED) - unknown - {"NSR"}


def test_the_axis_is_positive_where_ptb_xl_codes_it_and_unknown_elsewhere() -> None:
    assert states("harmonised", "snomed:39732003", source="ptb-xl")["LAD"] == POSITIVE
    assert states("harmonised", "scp:SR")["LAD"] is UNKNOWN


def test_codes_that_ptb_xl_leaves_out_are_no_negatives_where_the_report_says_the_class() -> None:
    labeller = LABELLERS["harmonised"]
    for name in ("low_qrs_voltage", "prolonged_qt_interval"):
        assert labeller.label(["scp:SR"]).states[name] == NEGATIVE
        assert labeller.label(["scp:SR"], in_text=(name,)).states[name] is UNKNOWN
