"""Reports say what was seen, in words of their own, and are sometimes wrong at a known rate."""

import re
from collections import Counter

import numpy as np
import pytest

from rarebeat.simulator.clinic import recording_at, report_of
from rarebeat.simulator.report import Findings, misread, write_report
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import CLASSES
from rarebeat.simulator.wording import MISTAKEN, PHRASES

SETTINGS = SimulatorSettings(seed=2, preset="balanced", label_noise=0.0)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def lines(classes: set[str], variant: str = "", seed: int = 0, rate: float = 80.0) -> list[str]:
    findings = Findings(frozenset(classes), variant, rate, ectopic=3)
    return write_report(rng(seed), findings, None, 0.0).text.split("\n")


def some(classes: set[str], variant: str = "", rate: float = 80.0) -> str:
    """The rhythm lines of forty readers."""
    return "\n".join(lines(classes, variant, seed, rate)[0] for seed in range(40))


def test_normal_sinus_rhythm_is_a_normal_ecg() -> None:
    assert "Normal sinus rhythm" in some({"sinus_rhythm"})
    assert lines({"sinus_rhythm"})[-1] == "Normal ECG"


@pytest.mark.parametrize(
    ("classes", "variant", "expected"),
    [
        ({"sinus_rhythm", "av_block_1st_degree"}, "", "Sinus rhythm with 1st degree A-V block"),
        ({"atrial_flutter"}, "2:1", "Atrial flutter with 2:1 A-V conduction"),
        ({"sinus_rhythm", "av_block_2nd_degree_advanced"}, "2:1", "Sinus rhythm with 2:1 A-V conduction"),
        (
            {"sinus_rhythm", "complete_heart_block", "junctional_rhythm"},
            "junctional escape",
            "Sinus rhythm with complete heart block and junctional rhythm",
        ),
        (
            {"sinus_rhythm", "premature_ventricular_complexes", "bigeminy"},
            "",
            "premature ventricular complexes in a pattern of bigeminy",
        ),
        (
            {"sinus_rhythm", "premature_ventricular_complexes", "fusion_complexes"},
            "",
            "premature ventricular and fusion complexes",
        ),
        (
            {"paced_rhythm", "atrial_fibrillation"},
            "ventricular",
            "Atrial fibrillation with ventricular-paced rhythm",
        ),
        (
            {"sinus_rhythm", "ventricular_tachycardia"},
            "run",
            "Sinus rhythm with a run of ventricular tachycardia",
        ),
        ({"supraventricular_tachycardia", "avnrt"}, "late P", "tachycardia, AV nodal reentrant tachycardia"),
    ],
)
def test_connectors_tie_findings_to_the_rhythm(classes: set[str], variant: str, expected: str) -> None:
    assert expected in some(classes, variant)


def test_fast_and_slow_fibrillation_are_told_apart() -> None:
    assert "rapid ventricular response" in some({"atrial_fibrillation"}, rate=130)
    assert "slow ventricular response" in some({"atrial_fibrillation"}, rate=45)
    assert "response" not in some({"atrial_fibrillation"}, rate=80)


def test_some_reports_are_typed_with_abbreviations() -> None:
    text = "\n".join(lines({"sinus_rhythm", "left_bundle_branch_block"}, seed=seed)[1] for seed in range(40))
    assert "LBBB" in text
    assert "Left bundle branch block" in text


def test_without_label_noise_what_is_stated_or_suspected_is_the_truth() -> None:
    for index in range(300):
        recording = recording_at(index, SETTINGS)
        report = report_of(index, recording, SETTINGS)
        assert report.stated | report.hedged == recording.truth
        assert not report.stated & report.hedged


def test_suspicions_are_rare_and_worded_as_such() -> None:
    reports = [report_of(index, recording_at(index, SETTINGS), SETTINGS) for index in range(800)]
    hedged = [report for report in reports if report.hedged]
    assert 5 < len(hedged) < 80
    assert all(re.search(r"possible|probable|consider", report.text, re.IGNORECASE) for report in hedged)


def test_label_noise_is_the_share_of_reports_with_an_error() -> None:
    settings = SimulatorSettings(seed=2, label_noise=0.3)
    wrong = 0
    for index in range(400):
        recording = recording_at(index, settings)
        report = report_of(index, recording, settings)
        wrong += report.stated | report.hedged != recording.truth
    assert 0.2 < wrong / 400 < 0.4


def test_a_misreading_misses_or_swaps_one_class() -> None:
    truth = frozenset({"sinus_rhythm", "premature_atrial_complexes"})
    seen = {misread(rng(seed), truth) for seed in range(50)}
    assert truth not in seen
    assert frozenset({"sinus_rhythm"}) in seen
    assert frozenset({"sinus_rhythm", "premature_ventricular_complexes"}) in seen
    assert {*MISTAKEN, *(name for names in MISTAKEN.values() for name in names)} <= set(CLASSES)


def test_every_class_has_words() -> None:
    assert set(CLASSES) - set(PHRASES) == {"paced_rhythm", "bigeminy", "av_block_2nd_degree_advanced"}


def test_reports_carry_no_identifiers_and_no_dates() -> None:
    for index in range(300):
        text = report_of(index, recording_at(index, SETTINGS), SETTINGS).text
        assert "_" not in text
        assert not re.search(r"\d{2,4}[-/.]\d{1,2}[-/.]\d{1,4}", text)
        assert not re.search(r"confirmed by|sim-\d", text, re.IGNORECASE)


def test_later_visits_are_compared_with_the_visit_before() -> None:
    before = Findings(frozenset({"atrial_fibrillation"}), "", 120.0, 0)
    now = Findings(frozenset({"sinus_rhythm", "premature_atrial_complexes"}), "", 70.0, 1, months=5)
    texts = [write_report(rng(seed), now, before, 0.0).text for seed in range(20)]
    compared = [text for text in texts if "When compared with ECG of 5 months earlier," in text]
    assert 10 <= len(compared) < 20
    for text in compared:
        block = text.split("When compared")[1]
        assert "Sinus rhythm has replaced atrial fibrillation" in block
        assert "Premature atrial complexes are now present" in block
        assert "Vent. rate has decreased BY 50 BPM" in block


def test_words_vary_between_readers() -> None:
    heads = Counter(lines({"paced_rhythm"}, "ventricular", seed)[0] for seed in range(40))
    assert len(heads) >= 3
