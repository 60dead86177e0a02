"""What holds for every format: the signal to half a step, the person, what is forgotten, and what is said."""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.format_files import ENDINGS, SECRETS, STEPS, WRITERS, Planted, Steps

from rarebeat.core.errors import BadRecordError, MissingSourceError, RarebeatError
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.registry import get_source
from rarebeat.simulator.archives.export import export
from rarebeat.simulator.settings import SimulatorSettings

LIBRARIES = {
    **dict.fromkeys(("aecg", "eli-xml", "ishne", "mfer", "philips-xml", "scp"), "ecgdatakit"),
    **{"dicom": "pydicom", "edf": "edfio"},
}
WITHOUT_REPORT = ("ishne", "mfer")
WHO = Planted()


@pytest.fixture(scope="module")
def signal() -> Steps:
    return export(0, SimulatorSettings(seconds=5.0)).signal


def module_of(kind: str) -> ModuleType:
    return importlib.import_module(get_source(kind).read.__self__.read_file.__module__)  # type: ignore[attr-defined]


def write(kind: str, signal: Steps, folder: Path, who: Planted = WHO, name: str = "one") -> Path:
    path = folder / f"{name}{ENDINGS[kind]}"
    path.write_bytes(WRITERS[kind](signal, who))
    return path


@pytest.mark.parametrize("kind", WRITERS)
def test_the_signal_comes_back_to_half_a_step(kind: str, signal: Steps, tmp_path: Path) -> None:
    ecg = module_of(kind).read_file(write(kind, signal, tmp_path))
    assert ecg.signal.shape == signal.shape
    assert np.abs(ecg.signal.astype(int) - signal).max() <= STEPS[kind] / 2 + 0.5
    assert (ecg.rate, ecg.calibrated) == (500.0, True)
    # Every lead in its place, and none turned over: each is nearest to itself.
    away = [
        [np.abs(one.astype(int) - sign * other).sum() for other in signal for sign in (1, -1)]
        for one in ecg.signal
    ]
    assert [int(np.argmin(row)) for row in away] == list(range(0, 24, 2))


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("sex", ["F", "M"])
def test_age_and_sex(kind: str, sex: str, signal: Steps, tmp_path: Path) -> None:
    who = Planted(sex=sex)
    person = module_of(kind).read_file(write(kind, signal, tmp_path, who)).person
    assert person.patient in ("00123456", "123456")
    assert person[1:] == (63.0, "female" if sex == "F" else "male", ())


@pytest.mark.parametrize("free_text", ["keep", "recognised"])
@pytest.mark.parametrize("kind", WRITERS)
def test_nothing_that_names_a_person_or_a_place_passes(
    kind: str, free_text: str, signal: Steps, pseudonym_key: Path, tmp_path: Path
) -> None:
    root = tmp_path / "archive"
    root.mkdir()
    write(kind, signal, root, name="doefamily_janegiven_00123456")
    broken = write(kind, signal, root, name="readername_1950")
    broken.write_bytes(broken.read_bytes()[:-700])
    options = {"key_file": str(pseudonym_key), "statements": "all", "free_text": free_text}
    summary = ingest_cohort(kind, root, tmp_path / "out", options=options, workers=1)
    assert (summary["records"], summary["quarantined"]) == (1, 1)
    tables = [
        table.to_pylist() for path in (tmp_path / "out").rglob("*.parquet") for table in [pq.read_table(path)]
    ]
    rows = [row for table in tables for row in table]
    (text,) = [row["text"] for row in rows if "text" in row]
    assert (text is None) == (kind in WITHOUT_REPORT)
    assert text is None or text.startswith("Sinus rhythm in ")
    for row in rows:
        row.pop("signal", None)
    stored = repr(rows).lower() + (tmp_path / "out" / "summary.json").read_text().lower()
    assert [secret for secret in SECRETS if secret in stored] == []


