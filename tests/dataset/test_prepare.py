"""From records and labels to shards: who ends where, and what is counted."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.dataset.workspace import (
    CLASSES,
    COLUMN,
    SETTINGS,
    SMALL,
    Workspace,
    make_records,
    make_states,
)

from rarebeat.core.parallel import map_in_order
from rarebeat.core.record_files import read_metadata, write_warnings
from rarebeat.core.signals import Preprocessing, preprocess
from rarebeat.dataset import prepare
from rarebeat.dataset.balance import BalanceSettings
from rarebeat.dataset.prepare import PrepareSettings
from rarebeat.dataset.shards import load_split, read_doubts
from rarebeat.dataset.splits import SPLITS, HeldOutFolds, SplitSettings


def signals_by_id(workspace: Workspace) -> dict[tuple[str, str], Any]:
    found = {}
    for name in SPLITS:
        split = load_split(workspace.out, name)
        for cohort, record, signal in zip(split.cohorts, split.record_ids, split.signals, strict=True):
            found[cohort, record] = signal
    return found


def test_shards_hold_the_selected_records_as_prediction_would_see_them(workspace: Workspace) -> None:
    workspace.prepare("a", "b")
    found = signals_by_id(workspace)
    selected = {(row["cohort"], row["record_id"]) for row in workspace.fates() if row["selected"]}
    assert set(found) == selected
    originals = {("a", r.record_id): r for r in make_records(90)} | {
        ("b", r.record_id): r for r in make_records(60, seed=1)
    }
    assert len(selected) > 60
    for key, signal in found.items():
        assert np.array_equal(signal, preprocess(originals[key].signal, 200, SMALL))


def test_many_records_are_filtered_by_several_processes_to_the_same_bytes(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.prepare("a", "b")
    before = {path.name: path.read_bytes() for path in sorted(workspace.out.glob("*/*.parquet"))}
    asked = []

    def counted(*arguments: Any) -> Any:
        asked.append(arguments[2])
        return map_in_order(*arguments)

    monkeypatch.setattr(prepare, "map_in_order", counted)
    monkeypatch.setattr(prepare, "core_count", lambda: 2)
    monkeypatch.setattr(prepare, "_WORTH", 20)
    workspace.prepare("a", "b")
    assert asked == [2]
    assert {path.name: path.read_bytes() for path in sorted(workspace.out.glob("*/*.parquet"))} == before


def test_what_ingest_found_doubtful_stands_beside_the_splits(workspace: Workspace) -> None:
    workspace.prepare("a", "b")
    assert read_doubts(workspace.out) == {}
    before = [path.read_bytes() for path in sorted(workspace.out.glob("*/*.parquet"))]
    name = make_records(90)[3].record_id
    write_warnings(workspace.records / "a", {name: "the gain is probably wrong"})
    workspace.prepare("a", "b")
    assert read_doubts(workspace.out) == {("a", name): "the gain is probably wrong"}
    assert [path.read_bytes() for path in sorted(workspace.out.glob("*/*.parquet"))] == before
    (workspace.out / "warnings.parquet").unlink()
    assert read_doubts(workspace.out) == {}  # shards of an earlier version


def test_every_record_of_every_cohort_is_accounted_for(workspace: Workspace) -> None:
    summary = workspace.prepare("a", "b")
    fates = workspace.fates()
    ids = [read_metadata(workspace.records / cohort).column("record_id").to_pylist() for cohort in "ab"]
    assert [row["record_id"] for row in fates] == ids[0] + ids[1]
    assert all(row["selected"] == (row["reason"] is None) for row in fates)
    assert (
        summary["records"]
        == 150
        == sum(summary["left_out"].values()) + sum(entry["records"] for entry in summary["splits"].values())
    )
    for cohort in "ab":
        entry = summary["cohorts"][cohort]
        assert entry["records"] == sum(entry["splits"].values()) + sum(entry["left_out"].values())
    assert summary == json.loads((workspace.out / "summary.json").read_text())


def test_the_counts_worth_comparing_name_what_ingest_refused(workspace: Workspace) -> None:
    summary = workspace.prepare("a", "b")
    counts = json.loads((workspace.out / "counts.json").read_text())
    assert counts["quarantined"] == {"a": 1, "b": 1}
    assert counts["records"] == summary["records"]
    assert counts["test"]["patients"] == summary["splits"]["test"]["patients"]


def test_no_patient_is_in_two_splits(workspace: Workspace) -> None:
    workspace.prepare("a", "b")
    patients = [set(load_split(workspace.out, name).patients) for name in SPLITS]
    assert all(patients)
    assert len(set.union(*patients)) == sum(map(len, patients))


def test_a_copy_in_a_later_cohort_is_left_out_and_follows_nobody_into_another_split(
    workspace: Workspace,
) -> None:
    summary = workspace.prepare("a", "b")
    fates = {(row["cohort"], row["record_id"]): row for row in workspace.fates()}
    for index in range(9):
        copy, original = fates["b", f"copy-{index}"], fates["a", f"0-{index}"]
        assert (copy["split"], copy["selected"], copy["reason"]) == ("duplicate", False, "duplicate")
        assert copy["group"] == original["group"]
    assert summary["left_out"]["duplicate"] == 9
    assert workspace.prepare("b", "a")["cohorts"]["a"]["left_out"]["duplicate"] == 9


def test_of_equal_recordings_one_with_labels_is_kept(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    records = make_records(9)
    states = make_states(9)
    nothing: list[int | None] = [None] * len(CLASSES)
    uncertain = [-1, *nothing[1:]]
    space.add("first", records, [nothing, uncertain, *states[2:4], *[nothing] * 5])
    space.add("second", [replace(one, record_id=f"copy of {one.record_id}") for one in records], states)
    everything = replace(SETTINGS, balance=BalanceSettings(enabled=False))
    space.prepare("first", "second", settings=everything)
    fates = {(row["cohort"], row["record_id"]): row["reason"] for row in space.fates()}
    labelled = [any(state in (0, 1) for state in row) for row in states]
    for number, (one, known) in enumerate(zip(records, labelled, strict=True)):
        reasons = fates["first", one.record_id], fates["second", f"copy of {one.record_id}"]
        if known:
            assert reasons == ((None, "duplicate") if number in (2, 3) else ("duplicate", None))
    assert sum(labelled) > 6


def test_the_counts_of_classes_are_those_of_the_shards(workspace: Workspace) -> None:
    summary = workspace.prepare("a", "b")
    for name in SPLITS:
        split = load_split(workspace.out, name)
        assert summary["splits"][name]["records"] == len(split)
        assert summary["splits"][name]["patients"] == len(set(split.patients))
        for column, label in enumerate(CLASSES):
            after = summary["splits"][name]["classes"][label]["after"]
            assert after["positive"] == (split.labels[:, column] == 1).sum()
            assert after["uncertain"] + after["unknown"] == (split.labels[:, column] == -1).sum()


def test_training_is_resampled_and_the_other_splits_are_not(workspace: Workspace) -> None:
    summary = workspace.prepare("a", "b")
    train = summary["splits"]["train"]["classes"]
    for name in ("atrial_fibrillation", "sinus_rhythm"):
        assert train[name]["after"]["positive"] == min(20, train[name]["before"]["positive"])
    for split in ("validation", "test"):
        for counts in summary["splits"][split]["classes"].values():
            assert counts["before"] == counts["after"]
    left_out = [row for row in workspace.fates() if row["reason"] == "balance"]
    assert {row["split"] for row in left_out} == {"train"}


def test_without_resampling_every_labelled_record_is_kept(workspace: Workspace) -> None:
    settings = PrepareSettings(signal=SMALL, balance=BalanceSettings(enabled=False))
    assert set(workspace.prepare("a", "b", settings=settings)["left_out"]) <= {"duplicate", "unlabelled"}


def test_a_cohort_takes_its_codes_where_it_has_any_else_its_text(workspace: Workspace) -> None:
    summary = workspace.prepare("a", "b")
    assert [summary["cohorts"][cohort]["labels"] for cohort in "ab"] == ["codes", "text"]


def test_the_params_may_name_the_labels_of_a_cohort(workspace: Workspace) -> None:
    ids = [record.record_id for record in make_records(90)]
    opposite = [[None if state is None else int(state < 1) for state in row] for row in make_states(90)]
    workspace.write_labels("a", "text", ids, opposite)
    labels = {}
    for origin in ("text", "codes"):
        workspace.prepare(
            "a",
            settings=PrepareSettings(
                signal=SMALL, balance=BalanceSettings(enabled=False), labels={"a": origin}
            ),
        )
        split = load_split(workspace.out, "train")
        labels[origin] = dict(zip(split.record_ids, split.labels[:, COLUMN["sinus_rhythm"]], strict=True))
    shared = [name for name, label in labels["codes"].items() if label >= 0 and name in labels["text"]]
    assert len(shared) > 30
    assert all(labels["text"][name] == 1 - labels["codes"][name] for name in shared)


@pytest.mark.parametrize(("policy", "label"), [("mask", -1), ("zero", 0), ("one", 1)])
def test_an_uncertain_label_counts_as_the_params_say_and_an_unknown_one_never(
    workspace: Workspace, policy: Any, label: int
) -> None:
    settings = PrepareSettings(signal=SMALL, balance=BalanceSettings(enabled=False), uncertain=policy)
    summary = workspace.prepare("a", settings=settings)
    uncertain = {
        record.record_id
        for record, states in zip(make_records(90), make_states(90), strict=True)
        if states[COLUMN["sinus_rhythm"]] == -1
    }
    split = load_split(workspace.out, "train")
    found = {
        name: labels[COLUMN["sinus_rhythm"]]
        for name, labels in zip(split.record_ids, split.targets(split.meta.classes), strict=True)
        if name in uncertain
    }
    assert set(found.values()) == {label}
    assert summary["splits"]["train"]["classes"]["sinus_rhythm"]["after"]["uncertain"] == len(found)
    assert (split.labels[:, COLUMN["bigeminy"]] == -1).all()


@pytest.mark.parametrize("policy", ["zero", "one"])
def test_evaluation_masks_uncertain_labels_whatever_training_does(workspace: Workspace, policy: Any) -> None:
    truth = {}
    for each in ("mask", policy):
        settings = PrepareSettings(signal=SMALL, balance=BalanceSettings(enabled=False), uncertain=each)
        summary = workspace.prepare("a", settings=settings)
        splits = {name: load_split(workspace.out, name) for name in ("train", "validation", "test")}
        for name in ("validation", "test"):
            classes, counts = splits[name].meta.classes, summary["splits"][name]["classes"]
            found = splits[name].columns(classes)
            truth[each, name] = splits[name].record_ids.tolist(), found.tolist()
            assert [counts[entry]["after"]["positive"] for entry in classes] == (found == 1).sum(
                axis=0
            ).tolist()
    assert truth["mask", "test"] == truth[policy, "test"]
    assert truth["mask", "validation"] == truth[policy, "validation"]
    learnt = splits["train"].targets(splits["train"].meta.classes)
    assert (learnt != splits["train"].columns(splits["train"].meta.classes)).any()


def test_a_record_without_any_label_is_left_out(workspace: Workspace) -> None:
    states: list[list[int | None]] = [*make_states(88), [None] * len(CLASSES), [-1] * len(CLASSES)]
    workspace.write_labels("a", "codes", [record.record_id for record in make_records(90)], states)
    summary = workspace.prepare("a")
    reasons = [row["reason"] for row in workspace.fates()]
    assert reasons[-2:] == ["unlabelled", "unlabelled"]
    assert summary["left_out"]["unlabelled"] >= 2


def test_age_sex_and_cohort_travel_with_the_record(workspace: Workspace) -> None:
    workspace.prepare("a")
    table = pq.read_table(sorted((workspace.out / "test").glob("shard-*.parquet"))[0])
    for row in table.drop_columns(["signal"]).to_pylist():
        assert row["cohort"] == "a"
        assert row["age"] == 50 + int(row["record_id"].removeprefix("0-"))
        assert row["sex"] is None


def test_a_short_record_is_padded_and_its_length_is_kept(workspace: Workspace) -> None:
    longer = replace(SETTINGS, signal=Preprocessing(rate=100, samples=300))  # of which two seconds are there
    workspace.prepare("a", settings=longer)
    split = load_split(workspace.out, "train")
    assert split.lengths is not None
    assert set(split.lengths.tolist()) == {200}
    assert split.signals[:, :, 195:200].any()
    assert not split.signals[:, :, 200:].any()


def test_folds_of_a_database_decide_where_the_params_say_so(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    records = [record for fold in range(1, 11) for record in make_records(5, seed=fold, fold=fold)]
    space.add("folded", records, make_states(50))
    folds = {"folded": HeldOutFolds(test=(10,), validation=(9,))}
    space.prepare("folded", settings=PrepareSettings(signal=SMALL, split=SplitSettings(folds=folds)))
    for row in space.fates():
        fold = int(row["record_id"].split("-")[0])
        assert row["split"] == {10: "test", 9: "validation"}.get(fold, "train")


def test_the_same_input_gives_the_same_bytes(workspace: Workspace, tmp_path: Path) -> None:
    first = workspace.prepare("a", "b")
    shutil.move(workspace.out, tmp_path / "before")
    assert workspace.prepare("a", "b") == first
    files = sorted(path.relative_to(workspace.out) for path in workspace.out.rglob("*") if path.is_file())
    assert len(files) > 8
    for file in files:
        assert (workspace.out / file).read_bytes() == (tmp_path / "before" / file).read_bytes()


def test_the_digest_tells_whether_shards_changed(workspace: Workspace) -> None:
    digests = [
        workspace.prepare("a", settings=PrepareSettings(signal=SMALL, split=SplitSettings(salt=salt)))[
            "digest"
        ]
        for salt in ("", "", "x")
    ]
    assert digests[0] == digests[1] != digests[2]


def test_folds_that_decide_nothing_are_a_warning(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    space.add("folded", [*make_records(5, fold=1), *make_records(5, seed=2, fold=2)], make_states(10))
    space.add("plain", make_records(6, seed=3), make_states(6, seed=3))
    folds = {name: HeldOutFolds(test=(2,), validation=(3,)) for name in ("folded", "plain", "not used")}
    warnings = space.prepare("folded", "plain", settings=replace(SETTINGS, split=SplitSettings(folds=folds)))[
        "warnings"
    ]
    assert [text for text in warnings if "split.folds" in text] == [
        "prepare.split.folds.folded: no record is in fold 3; there are 1, 2",
        "prepare.split.folds.plain: 6 of 6 records have no fold of their own, and are split by hash",
    ]


TRAIN_ONLY = PrepareSettings(
    signal=SMALL, split=SplitSettings(folds={"few": HeldOutFolds(test=(10,), validation=(9,))})
)


def test_what_could_disappoint_is_a_warning(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    space.add("few", make_records(6, fold=1), make_states(6))
    space.add("mute", make_records(5, seed=3), [[None] * len(CLASSES)] * 5)
    warnings = space.prepare("few", "mute", settings=TRAIN_ONLY)["warnings"]
    assert warnings[:3] == [
        "the validation split is empty",
        "the test split is empty",
        "no record of cohort mute is in any split",
    ]
    assert warnings[3].startswith("no positive record to train on for")
    assert "bigeminy" in warnings[3]


def test_an_empty_split_can_be_loaded(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    space.add("few", make_records(6, fold=1), make_states(6))
    space.prepare("few", settings=TRAIN_ONLY)
    assert load_split(space.out, "test").signals.shape == (0, 12, 200)
