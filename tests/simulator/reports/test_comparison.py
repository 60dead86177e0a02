"""The serial block says what has changed, in the words of the machine or of a person."""

from datetime import datetime

import numpy as np
import pytest

from rarebeat.simulator.reports.comparison import comparison, typed_comparison
from rarebeat.simulator.reports.findings import Findings, Voice

DAY = datetime(2014, 3, 9, 8, 5)


def findings(*classes: str, rate: float = 70.0, variant: str = "") -> Findings:
    return Findings(frozenset(classes), variant, rate, 0, time=DAY)


def block(now: Findings, before: Findings, seed: int = 0) -> list[str]:
    return comparison(Voice(np.random.default_rng(seed)), now.classes, now, before)


def test_the_block_opens_with_the_date_of_the_earlier_recording() -> None:
    openings = {block(findings("sinus_rhythm"), findings("sinus_rhythm"), seed)[0] for seed in range(40)}
    plain = "When compared with ECG of 09-MAR-2014 08:05,"
    assert openings == {plain, f"{plain} (unconfirmed)"}


@pytest.mark.parametrize(
    ("now", "before", "line"),
    [
        (
            findings("sinus_rhythm"),
            findings("atrial_fibrillation"),
            "Sinus rhythm has replaced Atrial fibrillation",
        ),
        (
            findings("paced_rhythm", variant="atrial"),
            findings("sinus_bradycardia"),
            "Electronic atrial pacemaker has replaced Sinus bradycardia",
        ),
        (
            findings("sinus_rhythm", "premature_atrial_complexes"),
            findings("sinus_rhythm"),
            "Premature atrial complexes are now Present",
        ),
        (
            findings("sinus_rhythm"),
            findings("sinus_rhythm", "av_block_2nd_degree_advanced"),
            "2nd degree A-V block (Mobitz II) is no longer Present",
        ),
        (
            findings("sinus_rhythm"),
            findings("sinus_rhythm", rate=98),
            "Vent. rate has decreased BY 28 BPM",
        ),
        (findings("sinus_rhythm"), findings(), "Previous ECG has undetermined rhythm, needs review"),
        (findings("sinus_rhythm"), findings("sinus_rhythm", rate=75), "No significant change was found"),
    ],
)
def test_changes_are_named(now: Findings, before: Findings, line: str) -> None:
    assert any(line in block(now, before, seed) for seed in range(5))


def test_a_new_bundle_branch_block_is_called_new() -> None:
    now, before = findings("sinus_rhythm", "left_bundle_branch_block"), findings("sinus_rhythm")
    assert "Left bundle branch block is now Present" in block(now, before)
    typed = {
        typed_comparison(Voice(np.random.default_rng(seed), typed=True), now.classes, before)
        for seed in range(60)
    }
    assert {"Since 3/9/14: new LBBB", "Since 3/9/14: LBBB new"} <= typed


def test_what_stayed_is_not_named() -> None:
    now = findings("sinus_rhythm", "left_bundle_branch_block", "premature_ventricular_complexes")
    before = findings("sinus_rhythm", "left_bundle_branch_block")
    for seed in range(30):
        text = "\n".join(block(now, before, seed))
        assert "bundle" not in text
        assert "Sinus" not in text


def test_a_person_says_it_in_one_line() -> None:
    now, before = findings("sinus_rhythm", "premature_atrial_complexes"), findings("atrial_fibrillation")
    lines = {
        typed_comparison(Voice(np.random.default_rng(seed), typed=True), now.classes, before)
        for seed in range(60)
    }
    assert "Since 3/9/14: now sinus rhythm, was AF; PACs new" in lines
    assert any("sinus rhythm has replaced AF" in line for line in lines)
    assert all("\n" not in line for line in lines)


def test_a_person_sees_no_change_only_where_there_is_none() -> None:
    same = findings("junctional_rhythm")
    for seed in range(40):
        voice = Voice(np.random.default_rng(seed), typed=True)
        assert "change" in typed_comparison(voice, same.classes, same)
        assert "change" not in typed_comparison(voice, same.classes, findings("idioventricular_rhythm"))


def test_what_goes_on_below_another_rhythm_is_not_replaced() -> None:
    paced, both = findings("paced_rhythm"), findings("paced_rhythm", "atrial_fibrillation")
    for seed in range(30):
        assert "replaced" not in "\n".join(block(both, paced, seed) + block(paced, both, seed))
        typed = typed_comparison(Voice(np.random.default_rng(seed), typed=True), both.classes, paced)
        assert "AF" in typed.replace(":", "").split()
        assert "pacing" not in typed
