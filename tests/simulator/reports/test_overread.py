"""Readings go wrong in ways that happen, and readers say so."""

import re
from datetime import datetime

import numpy as np
import pytest

from rarebeat.simulator.reports.findings import Findings, Style, Voice
from rarebeat.simulator.reports.overread import MISTAKEN, correction, misread, overcall, signature
from rarebeat.simulator.reports.report import write_report
from rarebeat.simulator.truth import CLASSES


def many(classes: set[str], rate: float = 75.0) -> set[frozenset[str]]:
    return {misread(np.random.default_rng(seed), frozenset(classes), rate) for seed in range(80)}


def typist(seed: int) -> Voice:
    return Voice(np.random.default_rng(seed), typed=True)


def test_a_misreading_misses_or_swaps_one_class() -> None:
    seen = many({"sinus_rhythm", "premature_atrial_complexes"})
    assert frozenset({"sinus_rhythm", "premature_atrial_complexes"}) not in seen
    assert frozenset({"sinus_rhythm"}) in seen
    assert frozenset({"sinus_rhythm", "premature_ventricular_complexes"}) in seen


def test_what_was_missed_altogether_is_not_misread_once_more() -> None:
    """A junctional rhythm of 80 is taken for nothing else; a machine whose report is edited may err after that."""
    findings = Findings(frozenset({"junctional_rhythm"}), "accelerated", 80.0, 0)
    edited = Style(typed=0.0, overread=1.0)
    texts = [
        write_report(np.random.default_rng(seed), findings, None, 1.0, edited).text for seed in range(40)
    ]
    assert any("undetermined rhythm" in text.lower() for text in texts)
    assert many(set()) == {frozenset()}


def test_who_reads_fibrillation_reads_no_av_block() -> None:
    seen = many({"sinus_rhythm", "av_block_1st_degree", "sinus_arrhythmia"})
    assert frozenset({"atrial_fibrillation"}) in seen
    assert not any("atrial_fibrillation" in one and len(one) > 1 for one in seen)


def test_nobody_sees_in_fibrillation_what_needs_sinus_rhythm() -> None:
    for classes in ({"complete_heart_block"}, {"premature_ventricular_complexes"}):
        seen = many({"atrial_fibrillation", *classes})
        in_fibrillation = [one for one in seen if "atrial_fibrillation" in one]
        assert in_fibrillation
        needs = {"premature_atrial_complexes", "av_block_2nd_degree_advanced"}
        assert not any(one & needs for one in in_fibrillation)


def test_nobody_takes_75_beats_for_a_tachycardia() -> None:
    assert frozenset({"sinus_tachycardia"}) not in many({"sinus_rhythm"}, rate=75)
    assert frozenset({"sinus_tachycardia"}) in many({"sinus_rhythm"}, rate=97)
    assert frozenset({"sinus_bradycardia"}) in many({"sinus_rhythm"}, rate=62)


def test_avnrt_stays_a_supraventricular_tachycardia() -> None:
    for seen in many({"avnrt", "supraventricular_tachycardia"}):
        assert "avnrt" not in seen


def test_a_reading_without_any_class_is_possible_only_where_nothing_is_mistaken_for_it() -> None:
    assert frozenset() not in many({"paced_rhythm"})


def test_mistaken_classes_are_classes() -> None:
    assert {*MISTAKEN, *(name for names in MISTAKEN.values() for name in names)} <= set(CLASSES)


def test_machines_find_one_class_too_many() -> None:
    classes = frozenset({"sinus_rhythm"})
    assert all(len(overcall(typist(seed), classes)) == 2 for seed in range(20))


@pytest.mark.parametrize(
    ("wrong", "right", "expected"),
    [
        ({"atrial_fibrillation"}, {"sinus_rhythm"}, "Correction: NSR, not AF"),
        ({"premature_atrial_complexes"}, set(), "No PACs"),
        (set(), {"left_bundle_branch_block"}, "Also LBBB"),
    ],
)
def test_a_reader_corrects_behind_the_machine(wrong: set[str], right: set[str], expected: str) -> None:
    said = {correction(typist(seed), frozenset(wrong), frozenset(right), "") for seed in range(400)}
    assert expected in said


def test_signatures_name_invented_readers_after_the_recording() -> None:
    recorded = datetime(2012, 12, 31, 23, 50)
    lines = [signature(typist(seed), recorded) for seed in range(100)]
    dated = [re.search(r"on (\d+)/(\d+)/(\d{4}) \d+:\d\d:\d\d [AP]M$", line) for line in lines]
    dates = [datetime(int(one[3]), int(one[1]), int(one[2])) for one in dated if one]
    assert len(dates) > 20
    assert min(dates) >= datetime(2012, 12, 31)
    assert max(dates) < datetime(2013, 2, 1)
    assert all(re.search(r"[Cc]onfirmed [Bb]y|signed by|Overread by", line) for line in lines)
