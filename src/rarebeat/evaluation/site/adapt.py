"""Fitting a model to a site by what needs few labelled records: an offset of each logit, thresholds, calibration.

Elsewhere a class is more or less common, and the network is more or less sure of it. Both move its log odds by about
one number, which tens of records tell. Offsets of an earlier adaptation are replaced, not added to, so that records
count once. Calibration and conformal limits (:mod:`rarebeat.metrics.certainty`) are fitted to the same records, near
those of the training, which the card keeps, and do not depend on the offsets. The weights stay as they are. What the
offsets are worth is measured on patients that they were not fitted to (see :mod:`rarebeat.evaluation.site.worth`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit

from rarebeat.core.errors import RarebeatError, did_you_mean
from rarebeat.evaluation.csv_tables import ClassTable, read_truth, some
from rarebeat.evaluation.site.recordings import Scored, Source, check_single, score_site
from rarebeat.evaluation.site.worth import ClassChange, change_table, class_changes
from rarebeat.inference.model_card import ModelCard
from rarebeat.inference.model_folder import card_digest, check_place, load_model, save_adapted
from rarebeat.metrics.arrays import FloatArray, Probability, Truth
from rarebeat.metrics.bagged_thresholds import bagged_thresholds
from rarebeat.metrics.certainty import Certainty, CertaintySettings, fit_certainty
from rarebeat.metrics.offsets import fit_offsets, without_offsets
from rarebeat.models.layers import heads_of

FEW = 10
"""Patients with a positive record below which a class is warned about."""


@dataclass(frozen=True)
class Adaptation:
    """How a model was adapted to a site.

    Attributes:
        changes: of the classes, in their order.
        records: labelled records that it was fitted to.
        patients: of how many patients; a record whose patient is not known counts as one.
        unknown: records whose patient is not known.
        warnings: what a person must know.
        lost: the same of single records; they are named, so that the model's card does not hold it.
    """

    changes: tuple[ClassChange, ...]
    records: int
    patients: int
    unknown: int
    warnings: tuple[str, ...]
    lost: tuple[str, ...] = ()


def adapt_model(model: Path, source: Source, labels: Path, out: Path) -> Adaptation:
    """Fit offsets and thresholds of a model to the labelled records of a site, and write a new model folder.

    Args:
        model: model folder; it stays as it is.
        source: where the recordings are. Only those with labels are read.
        labels: CSV with a record id, then one column per class; 0, 1 or empty (unknown).
        out: model folder to write; its weights are the same file.

    Returns:
        What was changed, and what that is worth.

    Raises:
        ParamsError: as :func:`rarebeat.evaluation.site.recordings.read_site`.
        RarebeatError: for an ensemble, labels that cannot be used or name a record or a class twice, or a folder that
            cannot be written.
    """
    check_single(model)
    if model.resolve() == out.resolve():
        raise RarebeatError(f"{out} is the model to adapt: name a new folder")
    check_place(out)
    module, card = load_model(model)
    table = read_truth(labels)
    columns, warnings = _columns(table, card)
    table = _labelled(table, columns)
    scored = score_site(module, card, source, frozenset(table.records))
    truth = _truth(table, columns, scored, card)
    earlier = np.array([card.offsets.get(name, 0.0) for name in card.classes])
    plain = without_offsets(scored.probability, earlier)
    labelled = (truth >= 0).any(axis=0)
    total = np.where(labelled, fit_offsets(truth, plain), earlier)  # without labels a class stays as it was
    heads_of(module).shift(torch.from_numpy(total))
    moved = score_site(module, card, source, frozenset(table.records)).probability
    thresholds = _thresholds(truth, moved, scored.patients, total - earlier, card)
    changes = class_changes(truth, scored, plain, total - earlier, thresholds, card)
    certainty = _certainty(truth, scored, card)
    adaptation = Adaptation(
        changes=changes,
        records=len(truth),
        patients=len(set(scored.patients.tolist())),
        unknown=scored.unknown,
        warnings=(*warnings, *_warnings(changes), *_never_no(certainty, changes), *_counted_twice(card)),
        lost=tuple(_missing(table, scored)),
    )
    adapted = _adapted_card(card, total.tolist(), card_digest(model), adaptation)
    save_adapted(out, model, replace(adapted, certainty=certainty, trained_certainty=_of_training(card)))
    return adaptation


def _columns(table: ClassTable, card: ModelCard) -> tuple[dict[str, int], list[str]]:
    """Class id to the column of its labels, and warnings about columns that are of no class of the model."""
    by_code = {code: name for name, code in card.codes.items()}
    columns, strange = dict[str, int](), list[str]()
    for place, title in enumerate(table.classes):
        name = title if title in card.classes else by_code.get(title)
        if name is None:
            strange.append(
                f"the model has no class {title!r}: its labels are not used"
                + did_you_mean(title, card.classes)
            )
        elif name in columns:
            raise RarebeatError(
                f"{table.path}: the columns {table.classes[columns[name]]} and {title} are of one class: give it once"
            )
        else:
            columns[name] = place
    if not columns:
        raise RarebeatError(f"{table.path} labels no class of the model: {'; '.join(strange)}")
    return columns, strange


def _labelled(table: ClassTable, columns: Mapping[str, int]) -> ClassTable:
    """The rows that label a class of the model: a record of which nothing is known is none to fit to."""
    rows = np.flatnonzero(~np.isnan(table.values[:, list(columns.values())]).all(axis=1))
    if not rows.size:
        raise RarebeatError(f"{table.path} labels no record: there is no 0 and no 1 in {', '.join(columns)}")
    records = tuple(table.records[row] for row in rows.tolist())
    return replace(table, records=records, values=table.values[rows])


def _truth(table: ClassTable, columns: Mapping[str, int], scored: Scored, card: ModelCard) -> Truth:
    """Shape (n, classes): 1, 0, or -1 for unknown."""
    rows = {record: row for row, record in enumerate(table.records)}
    truth = np.full((len(scored.names), len(card.classes)), -1, dtype=np.int8)
    chosen = [rows[name] for name in scored.names]
    for place, name in enumerate(card.classes):
        if name in columns:
            values = table.values[chosen, columns[name]]
            truth[:, place] = np.where(np.isnan(values), -1, values)
    return truth


def _missing(table: ClassTable, scored: Scored) -> list[str]:
    found = {*scored.names, *(one.name for one in scored.refused)}
    lost = [record for record in table.records if record not in found]
    warnings = [f"{len(lost)} labelled records were not found: {some(lost)}"] if lost else []
    return warnings + [f"{one.name} cannot be used: {one.reason}" for one in scored.refused]


def _thresholds(
    truth: Truth,
    probability: Probability,
    patients: npt.NDArray[np.object_],
    offsets: FloatArray,
    card: ModelCard,
) -> FloatArray:
    """New thresholds; a class that has no positives or no negatives keeps its decisions."""
    chosen = bagged_thresholds(truth, probability, patients)
    for k, name in enumerate(card.classes):
        if not ((truth[:, k] == 1).any() and (truth[:, k] == 0).any()):
            chosen[k] = moved_threshold(card.thresholds[name], float(offsets[k]))
    return chosen


def _certainty(truth: Truth, scored: Scored, card: ModelCard) -> Certainty | None:
    """Calibration and limits of the site; a model without any stays without, and a class without labels as it was."""
    stored, trained = card.certainty, _of_training(card)
    if stored is None or trained is None:
        return None
    labelled = {name for place, name in enumerate(card.classes) if (truth[:, place] >= 0).any()}
    near = {name: one for name, one in trained.classes.items() if name in labelled}
    kept = {name: one for name, one in stored.classes.items() if name not in labelled}
    settings = CertaintySettings(min_positives=FEW, coverage=stored.coverage)
    earlier = Certainty(stored.coverage, near | kept)
    return fit_certainty(
        truth, scored.probability, scored.patients, card.classes, settings, card.offsets, earlier
    )


def _of_training(card: ModelCard) -> Certainty | None:
    """What was stored before any adaptation, as far as the card tells: a map near it counts records once."""
    return card.certainty if card.trained_certainty is None else card.trained_certainty


def _counted_twice(card: ModelCard) -> list[str]:
    if not card.adapted or card.certainty is None or card.trained_certainty is not None:
        return []
    return [
        "the model was adapted by an earlier version, which did not keep the calibration of the training: records that "
        "it was fitted to then count twice in `calibrated`; adapt the model that it came from instead"
    ]


def _never_no(certainty: Certainty | None, changes: tuple[ClassChange, ...]) -> list[str]:
    """Say which of the labelled classes are never certain at the site."""
    labelled = {one.name for one in changes if one.positives + one.negatives}
    stored = {} if certainty is None else certainty.classes
    warnings = []
    for limit, word, people in (("no_below", "no", "with"), ("yes_above", "yes", "without")):
        names = [name for name, one in stored.items() if name in labelled and getattr(one, limit) is None]
        if names:
            warnings.append(f'too few patients {people} the class for a certain "{word}": {", ".join(names)}')
    return warnings


def moved_threshold(threshold: float, offset: float) -> float:
    """The threshold that decides as before, once an offset is added to the logit.

    Args:
        threshold: of the probability before.
        offset: what is added to the logit.

    Returns:
        The threshold of the probability after it; 0 (always) and 1 or more (never) stay.

    Example:
        >>> round(moved_threshold(0.5, -2.0), 3), moved_threshold(0.0, -2.0)
        (0.119, 0.0)
    """
    if not 0 < threshold < 1 or not offset:
        return threshold
    return float(expit(np.log(threshold / (1 - threshold)) + offset))


def _warnings(changes: tuple[ClassChange, ...]) -> list[str]:
    unlabelled = [one.name for one in changes if not one.positives + one.negatives]
    few = [
        f"{one.name} ({one.positive_patients})"
        for one in changes
        if one.positive_patients < FEW and one.positives + one.negatives
    ]
    warnings = []
    if few:
        warnings.append(
            f"fewer than {FEW} patients with a positive record: {', '.join(few)}; offsets and thresholds of these "
            "classes may be far off, and do not trust their intervals"
        )
    if unlabelled:
        warnings.append(f"no labels, so that nothing was changed: {', '.join(unlabelled)}")
    return warnings


def _adapted_card(card: ModelCard, offsets: list[float], digest: str, adaptation: Adaptation) -> ModelCard:
    changes = adaptation.changes
    return replace(
        card,
        thresholds={one.name: one.threshold for one in changes},
        offsets=dict(zip(card.classes, offsets, strict=True)),
        adapted={
            "from": digest,
            "records": adaptation.records,
            "patients": adaptation.patients,
            "records_without_patient": adaptation.unknown,
            "positives": {one.name: one.positives for one in changes},
            "negatives": {one.name: one.negatives for one in changes},
            "warnings": list(adaptation.warnings),
        },
    )


def format_adaptation(adaptation: Adaptation) -> str:
    """The table for a person: calibration of each labelled class before and after."""
    people = f"{adaptation.records} labelled records of {adaptation.patients} patients"
    if adaptation.unknown:
        people += f" ({adaptation.unknown} records whose patient is not known count as one each)"
    about = (
        f"{people}. Mean probability less share of positives, and the Brier score, with 95 % intervals over patients; "
        f"'after' is measured on patients that the offset was not fitted to."
    )
    return "\n\n".join(
        [
            about,
            change_table(adaptation.changes),
            *(f"warning: {text}" for text in (*adaptation.warnings, *adaptation.lost)),
        ]
    )
