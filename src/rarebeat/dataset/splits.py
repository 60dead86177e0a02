"""Which record belongs to which split: by patient, without a seed, and stable when cohorts are added.

The rule, for every record:

1. Its key is its patient, or the record itself where the archive does not tell patients. Keys that share a
   recording (two cohorts may hold copies of it) are linked; linked keys form one group.
2. Where its cohort is listed under ``folds`` and the record has a fold, the fold decides. Otherwise the
   SHA-1 hash h of salt + key does: test when ``h % test_every == 0``, else validation when
   ``(h // test_every) % validation_every == 0``, else train.
3. The group goes where its members go. Where they disagree, members decided by their fold win; among equals
   test comes before validation, and validation before train.
4. Of equal recordings one is kept, the others become duplicates: the first of those whose labels tell most.

So no group is in two splits, and a new cohort moves no patient of the others, unless it links them.
"""

import hashlib
from dataclasses import dataclass as plain_dataclass
from dataclasses import field
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field
from pydantic.dataclasses import dataclass
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from rarebeat.core.params import STRICT

SPLITS = ("train", "validation", "test")
DUPLICATE = "duplicate"

_ORDER = ("test", "validation", "train")  # who wins within a group, first
_BY_HASH = len(_ORDER)  # added to the rank of a split that the hash decides

Strings = npt.NDArray[np.object_]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, config=STRICT)
class HeldOutFolds:
    """Which of a database's own folds are held out; all others train.

    Attributes:
        test: folds to test on.
        validation: folds to choose thresholds on.
    """

    test: tuple[int, ...]
    validation: tuple[int, ...]

    def __post_init__(self) -> None:
        if shared := set(self.test) & set(self.validation):
            raise ValueError(f"fold {min(shared)} is both test and validation")


@dataclass(frozen=True, config=STRICT)
class SplitSettings:
    """How patients are split.

    Attributes:
        test_every: one in so many patients is tested on.
        validation_every: one in so many of the others is validated on.
        salt: changes the split as a whole.
        folds: cohorts whose own folds decide.
    """

    test_every: Annotated[int, Field(ge=2)] = 5
    validation_every: Annotated[int, Field(ge=2)] = 8
    salt: str = ""
    folds: dict[str, HeldOutFolds] = field(default_factory=dict)


@plain_dataclass(frozen=True)
class Assignment:
    """The outcome of :func:`assign_splits`, one entry per record.

    Attributes:
        groups: name of the group: the patient id, or ``cohort/record_id`` where it is unknown (for linked
            keys, that of their first record).
        splits: one of :data:`SPLITS`, or :data:`DUPLICATE`.
    """

    groups: Strings
    splits: Strings


def assign_splits(
    records: pa.Table, settings: SplitSettings, told: npt.NDArray[np.integer[Any]] | None = None
) -> Assignment:
    """Split records by patient, as the module describes.

    Args:
        records: n rows with cohort, record_id, patient_id, fold and fingerprint; the cohorts in the order of use.
        settings: proportions, salt and folds.
        told: shape (n,), a larger number for a record whose labels tell more; None where all tell as much.

    Returns:
        Group and split of each record.
    """
    names = _group_names(records)
    ranks = np.minimum(_ranks_by_hash(records, settings), _ranks_by_fold(records, settings))
    groups = _linked(names, records.column("fingerprint"))
    first = np.unique(groups, return_index=True)[1]
    best = np.full(len(first), 2 * _BY_HASH)
    np.minimum.at(best, groups, ranks)
    splits = np.array(_ORDER, dtype=object)[best % _BY_HASH][groups]
    splits[_repeated(records.column("fingerprint"), np.zeros(len(names)) if told is None else told)] = (
        DUPLICATE
    )
    return Assignment(groups=names[first][groups], splits=splits)


