"""A split: the records of one part of the data set, in rows that belong together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass as plain_dataclass
from dataclasses import field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydantic.dataclasses import dataclass

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.params import STRICT
from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.stored import StoredSignals, join_stored

if TYPE_CHECKING:
    from rarebeat.core.context import Context

Int16 = npt.NDArray[np.int16]
Int8 = npt.NDArray[np.int8]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
Strings = npt.NDArray[np.object_]


ASSUMED_PRESENT, ASSUMED_ABSENT = 2, -2
"""An uncertain label that training takes for present, or for absent. For evaluation it is masked."""


@dataclass(frozen=True, config=STRICT)
class ShardMeta:
    """What a reader must know about the columns.

    Attributes:
        classes: ids, in the order of the label columns.
        preprocessing: how the signals were made.
        scale: stored value times scale is in ``units``.
        units: "mV" or "z".
        vocabulary: name of the vocabulary that defines the classes.
        codes: class id to its short code in the vocabulary.
    """

    classes: tuple[str, ...]
    preprocessing: Preprocessing
    scale: float
    units: str
    vocabulary: str
    codes: Mapping[str, str] = field(default_factory=dict)


@plain_dataclass(frozen=True)
class Split:
    """One split, in memory; its signals may stay in their shards.

    Attributes:
        signals: int16, shape (n, 12, samples); times ``meta.scale`` in ``meta.units``.
        labels: int8, shape (n, classes): 1 present, 0 absent, -1 masked, :data:`ASSUMED_PRESENT` or
            :data:`ASSUMED_ABSENT` (both only where ``prepare.uncertain`` is not "mask").
        record_ids: shape (n,).
        cohorts: shape (n,).
        patients: shape (n,); records of one patient are never in two splits.
        meta: of the shards.
        lengths: int64, shape (n,): samples before the padding; None where nothing is padded.
        ages: float32, shape (n,), years, NaN where unknown; None where no age is known.
        sexes: shape (n,), "female", "male" or None; None where no sex is known.
    """

    signals: Int16 | StoredSignals
    labels: Int8
    record_ids: Strings
    cohorts: Strings
    patients: Strings
    meta: ShardMeta
    lengths: Int64 | None = None
    ages: Float32 | None = None
    sexes: Strings | None = None

    def __len__(self) -> int:
        return len(self.signals)

    def columns(self, classes: Sequence[str]) -> Int8:
        """Take the labels of some classes, for evaluation: what is uncertain is masked.

        Args:
            classes: ids, each one of ``meta.classes``.

        Returns:
            Int8, shape (n, classes), in the order given: 1 present, 0 absent, -1 masked.

        Raises:
            RarebeatError: for a class that the shards do not hold.
        """
        labels = self._columns(classes)
        labels[abs(labels) == ASSUMED_PRESENT] = -1
        return labels

    def targets(self, classes: Sequence[str]) -> Int8:
        """Take the labels of some classes, for training: what is uncertain is what ``prepare.uncertain`` says.

        Args:
            classes: ids, each one of ``meta.classes``.

        Returns:
            Int8, shape (n, classes), in the order given: 1 present, 0 absent, -1 masked.

        Raises:
            RarebeatError: for a class that the shards do not hold.
        """
        labels = self._columns(classes)
        labels[labels == ASSUMED_PRESENT] = 1
        labels[labels == ASSUMED_ABSENT] = 0
        return labels

    def _columns(self, classes: Sequence[str]) -> Int8:
        if missing := [name for name in classes if name not in self.meta.classes]:
            raise RarebeatError(
                f"the label set names {', '.join(missing)}, but the shards hold {', '.join(self.meta.classes)}: "
                "change the label set, or run prepare again"
            )
        return self.labels[:, [self.meta.classes.index(name) for name in classes]]

    @property
    def context(self) -> "Context":
        """What is known of the records besides their signals: lengths where some are padded, age and sex."""
        # Imported here, because dividing patients into folds needs splits and no torch.
        from rarebeat.core.context import context_of

        padded = self.lengths is not None and bool((self.lengths != self.signals.shape[2]).any())
        return context_of(self.lengths if padded else None, self.ages, self.sexes)

    def lead_statistics(self, chunk: int = 256) -> tuple[Float32, Float32]:
        """Compute mean and standard deviation of each lead.

        Padding does not count: it is zero, so that the sums are right as they are.

        Args:
            chunk: records that are converted to float64 at a time.

        Returns:
            Mean and deviation, float32, each of shape (12,), in ``meta.units``.
        """
        count = len(self) * self.signals.shape[2] if self.lengths is None else self.lengths.sum()
        total = np.zeros(self.signals.shape[1])
        squares = np.zeros(self.signals.shape[1])
        for stored in parts_of(self.signals, chunk):
            part = stored.astype(np.float64)
            total += part.sum(axis=(0, 2))
            squares += np.einsum("nct,nct->c", part, part)
        mean = total / count
        deviation = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
        scaled = (np.stack([mean, deviation]) * self.meta.scale).astype(np.float32)
        return scaled[0], scaled[1]


def parts_of(signals: Int16 | StoredSignals, size: int) -> Iterator[Int16]:
    """Go through signals in their order, with no more of them in memory than need be.

    Args:
        signals: shape (n, 12, samples).
        size: records at a time.

    Yields:
        Shape (size, 12, samples), or less at the end.
    """
    if isinstance(signals, StoredSignals):
        yield from signals.parts(size)
    else:
        yield from (signals[start : start + size] for start in range(0, len(signals), size))


PER_RECORD = tuple(field.name for field in fields(Split) if field.name != "meta")


def take(split: Split, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Split:
    """Take some records of a split.

    Args:
        split: n records.
        rows: indices, or a mask of shape (n,).

    Returns:
        These records, in the order of ``rows``.
    """

    def some(values: Any) -> Any:
        return None if values is None else values[rows]

    return replace(split, **{name: some(getattr(split, name)) for name in PER_RECORD})


def of_cohorts(split: Split, cohorts: Sequence[str], where: str) -> Split:
    """Take the records of some cohorts.

    Args:
        split: n records.
        cohorts: their names.
        where: the params that name them, for the message.

    Returns:
        The records of these cohorts.

    Raises:
        ParamsError: for a cohort that the split has no record of.
    """
    there = dict.fromkeys(split.cohorts.tolist())
    if absent := [name for name in cohorts if name not in there]:
        raise ParamsError(
            f"{where}: there is no record of {', '.join(absent)} in this split of the shards; it has records of "
            f"{', '.join(there) or 'no cohort'} (`use` says which cohorts are prepared)"
        )
    return take(split, np.isin(split.cohorts.astype(str), list(cohorts)))


def join(splits: Sequence[Split]) -> Split:
    """Make one split of several.

    Args:
        splits: one or more.

    Returns:
        All their records, split after split.

    Raises:
        RarebeatError: when they differ in classes, in preprocessing, or in what they know of their records.
    """
    if any(split.meta != splits[0].meta for split in splits):
        raise RarebeatError("the splits differ in classes or preprocessing: run prepare again")

    def all_of(name: str) -> Any:
        values = [getattr(split, name) for split in splits]
        unknown = sum(value is None for value in values)
        if unknown and unknown < len(values):
            raise RarebeatError(f"only some of the splits know {name}")
        if all(isinstance(value, StoredSignals) for value in values):
            return join_stored(values)
        return None if unknown else np.concatenate([np.asarray(value) for value in values])

    return replace(splits[0], **{name: all_of(name) for name in PER_RECORD})
