"""Philips Sierra XML: compressed files against sierraecg (numpy 2 keeps it from plain ones); the pulse is no beat."""

import base64
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sierraecg
from tests.format_files import Planted, Steps, philips
from tests.readers.formats.changing import refusal

from rarebeat.core.records import LEADS
from rarebeat.readers.formats.philips import read_file

Make = Callable[..., Path]
PULSE = 200  # samples of zeros, pulse and zeros


def test_sierraecg_reads_the_same_from_a_compressed_file(signal: Steps, tmp_path: Path) -> None:
    path = tmp_path / "one.xml"
    path.write_bytes(philips(signal, Planted(), compressed=True))
    told = sierraecg.read_file(str(path))
    assert [lead.label for lead in told.leads] == list(LEADS)
    steps = np.stack([lead.samples for lead in told.leads])
    ecg = read_file(path)
    assert (ecg.signal == 5 * steps[:, :-PULSE]).all()  # int16 steps of 5 microvolts
    assert np.abs(ecg.signal.astype(int) - signal).max() <= 3


def test_a_plain_file_holds_lead_after_lead(file_of: Make) -> None:
    path = file_of("philips-xml")
    text = re.findall(r"<parsedwaveforms[^>]*>(.*?)</parsedwaveforms>", path.read_text(encoding="utf-8"))[0]
    steps = np.frombuffer(base64.b64decode(text), "<i2").reshape(12, -1)
    assert (read_file(path).signal == 5 * steps[:, :-PULSE]).all()


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "XLI"])
def test_the_pulse_in_all_leads_is_cut_with_the_zeros_around_it(
    compressed: bool, signal: Steps, tmp_path: Path
) -> None:
    path = tmp_path / "one.xml"
    path.write_bytes(philips(signal, Planted(), compressed, tail=True))
    if compressed:
        stored = np.stack([lead.samples for lead in sierraecg.read_file(str(path)).leads])
        assert (stored[:, -150:-50] == 200).all()  # 1 mV for 200 ms
    assert read_file(path).signal.shape == signal.shape


def test_a_compressed_lead_of_another_length_is_refused(signal: Steps, tmp_path: Path) -> None:
    path = tmp_path / "one.xml"
    content = philips(signal, Planted(), compressed=True)
    told = re.search(rb'durationperchannel="(\d+)"', content)
    assert told
    shorter = b'durationperchannel="%d"' % (int(told[1]) - 2)  # a sample less than each lead has
    path.write_bytes(content.replace(told[0], shorter))
    assert refusal(read_file, path).reason == "header_mismatch"


def test_the_utf_16_of_the_vendor_is_read(file_of: Make, signal: Steps) -> None:
    path = file_of("philips-xml", (b'encoding="UTF-8"', b'encoding="utf-16"'))
    path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))
    assert read_file(path).signal.shape == signal.shape


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"<samplingrate>500<", b"<samplingrate>250<", "header_mismatch"),
        (b'samplespersecond="500"', b'samplespersecond="250"', "header_mismatch"),
        (b"<resolution>5<", b"<resolution>1<", "header_mismatch"),
        (b'durationperchannel="5400"', b'durationperchannel="2700"', "header_mismatch"),
        (b'leadlabels="I II ', b'leadlabels="I I ', "header_mismatch"),
        (b"V6", b"V7", "missing_leads"),
        (b"<sex>Female</sex>", b"<sex>Female</sex><sex>Male</sex>", "header_mismatch"),
        (b"1.04<", b"2.00<", "unreadable"),
        (b"<samplingrate>500<", b"<samplingrate>x500<", "unreadable"),
    ],
)
def test_what_contradicts_itself_is_refused(file_of: Make, old: bytes, new: bytes, reason: str) -> None:
    assert refusal(read_file, file_of("philips-xml", (old, new))).reason == reason


def test_a_sex_that_is_not_understood_is_counted(file_of: Make) -> None:
    person = read_file(file_of("philips-xml", (b"Female", b"Femle"))).person
    assert (person.sex, person.not_understood) == (None, ("sex",))


def test_the_default_age_of_a_recorder_is_nobodys(file_of: Make) -> None:
    told = b"<age><dateofbirth>1950-05-01</dateofbirth><years>63</years>"
    person = read_file(file_of("philips-xml", (told, b'<age defaultage="50">'))).person
    assert person.age is None
