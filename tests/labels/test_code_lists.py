"""Code systems as data: sources, spellings, and what a code that is not listed means."""

import pytest

from rarebeat.labels.code_lists import canonical, code_system, code_systems, known_codes
from rarebeat.labels.codes import CodeLabeller
from rarebeat.labels.states import NEGATIVE, POSITIVE, UNCERTAIN, UNKNOWN
from rarebeat.labels.vocabulary import load_vocabulary

LABELLER = CodeLabeller(load_vocabulary("hughes24"))


@pytest.mark.parametrize("name", code_systems())
def test_every_list_names_its_source_and_version_and_no_code_twice(name: str) -> None:
    system = code_system(name)
    assert system is not None
    assert len(system.source) > 20
    assert system.version
    assert len({code.casefold() for code in system.names}) == len(system.names) > 5


@pytest.mark.parametrize("vocabulary", ["hughes24", "cinc2020", "cinc2020_official"])
def test_every_code_of_a_vocabulary_is_listed(vocabulary: str) -> None:
    """A misspelt code would find nothing. (LUDB's statements have no list.)"""
    wrong = [
        f"{entry.id}: {system}:{code}"
        for entry in load_vocabulary(vocabulary).classes
        for system, codes in entry.codes.items()
        for code in (*codes.positive, *codes.weak)
        if system in code_systems() and code not in known_codes(system)
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("scp:afib", "scp:AFIB"),
        ("chapman:Atrial Flutter", "chapman:AF"),
        ("cpsc:i-avb", "cpsc:I-AVB"),
        ("snomed:ATRIAL FIBRILLATION", "snomed:164889003"),
        ("aha:left bundle branch block", "aha:104"),
        ("12sl:Normal Sinus Rhythm", "12sl:NSR"),
        ("icd10:I48.0", "icd10:I48.0"),
        ("icd10:i480", "icd10:I48.0"),
        ("icd10:I48.19", "icd10:I48.1"),
        ("icd10:I48.91", "icd10:I48.91"),
        ("icd10:E11.9", "icd10:E11.9"),
        ("scp:no such code", "scp:no such code"),
    ],
)
def test_codes_and_names_are_found_in_any_case(written: str, listed: str) -> None:
    assert canonical(written) == listed


def test_a_name_of_two_codes_means_neither() -> None:
    assert canonical("snomed:atrioventricular node reentrant tachycardia").endswith("tachycardia")


@pytest.mark.parametrize(
    ("codes", "class_id", "state"),
    [
        (["aha:50"], "atrial_fibrillation", POSITIVE),
        (["aha:50"], "atrial_flutter", NEGATIVE),
        (["aha:22", "aha:60", "aha:310"], "premature_ventricular_complexes", POSITIVE),
        (["aha:60", "aha:341"], "bigeminy", POSITIVE),
        (["aha:22", "aha:60+310"], "premature_ventricular_complexes", POSITIVE),
        (["aha:60+341"], "bigeminy", POSITIVE),
        (["aha:60+341"], "premature_ventricular_complexes", POSITIVE),
        (["aha:60+312"], "premature_ventricular_complexes", UNCERTAIN),  # possible
        (["aha:60+315+341"], "bigeminy", UNCERTAIN),  # probable
        (["aha:82+301"], "av_block_1st_degree", UNCERTAIN),  # borderline
        (["aha:60+312", "aha:60"], "premature_ventricular_complexes", POSITIVE),
        (
            ["aha:22", "aha:106+312"],
            "left_bundle_branch_block",
            NEGATIVE,
        ),  # the modifier is another statement's
        (["aha:22", "aha:60+4711"], "left_bundle_branch_block", UNKNOWN),  # 4711 may say it
        (
            ["aha:Sinus bradycardia", "aha:Ventricular premature complex(es) + possible"],
            "premature_ventricular_complexes",
            UNCERTAIN,
        ),
        (["aha:55", "aha:221"], "avnrt", UNCERTAIN),
        (["aha:1"], "left_bundle_branch_block", NEGATIVE),
        (["aha:1"], "sinus_rhythm", UNKNOWN),  # no rhythm is named
        (["icd10:I48.91"], "atrial_fibrillation", POSITIVE),
        (["icd10:I48.9"], "atrial_flutter", UNCERTAIN),
        (["icd10:I47.19"], "supraventricular_tachycardia", POSITIVE),
        (["icd10:I47.11"], "supraventricular_tachycardia", UNKNOWN),  # inappropriate sinus tachycardia
        (["icd10:I47.11"], "sinus_tachycardia", UNCERTAIN),
        (["icd10:I48.91"], "complete_heart_block", UNKNOWN),  # diagnoses of a patient describe no ECG
        (["12sl:FAV", "12sl:SRTH"], "av_block_1st_degree", POSITIVE),
        (["12sl:FAV", "12sl:SRTH"], "right_bundle_branch_block", NEGATIVE),
        (["12sl:FLUT", "12sl:VAVB"], "atrial_flutter", POSITIVE),
        (["12sl:FLUT", "12sl:VAVB"], "av_block_2nd_degree_mobitz_i", UNCERTAIN),
        (["12sl:NSR", "12sl:NML"], "atrial_flutter", NEGATIVE),
        (["12sl:NSR", "12sl:NML"], "paced_rhythm", UNKNOWN),  # GE has other statements for it
        (["12sl:RVE+", "12sl:SRTH"], "atrial_fibrillation", NEGATIVE),  # a plus that is no modifier
        (["12sl:FAV", "12sl:XYZ"], "right_bundle_branch_block", UNKNOWN),  # XYZ may say it
        (["snomed:426783006", "snomed:999999999"], "right_bundle_branch_block", UNKNOWN),
        (["snomed:426783006", "snomed:164865005"], "right_bundle_branch_block", NEGATIVE),
    ],
)
def test_what_codes_say_of_a_class(codes: list[str], class_id: str, state: int | None) -> None:
    assert LABELLER.label(codes).states[class_id] == state


def test_an_unlisted_code_denies_as_before_by_the_challenges_official_labels() -> None:
    official = CodeLabeller(load_vocabulary("cinc2020_official"))
    assert official.label(["snomed:426783006", "snomed:999999999"]).states["atrial_fibrillation"] == NEGATIVE
