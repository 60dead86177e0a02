"""The thresholds of a site: a model folder beside the one that was trained, which no stage of the pipeline replaces."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rarebeat.core.errors import ParamsError, RarebeatError, did_you_mean
from rarebeat.core.files import read_csv
from rarebeat.inference.model_folder import (
    card_digest,
    check_place,
    load_detector,
    load_model,
    save_model,
)


def write_site_model(model: Path, out: Path, thresholds: Mapping[str, float]) -> None:
    """Write a model folder with other thresholds; weights, classes and preprocessing stay.

    Args:
        model: folder of the model; it is only read.
        out: folder to write.
        thresholds: class id to threshold, 0 to 1; classes that are not named keep theirs.

    Raises:
        ParamsError: for a class that the model does not have, a threshold that cannot be, or ``out`` being ``model``.
        RarebeatError: when the model cannot be read, or the folder cannot be written.
    """
    if out.resolve() == model.resolve():
        raise ParamsError(f"{out} is the model itself, which the next training replaces: name another folder")
    check_place(out)
    module, card = load_model(model)
    faults = [
        f"the model has no class {name!r}{did_you_mean(name, card.classes)}"
        for name in thresholds
        if name not in card.classes
    ]
    faults += [
        f"the threshold of {name} must be between 0 and 1, found {value}"
        for name, value in thresholds.items()
        if not 0 <= value <= 1
    ]
    if faults:
        raise ParamsError("\n".join(faults))
    notes = dict(card.training) | {
        "site": {"from_model": card_digest(model), "thresholds": sorted(thresholds)}
    }
    changed = replace(card, thresholds=dict(card.thresholds) | dict(thresholds), training=notes)
    save_model(out, module, changed, load_detector(model))


def read_thresholds(path: Path | None, pairs: Sequence[str]) -> dict[str, float]:
    """Read thresholds from a table and from the command line, of which the latter wins.

    Args:
        path: CSV with the columns ``class`` and ``threshold``.
        pairs: ``class=threshold`` each.

    Raises:
        ParamsError: for something that is no number, or when nothing is said.
        RarebeatError: when the table cannot be read.

    Example:
        >>> read_thresholds(None, ["avnrt=0.2"])
        {'avnrt': 0.2}
    """
    said = []
    if path is not None:
        rows = read_csv(path, ("class", "threshold"))
        said += [(f"{path}, line {line}", row["class"], row["threshold"]) for line, row in rows]
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ParamsError(f"--set takes class=threshold, found {pair!r}")
        said.append((f"--set {pair}", name, value))
    if not said:
        raise RarebeatError("no threshold was told: give --set class=threshold, or a table with --csv")
    return {name: _number(where, value) for where, name, value in said}


def _number(where: str, value: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise ParamsError(f"{where}: {value!r} is no threshold") from error
