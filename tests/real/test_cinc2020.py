"""The classes of the PhysioNet/CinC Challenge 2020 against its tables, its records, and reports of PTB-XL."""

import csv
from collections import Counter
from pathlib import Path

import pytest
from tests.real.cohorts import (
    agreement,
    challenge_codes,
    challenge_headers,
    ludb_diagnoses,
    positive_agreement,
    ptb_xl,
    rows,
    with_system,
)

from rarebeat.labels.codes import CodeLabeller
from rarebeat.labels.states import NEGATIVE, POSITIVE, UNCERTAIN, UNKNOWN
from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.vocabulary import load_vocabulary
from rarebeat.readers.databases.ludb import statement_codes

HARMONISED = load_vocabulary("cinc2020")
OFFICIAL = load_vocabulary("cinc2020_official")
SHORT = {entry.id: entry.code for entry in HARMONISED.classes}
TUNED_ON = range(1, 7)  # folds of PTB-XL; 7 and 8 are for a last look

# What the challenge made of CPSC's short names.
SHORT_NAMES = {
    "Normal": "426783006",
    "AF": "164889003",
    "I-AVB": "270492004",
    "LBBB": "164909002",
    "RBBB": "59118001",
    "PAC": "284470004",
    "PVC": "164884008",
    "STD": "429622005",
    "STE": "164931005",
}


def scored(root: Path) -> dict[str, str]:
    """Code to the code that stands for it: the first of its pair in the official table of weights."""
    with (root / "cinc2020" / "weights.csv").open(newline="", encoding="utf-8") as file:
        order = next(csv.reader(file))[1:]
    stands_for = {code: code for code in order}
    for row in rows(root / "cinc2020" / "dx_mapping_scored.csv"):
        one, _, other = row["Notes"].removeprefix("We score ").partition(" and ")
        if other:
            pair = (one, other.partition(" ")[0])
            first = min(pair, key=order.index)
            stands_for.update(dict.fromkeys(pair, first))
    return stands_for


def test_classes_are_the_official_codes_in_the_order_of_the_weights(real_ecg: Path) -> None:
    stands_for = scored(real_ecg)
    first = list(dict.fromkeys(stands_for.values()))
    assert (len(stands_for), len(first)) == (27, 24)
    assert [entry.codes["snomed"].positive[0] for entry in OFFICIAL.classes] == first
    for entry in OFFICIAL.classes:
        codes = entry.codes["snomed"].positive
        assert {code for code in stands_for if stands_for[code] == codes[0]} == set(codes)


def test_short_names_of_classes_are_the_official_abbreviations(real_ecg: Path) -> None:
    official = {
        row["SNOMED CT Code"]: row["Abbreviation"]
        for row in rows(real_ecg / "cinc2020" / "dx_mapping_scored.csv")
    }
    for entry in OFFICIAL.classes:
        assert entry.code in {official[code] for code in entry.codes["snomed"].positive}


def test_official_labels_are_a_plain_reading_of_the_headers(real_ecg: Path) -> None:
    stands_for = scored(real_ecg)
    class_of = {entry.codes["snomed"].positive[0]: entry.id for entry in OFFICIAL.classes}
    labeller = CodeLabeller(OFFICIAL)
    headers = challenge_headers(real_ecg)
    assert len(headers) == 205
    for header in headers:
        codes = challenge_codes(header)
        plain = {SHORT_NAMES.get(code, code) for code in codes} & stands_for.keys()
        expected = {class_of[stands_for[code]] for code in plain}
        states = labeller.label(with_system(codes), header.parent.name).states
        assert {name for name, state in states.items() if state == POSITIVE} == expected, header.name
        assert {name for name, state in states.items() if state == NEGATIVE} == set(states) - expected


