"""Bad input of prepare ends as one clear message and leaves the old shards."""

import json
import shutil
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.dataset.workspace import (
    CLASSES,
    CODES,
    Workspace,
    make_records,
    make_states,
    recording,
)

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.record_files import write_part
from rarebeat.core.records import Record
from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.prepare import PrepareSettings
from rarebeat.dataset.shards import load_split


def spoil_nothing_to_train_on(space: Workspace) -> None:
    ids = [record.record_id for record in make_records(90)]
    space.write_labels("a", "codes", ids, [[None] * len(CLASSES)] * 90)


def spoil_missing_labels(space: Workspace) -> None:
    (space.labels / "a" / "codes.parquet").unlink()


def spoil_order(space: Workspace) -> None:
    ids = [record.record_id for record in make_records(90)]
    space.write_labels("a", "codes", ids[::-1], make_states(90))


def spoil_length(space: Workspace) -> None:
    ids = [record.record_id for record in make_records(89)]
    space.write_labels("a", "codes", ids, make_states(89))


def spoil_vocabulary(space: Workspace) -> None:
    path = space.labels / "a" / "codes.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["bigeminy"]), path)


def spoil_summary(space: Workspace) -> None:
    (space.labels / "a" / "summary.json").write_text("{}")


def spoil_labels(space: Workspace) -> None:
    path = space.labels / "a" / "codes.parquet"
    path.write_bytes(path.read_bytes()[:-40])


def spoil_records(space: Workspace) -> None:
    path = space.records / "a" / "part-00001.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


def spoil_missing_records(space: Workspace) -> None:
    shutil.rmtree(space.records / "a")


def spoil_calibration(space: Workspace) -> None:
    records = make_records(45)
    records[7] = Record("0-7", recording(7), 200, "toy", calibrated=False)
    write_part(space.records / "a" / "part-00000.parquet", "a", records)


def spoil_rate(space: Workspace) -> None:
    records = make_records(45)
    records[:45] = [Record(r.record_id, r.signal, 1000, "toy") for r in records]
    write_part(space.records / "a" / "part-00000.parquet", "a", records)


def test_cohorts_must_be_labelled_with_one_version_of_one_vocabulary(workspace: Workspace) -> None:
    workspace.write_classes("a", CODES | {"sinus_rhythm": "NORM"})
    with pytest.raises(RarebeatError, match=r"cohort a .*or with two versions of one"):
        workspace.prepare("b", "a")


SPOILS: Mapping[str, tuple[Callable[[Workspace], None], str]] = {
    "nothing to train on": (spoil_nothing_to_train_on, r"no record to train on: .*'unlabelled': 90"),
    "missing labels": (spoil_missing_labels, r"no labels in .*codes\.parquet.*Label the cohort a again"),
    "labels in another order": (spoil_order, r"codes\.parquet: its records are not those of the cohort"),
    "labels of fewer records": (spoil_length, r"codes\.parquet: its records are not those of the cohort"),
    "labels of unnamed classes": (spoil_summary, "does not name its classes"),
    "labels of another vocabulary": (spoil_vocabulary, r"codes\.parquet: its columns are not the classes"),
    "truncated labels": (spoil_labels, r"cannot read .*codes\.parquet"),
    "damaged records": (spoil_records, r"cannot read .*part-00001\.parquet"),
    "missing records": (spoil_missing_records, r"no records in .*a: expected part"),
    "amplitude that was lost": (
        spoil_calibration,
        r"cohort a, record 0-7: .*prepare\.signal\.normalise: zscore",
    ),
    "a rate that cannot be": (spoil_rate, r"cohort a, record 0-\d+: too_short"),
}


@pytest.mark.parametrize("name", SPOILS)
def test_bad_input_is_one_clear_message_and_leaves_the_old_shards(workspace: Workspace, name: str) -> None:
    spoil, message = SPOILS[name]
    before = workspace.prepare("b")
    spoil(workspace)
    with pytest.raises(RarebeatError, match=message):
        workspace.prepare("a")
    assert json.loads((workspace.out / "summary.json").read_text()) == before
    assert {path.name for path in workspace.out.parent.iterdir()} == {"records", "labels", "shards"}


def test_amplitudes_that_were_lost_can_join_as_z_scores(workspace: Workspace) -> None:
    spoil_calibration(workspace)
    signal = Preprocessing(rate=100, samples=200, normalise="zscore")
    workspace.prepare("a", settings=PrepareSettings(signal=signal))
    split = load_split(workspace.out, "train")
    assert split.meta.units == "z"
    assert (split.signals * split.meta.scale).std(axis=2) == pytest.approx(1, abs=1e-3)


def test_a_full_disk_is_one_clear_message(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rarebeat.core.parquet.pq.write_table", full)
    with pytest.raises(RarebeatError, match=r"could not write .*No space left on device"):
        workspace.prepare("a")
    assert not workspace.out.exists()


@pytest.mark.parametrize("cohorts", [(), ("a", "a")])
def test_the_cohorts_in_use_are_named_once_each(workspace: Workspace, cohorts: tuple[str, ...]) -> None:
    with pytest.raises(ParamsError, match="`use` must name one cohort or more, each once"):
        workspace.prepare(*cohorts)
