"""Controls of an experiment: what a training sees of the shards, sees less of, or sees falsely.

So one can tell what it learns from. All draws depend on the seed of the training and not on its label set: trainings of
one seed with one head and with all heads see the same records.
"""

import hashlib
import math
import warnings
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.dataset.split import Split, of_cohorts, take
from rarebeat.inference.examples import batch_shape
from rarebeat.metrics.arrays import BoolArray
from rarebeat.training.distributed.world import ALONE, World
from rarebeat.training.settings import TrainSettings, near_or_all


def controlled(train: Split, validation: Split, settings: TrainSettings) -> tuple[Split, Split]:
    """Apply the settings that choose cohorts, a share of patients, and positives, and those that shuffle labels.

    Args:
        train: the training split.
        validation: the validation split, which keeps all its records of the cohorts that are validated on.
        settings: of the training.

    Returns:
        Both splits, as the training sees them.

    Raises:
        ParamsError: for a cohort or class that the shards do not hold, or fewer positive records than are asked for.
    """
    if settings.train_on is not None:
        train = of_cohorts(train, settings.train_on, "train.train_on")
    if settings.validate_on is not None:
        validation = of_cohorts(validation, settings.validate_on, "train.validate_on")
    if settings.fraction < 1:
        train = fraction_of(train, settings.fraction, settings.seed)
    if settings.limit_positives:
        train = limited(train, settings.limit_positives, settings.seed)
    if settings.shuffle_labels:
        train = shuffled(train, settings.seed, settings.shuffle_except)
        validation = shuffled(validation, settings.seed, settings.shuffle_except)
    return train, validation


