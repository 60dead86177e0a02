import numpy as np
import pytest

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.wfdb.header import Format, parse_header, person_of, told_once

HEADER = b"""E00666 2 500 5000 05-May-2020 14:50:55
E00666.mat 16x1+24 1000.0(0)/mV 16 0 -39 -24145 0 I
E00666.mat 16+24 1310(-4)/mV 16 0 29 -11383 0 lead II
#Age: 77
# Dx: 426783006
"""


def test_a_header_tells_rate_length_leads_and_comments() -> None:
    header = parse_header(HEADER)
    assert (header.name, header.rate, header.samples) == ("E00666", 500.0, 5000)
    assert header.comments == ("Age: 77", "Dx: 426783006")
    first, second = header.leads
    assert first.format == second.format == Format(16, 1, 0, 24)
    assert (second.gain, second.baseline, second.units, second.checksum) == (1310.0, -4, "mV", -11383)
    assert second.name == "lead II"


def test_a_record_line_may_start_with_the_name_of_the_signal_file() -> None:
    assert parse_header(HEADER.replace(b"E00666 2", b"E00666.mat 2")).name == "E00666"


def test_the_baseline_defaults_to_the_zero_of_the_converter() -> None:
    header = parse_header(b"a 1 500 10\na.dat 212 200/mV 12 1024 0 0 0 I\n")
    assert header.leads[0].baseline == 1024


@pytest.mark.parametrize("gain", ["0/mV", "0(12)/mV", "0.0"])
def test_a_gain_of_zero_means_unknown(gain: str) -> None:
    assert parse_header(f"a 1 500 10\na.dat 16 {gain}\n".encode()).leads[0].gain is None


def test_a_multi_segment_header_names_its_segments() -> None:
    header = parse_header(b"a/2 12 500 1000\na_1 500\na_2 500\n")
    assert header.segments == (("a_1", 500), ("a_2", 500))
    assert header.leads == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "unreadable"),
        (b"# only a comment\n", "unreadable"),
        (b"\x00\x01\x02\xff" * 100, "unreadable"),
        (b"%PDF-1.4 garbage\n", "unreadable"),
        (b"a 12\n", "unreadable"),
        (b"a twelve 500 10\n", "unreadable"),
        (b"a 0 500 10\n", "unreadable"),
        (b"a 999999999999 500 10\n", "unreadable"),
        (b"a 1 -500 10\na.dat 16\n", "unreadable"),
        (b"a 1 nan 10\na.dat 16\n", "unreadable"),
        (b"a 1 500 -10\na.dat 16\n", "unreadable"),
        (b"a 1 500 10\na.dat\n", "unreadable"),
        (b"a 1 500 10\na.dat sixteen\n", "unreadable"),
        (b"a 1 500 10\na.dat 16 fast/mV\n", "unreadable"),
        (b"a/1 1 500 10\na_1\n", "unreadable"),
        (b"a 2 500 10\na.dat 16\n", "header_mismatch"),
    ],
)
def test_what_is_no_header_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(BadRecordError) as caught:
        parse_header(content)
    assert caught.value.reason == reason


def test_comments_are_fields_whatever_their_case_and_brackets() -> None:
    assert told_once(["AGE : 7", "<Sex>: F <HR>: 60", "no field", "Dx: 1:2"], ["age"]) == {
        "age": "7",
        "sex": "F",
        "hr": "60",
        "dx": "1:2",
    }


def test_an_age_in_a_sentence_is_none() -> None:
    assert person_of(["at the age: 63 of Jane", "sex change: none"]) == (None, None)


def test_random_damage_gives_a_header_or_a_refusal_and_nothing_else() -> None:
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(3000):
        content = bytearray(HEADER)
        for _ in range(rng.integers(1, 6)):
            at = int(rng.integers(len(content)))
            match rng.integers(4):
                case 0:
                    content[at] = int(rng.integers(256))
                case 1:
                    del content[at + 1 : at + int(rng.integers(2, 9))]
                case 2:
                    content[at:at] = rng.choice([b"9" * 30, b"/", b"\n", b" ", b"\xff", b"e999", b"-", b"x0"])
                case 3:
                    content = content[: at + 1] + b"#"
        try:
            assert parse_header(bytes(content)).rate > 0
        except BadRecordError:
            refused += 1
    assert 300 < refused < 2900  # both happen often