def fold_warnings(records: pa.Table, settings: SplitSettings) -> list[str]:
    """Say where folds that the settings name decide nothing, or not for all records.

    Args:
        records: columns cohort and fold.
        settings: of the split; folds of cohorts that are not in use are passed over.

    Returns:
        Sentences.
    """
    found = []
    for cohort, held_out in settings.folds.items():
        folds = records.filter(pc.equal(records.column("cohort"), cohort)).column("fold")
        if not len(folds):
            continue
        there = sorted(set(folds.drop_null().to_pylist()))
        place = f"prepare.split.folds.{cohort}"
        if folds.null_count:
            found.append(
                f"{place}: {folds.null_count} of {len(folds)} records have no fold of their own, and are split by hash"
            )
        if there and (absent := sorted({*held_out.test, *held_out.validation} - set(there))):
            found.append(
                f"{place}: no record is in fold {', '.join(map(str, absent))}; there are {', '.join(map(str, there))}"
            )
    return found


def _group_names(records: pa.Table) -> Strings:
    """The patient, or ``cohort/record_id``: ids of records are unique within their cohort only."""
    record = pc.binary_join_element_wise(records.column("cohort"), records.column("record_id"), "/")
    return _to_numpy(pc.coalesce(records.column("patient_id"), record))


def _ranks_by_hash(records: pa.Table, settings: SplitSettings) -> Indices:
    keys = _to_numpy(pc.coalesce(records.column("patient_id"), records.column("record_id")))
    return np.array([_BY_HASH + _ORDER.index(hash_split(key, settings)) for key in keys], dtype=np.int64)


def hash_split(key: str, settings: SplitSettings) -> str:
    """Choose the split of a patient or record by its hash alone.

    Args:
        key: id of the patient, or of the record where the patient is unknown.
        settings: proportions and salt.

    Returns:
        One of :data:`SPLITS`.

    Example:
        >>> hash_split("JS00001", SplitSettings())
        'train'
    """
    value = int(hashlib.sha1((settings.salt + key).encode(), usedforsecurity=False).hexdigest(), 16)
    if value % settings.test_every == 0:
        return "test"
    return "validation" if value // settings.test_every % settings.validation_every == 0 else "train"


def _ranks_by_fold(records: pa.Table, settings: SplitSettings) -> Indices:
    """Rank of the split that the fold decides, or a rank behind all others where no fold does."""
    cohorts = _to_numpy(records.column("cohort"))
    folds = pc.fill_null(records.column("fold"), -1).to_numpy()
    known = pc.is_valid(records.column("fold")).to_numpy()
    ranks = np.full(len(records), 2 * _BY_HASH)
    for cohort, held_out in settings.folds.items():
        decided = known & (cohorts == cohort)
        ranks[decided] = _ORDER.index("train")
        ranks[decided & np.isin(folds, held_out.validation)] = _ORDER.index("validation")
        ranks[decided & np.isin(folds, held_out.test)] = _ORDER.index("test")
    return ranks


def _linked(names: Strings, fingerprints: pa.ChunkedArray) -> Indices:
    """Number the groups: connected components of the graph of names and the recordings they hold."""
    name_codes, name_count = _codes(pa.chunked_array([pa.array(names, pa.string())]))
    recording_codes, recording_count = _codes(fingerprints)
    nodes = name_count + recording_count
    edges = (np.ones(len(names)), (name_codes, name_count + recording_codes))
    components = connected_components(coo_array(edges, shape=(nodes, nodes)), directed=False)[1]
    return np.unique(components[name_codes], return_inverse=True)[1].astype(np.int64)


def _repeated(fingerprints: pa.ChunkedArray, told: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Every recording but the first of the copies that tell most."""
    codes, _ = _codes(fingerprints)
    order = np.argsort(-told, kind="stable")
    repeated = np.ones(len(codes), dtype=np.bool_)
    repeated[order[np.unique(codes[order], return_index=True)[1]]] = False
    return repeated


def _codes(values: pa.ChunkedArray) -> tuple[Indices, int]:
    """Number equal values equally, from zero; and how many different ones there are."""
    encoded = values.combine_chunks().dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int64), len(encoded.dictionary)


def _to_numpy(column: pa.ChunkedArray) -> Strings:
    return np.asarray(column.to_numpy(), dtype=object)
