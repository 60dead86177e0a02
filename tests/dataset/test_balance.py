"""Class re-sampling: the counts are what the rule says, against an independent reading of it."""

import numpy as np
import numpy.typing as npt
import pytest

from rarebeat.dataset.balance import choose_records

Labels = npt.NDArray[np.int8]

seeds = pytest.mark.parametrize("seed", range(25))


def random_labels(seed: int) -> tuple[Labels, int]:
    """Rare, common, co-occurring and masked labels, and a target that some classes do not reach."""
    random = np.random.default_rng([seed])
    records, classes = random.integers(1, 400), random.integers(1, 8)
    frequency = random.choice([0.0, 0.01, 0.05, 0.2, 0.6], classes)
    labels = (random.random((records, classes)) < frequency).astype(np.int8)
    if classes > 2:
        labels[:, 0] |= labels[:, 1] & (random.random(records) < 0.7)
    labels[random.random(labels.shape) < 0.2] = -1
    return labels, int(random.integers(1, 60))


def follow_the_rule(labels: Labels, target: int, seed: int) -> list[int]:
    """The rule word for word, one record at a time."""
    rows = labels.tolist()
    order = np.random.default_rng([seed]).permutation(len(rows)).tolist()
    classes = range(labels.shape[1])
    chosen: set[int] = set()
    for name in sorted(classes, key=lambda name: sum(row[name] == 1 for row in rows)):
        for record in order:
            enough = sum(rows[other][name] == 1 for other in chosen) >= target
            if rows[record][name] == 1 and not enough:
                chosen.add(record)
    return sorted(chosen)


@seeds
def test_the_choice_is_what_the_rule_says(seed: int) -> None:
    labels, target = random_labels(seed)
    assert choose_records(labels, target, seed).tolist() == follow_the_rule(labels, target, seed)


@seeds
def test_every_class_reaches_the_target_or_is_exhausted(seed: int) -> None:
    labels, target = random_labels(seed)
    positive = labels == 1
    chosen = choose_records(labels, target, seed)
    assert (positive[chosen].sum(axis=0) >= np.minimum(target, positive.sum(axis=0))).all()


@seeds
def test_a_record_is_chosen_once_in_order_and_only_if_positive_for_something(seed: int) -> None:
    labels, target = random_labels(seed)
    chosen = choose_records(labels, target, seed)
    assert (np.diff(chosen) > 0).all()
    assert (labels[chosen] == 1).any(axis=1).all()


def test_classes_that_never_meet_get_exactly_the_target() -> None:
    labels = np.repeat(np.eye(3, dtype=np.int8), [500, 40, 100], axis=0)
    chosen = choose_records(labels, target=60, seed=0)
    assert labels[chosen].sum(axis=0).tolist() == [60, 40, 60]


def test_positives_that_came_with_a_rarer_class_count() -> None:
    both = np.tile(np.array([1, 1], dtype=np.int8), (30, 1))
    common = np.tile(np.array([1, 0], dtype=np.int8), (200, 1))
    chosen = choose_records(np.concatenate([common, both]), target=50, seed=0)
    assert (chosen >= 200).sum() == 30
    assert (chosen < 200).sum() == 20


def test_a_common_class_may_exceed_the_target_with_the_rare_ones_it_accompanies() -> None:
    labels = np.array([[1, 1, 0]] * 5 + [[1, 0, 1]] * 5 + [[1, 0, 0]] * 50, dtype=np.int8)
    chosen = choose_records(labels, target=5, seed=0)
    assert labels[chosen].sum(axis=0).tolist() == [10, 5, 5]


def test_the_seed_decides_which_records_of_a_common_class_are_taken() -> None:
    labels = np.ones((1000, 1), dtype=np.int8)
    one, again, other = (choose_records(labels, 100, seed).tolist() for seed in (1, 1, 2))
    assert one == again
    assert one != other
    assert len(one) == len(other) == 100


def test_nothing_to_choose_from_gives_nothing() -> None:
    assert choose_records(np.zeros((0, 3), dtype=np.int8), 10, 0).tolist() == []
    assert choose_records(np.full((9, 3), -1, dtype=np.int8), 10, 0).tolist() == []