def fraction_of(split: Split, fraction: float, seed: int) -> Split:
    """Take a share of the patients, drawn by a keyed hash: a larger share holds all records of a smaller one.

    Args:
        split: n records.
        fraction: of the patients, rounded up to a whole one.
        seed: key of the hash; each gives another order of the patients.

    Returns:
        All records of these patients, in the order of the split.
    """
    patients = sorted(set(split.patients.tolist()))
    order = sorted(patients, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
    kept = order[: math.ceil(fraction * len(order) - 1e-9)]  # 0.07 x 100 is a little more than 7
    return take(split, np.isin(split.patients.astype(str), kept))


def shuffled(split: Split, seed: int, except_for: tuple[str, ...] = ()) -> Split:
    """Deal the rows of labels out at random.

    Args:
        split: n records.
        seed: of the order.
        except_for: classes whose labels stay with their records.

    Returns:
        The same records, whose labels of the other classes come from records drawn without replacement.

    Raises:
        ParamsError: for a class that the shards do not hold.
    """
    _check(split, except_for, "shuffle_except")
    labels = split.labels[np.random.default_rng(seed).permutation(len(split))]
    kept = [split.meta.classes.index(name) for name in except_for]
    labels[:, kept] = split.labels[:, kept]
    return replace(split, labels=labels)


def limited(split: Split, limits: Mapping[str, int], seed: int) -> Split:
    """Leave positive records out, so that classes are as rare as wanted.

    No class keeps more than its number. Where records are positive for several of the classes, all numbers are reached
    if some choice of records reaches them; otherwise as much of them as can be, with a warning that says how much.

    Args:
        split: n records.
        limits: class to the number of its positive records that stay. They are drawn in a fixed order, so that with
            one class a larger number keeps those of a smaller one. A record that goes is lost for its other classes,
            too.
        seed: of the order.

    Returns:
        The records that stay.

    Raises:
        ParamsError: for a class that the shards do not hold, or that has fewer positive records than are asked for.
    """
    _check(split, limits, "limit_positives")
    order = np.random.default_rng([seed, 1]).permutation(len(split))
    positive: BoolArray = split.targets(list(limits)) == 1
    most = np.array(list(limits.values()))
    for name, limit, found in zip(limits, most, positive.sum(axis=0), strict=True):
        if found < limit:
            raise ParamsError(
                f"train.limit_positives: {name} has {found} positive training records, asked for {limit}"
            )
    concerned = order[positive[order].any(axis=1)]
    chosen = concerned[_choose(positive[concerned], most)]
    if (reached := positive[chosen].sum(axis=0)).tolist() != most.tolist():
        parts = (f"{name} {got} of {limit}" for name, got, limit in zip(limits, reached, most, strict=True))
        warnings.warn(
            "train.limit_positives: the same records are positive for several of the classes, so that no choice of "
            f"records reaches all numbers; kept: {', '.join(parts)}",
            stacklevel=3,
        )
    stay: BoolArray = np.logical_not(positive.any(axis=1))
    stay[chosen] = True
    return take(split, stay)


def _choose(positive: BoolArray, most: npt.NDArray[np.int_]) -> BoolArray:
    """Choose records so that each class has as many of its number as can be: the first ones, where they will do.

    Args:
        positive: shape (n, classes), in the order in which records are drawn.
        most: shape (classes,), the number of each class.

    Returns:
        Shape (n,), which are chosen.
    """
    chosen: BoolArray = np.zeros(len(positive), dtype=np.bool_)
    room = most.copy()
    for row, classes in enumerate(positive):
        if (room[classes] > 0).all():
            chosen[row], room = True, room - classes
    if not room.any():
        return chosen
    # Records that are positive for the same classes are alike: what is to be found is how many of each kind.
    kinds, owner, sizes = np.unique(positive, axis=0, return_inverse=True, return_counts=True)
    amounts = milp(
        -(kinds / most).sum(axis=1),
        integrality=np.ones(len(kinds)),
        bounds=Bounds(0, sizes),
        constraints=LinearConstraint(kinds.T.astype(np.float64), ub=most),
    ).x
    chosen[:] = False
    for kind, amount in enumerate(np.rint(amounts).astype(int)):
        chosen[np.flatnonzero(owner.ravel() == kind)[:amount]] = True
    return chosen


def check_splits(
    train: Split, validation: Split, classes: tuple[str, ...], settings: TrainSettings, world: World = ALONE
) -> None:
    """Check that there is something to learn from; warn of classes that cannot be learnt.

    Args:
        train: the training split, as the training sees it.
        validation: the validation split.
        classes: the label set.
        settings: of the training.
        world: the processes that share each batch.

    Raises:
        RarebeatError: for a training split without records, and for splits that were prepared in different ways.
        ParamsError: for settings that these splits, or so many processes, cannot be trained with.
    """
    if world.size != settings.devices * settings.nodes:
        raise ParamsError(
            f"train.devices {settings.devices} times train.nodes {settings.nodes} is not the number of processes here, "
            f"{world.size}: pipeline/train.py starts several, everything else trains in one"
        )
    if not classes:
        raise ParamsError("the label set is empty: it must name at least one class")
    if not len(train.signals):
        raise RarebeatError("the training split holds no records: ingest more, or change prepare.split")
    if min(len(train.signals), settings.batch) < 2:
        raise ParamsError(
            f"train.batch {settings.batch} makes batches of one of {len(train.signals)} training records; "
            "batch norm needs two: take more"
        )
    if (size := batch_shape(len(train.signals), settings.batch)[1]) < world.size:
        raise ParamsError(
            f"{world.size} processes share batches of {size} training records: take fewer processes"
        )
    if validation.meta != train.meta:
        raise RarebeatError("training and validation split differ in preprocessing: run prepare again")
    if settings.keep == "best" and not len(validation.signals):
        raise ParamsError("train.keep is best, but the validation split holds no records: set it to last")
    if settings.keep == "best" and not (validation.columns(classes) >= 0).any():
        raise ParamsError(
            "train.keep is best, but no label of these classes is known in the validation split, so that all epochs "
            "are alike there: set it to last, or validate on other cohorts (train.validate_on)"
        )
    for name in classes if settings.init is None else ():
        if name in train.meta.classes and not (train.targets([name]) == 1).any():
            warnings.warn(f"no record of the training split has {name}: it cannot be learnt", stacklevel=3)


def _check(split: Split, names: "Mapping[str, int] | tuple[str, ...]", key: str) -> None:
    for name in names:
        if name not in split.meta.classes:
            raise ParamsError(f"train.{key}: no class {name!r}{near_or_all(name, split.meta.classes)}")