@pytest.mark.parametrize("kind", WRITERS)
def test_without_its_library_one_message_says_what_to_install(
    kind: str, signal: Steps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(kind, signal, tmp_path)
    module = module_of(kind)
    for name in [name for name in sys.modules if name.split(".")[0] in LIBRARIES.values()]:
        monkeypatch.setitem(sys.modules, name, None)  # an import of it fails
    for name in LIBRARIES.values():
        monkeypatch.setitem(sys.modules, name, None)
    if kind not in LIBRARIES:
        assert module.read_file(path).person.sex == "female"
        return
    with pytest.raises(RarebeatError) as caught:
        module.read_file(path)
    library = LIBRARIES[kind]
    assert str(caught.value) == (
        f"kind {kind} needs {library}, which is not installed: pip install rarebeat[formats]"
    )


@pytest.mark.parametrize("kind", WRITERS)
def test_each_file_is_told_by_its_content(kind: str, signal: Steps) -> None:
    head = WRITERS[kind](signal, WHO)[:4096]
    assert [other for other in WRITERS if module_of(other).looks_like(head)] == [kind]
    assert not module_of(kind).looks_like(b"")
    assert not module_of(kind).looks_like(b'<?xml version="1.0"?><RestingECG>')


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize(
    "content", [b"", b"no ecg", b"\0" * 4000, b"<html><body/></html>", b"<a xmlns='urn:hl7-org:v3'/>"]
)
def test_what_is_another_file_is_unreadable(kind: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"one{ENDINGS[kind]}"
    path.write_bytes(content)
    with pytest.raises(BadRecordError) as caught:
        module_of(kind).read_file(path)
    assert caught.value.reason == "unreadable"


@pytest.mark.parametrize("kind", [kind for kind in WRITERS if ENDINGS[kind] == ".xml"])
def test_xml_that_defines_entities_is_refused(kind: str, signal: Steps, tmp_path: Path) -> None:
    path = write(kind, signal, tmp_path)
    head, body = path.read_bytes().split(b"?>", 1)
    path.write_bytes(head + b'?><!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]>' + body)
    with pytest.raises(BadRecordError) as caught:
        module_of(kind).read_file(path)
    assert caught.value.reason == "unreadable"


@pytest.mark.parametrize("kind", WRITERS)
def test_a_folder_without_such_files_says_what_they_are(kind: str, tmp_path: Path) -> None:
    with pytest.raises(MissingSourceError) as caught:
        get_source(kind).discover(tmp_path, {})
    assert f"Kind {kind} reads" in str(caught.value)
    assert ENDINGS[kind] in str(caught.value)


def test_statements_are_taken_when_confirmed_or_asked_for(signal: Steps, tmp_path: Path) -> None:
    expected = {
        **dict.fromkeys(("philips-xml", "scp"), "confirmed"),
        **dict.fromkeys(("aecg", "cardiosoft-xml", "eli-xml"), "unconfirmed"),
        **{"dicom": "unknown", "edf": "unknown"},
    }
    for kind, status in expected.items():
        (tmp_path / kind).mkdir()
        write(kind, signal, tmp_path / kind)
        source = get_source(kind)
        found: list[Any] = []
        for statements in ("confirmed", "all"):
            options = {"patient_namespace": "public", "statements": statements}
            (entry,) = source.discover(tmp_path / kind, options)
            found.append(source.read(entry, Pseudonym(), options))
        assert found[0].report_status == status, kind
        assert (found[0].text is not None) == (status == "confirmed"), kind
        assert found[1].text is not None, kind


@pytest.mark.parametrize("kind", [kind for kind in WRITERS if kind not in WITHOUT_REPORT])
def test_a_placeholder_of_a_statement_gives_no_text_and_is_counted(
    kind: str, signal: Steps, tmp_path: Path
) -> None:
    who = Planted(statements=("Sinus rhythm", "Statement Text(22)"))
    ecg = module_of(kind).read_file(write(kind, signal, tmp_path, who))
    assert (ecg.text, ecg.person.not_understood) == (None, ("statements",))


@pytest.mark.parametrize("kind", WRITERS)
def test_the_contract_of_a_cohort_learns_units_leads_and_filters(
    kind: str, signal: Steps, tmp_path: Path
) -> None:
    stored = module_of(kind).read_file(write(kind, signal, tmp_path)).stored
    assert stored.unit in ("uV", "V")
    assert stored.leads == "I II III aVR aVL aVF V1 V2 V3 V4 V5 V6"
