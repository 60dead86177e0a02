"""Letters as patterns and lists of words have them: small and without accents."""

import unicodedata

_LETTERS = {"ä": "ae", "ö": "oe", "ü": "ue", "å": "a", "ø": "oe", "æ": "ae"}


def plain_letters(text: str) -> str:
    """Write letters small and without accents, as ``labels`` and ``readers`` compare words.

    Args:
        text: a word or a letter, its accents composed (NFC).

    Returns:
        The same in ASCII: umlauts are written out, and what is neither letter nor digit there is left out, unless all
        of the text is ASCII.

    Example:
        >>> plain_letters("Überleitung"), plain_letters("bløde"), plain_letters("→"), plain_letters("A-V")
        ('ueberleitung', 'bloede', '', 'a-v')
    """
    if text.isascii():
        return text.lower()
    letters = (_LETTERS.get(letter) or unicodedata.normalize("NFKD", letter) for letter in text.casefold())
    return "".join(letter for letter in "".join(letters) if letter.isascii() and letter.isalnum())
