"""Slips of the finger on a keyboard."""

import re

from rarebeat.simulator.rhythm.clocks import Rng

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_WORD = re.compile(r"[A-Za-z]{4,}")


def _neighbours() -> dict[str, str]:
    """Each letter with those that a finger hits instead, on an American keyboard."""
    found = {}
    for number, row in enumerate(_ROWS):
        for place, letter in enumerate(row):
            near = row[max(0, place - 1) : place] + row[place + 1 : place + 2]
            for other in _ROWS[max(0, number - 1) : number] + _ROWS[number + 1 : number + 2]:
                near += other[place : place + 1]
            found[letter] = near
    return found


NEIGHBOURS = _neighbours()


def mistype(rng: Rng, text: str, rate: float) -> str:
    """Text in which words of four letters and more have one slip each, with the chance ``rate``.

    A slip hits a neighbouring key, leaves a letter out, doubles one or swaps two. Numbers stay as they are.
    """
    words = list(_WORD.finditer(text))
    if not words:
        return text
    slips = rng.random(len(words)) < rate
    if not slips.any():
        return text
    parts, end = [], 0
    for word, slipped in zip(words, slips.tolist(), strict=True):
        if slipped:
            parts += [text[end : word.start()], slip(rng, word.group())]
            end = word.end()
    return "".join([*parts, text[end:]])


def slip(rng: Rng, word: str) -> str:
    """The word with one slip after its first letter."""
    place = 1 + int(rng.random() * (len(word) - 2))
    before, letter, after = word[:place], word[place], word[place + 1 :]
    kind = int(rng.random() * 4)
    if kind == 0:
        near = NEIGHBOURS[letter.lower()]
        hit = near[int(rng.random() * len(near))]
        return before + (hit.upper() if letter.isupper() else hit) + after
    if kind == 1 or letter == after[0]:  # two equal letters cannot be swapped
        return before + after
    if kind == 2:
        return before + letter + letter + after
    return before + after[0] + letter + after[1:]
