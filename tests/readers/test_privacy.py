import logging
import stat
from pathlib import Path

import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.readers.privacy import Pseudonym, default_key_file, patient_number, private_pseudonym


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


def test_a_key_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    private_pseudonym(path)
    path.write_text(path.read_text()[:40])
    with pytest.raises(RarebeatError, match="cut short"):
        private_pseudonym(path)


@pytest.mark.parametrize(("mode", "refused"), [(0o644, True), (0o606, True), (0o640, False), (0o600, False)])
def test_a_key_that_everyone_may_read_is_refused(tmp_path: Path, mode: int, refused: bool) -> None:
    path = tmp_path / "key"
    private_pseudonym(path)
    path.chmod(mode)
    if refused:
        with pytest.raises(RarebeatError, match=f"chmod 600 {path}"):
            private_pseudonym(path)
    else:
        assert private_pseudonym(path).private


def test_one_patient_has_one_number_however_it_is_typed() -> None:
    assert {patient_number(raw) for raw in ("ab12", "AB12", " Ab12 ")} == {"AB12"}
    assert {patient_number(raw) for raw in ("00123", "123", "0123")} == {"123"}
    assert patient_number("A001") != patient_number("A1")


def test_a_key_that_another_process_made_first_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    winner = "ab" * 32

    def lose_the_race(self: Path, target: Path) -> None:
        path.write_text(winner)
        path.chmod(0o600)
        raise FileExistsError

    monkeypatch.setattr(Path, "hardlink_to", lose_the_race)
    assert private_pseudonym(path).key == bytes.fromhex(winner)
