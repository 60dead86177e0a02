"""AUROC and AUPRC of many bootstrap replicates at once.

A replicate draws patients, so a group of a ranking (:mod:`rarebeat.metrics.ranking`) weighs as much as its records'
patients were drawn. All replicates' groups are thus one product: of a sparse matrix, which says how many records of a
group each patient has, and the matrix of draws. Nothing is sorted again. The sums are of whole numbers and exact, in
single precision too as long as they stay below 2 ** 24; the areas are added up in double precision.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from rarebeat.metrics.arrays import FloatArray
from rarebeat.metrics.ranking import IntArray, Ranking

Draws = npt.NDArray[np.float32] | npt.NDArray[np.float64]
"""Shape (patients, replicates): how often each patient was drawn."""

_RUN = 16  # groups that are added up by one small matrix product: three times as fast as np.cumsum
_ROWS = 16 * _RUN  # groups that are worked on at a time: they stay in the processor's cache
_PRODUCT = 16 * _ROWS  # groups of one sparse product
_EXACT = 2**22  # cells of a table up to which sums of drawn records stay below 2 ** 24


def draws_type(cells: int) -> type[np.float32] | type[np.float64]:
    """Choose the precision in which sums over drawn records are exact.

    Args:
        cells: records times classes.

    Returns:
        Single precision where it suffices, which is twice as fast.
    """
    return np.float32 if cells <= _EXACT else np.float64


@dataclass(frozen=True)
class PatientGroups:
    """The groups of a ranking, best score first, and how many records of each patient they hold.

    Attributes:
        blocks: pairs of sparse matrices of shape (groups, patients), for positive and for negative records.
    """

    blocks: tuple[tuple[csr_array, csr_array], ...]


def patient_groups(ranking: Ranking, owner: IntArray, patients: int, cells: int) -> PatientGroups:
    """Count each group's records by patient.

    Args:
        ranking: of one class, or of all classes pooled.
        owner: shape (n,), the number of each record's patient.
        patients: how many there are.
        cells: records times classes of the whole table, see :func:`draws_type`.

    Returns:
        The groups, in blocks.
    """
    dtype = draws_type(cells)
    lengths = np.diff(ranking.run_starts, append=ranking.rows.size)
    group = np.searchsorted(ranking.group_ends, np.arange(ranking.run_starts.size))
    sides = []
    for positive in (True, False):
        chosen = ranking.run_positive == positive
        sizes = np.zeros(
            -(-ranking.group_ends.size // _RUN) * _RUN, dtype=np.int64
        )  # the last ones are empty
        sizes[group[chosen]] = lengths[chosen]
        columns = owner[ranking.rows[np.repeat(chosen, lengths)]]
        starts = np.append(0, np.cumsum(sizes))
        shape = (sizes.size, patients)
        sides.append(csr_array((np.ones(columns.size, dtype), columns, starts), shape=shape))
    return PatientGroups(
        tuple(
            (sides[0][start : start + _PRODUCT], sides[1][start : start + _PRODUCT])
            for start in range(0, sizes.size, _PRODUCT)
        )
    )


def resampled_areas(groups: PatientGroups, draws: Draws) -> tuple[FloatArray, FloatArray]:
    """AUROC and AUPRC of each replicate.

    Args:
        groups: of a ranking.
        draws: shape (patients, replicates).

    Returns:
        Two arrays of shape (replicates,), equal to :func:`~rarebeat.metrics.ranking.area_under_roc` and
        :func:`~rarebeat.metrics.ranking.average_precision`; NaN where there are no positives or no negatives.
    """
    true_above, false_above = np.zeros((2, draws.shape[1]), dtype=draws.dtype)
    pairs, precision = np.zeros((2, draws.shape[1]))
    for positive, negative in _weights(groups, draws):
        true, false = _cumulate(positive, true_above), _cumulate(negative, false_above)
        true_above, false_above = true[-1], false[-1]
        weight = positive.astype(np.float64)
        pairs += np.einsum("gr,gr->r", weight, false - negative / 2)
        called = np.maximum(true + false, 1)  # nothing is called where 0 of 0 are right
        share = true.astype(np.float64)
        share /= called
        precision += np.einsum("gr,gr->r", weight, share)
    with np.errstate(invalid="ignore", divide="ignore"):
        true_total, false_total = true_above.astype(np.float64), false_above.astype(np.float64)
        auroc = 1 - pairs / (true_total * false_total)
        auprc = np.where(false_total > 0, precision / true_total, np.nan)
    defined = (true_total > 0) & (false_total > 0)
    return np.where(defined, auroc, np.nan), np.where(defined, auprc, np.nan)


def _weights(groups: PatientGroups, draws: Draws) -> Iterator[tuple[Draws, Draws]]:
    """What positive and negative records of each group weigh, some groups at a time."""
    for block in groups.blocks:
        positive, negative = (side @ draws for side in block)
        for start in range(0, len(positive), _ROWS):
            yield positive[start : start + _ROWS], negative[start : start + _ROWS]


def _cumulate(values: npt.NDArray[Any], above: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Sums down to each row, counted from ``above``; exact, because the values are whole numbers."""
    runs: npt.NDArray[Any] = np.tril(np.ones((_RUN, _RUN), dtype=values.dtype)) @ values.reshape(
        -1, _RUN, values.shape[1]
    )
    runs[1:] += np.cumsum(runs[:-1, -1], axis=0)[:, None]
    runs += above
    return runs.reshape(values.shape)


def all_resampled_areas(groups: Sequence[PatientGroups], draws: Draws) -> tuple[FloatArray, FloatArray]:
    """AUROC and AUPRC of several rankings, one after the other.

    Args:
        groups: of k rankings.
        draws: shape (patients, replicates).

    Returns:
        Two arrays of shape (replicates, k).
    """
    auroc, auprc = zip(*(resampled_areas(entry, draws) for entry in groups), strict=True)
    return np.stack(auroc, axis=-1), np.stack(auprc, axis=-1)
