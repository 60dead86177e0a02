"""The language of patterns."""

import time

import pytest

from rarebeat.labels.text.patterns import WordIndex, compile_pattern, required_words


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("(complete )?left bundle branch block", "complete left bundle branch block", True),
        ("mobitz i", "mobitz ii", False),
        ("ventricular tach[a-z]*", "supraventricular tachycardia", False),
        ("pac", "pacemaker", False),
        ("arr?h?yth?mie", "arrhythmie", True),
        ("electronic ([a-z]+ ){0,2}pacemaker", "electronic dual chamber pacemaker", True),
        ("v\\. ?a\\.", "v. a.", True),
    ],
)
def test_a_pattern_matches_whole_words(pattern: str, text: str, found: bool) -> None:
    assert bool(compile_pattern(pattern).regex.search(text)) == found


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("(?=sinus) rhythm", "which patterns do not use"),
        ("(sinus) \\1", "which patterns do not use"),
        ("sinus.*rhythm", "which patterns do not use"),
        ("Sinus rhythm", "which patterns do not use"),
        ("non-sinus", "which patterns do not use"),
        ("(sinus )*rhythm", "only [a-z]* (a set without a blank)"),
        ("sinus [a-z ]+rhythm", "only [a-z]+ (a set without a blank)"),
        ("(sinus rhythm", "closing bracket"),
        ("sinus rhythm)", "bracket too many"),
        ("(sinus )?", "needs a word"),
        ("[a-z]*", "needs a word"),
        ("a|sinus", "needs a word"),
        ("", "needs a word"),
        ("sinus (([a-z]+ ){0,3} ){0,3}rhythm", "holds a count"),
        ("sinus (a{0,3} ){0,3}rhythm", "holds a count"),
        ("sinus ([a-z]*){0,9}rhythm", "must begin or end with a blank"),
        ("sinus ([a-z]*| b ){0,9}rhythm", "must begin or end with a blank"),
        ("sinus ([a-z]+ |x[a-z]*){0,9}rhythm", "must begin or end with a blank"),
        ("sinus [a-z]*{0,9}rhythm", "which patterns do not use"),
        ("sinus (([a-z]+|[a-y]+) ){0,9}rhythm", "more than one word is open"),
        ("[a-z]*a[a-z]*b[a-z]*c[a-z]*rhythm", "more than 3 open parts"),
        ("sinus[a-z]*( ?[a-z]*)?[a-z]*( |[a-z]*)[a-z]*", "more than 3 open parts"),
        ("sinus ([a-z]+ ){0,9}([a-z]+ ){0,9}([a-z]+ ){0,9}([a-z]+ ){0,9}rhythm", "more than 3 counts"),
    ],
)
def test_what_could_be_slow_or_match_anything_is_refused(pattern: str, complaint: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the complaint is checked below
        compile_pattern(pattern)
    assert complaint in str(error.value)


def test_accents_and_hyphens_are_for_raw_text_only() -> None:
    assert required_words("a-v|möglich", raw=True) == (frozenset({"a-v", "möglich"}),)
    with pytest.raises(ValueError, match="do not use"):
        required_words("möglich")


def test_the_index_finds_every_pattern_that_can_match() -> None:
    patterns = [
        "sinus ?rhythm(us)?",
        "(pac|apc)s?",
        "(left|right) bundle branch block",
        "1st degree av ?block",
    ]
    compiled = [compile_pattern(pattern) for pattern in patterns]
    index = WordIndex([pattern.needs for pattern in compiled])
    for text in ("sinusrhythmus pacs", "1st degree avblock, right bundle branch block", "12 34", "apc", ""):
        matching = [number for number, pattern in enumerate(compiled) if pattern.regex.search(text)]
        assert set(matching) <= set(index.candidates(text))
    assert index.candidates("left axis deviation") == []


@pytest.mark.parametrize(
    ("pattern", "unit"),
    [
        ("sinus ([a-z]+ ){0,9}([a-z]+ ){0,9}([a-z]+ ){0,9}rhythm", "sinus a "),
        ("sinus ((a|ab|abc|[a-z]+) ){0,9}rhythm", "sinus abc abc "),
        ("sinus([a-z]*a[a-z]*a[a-z]*b| rhythm)", "sinus" + 40 * "a" + " "),
        ("sinus([a-z]*a[a-z]*a[a-z]*b| rhythm)", "sinusaaaaaaaaaaaaaaaa"),
        ("[a-z]*a[a-z]*a[a-z]*rhythm", "a"),
        ("sinus ?( ?[a-z]+){0,1} ?rhythm", "sinus a"),
    ],
)
def test_matching_takes_linear_time(pattern: str, unit: str) -> None:
    regex = compile_pattern(pattern).regex

    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        start = time.process_time()
        list(regex.finditer(text))
        return time.process_time() - start

    once, fourfold = (min(seconds(length) for _ in range(2)) for length in (8_000, 32_000))
    assert fourfold < 8 * once + 0.02  # 16 if it were quadratic
