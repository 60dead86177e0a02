"""A report with its labels, for a person."""

from rarebeat.labels.explain import explain
from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.vocabulary import load_vocabulary

MATCHER = Matcher(load_vocabulary("hughes24"))


def test_mentions_and_cues_are_marked_below_the_statement() -> None:
    lines = explain("Sinus rhythm with possible PACs, no RBBB", MATCHER).split("\n")
    assert lines[0] == "Sinus rhythm with possible PACs, no RBBB"
    assert lines[1] == "^^^^^^^^^^^^      ~~~~~~~~ ^^^^  ~~ ^^^^"
    assert lines[2].split()[:2] == ["positive", "sinus_rhythm"]
    assert lines[3].endswith('because of "possible"')
    assert lines[4].split()[:2] == ["negative", "right_bundle_branch_block"]


def test_a_cue_behind_its_mention_is_marked_there() -> None:
    assert explain("PVCs are not seen", MATCHER).split("\n")[1] == "^^^^ ~~~~~~~~~~~~"


def test_what_follows_for_all_classes_is_listed_with_warnings_and_unmatched_statements() -> None:
    text = explain("Sinus rhythm. Atrial fibrillation. Early repolarization. AF", MATCHER)
    assert "positive: sinus_rhythm, atrial_fibrillation\n" in text
    assert "warning: atrial_fibrillation with sinus_rhythm" in text
    assert "mentions no class: Early repolarization" in text
    assert "unknown: " in explain("LBBB", MATCHER)


def test_colours_are_for_terminals_only() -> None:
    assert "\x1b" not in explain("possible AF", MATCHER)
    coloured = explain("possible AF", MATCHER, colour=True)
    assert "\x1b[1;33m" in coloured
    for code in ("\x1b[1;33m", "\x1b[1;35m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == explain("possible AF", MATCHER)


def test_a_report_that_says_nothing_has_only_unknown_classes() -> None:
    assert explain("", MATCHER).startswith("unknown: sinus_rhythm, ")
