"""What clinicians decided on ECGs about which model and label disagree: who was wrong, and how far each agrees.

On a disagreement about one class exactly one side is wrong, so that the share of wrong labels is that of right models.
The kappas are those of ECGs that were chosen for disagreement: they compare label, model and signal with each other on
the hard ones, and say nothing of the rest.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from rarebeat.audit.disagreement import wilson
from rarebeat.audit.kappa import Kappas, cohen_kappas
from rarebeat.audit.statistics import cohen_kappa
from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import read_csv

WORDS: Mapping[bool | None, str] = {True: "present", False: "absent", None: ""}
CANNOT_SAY = "cannot say"
DECISIONS = ("present", "absent", CANNOT_SAY)
SAMPLE_COLUMNS = ("item", "class", "cohort", "record_id", "label", "model", "signal")
SIDES = ("label", "model", "signal")
ALL = "all classes"

_DECISION_COLUMNS = ("item", "class", "verdict", "note", "reader")
_READ = {word: value for value, word in WORDS.items()}


@dataclass(frozen=True, slots=True)
class Disputed:
    """One line of ``to_judge.csv``.

    Attributes:
        name: of the item.
        class_id: the class that is asked for.
        record: cohort and record id.
        opinions: what each of :data:`SIDES` says: present, absent, or None.
    """

    name: str
    class_id: str
    record: str
    opinions: Mapping[str, bool | None]


@dataclass(frozen=True, slots=True)
class Decision:
    """What one reader said of one item; ``present`` is None for "cannot say"."""

    item: Disputed
    reader: str
    present: bool | None
    note: str
    place: str


@dataclass(frozen=True)
class Outcome:
    """What one reader's decisions on one class, or on all, come to.

    Attributes:
        reader: who.
        class_id: the class, or :data:`ALL`.
        judged: how many items were decided.
        cannot_say: how many were not.
        label_wrong: on how many of those decided the reader takes the model's side; on the others the label's.
        share: label_wrong / judged, with the ends of its 95 % Wilson interval; None where nothing was decided.
        kappas: between the reader and each of :data:`SIDES`, each for one column.
    """

    reader: str
    class_id: str
    judged: int
    cannot_say: int
    label_wrong: int
    share: tuple[float, float, float] | None
    kappas: Mapping[str, Kappas]


def read_disputed(path: Path) -> dict[str, Disputed]:
    """Read ``to_judge.csv``: items by name.

    Raises:
        RarebeatError: when it cannot be read or is damaged.
    """
    items: dict[str, Disputed] = {}
    for line, row in read_csv(path, SAMPLE_COLUMNS):
        words = [row[side] for side in SIDES]
        if any(word not in _READ for word in words) or row["label"] == row["model"] or row["item"] in items:
            raise RarebeatError(f"{path}, line {line}: not a disagreement of label and model; audit again")
        opinions = {side: _READ[word] for side, word in zip(SIDES, words, strict=True)}
        record = f"{row['cohort']} {row['record_id']}"
        items[row["item"]] = Disputed(row["item"], row["class"], record, opinions)
    return items


def read_decisions(paths: Sequence[Path], items: Mapping[str, Disputed]) -> list[Decision]:
    """Read the CSV files exported from the pages, by one or more readers; rows without a verdict are left out.

    Raises:
        RarebeatError: when a file cannot be read, or a row has an item that is not there, another class than it, an
            unknown verdict, no reader, or an item that its reader has judged before.
    """
    decisions: dict[tuple[str, str], Decision] = {}
    for path in paths:
        for line, row in read_csv(path, _DECISION_COLUMNS):
            place = f"{path}, line {line}"
            decision = _decision(row, items, place)
            if decision is None:
                continue
            key = (decision.reader, decision.item.name)
            if key in decisions:
                raise RarebeatError(
                    f"{place}: {decision.reader} judged item {key[1]} before, in {decisions[key].place}"
                )
            decisions[key] = decision
    return list(decisions.values())


def _decision(row: Mapping[str, str], items: Mapping[str, Disputed], place: str) -> Decision | None:
    item = items.get(row["item"].strip())
    if item is None or row["class"].strip() != item.class_id:
        raise RarebeatError(
            f"{place}: no item {row['item']!r} of {row['class']!r}: was another audit judged?"
        )
    word, reader = row["verdict"].strip().lower(), row["reader"].strip()
    if not word:
        return None
    if word not in DECISIONS:
        raise RarebeatError(f"{place}: unknown verdict {word!r}: expected {', '.join(DECISIONS)} or nothing")
    if not reader:
        raise RarebeatError(f"{place}: no reader: every verdict must bear a name or initials")
    return Decision(item, reader, None if word == CANNOT_SAY else _READ[word], row["note"], place)


def outcomes(decisions: Sequence[Decision], replicates: int = 1000) -> list[Outcome]:
    """For each reader: each class that was judged, then all of them where there are several.

    Args:
        decisions: of all readers.
        replicates: of the bootstrap over records that gives the intervals of kappa; 0 for none.
    """
    found = []
    for reader in sorted({decision.reader for decision in decisions}):
        own = [decision for decision in decisions if decision.reader == reader]
        by_class: dict[str, list[Decision]] = defaultdict(list)
        for decision in own:
            by_class[decision.item.class_id].append(decision)
        if len(by_class) > 1:
            by_class[ALL] = own
        found += [_outcome(reader, name, group, replicates) for name, group in by_class.items()]
    return found


def _outcome(reader: str, class_id: str, group: Sequence[Decision], replicates: int) -> Outcome:
    decided = [decision for decision in group if decision.present is not None]
    wrong = sum(decision.present != decision.item.opinions["label"] for decision in decided)
    return Outcome(
        reader,
        class_id,
        len(decided),
        len(group) - len(decided),
        wrong,
        wilson(wrong, len(decided)) if decided else None,
        {side: _kappa(decided, side, replicates) for side in SIDES},
    )


def _kappa(decided: Sequence[Decision], side: str, replicates: int) -> Kappas:
    opinions = [decision.item.opinions[side] for decision in decided]
    return cohen_kappas(
        np.array([[decision.present is True] for decision in decided], dtype=bool).reshape(-1, 1),
        np.array([[opinion is True] for opinion in opinions], dtype=bool).reshape(-1, 1),
        np.array([[opinion is not None] for opinion in opinions], dtype=bool).reshape(-1, 1),
        np.array([decision.item.record for decision in decided], dtype=object),
        replicates,
    )


def reader_agreement(decisions: Sequence[Decision]) -> list[dict[str, Any]]:
    """For each two readers with common items: how many they share, how often they agree, and kappa (or None)."""
    said: dict[str, dict[str, str]] = defaultdict(dict)
    for decision in decisions:
        word = CANNOT_SAY if decision.present is None else WORDS[decision.present]
        said[decision.reader][decision.item.name] = word
    pairs = []
    for one, other in combinations(sorted(said), 2):
        if common := [name for name in said[one] if name in said[other]]:
            words = [(said[one][name], said[other][name]) for name in common]
            agreement, kappa = cohen_kappa(words, DECISIONS)
            pairs.append(
                {"readers": [one, other], "items": len(common), "agreement": agreement, "kappa": kappa}
            )
    return pairs
