"""What the signal says of a class: rules at their limits, and where they say nothing."""

import pytest

from rarebeat.labels.signal_rules import MARGINS, RULES, Range
from rarebeat.labels.vocabulary import load_vocabulary
from rarebeat.measure.measurements import Measurements

LAD, RAD = "left_axis_deviation", "right_axis_deviation"


def verdict(class_id: str, **values: float | None) -> bool | None:
    return RULES[class_id].verdict(Measurements((), **values))


@pytest.mark.parametrize(
    ("class_id", "values", "expected"),
    [
        ("sinus_bradycardia", {"rate": 50, "entropy": -2.3}, True),
        ("sinus_bradycardia", {"rate": 70, "entropy": -2.3}, False),
        ("bradycardia", {"rate": 70}, False),
        ("sinus_tachycardia", {"rate": 110, "entropy": -2.3}, True),
        ("sinus_tachycardia", {"rate": 90, "entropy": -2.3}, False),
        ("supraventricular_tachycardia", {"rate": 80}, False),
        ("avnrt", {"rate": 80}, False),
        ("atrial_tachycardia", {"rate": 80}, False),
        ("atrial_fibrillation", {"entropy": -2.3}, False),
        (LAD, {"axis": -45}, True),
        (LAD, {"axis": 40}, False),
        (LAD, {"axis": -120}, False),
        (RAD, {"axis": 110}, True),
        (RAD, {"axis": 40}, False),
        (RAD, {"axis": -120}, False),
        ("left_anterior_fascicular_block", {"axis": -10}, False),
        ("left_bundle_branch_block", {"qrs": 90}, False),
        ("right_bundle_branch_block", {"qrs": 90}, False),
        ("incomplete_right_bundle_branch_block", {"qrs": 150}, False),
        ("nonspecific_intraventricular_conduction_disorder", {"qrs": 90}, False),
        ("low_qrs_voltage", {"limb_voltage": 0.4, "chest_voltage": 1.5}, True),
        ("low_qrs_voltage", {"limb_voltage": 0.8, "chest_voltage": 0.8}, True),
        ("low_qrs_voltage", {"limb_voltage": 0.8, "chest_voltage": 1.5}, False),
    ],
)
def test_beyond_its_limit_a_rule_decides(class_id: str, values: dict[str, float], expected: bool) -> None:
    assert verdict(class_id, **values) is expected


def test_every_rule_is_tried_above() -> None:
    (mark,) = test_beyond_its_limit_a_rule_decides.pytestmark
    assert {class_id for class_id, *_ in mark.args[1]} == set(RULES)


@pytest.mark.parametrize(
    ("class_id", "values"),
    [
        ("left_bundle_branch_block", {"qrs": 150}),
        ("left_anterior_fascicular_block", {"axis": -60}),
        ("atrial_fibrillation", {"entropy": -0.4}),
        ("bradycardia", {"rate": 45}),
    ],
)
def test_a_condition_that_holds_does_not_say_that_the_class_is_present(
    class_id: str, values: dict[str, float]
) -> None:
    assert not RULES[class_id].defines
    assert verdict(class_id, **values) is None


@pytest.mark.parametrize(("axis", "expected"), [(-26, None), (-34, None), (-24, False), (-36, True)])
def test_close_to_its_limit_a_rule_says_nothing(axis: float, expected: bool | None) -> None:
    assert MARGINS["axis"] == 5
    assert verdict(LAD, axis=axis) is expected


@pytest.mark.parametrize(
    ("axis", "expected"), [(174, True), (179, None), (180, None), (-180, None), (-179, None), (-174, False)]
)
def test_an_axis_close_to_180_degrees_is_close_from_both_sides(axis: float, expected: bool | None) -> None:
    assert verdict(RAD, axis=axis) is expected
    assert verdict(LAD, axis=axis) is False


def test_what_was_not_measured_says_nothing() -> None:
    assert [verdict(class_id) for class_id in RULES] == [None] * len(RULES)
    assert verdict("low_qrs_voltage", limb_voltage=0.8) is None  # the chest leads may be low
    assert verdict("low_qrs_voltage", limb_voltage=0.3) is True


def test_a_slow_irregular_rhythm_may_be_no_sinus_rhythm() -> None:
    assert verdict("sinus_bradycardia", rate=50, entropy=-0.4) is None
    assert verdict("sinus_bradycardia", rate=70, entropy=-0.4) is False
    assert verdict("sinus_bradycardia", rate=50, entropy=None) is True


def test_rules_are_for_classes_of_the_vocabularies_and_read_as_sentences() -> None:
    known = {name for words in ("hughes24", "cinc2020") for name in load_vocabulary(words).class_ids}
    assert set(RULES) <= known
    assert all(rule.source for rule in RULES.values())
    assert str(RULES[LAD]) == "defined by QRS axis between -90 and -30°"
    assert str(RULES["left_bundle_branch_block"]) == "not without QRS complex above 120 ms"
    assert (
        str(RULES["sinus_bradycardia"])
        == "defined by ventricular rate below 60 per minute, taking a regular rhythm for sinus rhythm"
    )
    assert str(Range("rate", low=100)) == "ventricular rate above 100 per minute"
