"""What clinicians decided on ECGs about which model and label disagree: who was wrong, and how far each agrees.

On a disagreement about one class exactly one side is wrong, so that the share of wrong labels is that of right models.
The kappas are those of ECGs that were chosen for disagreement: they compare label, model and signal with each other on
the hard ones, and say nothing of the rest.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rarebeat.audit.statistics import Kappas, cohen_kappa, kappa_cell, kappa_content, wilson
from rarebeat.audit.verdicts import (
    CANNOT_SAY,
    VERDICT_COLUMNS,
    Verdict,
    agreement_line,
    read_verdicts,
    reader_agreement,
)
from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import read_csv
from rarebeat.core.tables import Row, interval_text, markdown_table, tidy

WORDS: Mapping[bool | None, str] = {True: "present", False: "absent", None: ""}
DECISIONS = ("present", "absent", CANNOT_SAY)
SAMPLE_COLUMNS = ("item", "class", "cohort", "record_id", "label", "model", "signal")
SIDES = ("label", "model", "signal")
ALL = "all classes"

_DECISION_COLUMNS = tuple(name for name in VERDICT_COLUMNS if name != "kind")
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

    @property
    def classes(self) -> tuple[str, ...]:
        """The class, as of any item."""
        return (self.class_id,)

    @property
    def kind(self) -> str:
        """As the pages name it."""
        return "disagreement"


Decision = Verdict[Disputed]


def present(decision: Decision) -> bool | None:
    """Whether the reader calls the class present; None for "cannot say"."""
    return _READ.get(decision.word)


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
    """Read ``to_judge.csv``.

    Args:
        path: written by :func:`rarebeat.audit.folder.write_model_audit`.

    Returns:
        Items by name, in order.

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

    Args:
        paths: files exported from the pages, or typed; the column ``kind`` may be missing.
        items: what was to be judged, by name.

    Raises:
        RarebeatError: as :func:`rarebeat.audit.verdicts.read_verdicts`.
    """
    return read_verdicts(paths, items, DECISIONS, _DECISION_COLUMNS)


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
    decided = [decision for decision in group if present(decision) is not None]
    wrong = sum(present(decision) != decision.item.opinions["label"] for decision in decided)
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
    return cohen_kappa(
        np.array([[int(present(decision) is True)] for decision in decided]).reshape(-1, 1),
        np.array([[-1 if opinion is None else int(opinion)] for opinion in opinions]).reshape(-1, 1),
        np.array([decision.item.record for decision in decided], dtype=object),
        replicates,
    )


def verdict_table(decisions: Sequence[Decision], replicates: int = 1000) -> str:
    """A Markdown table with a line per reader and class, and below it how far readers agree.

    Args:
        decisions: of all readers.
        replicates: of the bootstrap that gives the intervals of kappa; 0 for none.
    """
    lines = [
        markdown_table([_row(outcome) for outcome in outcomes(decisions, replicates)]) or "No decisions.",
        "",
        "ECGs on which label and model disagree, so that one of them is wrong. Shares with 95 % Wilson intervals, "
        "kappas with 95 % bootstrap intervals [ECGs]. They hold for the ECGs judged, which were chosen for "
        "disagreement.",
    ]
    lines += [agreement_line(pair, "ECGs") for pair in reader_agreement(decisions, DECISIONS)]
    return "\n".join(lines)


def _row(outcome: Outcome) -> Row:
    return {
        "Reader": outcome.reader,
        "Class": f"**{ALL}**" if outcome.class_id == ALL else outcome.class_id,
        "Decided": outcome.judged,
        CANNOT_SAY.capitalize(): outcome.cannot_say,
        "Label wrong": outcome.label_wrong,
        "Model wrong": outcome.judged - outcome.label_wrong,
        "Share of wrong labels": interval_text(*outcome.share) if outcome.share else None,
        **{f"Kappa with {side}": kappa_cell(outcome.kappas[side], 0) for side in SIDES},
    }


def verdict_content(decisions: Sequence[Decision], replicates: int = 1000) -> dict[str, Any]:
    """The same for a program, with every decision against the label.

    Args:
        decisions: of all readers.
        replicates: of the bootstrap that gives the intervals of kappa; 0 for none.
    """
    return {
        "outcomes": [_outcome_content(outcome) for outcome in outcomes(decisions, replicates)],
        "agreement": reader_agreement(decisions, DECISIONS),
        "wrong_labels": [
            {
                "item": decision.item.name,
                "class": decision.item.class_id,
                "record": decision.item.record,
                "reader": decision.reader,
                "note": decision.note,
            }
            for decision in decisions
            if present(decision) is not None and present(decision) != decision.item.opinions["label"]
        ],
    }


def _outcome_content(outcome: Outcome) -> dict[str, Any]:
    share, low, high = outcome.share or (None, None, None)
    ends = {"share": share, "low": low, "high": high}
    return {
        "reader": outcome.reader,
        "class": outcome.class_id,
        "decided": outcome.judged,
        "cannot_say": outcome.cannot_say,
        "label_wrong": outcome.label_wrong,
        "model_wrong": outcome.judged - outcome.label_wrong,
        **{name: None if value is None else tidy(value) for name, value in ends.items()},
        "kappa": {side: kappa_content(outcome.kappas[side], 0) for side in SIDES},
    }
