"""From records and labels to shards: who ends where, what is counted, and what is refused."""

import importlib.util
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.files import write_json
from rarebeat.core.record_files import read_metadata, write_part, write_quarantine
from rarebeat.core.records import Record
from rarebeat.core.signals import Preprocessing, preprocess
from rarebeat.dataset.balance import BalanceSettings
from rarebeat.dataset.prepare import PrepareSettings, prepare
from rarebeat.dataset.shards import load_split
from rarebeat.dataset.splits import SPLITS, Folds, SplitSettings
from rarebeat.labels.vocabulary import load_vocabulary

CODES = {entry.id: entry.code for entry in load_vocabulary("hughes24").classes}
CLASSES = tuple(CODES)
COLUMN = {name: index for index, name in enumerate(CLASSES)}
SMALL = Preprocessing(rate=100, samples=200)
SETTINGS = PrepareSettings(signal=SMALL, balance=BalanceSettings(target=20), shard_size=16)

States = Sequence[int | None]


def recording(seed: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    return np.rint(np.random.default_rng([seed]).normal(0, 300, (12, 400))).astype(np.int16)


def make_records(number: int, seed: int = 0, **more: Any) -> list[Record]:
    """Two seconds of noise each; every third patient has two records."""
    return [
        Record(
            record_id=f"{seed}-{index}",
            signal=recording(1000 * seed + index),
            rate=200,
            source="toy",
            **{"patient_id": f"p{seed}-{index * 2 // 3}", "age": 50.0 + index} | more,
        )
        for index in range(number)
    ]


def refused(cohort: str) -> dict[str, str]:
    """A row of a quarantine table."""
    return {
        "record_id": "x",
        "cohort": cohort,
        "source": "toy",
        "reason": "truncated",
        "detail": "half is missing",
    }


def make_states(number: int, seed: int = 0) -> list[list[int | None]]:
    """Sinus rhythm common, atrial fibrillation rarer, some uncertain, and the other classes unknown."""
    random = np.random.default_rng([seed, 7])
    rows: list[list[int | None]] = [[None] * len(CLASSES) for _ in range(number)]
    for row in rows:
        row[COLUMN["sinus_rhythm"]] = int(random.choice([1, 0, -1], p=[0.7, 0.2, 0.1]))
        row[COLUMN["atrial_fibrillation"]] = int(random.choice([1, 0, -1], p=[0.2, 0.7, 0.1]))
    return rows


class Workspace:
    """Records and labels of cohorts in a temporary folder."""

    def __init__(self, root: Path) -> None:
        self.records, self.labels, self.out = root / "records", root / "labels", root / "shards"

    def add(
        self, cohort: str, records: Sequence[Record], states: Sequence[States], origin: str = "codes"
    ) -> None:
        """Write a cohort in two parts, and its labels under one origin; the other origin knows nothing."""
        (self.records / cohort).mkdir(parents=True)
        half = len(records) // 2
        for part, content in enumerate((records[:half], records[half:])):
            write_part(self.records / cohort / f"part-{part:05d}.parquet", cohort, content)
        write_quarantine(self.records / cohort / "quarantine.parquet", [refused(cohort)])
        for name in ("text", "codes"):
            known = states if name == origin else [[None] * len(CLASSES)] * len(records)
            self.write_labels(cohort, name, [record.record_id for record in records], known)

    def write_labels(self, cohort: str, origin: str, ids: Sequence[str], states: Sequence[States]) -> None:
        columns = {
            name: pa.array([row[index] for row in states], pa.int8()) for index, name in enumerate(CLASSES)
        }
        (self.labels / cohort).mkdir(parents=True, exist_ok=True)
        path = self.labels / cohort / f"{origin}.parquet"
        pq.write_table(pa.table({"record_id": pa.array(ids, pa.string())} | columns), path)
        self.write_classes(cohort, CODES)

    def write_classes(self, cohort: str, codes: dict[str, str], vocabulary: str = "hughes24") -> None:
        write_json(self.labels / cohort / "summary.json", {"vocabulary": vocabulary, "classes": codes})

    def prepare(self, *cohorts: str, settings: PrepareSettings = SETTINGS) -> dict[str, Any]:
        return prepare(self.records, self.labels, self.out, cohorts, settings)

    def fates(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = pq.read_table(self.out / "splits.parquet").to_pylist()
        return rows


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Cohort "a": 90 records, labelled by codes. Cohort "b": 60, by text, of which 9 copy records of "a"."""
    space = Workspace(tmp_path)
    first, second = make_records(90), make_records(60, seed=1)
    second[:9] = [
        Record(f"copy-{index}", recording(index), 200, "toy", patient_id=None, sex="female")
        for index in range(9)
    ]
    space.add("a", first, make_states(90))
    space.add("b", second, make_states(60, seed=1), origin="text")
    return space


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
        for name, labels in zip(split.record_ids, split.labels, strict=True)
        if name in uncertain
    }
    assert set(found.values()) == {label}
    assert summary["splits"]["train"]["classes"]["sinus_rhythm"]["after"]["uncertain"] == len(found)
    assert (split.labels[:, COLUMN["bigeminy"]] == -1).all()


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
    folds = {"folded": Folds(test=(10,), validation=(9,))}
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


TRAIN_ONLY = PrepareSettings(
    signal=SMALL, split=SplitSettings(folds={"few": Folds(test=(10,), validation=(9,))})
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


def load_stage() -> Callable[..., None]:
    """The function behind ``python pipeline/prepare.py``."""
    path = Path(__file__).parents[2] / "pipeline" / "prepare.py"
    spec = importlib.util.spec_from_file_location("prepare_stage", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    stage: Callable[..., None] = module.prepare
    return stage


def test_the_stage_takes_its_settings_from_the_params_file(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = tmp_path / "params.yaml"
    params.write_text(
        "use: [a, b]\n"
        "prepare:\n  signal: {rate: 100, samples: 200, crop: center, bandpass: null}\n"
        "  balance: {target: 20}\n  shard_size: 16\n"
    )
    load_stage()(workspace.records, workspace.labels, workspace.out, params)
    digest = json.loads((workspace.out / "summary.json").read_text())["digest"]
    assert digest == workspace.prepare("a", "b")["digest"]
    printed = capsys.readouterr()
    assert "train: " in printed.out
    assert "'duplicate': 9" in printed.out
    assert "warning: no positive record to train on for" in printed.err


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("prepare: {}", "use: Input should be a valid list"),
        ("use: [a]\nlabel: {vocabulary: hughes24}", "no group 'prepare'"),
        ("use: [a]\nprepare: {balanced: {}}", "prepare.balanced"),
        ("use: [a]\nprepare: {labels: {a: speech}}", "prepare.labels.a"),
        ("use: [a]\nprepare: {shard_size: 0}", "prepare.shard_size"),
        (
            "use: [a]\nprepare: {balance: {splits: [dev]}}",
            "prepare.balance.splits",
        ),
    ],
)
def test_params_that_cannot_be_are_refused_by_name(
    workspace: Workspace, tmp_path: Path, params: str, message: str
) -> None:
    (tmp_path / "params.yaml").write_text(params)
    with pytest.raises(ParamsError, match=message):
        load_stage()(workspace.records, workspace.labels, workspace.out, tmp_path / "params.yaml")
