"""Letters of reports and of lists of words become the same."""

import sys
import unicodedata

import pytest

from rarebeat.core.letters import plain_letters, words_of_other_scripts


def test_every_character_becomes_small_letters_and_digits_or_nothing() -> None:
    for number in range(128, sys.maxunicode + 1, 7):
        plain = plain_letters(chr(number))
        assert plain == "" or (plain.isascii() and plain.isalnum())
        assert plain_letters(plain) == plain.lower()


def test_composed_letters_lose_their_accents_and_umlauts_are_written_out() -> None:
    decomposed = unicodedata.normalize(
        "NFD", "Überleitungsstörung, förmaksflimmer, bloc complété, blødning, Straße"
    )
    words = unicodedata.normalize("NFC", decomposed).split(", ")
    assert list(map(plain_letters, words)) == [
        "ueberleitungsstoerung",
        "foermaksflimmer",
        "bloccomplete",
        "bloedning",
        "strasse",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Sinus rhythm", 0),
        ("Łódź, żylaki, ıŋđð, ſ, Œuvre, naïve, ﬁbrillation, ＡＦ", 0),
        ("5 µV, 3 Ω, β-blocker, Δ wave, 20 °, 1ª, №, ½, x², →, ♥, ʼ, \ufffd", 0),
        ("β-αγ", 1),
        ("房颤 AF 心律", 2),
        ("Синусовый ритм", 2),
        ("АF", 1),  # a Cyrillic A
        ("רוטם", 1),
    ],
)
def test_words_of_other_scripts_are_told_from_signs(text: str, words: int) -> None:
    assert words_of_other_scripts(text) == words
