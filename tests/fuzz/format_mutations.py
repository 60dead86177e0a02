"""Mutations of the files of formats: of any XML by its tree, and of binary files in their headers."""

import re
import struct
from random import Random
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from tests.fuzz.byte_mutations import Mutated, Mutation, bit_flip, swap_blocks, zero_block

_HEAD = 1200  # bytes in which binary formats have their headers
_LONG = 200  # characters of what is a waveform and no field


def _tree(data: bytes) -> Element:
    return ElementTree.fromstring(data)


def _write(root: Element) -> bytes:
    """The tree as a file, its namespace without a prefix: some parsers refuse every file that has one."""
    if root.tag.startswith("{"):
        ElementTree.register_namespace("", root.tag[1:].partition("}")[0])
    return (
        b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode").encode()
    )


def _pairs(root: Element) -> list[tuple[Element, Element]]:
    return [(parent, child) for parent in root.iter() for child in parent]


def _changed(old: str, rng: Random) -> str:
    """A field as another writer, a slip or a fault might leave it."""
    try:
        value = float(old)
    except ValueError:
        return rng.choice(
            ["", old[:-1], old[::-1], "X", old.swapcase(), f" {old} ", old + "1", "0", "mV", "TRUE", "-"]
        )
    near = [f"{value * factor:g}" for factor in (10, 0.1, 2, 0.5, -1, 1.01)]
    return rng.choice([*near, f"{value + 1:g}", f"{value - 1:g}", "nan", "inf", "0", "1e300", old + "0", ""])


def text_or_attribute(data: bytes, rng: Random) -> Mutated:
    """One short text or attribute becomes another."""
    root = _tree(data)
    fields: list[tuple[Element, str]] = []
    for element in root.iter():
        fields += [(element, key) for key, value in element.attrib.items() if len(value) < _LONG]
        if element.text and element.text.strip() and len(element.text) < _LONG:
            fields.append((element, ""))
    tags = sorted({(element.tag, key) for element, key in fields})
    chosen = rng.choice(tags)  # each kind of field as likely as another
    element, key = rng.choice([field for field in fields if (field[0].tag, field[1]) == chosen])
    old = element.get(key, "") if key else element.text or ""
    new = _changed(old.strip(), rng)
    if key:
        element.set(key, new)
    else:
        element.text = new
    return _write(root), f"{element.tag.rpartition('}')[2]} {key}: {old[:30]!r} -> {new[:30]!r}"


def element_gone(data: bytes, rng: Random) -> Mutated:
    """An element is missing."""
    root = _tree(data)
    parent, child = rng.choice(_pairs(root))
    parent.remove(child)
    return _write(root), f"without {child.tag.rpartition('}')[2]}"


def element_twice(data: bytes, rng: Random) -> Mutated:
    """An element is there twice, perhaps with other texts."""
    root = _tree(data)
    parent, child = rng.choice(_pairs(root))
    again = _tree(ElementTree.tostring(child))
    for element in again.iter():
        if element.text and element.text.strip() and len(element.text) < _LONG and rng.random() < 0.7:
            element.text = _changed(element.text.strip(), rng)
    parent.insert(list(parent).index(child) + rng.randrange(2), again)
    return _write(root), f"{child.tag.rpartition('}')[2]} twice"


def wave(data: bytes, rng: Random) -> Mutated:
    """A waveform is shorter, or one of its characters changes."""
    root = _tree(data)
    waves: list[tuple[Element, str]] = [
        (element, key)
        for element in root.iter()
        for key, value in element.attrib.items()
        if len(value) >= _LONG
    ]
    waves += [(element, "") for element in root.iter() if element.text and len(element.text) >= _LONG]
    element, key = rng.choice(waves)
    text = element.get(key, "") if key else element.text or ""
    place = rng.randrange(len(text))
    kind = rng.choice(["cut", "character", "gone", "padding"])
    new = {
        "cut": text[: -8 * rng.randint(1, 40)],
        "character": text[:place] + rng.choice("0123456789,;. -ABC+/=é") + text[place + 1 :],
        "gone": "",
        "padding": text + rng.choice(["=", ",", " 1", "AAAA"]),
    }[kind]
    if key:
        element.set(key, new)
    else:
        element.text = new
    return _write(root), f"waveform {kind}"


def head_byte(data: bytes, rng: Random) -> Mutated:
    """A byte of the header becomes another."""
    place = rng.randrange(min(_HEAD, len(data)))
    new = rng.choice([0, 1, 0xFF, 0x7F, data[place] ^ 1, (data[place] + 1) % 256, rng.randrange(256)])
    return data[:place] + bytes([new]) + data[place + 1 :], f"byte {place}: {data[place]} -> {new}"


def head_number(data: bytes, rng: Random) -> Mutated:
    """Two or four bytes of the header become an extreme, or another number."""
    size, place = rng.choice([2, 4]), rng.randrange(min(_HEAD, len(data)) - 4)
    number = rng.choice([0, 1, 2**15 - 1, 2**15, 2**16 - 1, 250, 1000, 5000])
    new = struct.pack("<I", number if size == 2 else rng.choice([number, 2**31 - 1, 2**32 - 1]))[:size]
    return data[:place] + new + data[place + size :], f"{size} bytes at {place} -> {new!r}"


def head_digits(data: bytes, rng: Random) -> Mutated:
    """A number that the header writes in digits becomes another."""
    found = list(re.finditer(rb"\d+(?:\.\d+)?", data[:4000]))
    if not found:
        return bit_flip(data, rng)
    match = rng.choice(found)
    new = _changed(match[0].decode(), rng).encode("latin-1", "replace")[: len(match[0])].ljust(len(match[0]))
    return data[: match.start()] + new + data[match.end() :], f"{match[0]!r} -> {new!r}"


LAYOUT: list[Mutation] = [
    *(text_or_attribute, text_or_attribute, text_or_attribute, text_or_attribute, text_or_attribute),
    *(element_gone, element_gone, element_twice, element_twice, wave, wave),
]
BINARY: list[Mutation] = [
    *(head_byte, head_byte, head_byte, head_number, head_number, head_digits, head_digits),
    *(zero_block, swap_blocks),
]
