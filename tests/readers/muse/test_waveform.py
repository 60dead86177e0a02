import base64
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rarebeat.core.errors import BadRecordError, MissingSourceError, ParamsError
from rarebeat.readers.muse import reader
from rarebeat.readers.muse.reader import parse_muse
from rarebeat.readers.privacy import Pseudonym

Steps = npt.NDArray[np.int16]
Make = Callable[..., bytes]
PRIVATE = Pseudonym(b"secret key of a hospital", private=True)


def refusal(content: bytes) -> BadRecordError:
    with pytest.raises(BadRecordError) as caught:
        parse_muse(content)
    return caught.value


# ------------------------------------------------------------------ what is refused


BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
<RestingECG><PatientDemographics><PatientID>&c;</PatientID></PatientDemographics></RestingECG>"""

THIEF = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd">]>
<RestingECG><PatientDemographics><PatientID>&file;</PatientID></PatientDemographics></RestingECG>"""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no xml",
        b"\x89PNG\r\n",
        b"<RestingECG>",
        BOMB,
        THIEF,
        b"<html><body/></html>",
        b"<a xmlns='urn:hl7-org:v3'/>",
    ],
    ids=["empty", "text", "binary", "cut off", "bomb", "thief", "other XML", "another namespace"],
)
def test_what_is_no_muse_file_is_unreadable(content: bytes) -> None:
    assert refusal(content).reason == "unreadable"


def test_an_xml_bomb_is_refused_at_once() -> None:
    start = time.perf_counter()
    assert "entities" in refusal(BOMB).detail
    assert time.perf_counter() - start < 0.5


def test_deep_nesting_is_survived() -> None:
    assert (
        refusal(b"<RestingECG>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</RestingECG>").reason
        == "missing_leads"
    )


def test_a_file_larger_than_any_ecg_is_not_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_BYTES", 1000)
    (tmp_path / "a.xml").write_bytes(b" " * 1001)
    with pytest.raises(BadRecordError, match="larger"):
        reader.read_muse(tmp_path / "a.xml")


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


def test_random_damage_gives_an_ecg_or_a_refusal(muse_xml: Make, muse_leads: dict[str, Steps]) -> None:
    original = muse_xml({name: steps[:600] for name, steps in muse_leads.items()})
    rng = np.random.default_rng(3)
    reasons = set()
    for _ in range(400):
        content = bytearray(original)
        for _ in range(rng.integers(1, 4)):
            at = int(rng.integers(len(content)))
            if rng.random() < 0.7:  # aim at the elements, not at the long waveforms
                at = int(rng.integers(2500))
            content[at : at + int(rng.integers(4))] = rng.bytes(int(rng.integers(4)))
        try:
            assert parse_muse(bytes(content)).signal.shape[0] == 12
        except BadRecordError as error:
            reasons.add(error.reason)
    assert "unreadable" in reasons


# ------------------------------------------------------------------ folders


def test_an_empty_folder_says_how_to_export(tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "absent"):
        with pytest.raises(MissingSourceError, match="GE MUSE"):
            reader.discover(root, {})


def test_an_unknown_option_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="keyfile"):
        reader.discover(tmp_path, {"keyfile": "x"})
    with pytest.raises(ParamsError, match="statements"):
        reader.discover(tmp_path, {"statements": "some"})
