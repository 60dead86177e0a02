"""Which cue reaches which mention. Mentions are written in capitals."""

import re

import pytest

from rarebeat.labels.text.scope import Cue, Language, decide

LANGUAGE = Language(
    breaks=re.compile(r",|: |\bwith\b|\bbut\b|\band\b"),
    breaks_before=re.compile(r",|: |\bwith\b|\bbut\b|\band\b|\bin\b"),
    either=re.compile(r"(, ?)?or|/"),
    both=re.compile(r"(, ?)?and"),
    accompanied=re.compile(r"with"),
    places=re.compile(r"limb leads"),
)
CUES = {
    r"\bno\b": ("negation", "before", 3),
    r"\bhistory of\b": ("past", "before", 3),
    r"\bpossible\b": ("hedge", "before", 3),
    r"\bnot seen\b": ("negation", "after", 2),
    r"\bnot excluded\b": ("hedge", "after", 2),
    r"\bor\b": ("alternative", "around", 0),
    r"\bneither\b": ("negation", "before", 3, True),
    r"\bnone\b": ("negation", "after", 0),
    r"\bare excluded\b": ("negation", "after", 0),
    r"\bis excluded\b": ("negation", "after", 0),
    r"(\bare )?\bno longer seen\b": ("gone", "after", 2),
}


def states(text: str, restarting: tuple[int, ...] = ()) -> list[int | None]:
    mentions = [match.span() for match in re.finditer(r"[A-Z]+", text)]
    cues = [Cue(*match.span(), *rule) for cue, rule in CUES.items() for match in re.finditer(cue, text)]
    decided = decide(text, mentions, sorted(cues, key=lambda cue: cue.start), LANGUAGE, restarting)
    return [cue.state if cue else None for cue in decided]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A", [None]),
        ("no A", [0]),
        ("no one two three A", [0]),
        ("no one two three four A", [None]),
        ("no change with A", [None]),
        ("no change, A", [None]),
        ("no A but B", [0, None]),
        ("no A one B", [0, 0]),
        ("possible A one B", [-1, None]),
        ("A not seen", [0]),
        ("A with B not seen", [None, 0]),
        ("A with B no longer seen", [0, 0]),
        ("A with B and C no longer seen", [0, 0, 0]),
        ("A with one two no longer seen", [0]),
        ("A, B with C no longer seen", [None, 0, 0]),
        ("A but B with C no longer seen", [None, 0, 0]),
        ("A B with C no longer seen", [None, 0, 0]),
        ("A with B are no longer seen", [None, 0]),
        ("A not excluded", [-1]),
        ("A B not excluded", [None, -1]),
        ("history of possible A", [0]),
        ("A or B", [-1, -1]),
        ("A / B", [-1, -1]),
        ("A or artifact", [-1]),
        ("no A or B", [0, 0]),
        ("no A, B or C", [0, 0, 0]),
        ("A, B or C", [None, -1, -1]),
        ("possible A, B or C", [-1, -1, -1]),
        ("A or B not seen", [0, 0]),
        ("no A and B", [0, -1]),
        ("no A, B", [0, -1]),
        ("history of A, B", [0, None]),
        ("possible A and B", [-1, None]),
        ("A and B", [None, None]),
        ("no A, B and C or D", [0, -1, -1, -1]),
        ("no A, B or something", [0, 0]),
        ("neither A, B and C", [0, 0, 0]),
        ("no one: A", [None]),
        ("A: none, B", [0, None]),
        ("A and B are excluded", [0, 0]),
        ("A and B is excluded", [None, 0]),
        ("A one no longer seen", [0]),
        ("no A in B", [0, None]),
        ("A in one not seen", [0]),
    ],
)
def test_cues_reach_as_far_as_a_reader_would_carry_them(text: str, expected: list[int | None]) -> None:
    assert states(text) == expected


def test_a_mention_that_restarts_is_not_joined_by_comma_or_stroke() -> None:
    assert states("no A, B", restarting=(1,)) == [0, None]
    assert states("A / B", restarting=(1,)) == [None, None]
    assert states("A or B", restarting=(1,)) == [-1, -1]
