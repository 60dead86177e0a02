"""Which classes are taken for which, as data for the ``confusion`` template of DVC plots.

A confusion matrix knows one class per record, an ECG has several. The convention here, for each record:

- a class that is both true and called gives the pair (class, class);
- each missed class is paired with each wrongly called class of the same record: (missed, wrong);
- without a wrongly called class, a missed one gives (missed, "none");
- without a missed class, a wrongly called one gives ("none", wrong).

Classes whose truth is unknown in a record play no part in it; a record without any true or called class adds
nothing. A record that misses two classes and calls two wrong ones gives four pairs, so the off-diagonal cells
count pairs, not records.
"""

from collections.abc import Iterator

import numpy as np

from rarebeat.core.tables import Row
from rarebeat.metrics.arrays import BoolArray, Truth

CONFUSION_COLUMNS = ("actual", "predicted")
NONE = "none"


def confusion_rows(truth: Truth, decisions: BoolArray, classes: tuple[str, ...]) -> list[Row]:
    """One row per pair, with :data:`CONFUSION_COLUMNS`, in the order of the records.

    Args:
        truth: shape (n, classes).
        decisions: shape (n, classes), see :func:`rarebeat.metrics.classification.decide`.
        classes: their names.
    """
    called = decisions & (truth >= 0)
    notable = np.flatnonzero(((truth == 1) | called).any(axis=1))
    return [
        {"actual": actual, "predicted": predicted}
        for record in notable
        for actual, predicted in _pairs(truth[record] == 1, called[record], classes)
    ]


def _pairs(true: BoolArray, called: BoolArray, classes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    def names(chosen: BoolArray) -> list[str]:
        return [classes[index] for index in np.flatnonzero(chosen)]

    yield from ((name, name) for name in names(true & called))
    missed, wrong = names(true & ~called), names(called & ~true)
    if missed or wrong:
        yield from ((actual, predicted) for actual in missed or [NONE] for predicted in wrong or [NONE])
