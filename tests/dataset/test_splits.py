"""Splits by patient: nobody is in two of them, whatever is shared between records and cohorts."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from rarebeat.core.errors import ParamsError
from rarebeat.core.params import parse
from rarebeat.dataset.splits import DUPLICATE, SPLITS, Assignment, HeldOutFolds, SplitSettings, assign_splits

SCHEMA = pa.schema(
    [
        ("cohort", pa.string()),
        ("record_id", pa.string()),
        ("patient_id", pa.string()),
        ("fold", pa.int16()),
        ("fingerprint", pa.string()),
    ]
)

Row = dict[str, Any]


def row(record: str, patient: str | None = None, cohort: str = "a", **more: Any) -> Row:
    """A record that shares its recording with no other, unless told so."""
    unique = {"fold": None, "fingerprint": f"{cohort}/{record}"}
    return {"cohort": cohort, "record_id": record, "patient_id": patient} | unique | more


def assign(rows: Sequence[Mapping[str, Any]], settings: SplitSettings | None = None) -> Assignment:
    return assign_splits(pa.Table.from_pylist(list(rows), schema=SCHEMA), settings or SplitSettings())


def split_of(key: str, settings: SplitSettings | None = None) -> str:
    return str(assign([row(key)], settings).splits[0])


def keys_in(split: str, count: int) -> list[str]:
    """Patients whom the hash sends to a split."""
    names = (f"p{number}" for number in range(10_000))
    return [
        name for name, _ in zip(filter(lambda key: split_of(key) == split, names), range(count), strict=False)
    ]


def random_rows(seed: int, records: int = 300) -> list[Row]:
    """Three cohorts with shared patients, unknown patients, folds in one cohort, and copies of recordings."""
    random = np.random.default_rng([seed])
    rows = [
        row(
            str(number),
            patient=f"p{random.integers(records // 3)}" if random.random() < 0.6 else None,
            cohort=cohort,
            fold=int(random.integers(1, 9)) if cohort == "folded" and random.random() < 0.9 else None,
        )
        for number, cohort in enumerate(random.choice(["plain", "folded", "other"], records))
    ]
    for number in random.choice(records, records // 10, replace=False):
        rows[number]["fingerprint"] = rows[random.integers(records)]["fingerprint"]
    return rows


def reference_groups(rows: Sequence[Row]) -> list[int]:
    """Groups by merging until nothing changes: slow, and plainly right."""
    groups = list(range(len(rows)))
    changed = True
    while changed:
        changed = False
        for key in ("patient_id", "fingerprint"):
            lowest: dict[str, int] = {}
            for group, entry in zip(groups, rows, strict=True):
                if entry[key] is not None:
                    lowest[entry[key]] = min(group, lowest.get(entry[key], group))
            for number, entry in enumerate(rows):
                best = lowest.get(entry[key], groups[number])
                changed |= best < groups[number]
                groups[number] = min(best, groups[number])
    return groups


FOLDED = SplitSettings(folds={"folded": HeldOutFolds(test=(7, 8), validation=(6,))})


@pytest.mark.parametrize("seed", range(20))
def test_no_patient_and_no_recording_is_in_two_splits(seed: int) -> None:
    rows = random_rows(seed)
    assignment = assign(rows, FOLDED)
    seen = defaultdict(set)
    for entry, group, split in zip(rows, assignment.groups, assignment.splits, strict=True):
        if split != DUPLICATE:
            seen["patient", entry["patient_id"] or (entry["cohort"], entry["record_id"])].add(split)
            seen["recording", entry["fingerprint"]].add(split)
            seen["group", group].add(split)
    assert len(seen) > 400
    assert all(len(splits) == 1 for splits in seen.values())


@pytest.mark.parametrize("seed", range(20))
def test_groups_are_what_patients_and_recordings_link(seed: int) -> None:
    rows = random_rows(seed)
    expected = reference_groups(rows)
    groups = assign(rows).groups
    assert len(set(groups)) == len(set(expected)) == len(set(zip(groups, expected, strict=True)))


@pytest.mark.parametrize("seed", range(20))
def test_of_equal_recordings_only_the_first_is_kept(seed: int) -> None:
    rows = random_rows(seed)
    seen: set[str] = set()
    for entry, split in zip(rows, assign(rows, FOLDED).splits, strict=True):
        assert (split == DUPLICATE) == (entry["fingerprint"] in seen)
        seen.add(entry["fingerprint"])


def test_a_patient_with_very_many_copies_of_a_recording_stays_linked() -> None:
    copies = [row(str(number), patient="ann", fingerprint="same") for number in range(256)]
    assignment = assign([*copies, row("x", patient="bob", fingerprint="same")])
    assert set(assignment.groups) == {"ann"}


def test_the_hash_rule_is_the_documented_one() -> None:
    for key in map(str, range(500)):
        value = int(hashlib.sha1(f"pepper{key}".encode()).hexdigest(), 16)
        validation = (value // 4) % 3 == 0
        expected = "test" if value % 4 == 0 else "validation" if validation else "train"
        assert split_of(key, SplitSettings(test_every=4, validation_every=3, salt="pepper")) == expected


def test_the_splits_have_about_the_asked_sizes() -> None:
    counts = Counter(assign([row(str(number)) for number in range(20_000)]).splits)
    assert counts["test"] / 20_000 == pytest.approx(1 / 5, abs=0.01)
    assert counts["validation"] / 20_000 == pytest.approx(4 / 5 / 8, abs=0.01)


def test_a_patient_counts_by_patient_and_an_unknown_one_by_record() -> None:
    tested, trained = keys_in("test", 1)[0], keys_in("train", 1)[0]
    assignment = assign([row(trained, patient=tested), row("2", patient=tested), row(trained, cohort="b")])
    assert assignment.splits.tolist() == ["test", "test", "train"]
    assert assignment.groups.tolist() == [tested, tested, f"b/{trained}"]


def test_a_record_whose_id_is_its_patients_goes_where_it_goes_without_a_patient() -> None:
    names = [str(number) for number in range(200)]
    told, untold = (assign([row(name, patient) for name, patient in pairs]) for pairs in (
        [(name, name) for name in names], [(name, None) for name in names]
    ))  # fmt: skip
    assert told.splits.tolist() == untold.splits.tolist()
    assert set(told.splits) == set(SPLITS)
    assert (told.groups[7], untold.groups[7]) == ("7", "a/7")


def test_equal_record_ids_in_two_cohorts_are_two_patients() -> None:
    assignment = assign([row("1", cohort="a"), row("1", cohort="b")])
    assert assignment.groups.tolist() == ["a/1", "b/1"]


def test_a_patient_known_in_two_cohorts_is_one_patient() -> None:
    assignment = assign([row("1", patient="ann", cohort="a"), row("9", patient="ann", cohort="b")])
    assert assignment.groups.tolist() == ["ann", "ann"]


def test_linked_patients_are_tested_rather_than_validated_rather_than_trained() -> None:
    train, validation, test = (keys_in(split, 1)[0] for split in SPLITS)
    for keys, expected in (((train, validation), "validation"), ((train, validation, test), "test")):
        chain = [row(key, patient=key) for key in keys]
        links = [row(f"copy of {key}", patient=keys[0], fingerprint=f"a/{key}") for key in keys]
        kept = [split for split in assign(chain + links).splits if split != DUPLICATE]
        assert kept == [expected] * len(keys)


def test_a_fold_decides_for_the_whole_group() -> None:
    tested = keys_in("test", 1)[0]
    rows = [
        row("1", patient=tested, cohort="folded", fold=3),
        row("2", patient=tested, cohort="plain"),
        row("3", patient=tested, cohort="plain", fold=8),  # a fold of a cohort that is not split by folds
    ]
    assert assign(rows, FOLDED).splits.tolist() == ["train"] * 3


def test_folds_that_disagree_within_a_group_are_tested_first() -> None:
    rows = [row(str(fold), patient="ann", cohort="folded", fold=fold) for fold in (1, 6, 7)]
    assert assign(rows, FOLDED).splits.tolist() == ["test"] * 3
    assert assign(rows[:2], FOLDED).splits.tolist() == ["validation"] * 2


def test_a_record_without_a_fold_falls_back_to_the_hash() -> None:
    for key in map(str, range(50)):
        assert assign([row(key, cohort="folded")], FOLDED).splits[0] == split_of(key)


def test_another_cohort_moves_only_whom_it_links() -> None:
    rows = [entry for entry in random_rows(1) if entry["cohort"] != "other"]
    more = [row(str(number), cohort="new") for number in range(200)]
    before, after = assign(rows, FOLDED), assign(rows + more, FOLDED)
    assert after.splits[: len(rows)].tolist() == before.splits.tolist()
    link = row("link", patient=rows[0]["patient_id"] or "x", cohort="new", fingerprint=rows[5]["fingerprint"])
    linked = assign([*rows, *more, link], FOLDED)
    moved = {
        group
        for group, old, new in zip(after.groups, after.splits, linked.splits, strict=False)
        if old != new
    }
    assert moved <= {after.groups[0], after.groups[5]}


def test_the_order_of_records_moves_nobody() -> None:
    rows = [entry | {"fingerprint": str(number)} for number, entry in enumerate(random_rows(2))]
    order = np.random.default_rng(0).permutation(len(rows))
    shuffled = assign([rows[index] for index in order], FOLDED)
    assert shuffled.splits.tolist() == assign(rows, FOLDED).splits[order].tolist()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"test_every": 1}, "prepare.split.test_every"),
        ({"folds": {"ptb-xl": {"test": [10], "validation": [9, 10]}}}, "fold 10 is both test and validation"),
        ({"folds": {"ptb-xl": {"test": [10]}}}, "prepare.split.folds.ptb-xl.validation"),
        ({"seed": 1}, "prepare.split.seed"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        parse(SplitSettings, settings, "prepare.split")
