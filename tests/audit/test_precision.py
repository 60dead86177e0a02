"""The result of an audit for people."""

from rarebeat.audit.precision import format_verdicts
from rarebeat.audit.verdicts import SampleItem, Verdict, summarise_verdicts

SAMPLE = {
    name: SampleItem(name, classes, kind, weight, "ward", name, "", "")
    for name, classes, kind, weight in [
        ("h1", ("flutter",), "hit", 1.0),
        ("h2", ("flutter",), "hit", 1.0),
        ("n1", ("flutter",), "near_miss", 3.0),
        ("h3", ("sinus",), "hit", 5.0),
        ("s1", ("flutter", "sinus", "block"), "unmatched", 7.0),
    ]
}


def said(name: str, reader: str, word: str, *missed: str) -> Verdict:
    return Verdict(SAMPLE[name], reader, word, missed, "", "")


def test_a_line_per_class_that_was_judged() -> None:
    verdicts = [
        said("h1", "Ann", "right"),
        said("h2", "Ann", "wrong"),
        said("h1", "Bob", "right"),
        said("h2", "Bob", "wrong"),
        said("n1", "Bob", "cannot say"),
        said("s1", "Bob", "wrong", "block"),
    ]
    lines = format_verdicts(summarise_verdicts(SAMPLE, verdicts)).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert rows[0] == ["Class", "Hits", "Uncertain", "Near misses", "Cannot say", "Missed", "Kappa"]
    assert rows[2:] == [
        ["flutter", "0.50 (0.09–0.91) [2/2]", "–", "[0/1]", "1", "0", "1.00"],
        ["block", "–", "–", "–", "0", "7", "–"],
    ]
    assert "Readers (verdicts): Ann (2), Bob (4)." in lines
    assert "Ann and Bob: equal on 100 % of 2 items, kappa 1.00." in lines
    assert "Frequent statements that rightly matched nothing: 0.00 [1/1]." in lines


def test_no_verdicts_are_said_to_be_none() -> None:
    text = format_verdicts(summarise_verdicts(SAMPLE, []))
    assert text.startswith("No verdicts on any class.")
    assert text.endswith("Readers (verdicts): none.")
