"""Letters as patterns and lists of words have them: small and without accents."""

import re
import unicodedata

_LETTERS = {"ä": "ae", "ö": "oe", "ü": "ue", "å": "a", "ø": "oe", "æ": "ae"}
_WORD = re.compile(r"[^\W_]+")


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


def words_of_other_scripts(text: str) -> int:
    """Count words in letters that are not Latin.

    Args:
        text: any.

    Returns:
        How many of its words hold such letters. A Greek letter alone is a sign, as in "µV" and "β-blocker".

    Example:
        >>> words_of_other_scripts("Überleitung, 5 µV"), words_of_other_scripts("房颤 AF")
        (0, 1)
    """
    return 0 if text.isascii() else sum(map(_is_of_other_script, _WORD.findall(text)))


def _is_of_other_script(word: str) -> bool:
    names = [
        unicodedata.name(unicodedata.normalize("NFKC", letter)[0], "")
        for letter in ("" if word.isascii() else word)
        if unicodedata.category(letter) in ("Lu", "Ll", "Lt", "Lo") and not plain_letters(letter)
    ]
    others = [name for name in names if not name.startswith("LATIN")]
    return len(others) > 1 or (len(others) == 1 and not others[0].startswith("GREEK"))
