"""Mutations of CSV tables and of MUSE XML files, and which mutations a file may suffer."""

import base64
import csv
import io
import re
from collections import defaultdict
from random import Random
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
from tests.fuzz.archives import write_table, write_xml
from tests.fuzz.byte_mutations import GENERIC, HEADER, SAMPLES, Mutated, Mutation, bit_flip
from tests.fuzz.format_mutations import BINARY, LAYOUT


def cells_of(data: bytes) -> list[list[str]]:
    """The cells of a table, read leniently."""
    return list(csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline="")))


def cell_character(data: bytes, rng: Random) -> Mutated:
    """One character of a cell that is read."""
    rows = cells_of(data)
    row = rng.randrange(1, len(rows))
    column = rng.choice([i for i, cell in enumerate(rows[row]) if cell] or [0])
    old = rows[row][column]
    if not old:
        return bit_flip(data, rng)
    place = rng.randrange(len(old))
    letter = rng.choice(["", rng.choice("0123456789"), chr(ord(old[place]) ^ 1), "ü", ",", "'"])
    rows[row][column] = old[:place] + letter + old[place + 1 :]
    return write_table(rows), f"row {row}, {rows[0][column]}: {old!r} -> {rows[row][column]!r}"


def cell_value(data: bytes, rng: Random) -> Mutated:
    """One cell becomes something that no such cell holds."""
    rows = cells_of(data)
    row, column = rng.randrange(1, len(rows)), rng.randrange(len(rows[0]))
    new = rng.choice(
        ["", "NaN", "-1", "1e9", "abc", "0", "2", "99999", "=1+1", "{", "[[[[", "\x00", "inf", "12,5"]
    )
    old, rows[row][column] = rows[row][column], new
    return write_table(rows), f"row {row}, {rows[0][column]}: {old!r} -> {new!r}"


def cells_swapped(data: bytes, rng: Random) -> Mutated:
    """Two neighbouring cells change places in one row."""
    rows = cells_of(data)
    row, column = rng.randrange(1, len(rows)), rng.randrange(len(rows[0]) - 1)
    cells = rows[row]
    cells[column], cells[column + 1] = cells[column + 1], cells[column]
    return write_table(rows), f"row {row}: {rows[0][column]} <-> {rows[0][column + 1]}"


def cell_too_many(data: bytes, rng: Random) -> Mutated:
    """A cell is inserted: the rest of the row moves."""
    rows = cells_of(data)
    row, column = rng.randrange(1, len(rows)), rng.randrange(len(rows[0]))
    rows[row].insert(column, rng.choice(["", "1"]))
    return write_table(rows), f"row {row}: a cell more before {rows[0][column]}"


def cell_too_few(data: bytes, rng: Random) -> Mutated:
    """A cell is missing: the rest of the row moves."""
    rows = cells_of(data)
    row, column = rng.randrange(1, len(rows)), rng.randrange(len(rows[0]))
    del rows[row][column]
    return write_table(rows), f"row {row}: without its cell {rows[0][column]}"


def quote(data: bytes, rng: Random) -> Mutated:
    """A quotation mark too many, or one missing."""
    marks = [i for i, byte in enumerate(data) if byte == 34]
    if marks and rng.random() < 0.5:
        place = rng.choice(marks)
        return data[:place] + data[place + 1 :], f"quotation mark at {place} missing"
    commas = [i for i, byte in enumerate(data) if byte == 44]
    place = rng.choice(commas) + 1
    return data[:place] + b'"' + data[place:], f"quotation mark before byte {place}"


def row_gone(data: bytes, rng: Random) -> Mutated:
    """A row is there twice with one cell changed, or its line ends in the middle."""
    rows = cells_of(data)
    row = rng.randrange(1, len(rows))
    if rng.random() < 0.5:
        again = list(rows[row])
        again[rng.randrange(len(again))] = "7"
        rows.insert(row + 1, again)
        return write_table(rows), f"row {row} twice"
    rows[row] = rows[row][: rng.randrange(1, len(rows[row]))]
    return write_table(rows), f"row {row} has {len(rows[row])} cells"


