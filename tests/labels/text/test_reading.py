"""Reading one statement: patterns that overlap, look-alikes, cuts."""

import re
from pathlib import Path

import yaml

from rarebeat.labels.states import NEGATIVE, POSITIVE, UNCERTAIN
from rarebeat.labels.text.reading import StatementReader
from rarebeat.labels.vocabulary import load_vocabulary

READER = StatementReader(load_vocabulary("hughes24"))


def read(statement: str) -> list[tuple[str, int, str]]:
    """Class, state and words of each mention."""
    evidence = [mention.evidence for mention in READER.read(statement).mentions]
    return [(entry.class_id, entry.state, statement[entry.start : entry.end]) for entry in evidence]


def test_of_overlapping_patterns_of_a_class_the_longest_counts() -> None:
    assert read("Borderline 1st degree AV block") == [
        ("av_block_1st_degree", UNCERTAIN, "Borderline 1st degree AV block")
    ]
    assert read("1st degree AV block") == [("av_block_1st_degree", POSITIVE, "1st degree AV block")]


def test_one_stretch_of_text_may_mention_several_classes() -> None:
    assert read("Supraventricular bigeminy") == [
        ("premature_atrial_complexes", POSITIVE, "Supraventricular bigeminy"),
        ("bigeminy", POSITIVE, "Supraventricular bigeminy"),
    ]


def test_a_look_alike_is_masked_for_its_class_only() -> None:
    assert read("Wandering atrial pacemaker") == [
        ("ectopic_atrial_rhythm", POSITIVE, "Wandering atrial pacemaker")
    ]


def test_a_mention_keeps_the_classes_that_would_cancel_it() -> None:
    (mention,) = READER.read("2:1 A-V conduction").mentions
    assert "atrial_flutter" in mention.unless
    assert not mention.weak


def test_a_serial_comparison_ends_the_report_and_a_signature_only_its_statement() -> None:
    serial = READER.read("LBBB, when compared with ECG of 3-MAR, atrial flutter is gone")
    assert [(mention.evidence.class_id, mention.gone) for mention in serial.mentions] == [
        ("left_bundle_branch_block", False),
        ("atrial_flutter", True),  # what is gone is said of this recording
    ]
    assert READER.read("Compared to the last ECG:").ends_report
    assert not READER.read("Compared to the last ECG: LBBB is new").ends_report
    assert not READER.read("when compared with ECG of 3-MAR, atrial flutter is more evident").mentions
    assert serial.ends_report
    signature = READER.read("Confirmed by FLUTTER, A. on 1/1/2010")
    assert (signature.mentions, signature.ends_report) == ((), False)


def test_a_statement_can_deny_a_class_in_so_many_words() -> None:
    reader = StatementReader(load_vocabulary("cinc2020"))
    states = {
        m.evidence.class_id: m.evidence.state for m in reader.read("Axis normal at 55 degrees").mentions
    }
    assert states == {"left_axis_deviation": NEGATIVE, "right_axis_deviation": NEGATIVE}


def test_look_alikes_are_what_masks_cover() -> None:
    found = READER.look_alikes("Wandering atrial pacemaker, compared with 3-MAR junctional pacemaker")
    assert [(entry.class_id, entry.statement[entry.start : entry.end]) for entry in found] == [
        ("paced_rhythm", "Wandering atrial pacemaker")
    ]


def test_statements_that_mention_no_class_share_a_reading() -> None:
    first = READER.read("Confirmed by Osterwick, B (99) on 12/26/2011 4:34:50 AM")
    assert READER.read("Confirmed by Tamarind, B (297) on 10/10/2006 8:35:33 AM") is first
    assert READER.read("When compared with ECG of 28-AUG-2011 06:52,").ends_report


def test_sharing_changes_no_reading() -> None:
    folder = Path(__file__).parents[1]
    for file in ("cases.yaml", "reports.yaml", "reports_cinc2020.yaml"):
        for cases in yaml.safe_load((folder / file).read_text(encoding="utf-8")).values():
            for case in cases:
                for statement in re.split(r"[\n.;]", case["text"]):
                    assert READER.read(statement) == READER._read(statement)
