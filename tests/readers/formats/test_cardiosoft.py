"""CardioSoft XML: the strip and no median beat, units that are told, counts that are held."""

from collections.abc import Callable
from pathlib import Path
from time import process_time

import pytest
from tests.format_files import Steps
from tests.readers.formats.changing import refusal

from rarebeat.readers.formats.cardiosoft import read_file

Make = Callable[..., Path]


def test_a_strip_within_a_strip_is_read_as_well(file_of: Make, signal: Steps) -> None:
    path = file_of(
        "cardiosoft-xml", (b"<StripData>", b"<Strip><StripData>"), (b"</StripData>", b"</StripData></Strip>")
    )
    assert read_file(path).signal.shape == signal.shape


def test_what_a_person_has_concluded_comes_before_what_the_machine_stated(file_of: Make) -> None:
    said = b"<Conclusion><ConclusionText>Atrial flutter</ConclusionText></Conclusion></Interpretation>"
    ecg = read_file(file_of("cardiosoft-xml", (b"</Interpretation>", said)))
    assert (ecg.text, ecg.status) == ("Atrial flutter", "unknown")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'units="uVperLsb"', b'units="mm"', "unknown_units"),
        (b'<Resolution units="uVperLsb">5</Resolution>', b"", "unknown_units"),
        (b'<SampleRate units="Hz">', b'<SampleRate units="ms">', "implausible_header"),
        (b">500</SampleRate>", b">nan</SampleRate>", "implausible_header"),
        (b">500</SampleRate>", b">inf</SampleRate>", "implausible_header"),
        (b"<NumberOfLeads>12", b"<NumberOfLeads>11", "header_mismatch"),
        (b"Total>2500", b"Total>2501", "truncated"),
        (b"Total>2500", b"Total>2499", "header_mismatch"),
        (b'lead="V6"', b'lead="V5"', "header_mismatch"),
        (b'<WaveformData lead="I">', b'<WaveformData lead="I">1;2,', "unreadable"),
        (b"</StripData>", b"</StripData><StripData/>", "header_mismatch"),
        (b"<PID>", b"<PID>7</PID><PID>", "header_mismatch"),
    ],
)
def test_what_contradicts_itself_is_refused(file_of: Make, old: bytes, new: bytes, reason: str) -> None:
    assert refusal(read_file, file_of("cardiosoft-xml", (old, new))).reason == reason


def test_blanks_take_no_time(file_of: Make) -> None:
    gap = b'<WaveformData lead="I">1' + b" " * 200_000 + b"x,"
    begun = process_time()
    assert (
        refusal(read_file, file_of("cardiosoft-xml", (b'<WaveformData lead="I">', gap))).reason
        == "unreadable"
    )
    assert process_time() - begun < 5  # minutes, before


def test_an_infant_is_not_as_many_years_old_as_months(file_of: Make) -> None:
    months = (b'<Age units="years">63', b'<Age units="months">18')
    born = (b"<Year>1950</Year>", b"<Year>2011</Year>")
    assert read_file(file_of("cardiosoft-xml", months, born)).person.age == 1.5
