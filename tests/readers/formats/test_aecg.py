"""HL7 annotated ECGs: origins and scales with units of their own, exact rates, one recording."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.format_files import Steps
from tests.readers.formats.changing import refusal

from rarebeat.readers.formats.aecg import looks_like, read_file

Make = Callable[..., Path]


def test_the_numbers_in_the_file_are_those_of_the_signal(file_of: Make) -> None:
    path = file_of("aecg")
    text = path.read_text(encoding="utf-8")
    digits = [np.fromstring(found, sep=" ") for found in re.findall(r"<digits>(.*?)</digits>", text)]
    assert (read_file(path).signal == np.stack(digits)).all()


def test_origin_and_scale_have_units_of_their_own(file_of: Make, signal: Steps) -> None:
    path = file_of("aecg")
    text = path.read_text(encoding="utf-8")
    chest = text.index("MDC_ECG_LEAD_V1")
    text = text[:chest] + text[chest:].replace(
        '<origin value="0" unit="uV"', '<origin value="0.05" unit="mV"'
    ).replace('<scale value="1" unit="uV"', '<scale value="0.000001" unit="V"')
    path.write_text(text, encoding="utf-8")
    found = read_file(path).signal
    assert (found[:6] == signal[:6]).all()
    assert (found[6:] == signal[6:] + 50).all()


@pytest.mark.parametrize("unit", ["", "mmHg", "1"])
def test_a_scale_without_a_voltage_is_refused(file_of: Make, unit: str) -> None:
    path = file_of("aecg", (b'<scale value="1" unit="uV"', f'<scale value="1" unit="{unit}"'.encode()))
    assert refusal(read_file, path).reason == "unknown_units"


@pytest.mark.parametrize(
    ("increment", "rate"), [("0.004", 250.0), ("0.0039", 256.410256), ("2.7777777777777778", 360.0)]
)
def test_the_rate_is_not_rounded_to_a_whole_number(file_of: Make, increment: str, rate: float) -> None:
    unit = "ms" if float(increment) > 1 else "s"
    new = f'<increment value="{increment}" unit="{unit}"'.encode()
    assert read_file(file_of("aecg", (b'<increment value="0.002" unit="s"', new))).rate == rate


def test_comments_may_stand_before_the_root(file_of: Make) -> None:
    path = file_of("aecg", (b"<AnnotatedECG", b"<!-- an <ECG> of 2003 -->\n<!-- more -->\n<AnnotatedECG"))
    assert looks_like(path.read_bytes()[:4096])
    assert read_file(path).rate == 500.0


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'MDC_ECG_LEAD_II"', b'MDC_ECG_LEAD_I"', "header_mismatch"),  # lead I is there twice
        (b"MDC_ECG_LEAD_V6", b"MDC_ECG_LEAD_V7", "missing_leads"),
        (b'code="TIME_ABSOLUTE"', b'code="TIME"', "unreadable"),
        (b'unit="s"', b'unit="min"', "unreadable"),
        (b"<birthTime", b'<birthTime value="19990101"/><birthTime', "header_mismatch"),
        (b"</digits>", b" 7</digits>", ""),
    ],
)
def test_what_contradicts_itself_is_refused(file_of: Make, old: bytes, new: bytes, reason: str) -> None:
    path = file_of("aecg", (old, new))
    if not reason:  # in one lead alone
        content = path.read_bytes()
        path.write_bytes(content.replace(new, old, 11))
        reason = "header_mismatch"
    assert refusal(read_file, path).reason == reason


def test_two_recordings_in_one_file_are_refused(file_of: Make) -> None:
    path = file_of("aecg")
    text = path.read_text(encoding="utf-8")
    start, end = text.index("<component>"), text.rindex("</component>") + len("</component>")
    path.write_text(text[:end] + text[start:end] + text[end:], encoding="utf-8")
    assert refusal(read_file, path).reason == "header_mismatch"


def test_an_age_that_contradicts_the_date_of_birth_is_none(file_of: Make) -> None:
    stated = (
        b'<controlVariable><relatedObservation><code code="21612-7"/><value value="46" unit="a"/>'
        b"</relatedObservation></controlVariable></AnnotatedECG>"
    )
    person = read_file(file_of("aecg", (b"</AnnotatedECG>", stated))).person
    assert (person.age, person.not_understood) == (None, ("age",))


def test_a_date_of_birth_that_is_not_understood_is_counted(file_of: Make) -> None:
    person = read_file(file_of("aecg", (b'<birthTime value="', b'<birthTime value="-'))).person
    assert (person.age, person.not_understood) == (None, ("age",))
