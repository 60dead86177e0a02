"""What a training sees less of, or sees falsely, on purpose."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from tests.training.toy import MakeSplit

from rarebeat.core.errors import ParamsError
from rarebeat.core.params import parse
from rarebeat.dataset.split import Split, take
from rarebeat.training.controls import controlled, fraction_of, limited, shuffled
from rarebeat.training.settings import TrainSettings


def positives(split, name):
    return set(split.record_ids[split.columns([name])[:, 0] == 1].tolist())


def test_masked_labels_stay_with_the_rest_of_their_row(make_split: MakeSplit) -> None:
    split = make_split(records=50, uncertain=0.3)
    dealt = shuffled(split, 0)
    assert (split.labels == -1).any()
    assert not np.array_equal(split.labels == -1, dealt.labels == -1)
    assert sorted(map(tuple, split.labels)) == sorted(map(tuple, dealt.labels))


def test_the_labels_of_a_class_stay_true_while_the_others_are_dealt_out(make_split: MakeSplit) -> None:
    split = make_split(records=50)
    one, *others = split.meta.classes
    dealt = shuffled(split, 0, (one,))
    assert np.array_equal(dealt.columns([one]), split.columns([one]))
    assert not np.array_equal(dealt.columns(others), split.columns(others))
    assert Counter(map(tuple, dealt.columns(others))) == Counter(map(tuple, split.columns(others)))
    assert np.array_equal(shuffled(split, 0, tuple(split.meta.classes)).labels, split.labels)


def test_a_class_is_as_rare_as_wanted_and_no_other_record_goes(make_split: MakeSplit) -> None:
    split = make_split(records=80)
    name = split.meta.classes[0]
    before = positives(split, name)
    less = limited(split, {name: 5}, seed=3)
    assert len(positives(less, name)) == 5 < len(before)
    assert set(split.record_ids) - set(less.record_ids) == before - positives(less, name)


def test_a_larger_number_keeps_the_records_of_a_smaller_one_and_seeds_differ(make_split: MakeSplit) -> None:
    split = make_split(records=80)
    name = split.meta.classes[0]
    few, more, other = (
        positives(limited(split, {name: count}, seed), name) for count, seed in ((3, 0), (6, 0), (6, 1))
    )
    assert few < more
    assert more != other


def with_labels(split: Split, rows: list[tuple[int, ...]]) -> Split:
    """The split with these labels of its first two classes, each row ten times."""
    labels = np.zeros((len(rows) * 10, len(split.meta.classes)), dtype=np.int8)
    labels[:, :2] = np.repeat(rows, 10, axis=0)
    return replace(take(split, np.arange(len(split)) < len(labels)), labels=labels)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(5))
def test_classes_that_share_records_are_each_as_rare_as_wanted(make_split: MakeSplit, seed: int) -> None:
    # Ten records of one class alone, ten of the other, ten of both, ten of neither.
    split = with_labels(make_split(records=40), [(1, 0), (0, 1), (1, 1), (0, 0)])
    one, other, *_ = split.meta.classes
    for limits in ({one: 6, other: 3}, {one: 12, other: 2}, {one: 20, other: 10}, {one: 11, other: 20}):
        less = limited(split, limits, seed)
        assert {name: len(positives(less, name)) for name in limits} == limits
        assert np.count_nonzero(~less.columns([one, other]).any(axis=1)) == 10


def test_where_no_choice_of_records_reaches_all_numbers_one_warning_says_what_was_reached(
    make_split: MakeSplit,
) -> None:
    split = with_labels(make_split(records=30), [(1, 1), (0, 1), (0, 0)])
    one, other, *_ = split.meta.classes
    with pytest.warns(UserWarning, match=f"kept: {one} 4 of 8, {other} 4 of 4") as said:
        less = limited(split, {one: 8, other: 4}, seed=0)
    assert len(said) == 1
    assert (len(positives(less, one)), len(positives(less, other))) == (4, 4)


def test_the_validation_split_keeps_all_its_records(make_split: MakeSplit) -> None:
    split = make_split(records=80)
    settings = parse(TrainSettings, {"limit_positives": {split.meta.classes[0]: 4}}, "train")
    train, validation = controlled(split, split, settings)
    assert len(train) < len(split)
    assert validation is split


@pytest.mark.parametrize(
    "settings",
    [{"limit_positives": {"sinus": 3}}, {"shuffle_labels": True, "shuffle_except": ["sinus"]}],
    ids=["limit", "shuffle"],
)
def test_a_class_that_there_is_not_is_refused_by_name(make_split: MakeSplit, settings) -> None:
    split = make_split(records=20)
    with pytest.raises(ParamsError, match=r"no class 'sinus'; there are: up, down"):
        controlled(split, split, parse(TrainSettings, settings, "train"))


def test_more_records_than_there_are_are_refused_with_both_numbers(make_split: MakeSplit) -> None:
    split = make_split(records=20)
    name = split.meta.classes[0]
    with pytest.raises(
        ParamsError, match=f"{name} has {len(positives(split, name))} positive .* asked for 21"
    ):
        limited(split, {name: 21}, seed=0)


def of_two_cohorts(split):
    return replace(split, cohorts=np.array(["here", "there"] * (len(split) // 2), dtype=object))


def test_cohorts_have_roles_and_nothing_is_prepared_anew(make_split: MakeSplit) -> None:
    split = of_two_cohorts(make_split(records=40))
    settings = parse(TrainSettings, {"train_on": ["here"], "validate_on": ["there"]}, "train")
    train, validation = controlled(split, split, settings)
    assert set(train.cohorts) == {"here"}
    assert set(validation.cohorts) == {"there"}
    assert set(train.record_ids) | set(validation.record_ids) == set(split.record_ids)
    every, _ = controlled(split, split, TrainSettings())
    assert every is split


@pytest.mark.parametrize("key", ["train_on", "validate_on"])
def test_a_cohort_that_the_shards_do_not_hold_is_named(make_split: MakeSplit, key: str) -> None:
    split = of_two_cohorts(make_split(records=10))
    with pytest.raises(ParamsError, match=rf"train\.{key}: there is no record of nowhere .* of here, there"):
        controlled(split, split, parse(TrainSettings, {key: ["here", "nowhere"]}, "train"))


def test_a_larger_fraction_holds_all_patients_of_a_smaller_one(make_split: MakeSplit) -> None:
    split = make_split(records=200)
    split = replace(split, patients=np.array([f"p{row // 2}" for row in range(200)], dtype=object))
    shares = [fraction_of(split, fraction, seed=0) for fraction in (0.01, 0.03, 0.1, 0.3)]
    assert [len(set(part.patients)) for part in shares] == [1, 3, 10, 30]
    assert [len(part) for part in shares] == [2, 6, 20, 60]  # a patient comes with all records
    for less, more in pairwise(shares):
        assert set(less.record_ids) < set(more.record_ids)
    order = np.random.default_rng(0).permutation(200)
    again = fraction_of(take(split, order), 0.1, seed=0)
    assert set(again.record_ids) == set(shares[2].record_ids)  # whatever the order of the records
    assert set(fraction_of(split, 0.1, seed=1).record_ids) != set(shares[2].record_ids)
