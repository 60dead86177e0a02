"""Letters of reports and of lists of words become the same."""

import sys
import unicodedata

from rarebeat.core.letters import plain_letters


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
