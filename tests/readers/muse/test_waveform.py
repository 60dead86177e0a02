import base64
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from rarebeat.core.errors import BadRecordError
from rarebeat.core.records import LEADS
from rarebeat.readers.muse.reader import parse_muse
from rarebeat.readers.privacy import Pseudonym

Steps = npt.NDArray[np.int16]
Make = Callable[..., bytes]
PRIVATE = Pseudonym(b"secret key of a hospital", private=True)


def refusal(content: bytes) -> BadRecordError:
    with pytest.raises(BadRecordError) as caught:
        parse_muse(content)
    return caught.value


def test_the_rhythm_waveform_is_read_in_microvolts(muse_xml: Make, muse_leads: dict[str, Steps]) -> None:
    ecg = parse_muse(muse_xml())
    assert ecg.rate == 500
    assert ecg.signal.shape == (12, muse_leads["I"].size)  # not the 300 samples of the median beat
    for name, steps in muse_leads.items():
        assert np.abs(ecg.signal[LEADS.index(name)] - 4.88 * steps).max() <= 0.5


def test_four_limb_leads_are_derived(muse_xml: Make, muse_leads: dict[str, Steps]) -> None:
    one, two = 4.88 * muse_leads["I"], 4.88 * muse_leads["II"]
    exact = np.stack([two - one, -(one + two) / 2, one - two / 2, two - one / 2])
    assert np.abs(parse_muse(muse_xml()).signal[2:6] - exact).max() <= 0.5


@pytest.mark.parametrize(("unit", "step"), [("MILLIVOLTS", "0.00488"), ("microvolts", "4.88")])
def test_the_unit_belongs_to_the_amplitude(muse_xml: Make, unit: str, step: str) -> None:
    expected = parse_muse(muse_xml()).signal
    content = muse_xml(LeadAmplitudeUnits=unit, LeadAmplitudeUnitsPerBit=step)
    np.testing.assert_array_equal(parse_muse(content).signal, expected)


def test_the_rate_has_an_exponent(muse_xml: Make) -> None:
    content = muse_xml().replace(b"<SampleBase>500<", b"<SampleBase>5<")
    assert parse_muse(content.replace(b"<SampleExponent>0<", b"<SampleExponent>2<")).rate == 500


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"WaveFormData": "*** not base64 ***"}, "unreadable"),
        ({"WaveFormData": ""}, "truncated"),
        ({"WaveFormData": base64.b64encode(b"\0" * 1999).decode()}, "truncated"),
        ({"WaveFormData": base64.b64encode(b"\1\0" * 900).decode()}, "truncated"),
        ({"LeadSampleCountTotal": "999"}, "header_mismatch"),
        ({"LeadSampleCountTotal": "99999999999999999999"}, "header_mismatch"),
        ({"LeadSampleCountTotal": "²"}, "header_mismatch"),
        ({"LeadSampleCountTotal": "many"}, "header_mismatch"),
        ({"LeadByteCountTotal": "1999"}, "header_mismatch"),
        ({"LeadByteCountTotal": "2002"}, "truncated"),
        ({"LeadByteCountTotal": "many"}, "header_mismatch"),
        ({"LeadDataCRC32": "1"}, "wrong_checksum"),
        ({"LeadDataCRC32": "none"}, "wrong_checksum"),
        ({"LeadSampleSize": "4"}, "unreadable"),
        ({"LeadAmplitudeUnitsPerBit": "0"}, "unknown_units"),
        ({"LeadAmplitudeUnitsPerBit": "nan"}, "unknown_units"),
        ({"LeadAmplitudeUnitsPerBit": "-4.88"}, "unknown_units"),
        ({"LeadAmplitudeUnitsPerBit": "large"}, "unreadable"),
        ({"LeadAmplitudeUnitsPerBit": "4880"}, "implausible_amplitude"),
        ({"LeadAmplitudeUnits": "PARSECS"}, "unknown_units"),
        ({"LeadOff": "TRUE"}, "missing_leads"),
        ({"LeadID": "I"}, "header_mismatch"),
        ({"LeadID": "Pleth"}, "missing_leads"),
    ],
)
def test_waveforms_that_contradict_themselves(muse_xml: Make, changes: dict[str, str], reason: str) -> None:
    assert refusal(muse_xml(**changes)).reason == reason


@pytest.mark.parametrize("lead", ["I", "V4"])
def test_a_missing_lead(muse_xml: Make, muse_leads: dict[str, Steps], lead: str) -> None:
    del muse_leads[lead]
    assert refusal(muse_xml(muse_leads)).reason == "missing_leads"


def test_leads_of_different_lengths(muse_xml: Make, muse_leads: dict[str, Steps]) -> None:
    muse_leads["V6"] = muse_leads["V6"][:-1]
    assert refusal(muse_xml(muse_leads)).reason == "header_mismatch"


@pytest.mark.parametrize("field", [b"LeadTimeOffset", b"LeadOffsetFirstSample"])
def test_leads_of_different_times(muse_xml: Make, field: bytes) -> None:
    content = muse_xml()
    at = content.rindex(b"<" + field + b">0<")
    later = content[:at] + content[at:].replace(b">0<", b">2500<", 1)
    error = refusal(later)
    assert error.reason == "header_mismatch"
    assert field.decode() in error.detail


def test_one_changed_sample_does_not_agree_with_the_checksum(
    muse_xml: Make, muse_leads: dict[str, Steps]
) -> None:
    before = base64.encodebytes(muse_leads["V4"].astype("<i2").tobytes())
    muse_leads["V4"][500] += 1
    after = base64.encodebytes(muse_leads["V4"].astype("<i2").tobytes())
    muse_leads["V4"][500] -= 1
    content = muse_xml()
    assert content.count(before) == 1
    error = refusal(content.replace(before, after))
    assert error.reason == "wrong_checksum"
    assert "lead V4" in error.detail


@pytest.mark.parametrize("field", ["LeadByteCountTotal", "LeadSampleCountTotal", "LeadDataCRC32"])
def test_what_a_file_does_not_promise_is_not_checked(muse_xml: Make, field: str) -> None:
    np.testing.assert_array_equal(parse_muse(muse_xml(**{field: ""})).signal, parse_muse(muse_xml()).signal)


def test_samples_marked_as_invalid(muse_xml: Make, muse_leads: dict[str, Steps]) -> None:
    muse_leads["V6"][17] = -32768
    assert refusal(muse_xml(muse_leads)).reason == "not_a_number"


def test_a_file_with_a_median_beat_only(muse_xml: Make) -> None:
    assert refusal(muse_xml(waveforms="<Waveform><WaveformType>Median</WaveformType></Waveform>")).detail == (
        "the file has no rhythm waveform"
    )
    assert refusal(muse_xml(waveforms="<Waveform><WaveformType>Rhythm</WaveformType></Waveform>")).detail == (
        "the rhythm waveform has no leads"
    )


@pytest.mark.parametrize("number", ["0", "-1", "inf", "fast", "99999999999"])
def test_rates_that_are_none(muse_xml: Make, number: str) -> None:
    for tag in (b"SampleBase", b"SampleExponent"):
        content = muse_xml().replace(b"<SampleExponent>0", b"<SampleExponent>1")
        old = b"<SampleBase>500" if tag == b"SampleBase" else b"<SampleExponent>1"
        if tag == b"SampleExponent" and number in ("0", "-1"):
            continue  # 500 and 50 Hz are rates
        assert refusal(content.replace(old, b"<" + tag + b">" + number.encode())).reason in (
            "implausible_header",
            "unreadable",
        )
