"""Reports say what was seen, in words of their own, and are sometimes wrong at a known rate."""

import re
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from rarebeat.simulator.clinic import recording_at, report_of
from rarebeat.simulator.reports.findings import USUAL, Findings, Report, Style
from rarebeat.simulator.reports.report import uses_held_out, write_report
from rarebeat.simulator.reports.wording import HELD_OUT, PHRASES
from rarebeat.simulator.settings import SimulatorSettings

SETTINGS = SimulatorSettings(seed=2, preset="balanced", label_noise=0.0)
MACHINE = Style(typed=0, typos=0, overread=0, hedged=0, signed=0, capitals=0)
"""What the electrocardiograph prints, and nothing else."""
PERSON = replace(MACHINE, typed=1)
DAY = datetime(2015, 6, 2, 11, 30)


def report(
    classes: set[str],
    variant: str = "",
    style: Style = MACHINE,
    seed: int = 1,
    rate: float = 80.0,
    before: Findings | None = None,
    **more: object,
) -> Report:
    findings = replace(Findings(frozenset(classes), variant, rate, ectopic=3), **more)  # type: ignore[arg-type]
    return write_report(np.random.default_rng(seed), findings, before, 0.0, style)


def some(classes: set[str], variant: str = "", style: Style = MACHINE, rate: float = 80.0) -> str:
    """Sixty reports of the same findings."""
    return "\n\n".join(report(classes, variant, style, seed, rate).text for seed in range(60))


def clinic_reports(count: int, settings: SimulatorSettings = SETTINGS, style: Style = USUAL) -> list[Report]:
    return [report_of(index, recording_at(index, settings), settings, style) for index in range(count)]


def test_normal_sinus_rhythm_is_a_normal_ecg() -> None:
    assert report({"sinus_rhythm"}).text == "Normal sinus rhythm\nNormal ECG"
    assert report({"sinus_rhythm", "left_bundle_branch_block"}).text.endswith("Abnormal ECG")


@pytest.mark.parametrize(
    ("classes", "variant", "expected"),
    [
        ({"sinus_rhythm", "av_block_1st_degree"}, "", "Sinus rhythm with 1st degree A-V block"),
        ({"sinus_rhythm", "sinus_arrhythmia"}, "", "Normal sinus rhythm with sinus arrhythmia"),
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
            "Sinus rhythm with frequent Premature ventricular complexes in a pattern of bigeminy",
        ),
        (
            {"sinus_rhythm", "premature_ventricular_complexes", "fusion_complexes"},
            "",
            "Sinus rhythm with Premature ventricular and fusion complexes",
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
        (
            {"atrial_fibrillation", "premature_ventricular_complexes"},
            "",
            "Atrial fibrillation with Premature ventricular or aberrantly conducted complexes",
        ),
    ],
)
def test_connectors_tie_findings_to_the_rhythm(classes: set[str], variant: str, expected: str) -> None:
    assert expected in some(classes, variant)


def test_fast_and_slow_fibrillation_are_told_apart() -> None:
    assert "rapid ventricular response" in some({"atrial_fibrillation"}, rate=130)
    assert "slow ventricular response" in some({"atrial_fibrillation"}, rate=45)
    assert "response" not in some({"atrial_fibrillation"}, rate=80)


def test_nodal_reentry_is_added_by_a_person_for_no_machine_says_it() -> None:
    lines = report({"supraventricular_tachycardia", "avnrt"}, "late P").text.split("\n")
    assert lines[0] == "Supraventricular tachycardia"
    assert re.search("AVNRT|nodal", lines[1])


def test_the_machines_order_is_rhythm_conduction_rest_severity_comparison_signature() -> None:
    before = Findings(frozenset({"sinus_rhythm"}), "", 60.0, 0, time=DAY - timedelta(days=3))
    found = report(
        {"sinus_tachycardia", "right_bundle_branch_block"},
        style=replace(MACHINE, compared=1, signed=1),
        rate=120.0,
        before=before,
        background=("left axis deviation",),
        time=DAY,
    ).text.split("\n")
    expected = (
        "Sinus tachycardia",
        "Right bundle branch block",
        "Left axis deviation",
        "Abnormal ECG",
        "When compared with ECG of 30-MAY-2015 11:30,",
        "Sinus tachycardia has replaced Sinus rhythm",
        "Right bundle branch block is now Present",
        "Vent. rate has increased BY 60 BPM",
    )
    places = [found.index(line) for line in expected]
    assert places == sorted(places)


def test_persons_type_abbreviations_in_several_styles() -> None:
    text = some({"sinus_rhythm", "left_bundle_branch_block"}, style=PERSON)
    for expected in ("NSR", "LBBB", "Rhythm: ", "Conduction: ", "There is LBBB", "ECG shows", "NSR, LBBB"):
        assert expected in text


def test_persons_say_what_is_not_there() -> None:
    text = some({"sinus_rhythm"}, style=PERSON)
    assert "No acute ST changes" in text
    assert re.search("no ectopy|no PVCs|no AV block|no BBB", text, re.IGNORECASE)


