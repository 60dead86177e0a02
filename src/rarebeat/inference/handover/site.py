"""The thresholds of a site: a model folder beside the one that was trained, which no stage of the pipeline replaces."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from rarebeat.core.errors import ParamsError, RarebeatError, did_you_mean
from rarebeat.core.files import atomic, read_csv
from rarebeat.core.yaml_text import load_yaml
from rarebeat.inference.model_folder import CARD, FILES, card_digest, check_place, read_card, sign_model


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
    card, origin = read_card(model), card_digest(model)
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
    with atomic(out) as temporary:
        temporary.mkdir()
        for (
            name
        ) in FILES:  # as they are, to the byte; what else lies there (model.onnx) may tell the old thresholds
            if (model / name).is_file():
                shutil.copyfile(model / name, temporary / name)
        content = load_yaml((temporary / CARD).read_text(encoding="utf-8"))
        content["thresholds"].update(thresholds)
        content["training"]["site"] = {"from_model": origin, "thresholds": sorted(thresholds)}
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        (temporary / CARD).write_text(text, encoding="utf-8")
        sign_model(temporary)


def read_thresholds(path: Path | None, pairs: Sequence[str]) -> dict[str, float]:
    """Read thresholds from a table and from the command line, of which the latter wins.

    Args:
        path: CSV with the columns ``class`` and ``threshold``.
        pairs: ``class=threshold`` each.

    Raises:
        ParamsError: for something that is no number, and for two thresholds of a class in the table or in ``pairs``.
        RarebeatError: when the table cannot be read, or when nothing is said.

    Example:
        >>> read_thresholds(None, ["avnrt=0.2"])
        {'avnrt': 0.2}
    """
    rows = [] if path is None else read_csv(path, ("class", "threshold"))
    in_table = [(f"{path}, line {line}", row["class"], row["threshold"]) for line, row in rows]
    on_line = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ParamsError(f"--set takes class=threshold, found {pair!r}")
        on_line.append((f"--set {pair}", name, value))
    for told in (in_table, on_line):
        _check_once(told)
    if not (said := in_table + on_line):
        raise RarebeatError("no threshold was told: give --set class=threshold, or a table with --csv")
    return {name: _number(where, value) for where, name, value in said}


def _check_once(told: Sequence[tuple[str, str, str]]) -> None:
    seen = set[str]()
    for where, name, _ in told:
        if name in seen:
            raise ParamsError(f"{where}: the threshold of {name} was told before")
        seen.add(name)


def _number(where: str, value: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise ParamsError(f"{where}: {value!r} is no threshold") from error
