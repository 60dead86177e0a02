import logging
import stat
from pathlib import Path

import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.readers.privacy import Pseudonym, default_key_file, private_pseudonym, redact


def test_public_pseudonyms_are_the_same_on_every_machine() -> None:
    assert Pseudonym().of("ptb-xl", "15709") == "55bf67ea38c1667b"


def test_the_namespace_keeps_databases_apart() -> None:
    pseudonym = Pseudonym()
    assert pseudonym.of("ptb-xl", "1") != pseudonym.of("ludb", "1")
    assert pseudonym.of("a", "bc") != pseudonym.of("ab", "c")


def test_record_ids_stay_where_they_are_public_and_are_hashed_where_not(tmp_path: Path) -> None:
    assert Pseudonym().record_id("A0001") == "A0001"
    private = private_pseudonym(tmp_path / "key")
    assert private.record_id("smith_john.xml") == private.of("record", "smith_john.xml")
    assert "smith" not in private.record_id("smith_john.xml")


def test_the_key_is_made_once_for_the_user_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "new" / "pseudonym.key"
    with caplog.at_level(logging.WARNING):
        first = private_pseudonym(path)
    assert "created the secret key" in caplog.text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    caplog.clear()
    assert private_pseudonym(path) == first
    assert not caplog.text
    assert [file.name for file in path.parent.iterdir()] == ["pseudonym.key"]


def test_two_keys_give_two_pseudonyms(tmp_path: Path) -> None:
    one, two = private_pseudonym(tmp_path / "one"), private_pseudonym(tmp_path / "two")
    assert one.of("patient", "7") != two.of("patient", "7")
    assert one.of("patient", "7") != Pseudonym().of("patient", "7")


def test_the_key_is_never_printed(tmp_path: Path) -> None:
    pseudonym = private_pseudonym(tmp_path / "key")
    assert pseudonym.key.hex() not in repr(pseudonym)
    assert repr(pseudonym.key) not in repr(pseudonym)


def test_the_default_place_follows_the_users_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_key_file() == tmp_path / "rarebeat" / "pseudonym.key"
    private_pseudonym()
    assert default_key_file().is_file()
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_key_file() == tmp_path / ".config" / "rarebeat" / "pseudonym.key"


def test_a_key_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(RarebeatError, match="key_file"):
        private_pseudonym(tmp_path / "file" / "key")


@pytest.mark.parametrize("content", ["", "abcd\n", "not hexadecimal at all, is it?\n"])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content)
    with pytest.raises(RarebeatError, match="not a pseudonym key"):
        private_pseudonym(tmp_path / "key")
    assert (tmp_path / "key").read_text() == content


def test_a_key_that_another_process_made_first_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    winner = "ab" * 32

    def lose_the_race(self: Path, target: Path) -> None:
        path.write_text(winner)
        raise FileExistsError

    monkeypatch.setattr(Path, "hardlink_to", lose_the_race)
    assert private_pseudonym(path).key == bytes.fromhex(winner)


# ------------------------------------------------------------------ reports


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("Confirmed by SMITH MD, JOHN (105) on 5/17/2011 1:23:45 PM", ""),
        ("Abnormal ECG Confirmed By:Jane Roe", "Abnormal ECG"),
        ("Referred by: SELF      Electronically Signed By: J. ROE", ""),
        ("ELECTRONICALLY SIGNED BY ROE", ""),
        ("Reconfirmed by ROE", ""),
        ("Over-read by ROE", ""),
        ("Technician: ROE", ""),
        ("Name: DOE, JANE", ""),
        ("Unconfirmed", "Unconfirmed"),
    ],
)
def test_signature_lines_are_cut(line: str, kept: str) -> None:
    assert redact(line) == kept


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("When compared with ECG of 17-MAY-2011 09:12,", "When compared with ECG of [date],"),
        ("ECG of 17-MAY-11 09:12:30, no change", "ECG of [date], no change"),
        ("seen 5/17/2011 at 1:23 PM again", "seen [date] again"),
        ("seen 2011-05-17T01:23 again", "seen [date] again"),
        ("seen May 17th, 2011, again", "seen [date], again"),
        ("seen 17. May 2011 again", "seen [date] again"),
        ("seen May 2011 and 5/2011", "seen [date] and [date]"),
        ("Anterior infarct (cited on or before 03-FEB-2009)", "Anterior infarct (cited on or before [date])"),
        ("wie am 12.03.98", "wie am [date]"),
        ("record 00123456, see there", "record [number], see there"),
    ],
)
def test_dates_and_record_numbers_are_replaced(line: str, kept: str) -> None:
    assert redact(line) == kept


@pytest.mark.parametrize(
    "line",
    [
        "Sinus rhythm with 2:1 AV block and 12:1 conduction",
        "ST & T wave abnormality, consider inferior ischemia",
        "PR interval 220 ms RBBB in V1-V3",
        "Vent. rate has decreased BY 12 BPM",
        "Inferior infarct, age undetermined; may be old",
        "QS in V1-V4, 1-2 mm ST elevation, R/S ratio 1/2 in V6",
        "MI in 2005",
        "(No P-waves found)",
    ],
)
def test_findings_stay_as_they_are(line: str) -> None:
    assert redact(line) == line


def test_known_names_go_wherever_they_stand() -> None:
    names = ["DOE", "Mary-Jane", "00123456", "4711", "Li"]
    assert redact("Doe's ECG for mary-jane, 4711", names) == "[name]'s ECG for [name], 4711"


def test_names_that_are_words_of_the_ecg_stay() -> None:
    assert redact("Left bundle branch block", ["Block", "Left"]) == "Left bundle branch block"


def test_doctors_are_named_nowhere() -> None:
    assert redact("discussed with Dr. Jane Roe, normal ECG") == "discussed with [name], normal ECG"
    assert redact("DR ROE: ATRIAL FIBRILLATION") == "[name]: ATRIAL FIBRILLATION"
