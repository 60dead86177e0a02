"""Codes of four systems, and what their absence means."""

import pytest

from rarebeat.core.records import INCOMPLETE
from rarebeat.labels.codes import CodeLabeller
from rarebeat.labels.states import NEGATIVE, POSITIVE, UNCERTAIN, UNKNOWN
from rarebeat.labels.vocabulary import load_vocabulary

VOCABULARY = load_vocabulary("hughes24")
LABELLER = CodeLabeller(VOCABULARY)
CODES = {entry.id: entry.code for entry in VOCABULARY.classes}


def states(*codes: str, source: str | None = None, in_text: tuple[str, ...] = ()) -> dict[str, int | None]:
    labels = LABELLER.label(codes, source, in_text)
    return {CODES[name]: state for name, state in labels.states.items()}


def having(state: int | None, found: dict[str, int | None]) -> set[str]:
    return {code for code, value in found.items() if value == state and type(value) is type(state)}


@pytest.mark.parametrize(
    ("code", "classes"),
    [
        ("scp:SR", {"SR"}),
        ("scp:AFIB", {"AF"}),
        ("scp:AFLT", {"AFL"}),
        ("scp:1AVB", {"1AVB"}),
        ("scp:3AVB", {"CHB"}),
        ("scp:BIGU", {"BIG"}),
        ("scp:PSVT", {"SVT"}),
        ("scp:PACE", {"PACE"}),
        ("scp:CLBBB", {"LBBB"}),
        ("scp:CRBBB", {"RBBB"}),
        ("scp:IRBBB", set()),
        ("scp:ILBBB", set()),
        ("snomed:164889003", {"AF"}),
        ("snomed:164890007", {"AFL"}),
        ("snomed:106068003", {"EAR"}),
        ("snomed:195101003", {"EAR"}),
        ("snomed:54016002", {"MOBI"}),
        ("snomed:28189009", {"MOBII"}),
        ("snomed:251166008", {"AVNRT"}),
        ("snomed:233896004", {"AVNRT"}),
        ("snomed:63593006", {"PAC"}),
        ("snomed:164884008", {"PVC"}),
        ("snomed:17338001", {"PVC"}),
        ("snomed:251168009", {"PAC", "BIG"}),
        ("snomed:713427006", {"RBBB"}),
        ("snomed:59118001", {"RBBB"}),
        ("snomed:713426002", set()),
        ("snomed:733534002", {"LBBB"}),
        ("snomed:425856008", {"VT"}),
        ("snomed:81898007", {"IVR"}),
        ("chapman:AF", {"AFL"}),
        ("chapman:AFIB", {"AF"}),
        ("chapman:ST", {"STACH"}),
        ("chapman:SA", {"SARRH"}),
        ("chapman:ABI", {"PAC", "BIG"}),
        ("chapman:VB", {"PVC", "BIG"}),
        ("chapman:VEB", set()),
        ("chapman:2AVB1", {"MOBI"}),
        ("chapman:2AVB2", {"MOBII"}),
        ("cpsc:Normal", {"SR"}),
        ("cpsc:AF", {"AF"}),
        ("cpsc:I-AVB", {"1AVB"}),
        ("cpsc:STD", set()),
        ("icd:I48", set()),
    ],
)
def test_a_code_makes_its_classes_positive(code: str, classes: set[str]) -> None:
    assert having(POSITIVE, states(code)) == classes


@pytest.mark.parametrize(
    ("code", "classes"),
    [
        ("scp:LPR", {"1AVB"}),
        ("scp:2AVB", {"MOBI", "MOBII"}),
        ("scp:AVB", {"1AVB", "MOBI", "MOBII", "CHB"}),
        ("scp:CD", {"1AVB", "MOBI", "MOBII", "CHB", "LBBB", "RBBB"}),
        ("scp:SVARR", {"PAC"}),
        ("scp:PRC(S)", {"PAC", "PVC"}),
        ("scp:PSVT", {"AVNRT"}),
        ("snomed:164947007", {"1AVB"}),
        ("snomed:195080001", {"AF", "AFL"}),
        ("snomed:426627000", {"SB"}),
        ("snomed:6374002", {"LBBB", "RBBB"}),
        ("snomed:195042002", {"MOBI", "MOBII"}),
        ("chapman:VEB", {"IVR"}),
    ],
)
def test_a_code_that_leaves_classes_open_makes_them_uncertain(code: str, classes: set[str]) -> None:
    assert having(UNCERTAIN, states(code)) == classes


def test_a_plain_code_wins_over_a_group() -> None:
    assert states("scp:AVB", "scp:3AVB", "scp:SR")["CHB"] == POSITIVE


def test_without_codes_everything_is_unknown() -> None:
    assert having(UNKNOWN, states()) == set(CODES.values())


def test_a_system_says_nothing_on_classes_that_it_has_no_code_for() -> None:
    found = states("scp:SR", "scp:NORM")
    assert having(UNKNOWN, found) == {"EAR", "MOBI", "AVNRT", "FUS", "AT", "VT", "JR", "IVR", "MOBII"}
    assert {"AF", "SB", "PVC", "CHB", "PACE"} <= having(NEGATIVE, found)