def column_names(data: bytes, rng: Random) -> Mutated:
    """The header: names change places, one is there twice or misspelt."""
    rows = cells_of(data)
    one, two = rng.sample(range(len(rows[0])), 2)
    names = rows[0]
    kind = rng.choice(["swap", "twice", "misspelt"])
    note = f"{kind}: {names[one]}, {names[two]}"
    if kind == "swap":
        names[one], names[two] = names[two], names[one]
    else:
        names[one] = names[two] if kind == "twice" else names[one] + "x"
    return write_table(rows), note


CSV: list[Mutation] = [
    cell_character,
    cell_character,
    cell_value,
    cell_value,
    cells_swapped,
    cell_too_many,
    cell_too_few,
    quote,
    row_gone,
    column_names,
]


def _draw(root: Element, rng: Random, leaf: bool = False) -> tuple[Element, Element]:
    """A parent and its child, each tag as likely as another."""
    by_tag = defaultdict(list)
    for parent in root.iter():
        for child in parent:
            if not leaf or len(child) == 0:
                by_tag[child.tag].append((parent, child))
    return rng.choice(by_tag[rng.choice(sorted(by_tag))])


def element_text(data: bytes, rng: Random) -> Mutated:
    """The text of an element (of each tag alike) changes."""
    root = ElementTree.fromstring(data)
    _, child = _draw(root, rng, leaf=True)
    old = child.text or ""
    if child.tag == "WaveFormData":
        return base64_length(data, rng)
    try:
        value = float(old)
        new = rng.choice(
            [f"{value * f:g}" for f in (10, 0.1, 2, 0.5, -1, 1.01)]
            + [f"{value + 1:g}", "nan", "inf", "0", "1e300", old + "0"]
        )
    except ValueError:
        new = rng.choice(
            [
                "",
                old[:-1],
                old[::-1],
                "X",
                old.lower(),
                f" {old} ",
                old + " ",
                "0",
                "TRUE",
                "MILLIVOLTS",
                "MONTHS",
                "DAYS",
                "MALE",
                "Median",
            ]
        )
    child.text = new
    return write_xml(root), f"{child.tag}: {old[:40]!r} -> {new[:40]!r}"


def element_gone(data: bytes, rng: Random) -> Mutated:
    """An element is missing."""
    root = ElementTree.fromstring(data)
    parent, child = _draw(root, rng)
    parent.remove(child)
    return write_xml(root), f"without {child.tag} of {parent.tag}"


def element_twice(data: bytes, rng: Random) -> Mutated:
    """An element is there twice, the second with another content."""
    root = ElementTree.fromstring(data)
    parent, child = _draw(root, rng)
    again = ElementTree.fromstring(ElementTree.tostring(child))
    if len(again) == 0 and rng.random() < 0.7:
        again.text = {"M": "FEMALE", "F": "MALE"}.get((again.text or "X")[:1], (again.text or "") + "1")
    place = list(parent).index(child) + rng.randrange(2)
    parent.insert(place, again)
    return write_xml(root), f"{child.tag} of {parent.tag} twice"


def lead_ids(data: bytes, rng: Random) -> Mutated:
    """Lead names change places, or one becomes another."""
    root = ElementTree.fromstring(data)
    one, two = rng.sample(list(root.iter("LeadID")), 2)
    note = f"{one.text} <-> {two.text}"
    if rng.random() < 0.7:
        one.text, two.text = two.text, one.text
    else:
        one.text = rng.choice(["V7", "v1", "III", "aVR", "", two.text])
        note = f"-> {one.text}"
    return write_xml(root), note


def units_per_bit(data: bytes, rng: Random) -> Mutated:
    """The step of one lead, or of all."""
    root = ElementTree.fromstring(data)
    steps = list(root.iter("LeadAmplitudeUnitsPerBit"))
    factor = rng.choice([10, 0.1, 2, 0.5, 1.1, -1, 0])
    steps = steps if rng.random() < 0.3 else [rng.choice(steps)]
    for step in steps:
        step.text = f"{float(step.text or 1) * factor:g}"
    return write_xml(root), f"x {factor} in {len(steps)} leads"


