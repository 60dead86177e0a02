"""What is called negative when it is not mentioned, and what is not."""

from rarebeat.labels.absence import AbsenceRules
from rarebeat.labels.states import NEGATIVE, POSITIVE, UNCERTAIN, UNKNOWN, State
from rarebeat.labels.vocabulary import load_vocabulary

VOCABULARY = load_vocabulary("hughes24")
RULES = AbsenceRules(VOCABULARY)
OTHERS = frozenset(VOCABULARY.class_ids) - RULES.rhythms


def close(**found: int) -> dict[str, State]:
    return RULES.complete(found, OTHERS, RULES.rhythms)[0]


def test_what_a_complete_report_does_not_mention_is_negative() -> None:
    states = close(sinus_rhythm=POSITIVE)
    assert list(states) == list(VOCABULARY.class_ids)
    assert {name for name, state in states.items() if state == NEGATIVE} == {*states} - {"sinus_rhythm"}


def test_rhythms_stay_unknown_until_one_is_certain() -> None:
    for states in (close(left_bundle_branch_block=POSITIVE), close(atrial_flutter=UNCERTAIN)):
        assert states["sinus_rhythm"] is UNKNOWN
        assert states["right_bundle_branch_block"] == NEGATIVE


def test_pacing_leaves_open_what_is_not_mentioned_but_not_what_is_denied() -> None:
    states = close(paced_rhythm=POSITIVE, sinus_rhythm=POSITIVE, atrial_fibrillation=NEGATIVE)
    assert states["atrial_fibrillation"] == NEGATIVE
    assert states["left_bundle_branch_block"] is UNKNOWN
    assert close(paced_rhythm=UNCERTAIN, sinus_rhythm=POSITIVE)["left_bundle_branch_block"] == NEGATIVE


def test_a_class_that_needs_another_opens_it_and_warns() -> None:
    found = {"sinus_rhythm": POSITIVE, "bigeminy": POSITIVE, "premature_atrial_complexes": NEGATIVE}
    states, warnings = RULES.complete(found, OTHERS, RULES.rhythms)
    assert states["premature_ventricular_complexes"] is UNKNOWN
    assert states["premature_atrial_complexes"] == NEGATIVE
    assert warnings == ("bigeminy without premature_ventricular_complexes or premature_atrial_complexes",)


def test_what_an_origin_cannot_tell_stays_unknown() -> None:
    states, _ = RULES.complete({"sinus_rhythm": POSITIVE}, {"paced_rhythm"}, {"atrial_fibrillation"})
    told = {name for name, state in states.items() if state is not UNKNOWN}
    assert told == {"sinus_rhythm", "paced_rhythm", "atrial_fibrillation"}