def test_harmonised_labels_add_the_pvcs_and_deny_less(real_ecg: Path) -> None:
    counts: dict[str, dict[str, Counter[int | None]]] = {}
    for variant, labeller in (("official", CodeLabeller(OFFICIAL)), ("harmonised", CodeLabeller(HARMONISED))):
        table = counts[variant] = {code: Counter() for code in SHORT.values()}
        for header in challenge_headers(real_ecg):
            named = with_system(challenge_codes(header))
            for name, state in labeller.label(named, header.parent.name).states.items():
                table[SHORT[name]][state] += 1
    for code in SHORT.values():
        official, harmonised = counts["official"][code], counts["harmonised"][code]
        print(f"{code:7}", *(f"{variant} {dict(table[code])}" for variant, table in counts.items()))
        assert official[UNCERTAIN] == official[UNKNOWN] == 0
        assert harmonised[POSITIVE] >= official[POSITIVE]
        assert harmonised[NEGATIVE] < official[NEGATIVE]
    assert counts["harmonised"]["PVC"][POSITIVE] > counts["official"]["PVC"][POSITIVE]
    for code in ("IAVB", "AF", "RBBB", "LBBB", "PAC", "SB", "NSR", "STach", "LAD", "TInv", "QAb", "LQT"):
        assert counts["harmonised"][code][POSITIVE] == counts["official"][code][POSITIVE]


@pytest.fixture(scope="module")
def text_and_codes(real_ecg: Path) -> dict[str, Counter[str]]:
    """Text against SCP statements, on the folds that patterns were tuned on."""
    matcher, labeller = Matcher(HARMONISED), CodeLabeller(HARMONISED)
    pairs = []
    for report, codes in ptb_xl(real_ecg, TUNED_ON).values():
        if report.strip():
            text = matcher.label(report).states
            said = [name for name, state in text.items() if state in (POSITIVE, UNCERTAIN)]
            pairs.append((text, labeller.label(codes, "ptb-xl", said).states))
    return agreement(pairs, SHORT)


# Where they differ, mostly the code was corrected and the machine's text stayed: blocks of the right bundle became
# incomplete ones, left axis deviations anterior fascicular blocks; 1st degree blocks and T wave changes were
# added.
@pytest.mark.parametrize(
    ("code", "least"),
    [
        ("NSR", 0.99),
        ("AF", 0.98),
        ("SA", 0.95),
        ("SB", 0.95),
        ("STach", 0.95),
        ("QAb", 0.90),
        ("LBBB", 0.88),
        ("PVC", 0.75),
        ("IAVB", 0.75),
        ("RBBB", 0.70),
        ("TAb", 0.65),
        ("IRBBB", 0.60),
        ("LAnFB", 0.58),
        ("NSIVCB", 0.50),
    ],
)
def test_reports_and_codes_of_ptb_xl_agree(
    text_and_codes: dict[str, Counter[str]], code: str, least: float
) -> None:
    counts = text_and_codes[code]
    assert counts["both"] + counts["codes only"] >= 10
    assert positive_agreement(counts) >= least, counts


def test_statements_of_ptb_xl_do_not_tell_the_axis(text_and_codes: dict[str, Counter[str]]) -> None:
    for code in ("LAD", "RAD"):
        assert set(text_and_codes[code]) == {"open"}


def test_text_and_statement_codes_of_ludb_agree(real_ecg: Path) -> None:
    matcher, labeller = Matcher(HARMONISED), CodeLabeller(HARMONISED)
    found: Counter[str] = Counter()
    for header in sorted((real_ecg / "ludb" / "data").glob("*.hea")):
        diagnoses = ludb_diagnoses(header)
        text, codes = (
            matcher.label("\n".join(diagnoses)).states,
            labeller.label(statement_codes(diagnoses)).states,
        )
        for name, short in SHORT.items():
            assert {text[name], codes[name]} != {POSITIVE, NEGATIVE}, (header.name, short)
            found[short] += text[name] == codes[name] == POSITIVE
    assert (found["LAD"], found["RAD"], found["IRBBB"], found["LAnFB"], found["NSIVCB"]) == (54, 1, 19, 11, 3)
