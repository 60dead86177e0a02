"""Records of the challenges of 2020 and 2021."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.readers.reading import read_all

from rarebeat.labels.codes import CodeLabeller
from rarebeat.labels.vocabulary import load_vocabulary

Microvolts = npt.NDArray[np.int16]
Write = Callable[..., Path]


def test_a_challenge_header_tells_age_sex_and_codes(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path
) -> None:
    comments = [" Age: 74", " Sex: Male", " Dx: 284470004,427084000", " Rx: Unknown"]
    write_wfdb(ecg, "JS20016", tmp_path / "chapman", "JS20016.mat", offset=24, comments=comments)
    (record,) = read_all("challenge", tmp_path)
    assert (record.record_id, record.source, record.age, record.sex) == ("JS20016", "chapman", 74.0, "male")
    assert record.codes == ("snomed:284470004", "snomed:427084000")
    assert (record.patient_id, record.text, record.calibrated) == (None, None, True)
    np.testing.assert_array_equal(record.signal, ecg)


def test_early_headers_carry_short_names(ecg: Microvolts, write_wfdb: Write, tmp_path: Path) -> None:
    write_wfdb(ecg, "A0001", comments=["Age: NaN", "Sex: Unknown", "Dx: AF,RBBB,I-AVB"])
    (record,) = read_all("challenge", tmp_path)
    assert record.codes == ("cpsc:AF", "cpsc:RBBB", "cpsc:I-AVB")
    assert (record.age, record.sex, record.source) == (None, None, "cpsc_2018")


@pytest.mark.parametrize(
    ("cell", "codes"),
    [
        ("426177001;270492004", ("snomed:426177001", "snomed:270492004")),
        ("426177001 270492004", ("snomed:426177001", "snomed:270492004")),
        ("[426177001, 270492004]", ("snomed:426177001", "snomed:270492004")),
        ("PAC LBBB; STD", ("cpsc:PAC", "cpsc:LBBB", "cpsc:STD")),
        ("SVT", ("dx:SVT",)),
        ("atrial flutter", ("dx:atrial flutter",)),
        ("426177001,atrial flutter", ("snomed:426177001", "dx:atrial flutter")),
        ("PAC of unknown origin", ("dx:PAC of unknown origin",)),
    ],
)
def test_a_diagnosis_in_another_list_form_is_read_and_words_are_no_code(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path, cell: str, codes: tuple[str, ...]
) -> None:
    write_wfdb(ecg, "A0001", comments=[f"Dx: {cell}"])
    assert [record.codes for record in read_all("challenge", tmp_path)] == [codes]


def test_a_record_without_a_diagnosis_has_no_codes(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path
) -> None:
    write_wfdb(ecg, "A0001", comments=["Dx: Unknown"])
    write_wfdb(ecg, "A0002")
    assert [record.codes for record in read_all("challenge", tmp_path)] == [(), ()]


@pytest.mark.parametrize(
    ("folder", "source"),
    [
        ("georgia", "georgia"),
        ("training/georgia/g1", "georgia"),
        ("training/ptb-xl/g22", "ptb-xl"),
        ("PhysioNetChallenge2020_Training_CPSC/Training_WFDB", "cpsc_2018"),
        ("PhysioNetChallenge2020_PTB-XL/WFDB", "ptb-xl"),
        ("PhysioNetChallenge2020_Training_E/WFDB", "georgia"),
        ("5-PhysioNetChallenge2020_Training_PTB-XL", "ptb-xl"),
        ("PhysioNetChallenge2020_Training_StPetersburg", "st_petersburg_incart"),
        ("Training_StPetersburg", "st_petersburg_incart"),
        ("WFDB_ShaoxingUniv", "chapman_shaoxing"),
        ("ptb-xl/some part", "ptb-xl"),
        ("hospital", "hospital"),
        ("training/hospital/g1", "hospital"),
        ("Training_WFDB", "cpsc_2018"),
        ("WFDB_CPSC2018", "cpsc_2018"),
        ("WFDB_CPSC2018_2", "cpsc_2018_extra"),
        ("Training_2", "cpsc_2018_extra"),
        ("training/WFDB_PTBXL/g1", "ptb-xl"),
        ("WFDB_PTB", "ptb"),
        ("WFDB_ChapmanShaoxing", "chapman_shaoxing"),
        ("WFDB_Ningbo", "ningbo"),
        ("WFDB_Ga", "georgia"),
        ("WFDB_StPetersburg", "st_petersburg_incart"),
    ],
)
def test_the_source_is_the_folder_that_names_a_database(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path, folder: str, source: str
) -> None:
    write_wfdb(ecg, "E00001", tmp_path / folder)
    assert [record.source for record in read_all("challenge", tmp_path)] == [source]


@pytest.mark.parametrize(
    ("record", "source"),
    [
        ("A0001", "cpsc_2018"),
        ("Q0001", "cpsc_2018_extra"),
        ("I0001", "st_petersburg_incart"),
        ("S0001", "ptb"),
        ("HR00001", "ptb-xl"),
        ("E00001", "georgia"),
        ("JS00001", "chapman_ningbo"),
        ("X00001", "challenge"),
        ("E1", "challenge"),
    ],
)
@pytest.mark.parametrize("folder", ["", "training", "WFDB", "training_data"])
def test_where_no_folder_names_a_database_the_record_does(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path, folder: str, record: str, source: str
) -> None:
    write_wfdb(ecg, record, tmp_path / folder)
    assert [record.source for record in read_all("challenge", tmp_path)] == [source]


@pytest.mark.parametrize(
    ("folders", "code", "negative", "unknown"),
    [
        (["cpsc_2018", "WFDB_CPSC2018", "Training_WFDB"], "59118001", 5, 18),
        (["ptb", "WFDB_PTB"], "164865005", 0, 24),
        (["ptb-xl", "WFDB_PTBXL", "PhysioNetChallenge2020_PTB-XL/WFDB"], "426783006", 20, 3),
        (["ningbo", "WFDB_Ningbo"], "426177001", 20, 3),
        (["cpsc_2018_extra", "WFDB_CPSC2018_2", "Training_2"], "426177001", 0, 23),
    ],
)
def test_labels_do_not_depend_on_whose_name_a_folder_has(
    ecg: Microvolts,
    write_wfdb: Write,
    tmp_path: Path,
    folders: list[str],
    code: str,
    negative: int,
    unknown: int,
) -> None:
    labeller = CodeLabeller(load_vocabulary("cinc2020"))
    for folder in folders:
        write_wfdb(ecg, "Q8001", tmp_path / folder, comments=[f"Dx: {code}"])
    for record in read_all("challenge", tmp_path):
        states = Counter(labeller.label(record.codes, record.source).states.values())
        assert (states[0], states[None]) == (negative, unknown)


@pytest.mark.parametrize(
    ("cell", "positive"),
    [
        ("164889003;59118001", {"AF", "RBBB"}),
        ("164889003 59118001", {"AF", "RBBB"}),
        ("AFIB", set()),
        ("atrial fibrillation", set()),
    ],
)
def test_words_that_are_no_code_deny_nothing(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path, cell: str, positive: set[str]
) -> None:
    write_wfdb(ecg, "R1", comments=[f"Dx: {cell}"])
    vocabulary = load_vocabulary("hughes24")
    (record,) = read_all("challenge", tmp_path)
    states = CodeLabeller(vocabulary).label(record.codes, record.source).states
    codes = {entry.id: entry.code for entry in vocabulary.classes}
    assert {codes[name] for name, state in states.items() if state == 1} == positive
    assert (0 in states.values()) == bool(positive)
