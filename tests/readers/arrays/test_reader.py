"""Arrays with a side file: every layout gives the same record, and what the side file does not tell is not guessed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from tests.readers.reading import read_all

from rarebeat.core.errors import BadRecordError, MissingSourceError, ParamsError
from rarebeat.core.records import LEADS
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.registry import get_source, suggest_kind

Microvolts = npt.NDArray[np.int16]
SIDE = {"rate": 500, "unit": "mV", "leads": list(LEADS)}


def archive(root: Path, **said: Any) -> Path:
    (root / "arrays.yaml").write_text(yaml.safe_dump(SIDE | said))
    return root


def write_csv(
    path: Path, leads: npt.NDArray[Any], names: Any = LEADS, cell: Callable[[Any], str] = str
) -> None:
    lines = [",".join(names)] if names else []
    path.write_text("\n".join([*lines, *(",".join(map(cell, row)) for row in leads.T)]) + "\n")


@pytest.mark.parametrize(
    ("said", "array"),
    [
        ({"axes": ["lead", "sample"]}, lambda ecg: ecg / 1000),
        ({"axes": ["sample", "lead"]}, lambda ecg: ecg.T / 1000),
        ({}, lambda ecg: ecg.T / 1000),  # one axis alone is as long as there are leads
        ({"unit": "uV"}, lambda ecg: ecg),
        ({"unit": "uV"}, lambda ecg: ecg.astype(np.int64)),
        ({"unit": "V"}, lambda ecg: ecg.astype(np.float32) / 1e6),
        ({"gain": 500}, lambda ecg: ecg / 2),  # steps of 2 microvolts
        ({"gain": 1000, "baseline": 1024}, lambda ecg: ecg.astype(np.int32) + 1024),
        ({"leads": list(reversed(LEADS))}, lambda ecg: ecg[::-1] / 1000),
        ({"leads": ["I", "II", *LEADS[6:]]}, lambda ecg: ecg[[0, 1, *range(6, 12)]] / 1000),
    ],
)
def test_every_layout_gives_the_same_signal(
    said: dict[str, Any], array: Callable[[Microvolts], Any], ecg: Microvolts, tmp_path: Path
) -> None:
    np.save(tmp_path / "one.npy", array(ecg))
    (record,) = read_all("arrays", archive(tmp_path, **said))
    np.testing.assert_allclose(record.signal, ecg, atol=1)
    assert (record.rate, record.calibrated, record.source) == (500.0, True, "arrays")


def test_many_ecgs_in_one_array_are_read_one_by_one(ecg: Microvolts, tmp_path: Path) -> None:
    np.save(tmp_path / "all.npy", np.stack([ecg.T, 2 * ecg.T]) / 1000)
    archive(tmp_path, axes=["record", "sample", "lead"])
    one, two = read_all("arrays", tmp_path)
    assert (one.record_id, two.record_id) == ("all.npy#0", "all.npy#1")
    np.testing.assert_array_equal(two.signal, 2 * one.signal)


def test_an_npz_holds_an_ecg_under_each_name(ecg: Microvolts, tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "ward.npz", first=ecg / 1000, second=ecg / 1000)
    assert [r.record_id for r in read_all("arrays", archive(tmp_path))] == [
        "ward.npz#first",
        "ward.npz#second",
    ]


def test_a_csv_names_its_leads_in_the_header_or_the_side_file_does(ecg: Microvolts, tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", ecg, [name.lower() for name in LEADS])
    (record,) = read_all("arrays", archive(tmp_path, unit="uV", leads=None))
    np.testing.assert_array_equal(record.signal, ecg)
    write_csv(tmp_path / "a.csv", np.vstack([np.arange(1000), ecg]), ["time", *(f"ch{i}" for i in range(12))])
    columns = {lead: f"ch{index}" for index, lead in enumerate(LEADS)}
    (record,) = read_all("arrays", archive(tmp_path, unit="uV", leads=None, columns=columns))
    np.testing.assert_array_equal(record.signal, ecg)


def test_a_csv_may_be_german_and_have_no_header(ecg: Microvolts, tmp_path: Path) -> None:
    rows = (";".join(f"{value / 1000:.3f}".replace(".", ",") for value in row) for row in ecg.T)
    (tmp_path / "a.csv").write_text("\n".join(rows))
    (record,) = read_all("arrays", archive(tmp_path, delimiter=";", decimal=",", header=False))
    np.testing.assert_array_equal(record.signal, ecg)


def test_a_parquet_has_a_row_per_sample_or_a_row_per_ecg(ecg: Microvolts, tmp_path: Path) -> None:
    pq.write_table(pa.table(dict(zip(LEADS, ecg, strict=True))), tmp_path / "a.parquet")
    rows = {name: [lead.tolist(), lead.tolist()] for name, lead in zip(LEADS, ecg, strict=True)}
    pq.write_table(pa.table(rows), tmp_path / "b.parquet")
    records = read_all("arrays", archive(tmp_path, unit="uV"))
    assert [record.record_id for record in records] == ["a.parquet", "b.parquet#0", "b.parquet#1"]
    for record in records:
        np.testing.assert_array_equal(record.signal, ecg)


def test_a_side_file_beside_an_array_says_what_differs_for_it(ecg: Microvolts, tmp_path: Path) -> None:
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", ecg / 1000)
    (tmp_path / "b.yaml").write_text("rate: 250")
    assert [r.rate for r in read_all("arrays", archive(tmp_path))] == [500.0, 250.0]


def test_what_is_missing_is_no_voltage(ecg: Microvolts, tmp_path: Path) -> None:
    steps = ecg.astype(np.int32)
    steps[3, 10:20] = -9999
    np.save(tmp_path / "a.npy", steps)
    with pytest.raises(BadRecordError, match=r"not_a_number.*aVR \(10\)"):
        read_all("arrays", archive(tmp_path, unit="uV", missing=-9999))


@pytest.mark.parametrize(
    ("said", "array", "reason"),
    [
        ({}, np.zeros((12, 12)), "header_mismatch: .*name its axes"),
        ({}, np.zeros((3, 1000)), "header_mismatch: .*name its axes"),
        ({"axes": ["lead", "sample"]}, np.zeros((1000, 12)), "header_mismatch: an array of 1000 leads"),
        ({"axes": ["lead", "sample"]}, np.zeros((2, 12, 1000)), r"header_mismatch: .*names 2 axes"),
        ({"leads": None}, np.zeros((12, 1000)), "missing_leads: the side file names no leads"),
        ({"unit": "counts"}, np.ones((12, 1000)), "unknown_units"),
        ({}, np.full((12, 1000), "x"), "unreadable: .*expected numbers"),
        ({}, np.full((12, 1000), np.inf), "not_a_number: .*infinite"),
        ({}, np.full((12, 1000), 1j), "unreadable: .*expected numbers"),
    ],
)
def test_what_is_not_told_is_refused_and_not_guessed(
    said: dict[str, Any], array: Any, reason: str, tmp_path: Path
) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(BadRecordError, match=reason):
        read_all("arrays", archive(tmp_path, **said))


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.parquet"])
def test_a_file_that_is_something_else_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\x00something else")
    with pytest.raises(BadRecordError, match="unreadable"):
        read_all("arrays", archive(tmp_path))


def test_no_pickle_is_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"code": 1}]), allow_pickle=True)
    with pytest.raises(BadRecordError, match="unreadable"):
        read_all("arrays", archive(tmp_path))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("rate: 500", r"unit: .*required"),
        ("rate: 500\nunit: mV\nlead: [I]", r"lead: .*did you mean 'leads'\?"),
        ("rate: 500\nunit: mV\naxes: [lead, lead]", "axes must name lead and sample"),
        ("- rate", "must be a mapping"),
        ("rate: 500\nrate: 250\nunit: mV", "cannot read"),
    ],
)
def test_a_side_file_that_is_wrong_says_how_to_mend_it(said: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "arrays.yaml").write_text(said)
    with pytest.raises(ParamsError, match=message):
        read_all("arrays", tmp_path)


def test_without_a_side_file_the_message_shows_one(tmp_path: Path) -> None:
    with pytest.raises(MissingSourceError, match=r"no side file .*\n  rate: 500\n"):
        read_all("arrays", tmp_path)
    archive(tmp_path)
    with pytest.raises(MissingSourceError, match=r"holds no \.npy"):
        read_all("arrays", tmp_path)
    assert "is it of kind arrays?" in suggest_kind(tmp_path, "challenge")


def test_ids_are_hashed_unless_a_public_database_is_named(ecg: Microvolts, tmp_path: Path) -> None:
    np.save(tmp_path / "jane-doe.npy", ecg / 1000)
    source, private = get_source("arrays"), Pseudonym(b"a secret key", private=True)
    assert source.is_private({})
    assert not source.is_private({"patient_namespace": "chapman"})
    (entry,) = source.discover(archive(tmp_path), {})
    assert source.read(entry, private, {}).record_id == private.of("record", "jane-doe.npy")