def base64_length(data: bytes, rng: Random) -> Mutated:
    """A waveform is shorter or longer than it was, or one of its characters changes."""
    root = ElementTree.fromstring(data)
    waves = list(root.iter("WaveFormData"))
    kind = rng.choice(["one", "all", "character", "padding"])
    cut = 4 * rng.randint(1, 400) * 2
    for wave in waves if kind == "all" else [rng.choice(waves)]:
        text = "".join((wave.text or "").split())
        if kind == "character":
            place = rng.randrange(len(text))
            text = text[:place] + rng.choice("ABCDabcd+/=-_é") + text[place + 1 :]
        elif kind == "padding":
            text = text.rstrip("=") + rng.choice(["", "=", "==", "A==="])
        else:
            text = text[:-cut]
        wave.text = text
    return write_xml(root), f"base64 {kind} {cut}"


def waveform_copy(data: bytes, rng: Random) -> Mutated:
    """A second rhythm waveform, a second set of leads, or the median beat marked as rhythm."""
    root = ElementTree.fromstring(data)
    wave = root.findall("Waveform")[0]
    again = ElementTree.fromstring(ElementTree.tostring(wave))
    for lead in again.iter("WaveFormData"):
        samples = np.frombuffer(base64.b64decode("".join((lead.text or "").split())), "<i2")
        lead.text = base64.b64encode((samples // 2).astype("<i2").tobytes()).decode()
    root.insert(list(root).index(wave) + rng.randrange(2), again)
    return write_xml(root), "a second rhythm waveform, of half the amplitude"


def demographics(data: bytes, rng: Random) -> Mutated:
    """Age, date of birth and sex that contradict each other or are odd."""
    root = ElementTree.fromstring(data)
    patient, test = root.findall("PatientDemographics")[0], root.findall("TestDemographics")[0]
    kind = rng.choice(["birth", "unit", "test", "age"])
    if kind == "birth":
        ElementTree.SubElement(patient, "DateofBirth").text = rng.choice(
            ["01-01-1999", "31-12-1950", "01-01-2050"]
        )
    elif kind == "unit":
        patient.findall("AgeUnits")[0].text = rng.choice(["MONTHS", "DAYS", "HOURS", "YRS", "WEEKS"])
    elif kind == "test":
        ElementTree.SubElement(test, "PatientAge").text = "7"
    else:
        patient.findall("PatientAge")[0].text = rng.choice(
            ["0", "-4", "4O", "130", "63.5", "063", " 63 years"]
        )
    return write_xml(root), kind


def declaration(data: bytes, rng: Random) -> Mutated:
    """Another encoding declared, an entity, a namespace."""
    kind = rng.choice([b'encoding="UTF-16"', b'encoding="UTF-8"', b'encoding="x"', b"entity", b"xmlns"])
    if kind == b"entity":
        return re.sub(rb"<!DOCTYPE[^>]*>", b'<!DOCTYPE R [<!ENTITY a "b">]>', data), "entity"
    if kind == b"xmlns":
        return data.replace(b"<RestingECG>", b'<RestingECG xmlns="urn:x">'), "xmlns"
    return data.replace(b'encoding="ISO-8859-1"', kind), kind.decode()


XML: list[Mutation] = [
    *(element_text, element_text, element_text, element_text, element_text),
    *(element_gone, element_gone, element_gone),
    *(element_twice, element_twice, element_twice),
    *(lead_ids, units_per_bit, base64_length, base64_length, waveform_copy),
    *(demographics, demographics, declaration),
]

FAMILIES: dict[str, list[Mutation]] = {
    "header": HEADER + GENERIC,
    "samples": SAMPLES + GENERIC,
    "csv": CSV + GENERIC,
    "xml": XML + GENERIC,
    "layout": LAYOUT + GENERIC,
    "binary": BINARY + GENERIC,
}
"""Which mutations a file may suffer."""
