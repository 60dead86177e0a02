"""Labels on real recordings: text against codes, and every code system that the archives use."""

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
    scp_codes,
    with_system,
)

from rarebeat.labels.codes import CodeLabeller
from rarebeat.labels.states import NEGATIVE, POSITIVE, UNCERTAIN, UNKNOWN
from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.vocabulary import load_vocabulary

VOCABULARY = load_vocabulary("hughes24")
MATCHER = Matcher(VOCABULARY)
LABELLER = CodeLabeller(VOCABULARY)
SHORT = {entry.id: entry.code for entry in VOCABULARY.classes}


@pytest.fixture(scope="module")
def ptb_xl_agreement(real_ecg: Path) -> dict[str, Counter[str]]:
    pairs = []
    for report, codes in ptb_xl(real_ecg).values():
        text = MATCHER.label(report)
        said = [name for name, state in text.states.items() if state in (POSITIVE, UNCERTAIN)]
        pairs.append((text.states, LABELLER.label(codes, "ptb-xl", said).states))
    return agreement(pairs, SHORT)


# Where they differ, mostly the code was corrected and the machine's text stayed: right bundle branch blocks
# of the text are often coded as incomplete, and many first degree blocks of the codes are not in the text at
# all. PAC leaves out records that have it in the text only: there the absence of the code is unknown.
@pytest.mark.parametrize(
    ("code", "least"),
    [
        ("SR", 0.99),
        ("AF", 0.99),
        ("SB", 0.98),
        ("STACH", 0.98),
        ("SARRH", 0.98),
        ("PAC", 0.95),
        ("LBBB", 0.90),
        ("PVC", 0.75),
        ("1AVB", 0.80),
        ("RBBB", 0.70),
    ],
)
def test_reports_and_codes_of_ptb_xl_agree(
    ptb_xl_agreement: dict[str, Counter[str]], code: str, least: float
) -> None:
    counts = ptb_xl_agreement[code]
    assert counts["both"] >= 9
    assert positive_agreement(counts) >= least, counts


def test_most_reports_of_ptb_xl_are_understood(real_ecg: Path) -> None:
    reports = [
        report for report, _ in ptb_xl(real_ecg).values() if report.strip() and "only requested" not in report
    ]
    unread = [report for report in reports if not MATCHER.label(report).evidence]
    assert len(unread) <= 0.02 * len(reports), unread


LUDB_PHRASES = {
    "Sinus rhythm": "SR",
    "Irregular sinus rhythm": "SR",
    "Sinus bradycardia": "SB",
    "Sinus tachycardia": "STACH",
    "Sinus arrhythmia": "SARRH",
    "Atrial fibrillation": "AF",
    "Atrial flutter, typical": "AFL",
    "Wandering atrial pacemaker": "EAR",
    "I degree av block": "1AVB",
    "Iii degree av-block": "CHB",
    "Complete left bundle branch block": "LBBB",
    "Complete right bundle branch block": "RBBB",
    "Atrial extrasystole": "PAC",
    "Ventricular extrasystole": "PVC",
    "Unipolar ventricular pacing": "PACE",
    "Bipolar ventricular pacing": "PACE",
    "Biventricular pacing": "PACE",
    "Atrial extrasystole, type: bigemini": "BIG",
}


def test_headers_of_ludb_say_what_its_table_says(real_ecg: Path) -> None:
    columns = ["Rhythms", "Conduction abnormalities", "Extrasystolies", "Cardiac pacing"]
    told = {
        row["ID"].strip(): {p.strip() for c in columns for p in row[c].split("\n")}
        for row in rows(real_ecg / "ludb" / "ludb.csv")
    }
    headers = sorted((real_ecg / "ludb" / "data").glob("*.hea"))
    assert len(headers) == 140
    for header in headers:
        phrases = told[header.stem] | {
            phrase.partition(":")[0].partition(",")[0] for phrase in told[header.stem]
        }
        expected = {LUDB_PHRASES[phrase] for phrase in phrases if phrase in LUDB_PHRASES}
        states = MATCHER.label("\n".join(ludb_diagnoses(header))).states
        assert {code for name, code in SHORT.items() if states[name] == POSITIVE} == expected, header.name


def test_each_challenge_database_tells_its_own_classes(real_ecg: Path) -> None:
    counts: dict[tuple[str, str], Counter[int | None]] = {}
    for header in challenge_headers(real_ecg):
        source = header.parent.name
        for name, state in LABELLER.label(with_system(challenge_codes(header)), source).states.items():
            counts.setdefault((source, name), Counter())[state] += 1
    assert counts["cpsc_2018", "atrial_fibrillation"] == {POSITIVE: 21, NEGATIVE: 93}
    assert counts["cpsc_2018", "sinus_rhythm"] == {POSITIVE: 15, NEGATIVE: 21, UNKNOWN: 78}
    assert counts["cpsc_2018", "sinus_bradycardia"] == {UNKNOWN: 114}
    assert counts["chapman_ningbo", "premature_atrial_complexes"][POSITIVE] == 14
    assert counts["chapman_ningbo", "ventricular_tachycardia"] == {POSITIVE: 6, UNKNOWN: 23}
    assert counts["georgia", "avnrt"] == {UNKNOWN: 25}
    assert counts["ptb", "atrial_fibrillation"] == {UNKNOWN: 7}


def test_records_of_ptb_xl_with_incomplete_codes_are_labelled_with_care(real_ecg: Path) -> None:
    table = real_ecg / "ptb-xl-filtered" / "ptbxl_filtered.csv"
    codes = [scp_codes(row["scp_codes"]) for row in rows(table) if row["scp_codes_complete"] == "False"]
    labels = [LABELLER.label(entry, "ptb-xl").states for entry in codes]
    assert len(labels) == 1056
    assert Counter(states["sinus_rhythm"] for states in labels)[POSITIVE] == 977
    assert Counter(states["av_block_1st_degree"] for states in labels)[UNCERTAIN] == 13  # LPR
    assert Counter(states["avnrt"] for states in labels) == {UNKNOWN: 1055, UNCERTAIN: 1}  # PSVT