def test_persons_mistype_at_the_rate_that_is_set() -> None:
    classes = {"atrial_fibrillation", "right_bundle_branch_block"}
    exact, hasty = some(classes, style=PERSON), some(classes, style=replace(PERSON, typos=0.2))
    words = {word.casefold() for word in re.findall(r"[A-Za-z]{4,}", exact)}
    wrong = [word for word in re.findall(r"[A-Za-z]{4,}", hasty) if word.casefold() not in words]
    assert 0.1 < len(wrong) / len(re.findall(r"[A-Za-z]{4,}", hasty)) < 0.3


def test_some_reports_are_in_capitals() -> None:
    assert (
        report({"sinus_rhythm"}, style=replace(MACHINE, capitals=1)).text == "NORMAL SINUS RHYTHM\nNORMAL ECG"
    )


def test_edited_reports_keep_the_machines_error_or_lose_it() -> None:
    style = replace(MACHINE, overread=1)
    texts = [report({"atrial_fibrillation"}, style=style, seed=seed).text for seed in range(200)]
    kept = [text for text in texts if text.startswith(("Sinus rhythm", "Normal sinus", "Atrial flutter"))]
    assert 10 < len(kept) < 80
    assert all(re.search("A-?F|fib", text.split("\n", 1)[1]) for text in kept)
    assert any(text.startswith(("AF", "A-fib")) for text in texts)
    assert any("agree" in text.casefold() for text in texts)


@pytest.mark.parametrize("style", [MACHINE, PERSON, USUAL, replace(USUAL, held_out=1.0)])
def test_without_label_noise_what_is_stated_is_true_and_what_is_true_is_stated_or_suspected(
    style: Style,
) -> None:
    for index in range(150):
        recording = recording_at(index, SETTINGS)
        written = report_of(index, recording, SETTINGS, style)
        assert written.stated <= recording.truth <= written.stated | written.hedged
        assert not written.stated & written.hedged
        assert written.text


def test_suspicions_are_rare_and_worded_as_such() -> None:
    hedged = [one for one in clinic_reports(800) if one.hedged]
    assert 15 < len(hedged) < 110
    doubt = r"aberrant|narrow|possible|probable|consider|likely|suspect|\?|\bvs\b|\bor\b"
    assert all(re.search(doubt, one.text, re.IGNORECASE) for one in hedged)


def test_label_noise_is_the_share_of_reports_with_an_error() -> None:
    settings = SimulatorSettings(seed=2, label_noise=0.3)
    reports = clinic_reports(400, settings)
    wrong = sum(
        not one.stated <= recording_at(index, settings).truth <= one.stated | one.hedged
        for index, one in enumerate(reports)
    )
    assert 0.2 < wrong / 400 < 0.4


def test_wordings_kept_back_are_used_when_asked_for_only() -> None:
    rare = re.compile("|".join(map(re.escape, HELD_OUT["premature_atrial_complexes"][1])), re.IGNORECASE)
    typed = replace(PERSON, compared=0)
    usual = [
        one.text for one in clinic_reports(300, style=typed) if "premature_atrial_complexes" in one.stated
    ]
    asked = [
        one.text
        for one in clinic_reports(300, style=replace(typed, held_out=1.0))
        if "premature_atrial_complexes" in one.stated
    ]
    assert len(usual) > 10
    assert not any(rare.search(text) for text in usual)
    assert all(rare.search(text) for text in asked)
    assert not any(phrase in text for text in asked for phrase in PHRASES["premature_atrial_complexes"][1])


def test_a_share_of_patients_has_readers_with_other_wordings() -> None:
    some_patients = [uses_held_out(5, number, Style(held_out=0.3)) for number in range(500)]
    assert 0.2 < sum(some_patients) / 500 < 0.4
    assert not any(uses_held_out(5, number, USUAL) for number in range(500))


def test_reports_carry_no_names_of_classes_records_or_patients() -> None:
    for one in clinic_reports(300):
        assert "_" not in one.text
        assert not re.search(r"sim-\d", one.text)
        assert "{" not in one.text


def test_a_person_calls_a_block_new_that_was_not_there_before() -> None:
    classes = {"sinus_rhythm", "left_bundle_branch_block"}
    for earlier, expected in (({"sinus_rhythm"}, True), (classes, False)):
        before = Findings(frozenset(earlier), "", 70.0, 0, time=DAY - timedelta(days=3))
        style = replace(PERSON, compared=1)
        texts = [report(classes, style=style, seed=seed, before=before).text for seed in range(60)]
        assert any(re.search("new (LBBB|left bundle)", one, re.IGNORECASE) for one in texts) == expected


def test_later_visits_are_compared_with_the_visit_before() -> None:
    settings = replace(SETTINGS, preset="clinic")
    compared = 0
    for index in range(1, 200):
        now, before = recording_at(index, settings), recording_at(index - 1, settings)
        text = report_of(index, now, settings, replace(MACHINE, compared=1)).text
        assert ("When compared with ECG of" in text) == (now.visit.number > 0)
        if now.visit.number:
            compared += 1
            assert str(before.visit.time.year) in text
    assert compared > 30


def test_words_vary_between_readers() -> None:
    heads = Counter(report({"paced_rhythm"}, "ventricular", PERSON, seed).text for seed in range(60))
    assert len(heads) >= 12
