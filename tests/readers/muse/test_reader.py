import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rarebeat.core.errors import BadRecordError, MissingSourceError, ParamsError
from rarebeat.readers.formats import ecg as formats_ecg
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.readers.muse import reader
from rarebeat.readers.muse.reader import parse_muse
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.summary import summary_lines

Steps = npt.NDArray[np.int16]
Make = Callable[..., bytes]
PRIVATE = Pseudonym(b"secret key of a hospital", private=True)


def refusal(content: bytes) -> BadRecordError:
    with pytest.raises(BadRecordError) as caught:
        parse_muse(content)
    return caught.value


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
    start = time.process_time()
    assert "entities" in refusal(BOMB).detail
    assert time.process_time() - start < 0.5


def test_deep_nesting_is_survived() -> None:
    assert (
        refusal(b"<RestingECG>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</RestingECG>").reason
        == "missing_leads"
    )


def test_a_file_larger_than_any_ecg_is_not_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats_ecg, "MAX_BYTES", 1000)
    (tmp_path / "a.xml").write_bytes(b" " * 1001)
    with pytest.raises(BadRecordError, match="larger"):
        reader.read_file(tmp_path / "a.xml")


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


def test_an_empty_folder_says_how_to_export(tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "absent"):
        with pytest.raises(MissingSourceError, match="GE MUSE"):
            reader.discover(root, {})


def test_an_unknown_option_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="keyfile"):
        reader.discover(tmp_path, {"keyfile": "x"})
    with pytest.raises(ParamsError, match="statements"):
        reader.discover(tmp_path, {"statements": "some"})


@pytest.mark.parametrize(
    ("status", "diagnosis", "expected"),
    [
        ("<Status>CONFIRMED</Status>", (("Sinus rhythm",),), "confirmed"),
        ("<Status>Confirmed</Status>", (("Sinus rhythm",),), "confirmed"),
        ("<Status>CONFIRMED</Status>", (), "unconfirmed"),  # the machine alone has stated something
        ("<Status>UNCONFIRMED</Status>", (("Sinus rhythm",),), "unconfirmed"),
        ("<Status>PRELIMINARY</Status>", (("Sinus rhythm",),), "unknown"),
        ("", (("Sinus rhythm",),), "unknown"),
    ],
)
def test_only_confirmed_statements_are_taken_unless_all_are_asked_for(
    muse_xml: Make, tmp_path: Path, status: str, diagnosis: tuple[tuple[str, ...], ...], expected: str
) -> None:
    (tmp_path / "one.xml").write_bytes(muse_xml(status=status, diagnosis=diagnosis))
    (entry,) = reader.discover(tmp_path, {})
    usual, everything = (reader.read(entry, PRIVATE, options) for options in ({}, {"statements": "all"}))
    stated = "Sinus rhythm" if diagnosis else "Machine statement"
    assert usual.report_status == everything.report_status == expected
    assert usual.text == (stated if expected == "confirmed" else None)
    assert everything.text == stated


def test_the_summary_counts_what_was_not_confirmed(muse_xml: Make, tmp_path: Path) -> None:
    root = tmp_path / "muse"
    root.mkdir()
    for index, status in enumerate(("CONFIRMED", "UNCONFIRMED", "UNCONFIRMED", "ODD")):
        (root / f"{index}.xml").write_bytes(muse_xml(status=f"<Status>{status}</Status>"))
    options = {"key_file": str(tmp_path / "key")}
    summary = ingest_cohort("muse-xml", root, tmp_path / "out", options=options, workers=1)
    assert summary["report_statuses"] == {"confirmed": 1, "unconfirmed": 2, "unknown": 1}
    assert (summary["records"], summary["with_text"], summary["without_confirmed_report"]) == (4, 1, 3)
    assert "3 records have no text" in summary_lines("out", "muse-xml", root, summary)[1]
    options["statements"] = "all"
    summary = ingest_cohort("muse-xml", root, tmp_path / "out", options=options, workers=1)
    assert (summary["with_text"], summary["without_confirmed_report"]) == (4, 0)
    assert len(summary_lines("out", "muse-xml", root, summary)) == 1


@pytest.mark.parametrize(("free_text", "mrs"), [("keep", "Mrs"), ("recognised", "Xxx")])
def test_nothing_that_names_a_person_passes(muse_xml: Make, tmp_path: Path, free_text: str, mrs: str) -> None:
    diagnosis = (
        ("Atrial fibrillation in Mrs Doe",),
        ("When compared with ECG of 12-JAN-2010 09:15,",),
        ("Seen by Readername and techname",),
        ("Confirmed by READERNAME MD, ANNA (105) on 5/17/2011 1:23:45 PM",),
    )
    birth = "<DateofBirth>05-01-1950</DateofBirth>"
    path = tmp_path / "doe_jane_00123456.xml"
    path.write_bytes(muse_xml(diagnosis=diagnosis, demographics=birth))
    (entry,) = reader.discover(tmp_path, {})
    options = {"free_text": free_text}
    record = reader.read(entry, PRIVATE, options)
    assert (
        record.text
        == f"Atrial fibrillation in {mrs} [name]\nWhen compared with ECG of [date],\nSeen by [name] and [name]"
    )
    stored = repr((record.record_id, record.patient_id, record.text, record.age, record.sex, record.source))
    for secret in (
        "doe",
        "jane",
        "00123456",
        "123456",
        "readername",
        "techname",
        "anna",
        "1950",
        "2010",
        "2011",
    ):
        assert secret not in stored.lower()


def test_the_patient_is_a_keyed_hash_and_the_record_too(muse_xml: Make, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/one.xml", "two.XML"):
        (tmp_path / name).write_bytes(muse_xml())
    (tmp_path / "._one.xml").write_bytes(b"left behind by another system")
    records = [reader.read(entry, PRIVATE, {}) for entry in reader.discover(tmp_path, {})]
    assert {record.patient_id for record in records} == {PRIVATE.of("patient", "123456")}
    assert {record.record_id for record in records} == {
        PRIVATE.record_id(name) for name in ("a/one.xml", "two.XML")
    }


def test_the_sex(muse_xml: Make) -> None:
    assert parse_muse(muse_xml()).person.sex == "female"
    assert parse_muse(muse_xml(demographics="<Gender>MALE</Gender>")).person.sex == "male"
    assert parse_muse(muse_xml(demographics="<Gender>UNKNOWN</Gender>")).person.sex is None


def test_a_placeholder_of_a_statement_gives_no_text_and_is_counted(muse_xml: Make) -> None:
    ecg = parse_muse(muse_xml(diagnosis=(("Sinus rhythm",), ("Statement Text(22)",))))
    assert ecg.text is None
    assert ecg.person.not_understood == ("statements",)
    assert parse_muse(muse_xml()).person.not_understood == ()


def test_the_filters_are_those_of_the_rhythm_waveform(muse_xml: Make) -> None:
    """Exports tell them of the median beat, too."""
    assert parse_muse(muse_xml()).stored.filters == "high-pass 16, low-pass 150"
    twice = muse_xml().replace(b"</ACFilter>", b"</ACFilter><ACFilter>60</ACFilter>")
    assert refusal(twice).detail == "ACFilter is there twice"