def test_a_record_without_a_coded_rhythm_denies_no_rhythm() -> None:
    found = states("scp:IMI")
    assert {"SR", "AF", "SB", "STACH"} <= having(UNKNOWN, found)
    assert {"PVC", "LBBB"} <= having(NEGATIVE, found)


def test_sinus_rhythm_is_read_strictly() -> None:
    found = states("scp:SBRAD")
    assert (found["SB"], found["SR"]) == (POSITIVE, NEGATIVE)


def test_cpsc_tells_its_nine_classes_and_fibrillation_denies_sinus_rhythm() -> None:
    told = {"AF", "1AVB", "PAC", "PVC", "LBBB", "RBBB"}
    rbbb = states("cpsc:RBBB")
    assert having(NEGATIVE, rbbb) == told - {"RBBB"}
    assert rbbb["SR"] is UNKNOWN
    assert states("cpsc:AF")["SR"] == NEGATIVE
    assert having(NEGATIVE, states("cpsc:Normal")) == told


@pytest.mark.parametrize("source", ["cpsc_2018", "CPSC-2018"])
def test_cpsc_in_snomed_tells_no_more_than_in_its_own_names(source: str) -> None:
    assert states("snomed:59118001", source=source) == states("cpsc:RBBB")


def test_ptb_xl_in_snomed_tells_no_more_than_in_scp() -> None:
    assert states("snomed:426783006", source="ptb-xl") == states("scp:SR")


def test_clinical_diagnoses_of_ptb_deny_nothing() -> None:
    assert having(NEGATIVE, states("snomed:164865005", source="ptb")) == set()
    assert having(POSITIVE, states("snomed:426783006", source="ptb")) == {"SR"}


def test_beside_a_code_of_another_system_nothing_is_denied() -> None:
    found = states("snomed:59118001", "dx:some arrhythmia")
    assert having(POSITIVE, found) == {"RBBB"}
    assert having(NEGATIVE, found) == set()
    assert having(NEGATIVE, states("icd:I48")) == set()


def test_beside_a_code_that_its_system_does_not_have_nothing_is_denied() -> None:
    assert having(NEGATIVE, states("scp:SR", "scp:LVH"))
    assert having(NEGATIVE, states("scp:SR", "scp:I48.0")) == set()  # one of ICD-10
    assert having(POSITIVE, states("scp:SR", "scp:I48.0")) == {"SR"}
    assert LABELLER.label(["scp:SR", "scp:LVH", "scp:I48.0"]).understood == 2


def test_what_an_incomplete_list_does_not_name_is_unknown() -> None:
    found = states("scp:SR", "scp:AVB", INCOMPLETE, source="ptb-xl")
    assert having(POSITIVE, found) == {"SR"}
    assert having(UNCERTAIN, found) == having(UNCERTAIN, states("scp:SR", "scp:AVB"))
    assert having(NEGATIVE, found) == set()
    assert having(UNKNOWN, states(INCOMPLETE)) == set(CODES.values())


def test_an_incomplete_list_can_be_read_like_a_complete_one() -> None:
    codes = ["scp:SR", "scp:AVB"]
    labels = CodeLabeller(VOCABULARY, "negative").label([*codes, INCOMPLETE])
    assert labels == LABELLER.label(codes)


def test_the_mark_of_an_incomplete_list_is_no_code() -> None:
    labels = LABELLER.label(["scp:SR", INCOMPLETE])
    assert (labels.parts, labels.understood, len(labels.evidence)) == (1, 1, 1)


def test_rare_classes_are_denied_only_where_they_are_coded() -> None:
    assert states("snomed:426177001", source="georgia")["AVNRT"] is UNKNOWN
    assert states("snomed:426177001", source="chapman_ningbo")["AVNRT"] == NEGATIVE


def test_missing_pac_codes_of_ptb_xl_are_no_negative_where_the_report_says_pac() -> None:
    assert states("scp:SR")["PAC"] == NEGATIVE
    assert states("scp:SR", in_text=("premature_atrial_complexes",))["PAC"] is UNKNOWN
    assert states("scp:SR", in_text=("premature_ventricular_complexes",))["PVC"] == NEGATIVE


def test_a_paced_record_denies_nothing_and_bigeminy_of_unknown_kind_neither_kind() -> None:
    assert having(NEGATIVE, states("scp:PACE")) == set()
    bigeminy = states("scp:SR", "scp:BIGU")
    assert bigeminy["PAC"] is bigeminy["PVC"] is UNKNOWN


def test_evidence_names_the_code_and_its_list() -> None:
    (evidence,) = LABELLER.label(["snomed:164884008"]).evidence
    assert evidence.statement[evidence.start : evidence.end] == "snomed:164884008"
    assert evidence.pattern == "premature_ventricular_complexes.snomed.positive"


def test_implausible_codes_are_a_warning() -> None:
    assert LABELLER.label(["scp:SR", "scp:AFIB"]).warnings == ("atrial_fibrillation with sinus_rhythm",)


def test_codes_that_no_class_lists_are_told_apart() -> None:
    assert LABELLER.knows("scp:AFIB")
    assert not LABELLER.knows("scp:NORM")
