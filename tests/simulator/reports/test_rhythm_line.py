"""The rhythm line: doubts, degrees and connectors, by machine and by hand."""

import numpy as np
import pytest

from rarebeat.simulator.reports.findings import Findings, Voice
from rarebeat.simulator.reports.rhythm_line import rhythm_head, rhythm_line


def lines(
    *seen: str, hedged: tuple[str, ...] = (), typed: bool = False, rate: float = 75.0, variant: str = ""
) -> set[str]:
    """The lines of a hundred writers."""
    classes = frozenset(seen) | frozenset(hedged)
    findings = Findings(frozenset(seen), variant, rate, ectopic=1)
    return {
        rhythm_line(Voice(np.random.default_rng(seed), typed=typed), classes, frozenset(hedged), findings)
        for seed in range(100)
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("atrial_flutter", "possible atrial flutter"),
        ("ectopic_atrial_rhythm", "unusual P axis, possible ectopic atrial rhythm"),
        ("supraventricular_tachycardia", "narrow QRS tachycardia"),
        ("junctional_rhythm", "unusual P axis and short PR, probable junctional rhythm"),
        ("ventricular_tachycardia", "wide QRS tachycardia, consider ventricular tachycardia"),
    ],
)
def test_the_machine_has_set_phrases_for_doubt(name: str, expected: str) -> None:
    assert expected in lines(name, hedged=(name,))


def test_a_person_doubts_with_a_question_mark_or_leaves_the_choice() -> None:
    assert {"?AF", "? AF", "likely AFib"} <= lines(
        "atrial_fibrillation", hedged=("atrial_fibrillation",), typed=True
    )
    open_choice = lines(hedged=("atrial_fibrillation", "atrial_flutter"), typed=True)
    assert "AF vs atrial flutter" in open_choice
    assert all(any(word in line for word in (" vs ", " vs. ", " or ")) for line in open_choice)


def test_slow_sinus_bradycardia_is_marked() -> None:
    assert "marked sinus bradycardia" in lines("sinus_bradycardia", rate=41)
    assert lines("sinus_bradycardia", rate=55) == {"sinus bradycardia"}


def test_regular_ventricles_under_fibrillation_make_a_reader_consider_complete_block() -> None:
    suspected = lines("atrial_fibrillation", "junctional_rhythm", hedged=("complete_heart_block",), rate=42)
    expected = (
        "atrial fibrillation with slow, regular ventricular response and junctional rhythm, "
        "consider complete heart block"
    )
    assert expected in suspected
    sure = lines("atrial_fibrillation", "complete_heart_block", rate=42)
    assert "atrial fibrillation with complete heart block" in sure
    assert "atrial fibrillation with slow, regular ventricular response with 3rd degree A-V block" in sure


@pytest.mark.parametrize(
    ("name", "variant", "expected"),
    [
        ("junctional_rhythm", "escape", "junctional bradycardia"),
        ("junctional_rhythm", "accelerated", "accelerated junctional rhythm"),
        ("junctional_rhythm", "tachycardia", "junctional tachycardia"),
        ("idioventricular_rhythm", "accelerated", "accelerated idioventricular rhythm"),
        ("paced_rhythm", "biventricular", "electronic biventricular pacemaker"),
    ],
)
def test_the_variant_has_its_words(name: str, variant: str, expected: str) -> None:
    assert expected in lines(name, variant=variant)


def test_normal_is_said_of_undisturbed_sinus_rhythm_alone() -> None:
    assert "normal sinus rhythm" in lines("sinus_rhythm", "right_bundle_branch_block")
    assert not any("normal" in line for line in lines("sinus_rhythm", "av_block_1st_degree"))
    assert not any("normal" in line for line in lines("sinus_rhythm", "premature_atrial_complexes"))


def test_bigeminy_whose_complexes_were_missed_stands_alone() -> None:
    assert lines("sinus_rhythm", "bigeminy") == {"sinus rhythm, bigeminy"}


def test_the_head_leaves_ectopic_complexes_out() -> None:
    seen = frozenset({"sinus_rhythm", "premature_atrial_complexes"})
    head = rhythm_head(Voice(np.random.default_rng(0)), seen, frozenset(), Findings(seen, "", 75.0, 2))
    assert head == "sinus rhythm"


def test_nothing_seen_is_an_undetermined_rhythm() -> None:
    assert lines() == {"undetermined rhythm"}
    assert lines("sinus_arrhythmia") <= {"sinus arrhythmia", "marked sinus arrhythmia"}
