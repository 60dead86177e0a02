"""The matcher on whole reports (what they say is tested in test_reports.py): evidence, warnings, speed."""

import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import yaml

from rarebeat.labels.states import NEGATIVE, POSITIVE, UNCERTAIN, UNKNOWN
from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.vocabulary import load_vocabulary

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases.yaml").read_text(encoding="utf-8"))
VOCABULARY = load_vocabulary("hughes24")
MATCHER = Matcher(VOCABULARY)
CODES = {entry.id: entry.code for entry in VOCABULARY.classes}


def states_by_code(text: str) -> dict[str, int | None]:
    return {CODES[name]: state for name, state in MATCHER.label(text).states.items()}


def test_evidence_points_to_the_mention_and_names_pattern_and_cue() -> None:
    labels = MATCHER.label("Sinusrhythmus\nkein (intermittierender) A-V-Block I°, VES möglich")
    block = next(entry for entry in labels.evidence if entry.class_id == "av_block_1st_degree")
    assert block.statement == "kein (intermittierender) A-V-Block I°, VES möglich"
    assert block.statement[block.start : block.end] == "A-V-Block I°"
    assert (block.state, block.cue) == (NEGATIVE, "kein")
    assert block.pattern.startswith("av_block_1st_degree.include.")
    ectopy = next(entry for entry in labels.evidence if entry.class_id == "premature_ventricular_complexes")
    assert (ectopy.statement[ectopy.start : ectopy.end], ectopy.state, ectopy.cue) == (
        "VES",
        UNCERTAIN,
        "möglich",
    )


def test_a_mention_without_a_cue_has_none() -> None:
    assert [entry.cue for entry in MATCHER.label("Atrial flutter").evidence] == [None]


def test_a_positive_mention_wins_over_a_hedged_and_a_negated_one() -> None:
    text = "No atrial flutter. Possible atrial flutter. Atrial flutter."
    assert states_by_code(text)["AFL"] == POSITIVE
    assert sorted(entry.state for entry in MATCHER.label(text).evidence) == [UNCERTAIN, NEGATIVE, POSITIVE]


def test_decomposed_accents_read_like_composed_ones() -> None:
    text = "ventrikuläre extrasystole(n) sinusrhythmus"
    decomposed = unicodedata.normalize("NFD", text)
    assert MATCHER.label(decomposed).states == MATCHER.label(text).states


def test_no_text_is_unknown_everywhere() -> None:
    labels = MATCHER.label(None)
    assert set(labels.states.values()) == {UNKNOWN}
    assert list(labels.states) == list(VOCABULARY.class_ids)


def test_a_comparison_tells_what_is_gone_and_nothing_else() -> None:
    comparison = "When compared with ECG of 3-MAR-2011,\nPVCs are no longer Present\nPACs are now Present"
    states = states_by_code(f"Ventricular-paced rhythm\n{comparison}")
    assert (states["PVC"], states["PAC"]) == (NEGATIVE, UNKNOWN)


def test_a_correction_takes_back_what_was_stated_before() -> None:
    states = states_by_code("Atrial fibrillation\nPVCs\nCorrection: sinus rhythm, not AF")
    assert (states["AF"], states["SR"], states["PVC"]) == (NEGATIVE, POSITIVE, POSITIVE)
    late = "SVT\nWhen compared with ECG of 3-MAR,\nLBBB is new\nComputer read of SVT is incorrect, atrial tachycardia"
    states = states_by_code(late)
    assert (states["SVT"], states["AT"], states["LBBB"]) == (NEGATIVE, POSITIVE, NEGATIVE)
    assert states_by_code("Atrial fibrillation\nSinus rhythm, not AF")["AF"] == POSITIVE, "not said to be one"


def test_implausible_combinations_are_warnings_and_stay_as_they_are() -> None:
    labels = MATCHER.label("Atrial fibrillation with complete heart block. Sinus rhythm. Bigeminy.")
    assert "atrial_fibrillation with sinus_rhythm" in labels.warnings
    assert any(warning.startswith("bigeminy without") for warning in labels.warnings)
    assert labels.states["sinus_rhythm"] == labels.states["atrial_fibrillation"] == POSITIVE


