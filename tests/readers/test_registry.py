"""Which kinds of archive there are, and what is said where one is not found."""

from pathlib import Path

import pytest

from rarebeat.core.errors import MissingSourceError, ParamsError
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.readers.registry import get_source, kinds, suggest_kind

ARCHIVES = (
    *("ptb-xl", "challenge", "ludb", "ecg-arrhythmia", "mimic-iv-ecg", "code15", "sph"),
    *("muse-xml", "arrays", "files", "wfdb"),
)

FORMATS = ("aecg", "cardiosoft-xml", "dicom", "edf", "eli-xml", "ishne", "mfer", "philips-xml", "scp")
"""Kinds that are folders of files, each of one ECG."""


def test_these_are_the_kinds() -> None:
    assert kinds() == ("simulated", *ARCHIVES, *FORMATS)


def test_an_unknown_kind_is_answered_with_the_nearest_and_with_all_kinds() -> None:
    with pytest.raises(ParamsError, match=r"'ptbxl'; did you mean 'ptb-xl'\?") as caught:
        get_source("ptbxl")
    assert [line.split()[0] for line in str(caught.value).splitlines()[2:]] == list(kinds())
    with pytest.raises(ParamsError, match="unknown kind of archive 'hl7'\n"):
        get_source("hl7")


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("ptbxl_database.csv", "ptb-xl"),
        ("training/georgia/E00001.mat", "challenge"),
        ("ludb.csv", "ludb"),
        ("2024/a.xml", "muse-xml"),
        ("record_list.csv", "mimic-iv-ecg"),
        ("exams.csv", "code15"),
        ("records/A00001.h5", "sph"),
        ("arrays.yaml", "arrays"),
        ("records.csv", "wfdb"),
    ],
)
def test_a_folder_in_which_nothing_is_found_is_told_by_what_it_holds(
    file: str, kind: str, tmp_path: Path
) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).touch()
    other = "challenge" if kind == "muse-xml" else "muse-xml"
    with pytest.raises(MissingSourceError) as caught:
        ingest_cohort(other, tmp_path, tmp_path / "out", options={}, workers=1)
    assert f"The folder holds {file}: is it of kind {kind}?" in str(caught.value)


def test_an_empty_folder_looks_like_nothing(tmp_path: Path) -> None:
    assert [suggest_kind(root, "ludb") for root in (tmp_path, tmp_path / "absent")] == ["", ""]


@pytest.mark.parametrize("kind", [*ARCHIVES, *FORMATS])
@pytest.mark.parametrize("exists", [True, False])
def test_a_missing_archive_says_how_to_get_it(kind: str, exists: bool, tmp_path: Path) -> None:
    root = tmp_path if exists else tmp_path / "absent"
    with pytest.raises(MissingSourceError) as caught:
        list(get_source(kind).discover(root, {}))
    message = str(caught.value)
    assert str(root) in message
    if kind in ("ptb-xl", "challenge", "ludb"):
        assert f"-P {root} https://physionet.org/files/" in message
        assert "CC BY 4.0" in message or "ODC-BY" in message


@pytest.mark.parametrize("kind", [*ARCHIVES, *FORMATS])
def test_a_misspelt_option_is_an_error(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="raet"):
        list(get_source(kind).discover(tmp_path, {"raet": 100}))


def test_only_hospital_archives_need_a_secret_key() -> None:
    private = ("muse-xml", "arrays", "files", "wfdb", *FORMATS)
    assert tuple(kind for kind in kinds() if get_source(kind).is_private({})) == private
    for kind in ("wfdb", *FORMATS):
        assert not get_source(kind).is_private({"patient_namespace": "ptb-xl"})
