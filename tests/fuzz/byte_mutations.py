"""Mutations of any bytes, of sample files and of WFDB headers."""

import re
from collections.abc import Callable
from random import Random

import numpy as np

Mutated = tuple[bytes, str]
"""The bytes of a file, and a note for people."""

Mutation = Callable[[bytes, Random], Mutated]
Values = Callable[[str, Random], list[str]]
"""From a field of a header to what may stand in its place."""


def bit_flip(data: bytes, rng: Random) -> Mutated:
    """One bit."""
    content = bytearray(data)
    place = rng.randrange(len(content))
    content[place] ^= 1 << rng.randrange(8)
    return bytes(content), f"byte {place}: {data[place]} -> {content[place]}"


def byte_burst(data: bytes, rng: Random) -> Mutated:
    """Up to 16 random bytes."""
    start, size = rng.randrange(len(data)), rng.randint(2, 16)
    return data[:start] + rng.randbytes(min(size, len(data) - start)) + data[
        start + size :
    ], f"{size} bytes at {start}"


def truncate(data: bytes, rng: Random) -> Mutated:
    """The end is missing."""
    end = rng.choice([0, 1, len(data) // 2, len(data) - 1, len(data) - 2, rng.randrange(len(data))])
    return data[:end], f"cut at {end} of {len(data)}"


def delete_bytes(data: bytes, rng: Random) -> Mutated:
    """Some bytes are missing within."""
    start, size = rng.randrange(len(data)), rng.choice([1, 2, 24, 100])
    return data[:start] + data[start + size :], f"{size} bytes deleted at {start}"


def insert_bytes(data: bytes, rng: Random) -> Mutated:
    """Some bytes too many."""
    start, size = rng.randrange(len(data)), rng.choice([1, 2, 24, 100])
    return data[:start] + rng.randbytes(size) + data[start:], f"{size} bytes inserted at {start}"


GENERIC: list[Mutation] = [bit_flip, bit_flip, byte_burst, truncate, delete_bytes, insert_bytes]


def zero_block(data: bytes, rng: Random) -> Mutated:
    """A block of zeros, as a bad sector leaves."""
    start, size = rng.randrange(len(data)), rng.choice([24, 240, 512, 4096])
    return data[:start] + bytes(min(size, len(data) - start)) + data[
        start + size :
    ], f"{size} zeros at {start}"


def swap_blocks(data: bytes, rng: Random) -> Mutated:
    """Two blocks of whole frames change places: sums stay."""
    size = 24 * rng.randint(1, 400)
    count = (len(data) - 24) // size
    if count < 2:
        return bit_flip(data, rng)
    one, two = sorted(rng.sample(range(count), 2))
    parts = [data[24 + i * size : 24 + (i + 1) * size] for i in range(count)]
    parts[one], parts[two] = parts[two], parts[one]
    return data[:24] + b"".join(parts) + data[
        24 + count * size :
    ], f"blocks of {size} bytes {one} and {two} swapped"


def byte_order(data: bytes, rng: Random) -> Mutated:
    """All samples in the other byte order."""
    even = len(data) // 2 * 2
    return np.frombuffer(data[:even], "<i2").astype(">i2").tobytes() + data[even:], "byte order"


def header_lines(data: bytes) -> tuple[list[str], list[int]]:
    """The lines of a header, and which of them are no comments."""
    lines = data.decode("latin-1").splitlines()
    return lines, [i for i, line in enumerate(lines) if line.strip() and not line.startswith("#")]


def _join(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode("latin-1")


def _token(row: int, index: int, values: Values, every: float = 0.0) -> Mutation:
    """A mutation of one field of a header: row 0 is the record line, 1 stands for the signal lines."""

    def mutate(data: bytes, rng: Random) -> Mutated:
        lines, told = header_lines(data)
        rows = [told[0]] if row == 0 else told[1:13]
        rows = rows if rng.random() < every else [rng.choice(rows)]
        choice, note = rng.randrange(10**6), ""
        for place in rows:
            tokens = lines[place].split()
            if index >= len(tokens):
                continue
            options = values(tokens[index], rng)
            new = options[choice % len(options)]
            note = note or f"line {place + 1}{'...' if len(rows) > 1 else ''}: {tokens[index]!r} -> {new!r}"
            tokens[index] = new
            lines[place] = " ".join(token for token in tokens if token)
        return _join(lines), note

    return mutate


def _gain(part: str) -> Values:
    pattern = re.compile(r"([-+\d.eE]+)?(?:\(([-+\d]+)\))?(?:/(\S+))?")

    def values(token: str, rng: Random) -> list[str]:
        match = pattern.fullmatch(token)
        found = match.groups() if match else (None, None, None)
        number, baseline, unit = (
            told or usual for told, usual in zip(found, ("1000", "0", "mV"), strict=True)
        )
        value = float(number)
        if part == "gain":
            new = [
                value * 10,
                value / 10,
                value * 2,
                value / 2,
                value + 1,
                -value,
                0,
                value * 1.1,
                value * 4.88,
            ]
            texts = [f"{entry:g}" for entry in new] + ["nan", "inf", "1e300", "1e-300", "1_000", "١٠٠٠"]
            return [f"{text}({baseline})/{unit}" for text in texts]
        if part == "baseline":
            base = int(baseline)
            return [
                f"{number}({b})/{unit}" for b in (base + 1, base + 10, base + 300, base - 2000, 32767, 10**30)
            ]
        return [f"{number}({baseline})/{u}" for u in ("uV", "V", "mv", "NU", "mmHg", "nV", "μV", "m")]

    return values


def _numbers(*extra: str) -> Values:
    def values(token: str, rng: Random) -> list[str]:
        try:
            value = float(token)
        except ValueError:
            return list(extra) or [token[::-1]]
        near = [value + 1, value - 1, value * 10, value / 10, value * 2, value / 2, -value]
        return [f"{int(entry)}" for entry in near] + list(extra)

    return values


def swap_lead_names(data: bytes, rng: Random) -> Mutated:
    """Two leads have each other's name."""
    lines, told = header_lines(data)
    one, two = rng.sample(told[1:13], 2)
    first, second = lines[one].split(), lines[two].split()
    first[-1], second[-1] = second[-1], first[-1]
    lines[one], lines[two] = " ".join(first), " ".join(second)
    return _join(lines), f"{second[-1]} <-> {first[-1]}"


def swap_lines(data: bytes, rng: Random) -> Mutated:
    """Two signal lines change places."""
    lines, told = header_lines(data)
    one, two = rng.sample(told[1:13], 2)
    lines[one], lines[two] = lines[two], lines[one]
    return _join(lines), f"lines {one + 1} and {two + 1}"


def drop_line(data: bytes, rng: Random) -> Mutated:
    """A line is missing."""
    lines, _ = header_lines(data)
    place = rng.randrange(len(lines))
    return _join(lines[:place] + lines[place + 1 :]), f"dropped {lines[place]!r}"


def double_line(data: bytes, rng: Random) -> Mutated:
    """A line is there twice, the second with one character changed."""
    lines, _ = header_lines(data)
    place = rng.randrange(len(lines))
    text = lines[place]
    if text and rng.random() < 0.5:
        digits = [i for i, letter in enumerate(text) if letter.isdigit()] or [len(text) - 1]
        where = rng.choice(digits)
        text = text[:where] + rng.choice("0123456789") + text[where + 1 :]
    return _join([*lines[: place + 1], text, *lines[place + 1 :]]), f"doubled {lines[place]!r} as {text!r}"


def fewer_fields(data: bytes, rng: Random) -> Mutated:
    """The end of a signal line (or of all) is missing."""
    lines, told = header_lines(data)
    keep = rng.randint(2, 8)
    rows = told[1:13] if rng.random() < 0.5 else [rng.choice(told[1:13])]
    for place in rows:
        lines[place] = " ".join(lines[place].split()[:keep])
    return _join(lines), f"{keep} fields in {len(rows)} lines"


def comment(data: bytes, rng: Random) -> Mutated:
    """A comment (age, sex, diagnosis) changes."""
    lines, _ = header_lines(data)
    places = [i for i, line in enumerate(lines) if line.startswith("#")]
    if not places:
        return bit_flip(data, rng)
    place = rng.choice(places)
    old = lines[place]
    head, colon, value = old.partition(":")
    new = rng.choice(
        [
            f"{head}{value}",
            f"{head}{colon}",
            f"{head[:-1]}{colon}{value}",
            f"{head}{colon} {value.strip()[:-1]}",
            f"{head}{colon} {value.strip()[1:]}",
            f"{head}{colon}{value}{rng.choice('0123456789')}",
            f"{head}{colon}{value},{value.strip()[::-1]}",
            f"{head} {colon} {value.swapcase()}",
            f"{head}{colon} {rng.choice(['-5', '999', '1e2', 'NaN', '45Y', 'M', 'F', 'X', '0', '１２'])}",
        ]
    )
    lines[place] = new
    return _join(lines), f"{old!r} -> {new!r}"


_FORMATS = [
    *(
        "212",
        "80",
        "32",
        "24",
        "61",
        "8",
        "16x2",
        "16:5",
        "16+26",
        "16+0",
        "160",
        "310",
        "508",
        "99",
        "16:40",
    ),
    *("16x999", "16x99999999", "16:999999999", "16+44"),
]
HEADER: list[Mutation] = [
    _token(0, 0, lambda t, r: [t + "x", "other", t[:-1], t + ".mat", "../" + t]),
    _token(0, 1, _numbers("0", "24", "1001")),
    _token(0, 2, _numbers("0", "nan", "inf", "1e9", "50", "250", "499", "5000", "500/250(3)")),
    _token(0, 2, _numbers("1000", "100", "125")),
    _token(0, 3, _numbers("0", "", "1000000000", "-1", "٥٠٠٠")),
    _token(1, 0, lambda t, r: ["../" + t, "other.dat", t + "x", "/etc/hostname", "~", t.upper()], 0.3),
    _token(1, 1, lambda t, r: _FORMATS, 0.6),
    _token(1, 2, _gain("gain"), 0.3),
    _token(1, 2, _gain("gain"), 0.0),
    _token(1, 2, _gain("baseline"), 0.2),
    _token(1, 2, _gain("unit"), 0.5),
    _token(1, 3, _numbers("12", "0")),
    _token(1, 4, _numbers("100", "2048"), 0.3),
    _token(1, 5, _numbers("0", "77")),
    _token(1, 6, _numbers("0", "")),
    _token(1, 7, _numbers("512")),
    _token(1, 8, lambda t, r: ["V7", "MCL1", t.lower(), "Lead " + t, "I", "V1", "a" + t, ""]),
    swap_lead_names,
    swap_lead_names,
    swap_lines,
    drop_line,
    double_line,
    fewer_fields,
    comment,
    comment,
    comment,
]
SAMPLES: list[Mutation] = [zero_block, swap_blocks, byte_order]