def test_bigeminy_of_unknown_kind_denies_neither_kind() -> None:
    states = states_by_code("Sinus rhythm, bigeminy")
    assert states["PAC"] is states["PVC"] is UNKNOWN
    assert states_by_code("Sinus rhythm, PVCs in bigeminy")["PAC"] == NEGATIVE


def test_labels_do_not_depend_on_what_was_read_before() -> None:
    texts = [case["text"] for cases in CASES.values() for case in cases]
    fresh = Matcher(VOCABULARY)
    assert [fresh.label(text) for text in reversed(texts)] == [
        MATCHER.label(text) for text in reversed(texts)
    ]


def mutate(text: str, rng: np.random.Generator) -> str:
    """Cut, repeat, swap and garble parts of a text."""
    alphabet = "aAfFiIvVxzäÅß°?/:.,;()[]-+&\n\t 0123 \x00\u2013\u0308\U0001f493"
    characters = list(text)
    for _ in range(rng.integers(1, 12)):
        at = int(rng.integers(0, len(characters) + 1))
        to = at + int(rng.integers(0, 9))
        piece = characters[at:to]
        characters[at:to] = [[], piece * 2, piece[::-1], [alphabet[rng.integers(len(alphabet))]]][
            rng.integers(4)
        ]
    return "".join(characters)


def test_garbled_reports_never_crash_and_evidence_stays_inside_the_statement() -> None:
    rng = np.random.default_rng([2018, 24])
    texts = [case["text"] for cases in CASES.values() for case in cases]
    for number in range(3000):
        text = mutate(texts[number % len(texts)], rng)
        for entry in MATCHER.label(text).evidence:
            assert 0 <= entry.start < entry.end <= len(entry.statement)
            assert entry.statement in unicodedata.normalize("NFC", text)
            assert entry.cue is None or entry.cue in entry.statement


@pytest.mark.parametrize(
    "unit",
    [
        "no atrial fibrillation or ",
        "sinus or ectopic atrial ",
        "possible or ",
        "2:1 av block, ",
        "electronic a a a a ",
        "fibfibfib",
        "((((????",
        "a.v. 1. grad ",
        "            ",
        "ä-",
        "premature ventricular and premature atrial ",
        "sinus rhythm. ",
        "w/o 1° A-V block AF ",
    ],
)
def test_reading_takes_linear_time(unit: str) -> None:
    text = (unit * (100_000 // len(unit) + 1))[:100_000]
    start = time.process_time()
    Matcher(VOCABULARY).label(text)
    assert time.process_time() - start < 5.0, "100 kB take well under a second when nothing is wrong"


def test_reports_are_read_quickly() -> None:
    reports = [case["text"] for case in CASES["reports of an analysis program, with all their parts"]]
    texts = [f"{report}\nVent. rate {number} BPM" for number in range(200) for report in reports]
    matcher = Matcher(VOCABULARY)
    start = time.process_time()
    for text in texts:
        matcher.label(text)
    assert len(texts) / (time.process_time() - start) > 1000, "reports per second; usually above 10,000"


@pytest.mark.parametrize(
    "unit",
    [
        "\n",
        "\r\n ",
        "\nrhythm",
        ". ",
        "a? ",
        ", ",
        "AF ",
        "no AF ",
        "AF with LBBB no longer seen ",
        "AF with ",
        "t waves are slightly ",
        "after ablation of ",
        "abcdefghij",
        "(s)",
        "1.",
        "ü",
    ],
)
def test_four_times_the_text_takes_about_four_times_as_long(unit: str) -> None:
    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        start = time.process_time()
        Matcher(VOCABULARY).label(text)
        return time.process_time() - start

    once, fourfold = (min(seconds(length) for _ in range(2)) for length in (4_000, 16_000))
    assert fourfold < 8 * once + 0.1  # 16 if it were quadratic
