"""The YAML side file of arrays: rate, unit, lead order and columns, which no array tells by itself.

A side file ``arrays.yaml`` in the folder of an archive holds, for example::

    files: "ecgs/*.npy"
    rate: 500
    unit: mV
    leads: [I, II, III, aVR, aVL, aVF, V1, V2, V3, V4, V5, V6]
    axes: [sample, lead]

What differs for one file stands in a side file of its own: ``ecgs/0017.yaml`` beside ``ecgs/0017.npy``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field
from pydantic.dataclasses import dataclass

from rarebeat.core.errors import MissingSourceError, ParamsError
from rarebeat.core.params import STRICT, parse
from rarebeat.core.yaml_text import load_yaml

NAME = "arrays.yaml"
"""The side file of a whole folder, unless the options name another."""

HELP = (
    f"Kind arrays reads NPY, NPZ, CSV and Parquet files by a side file {NAME} in the folder, which says what the "
    "numbers are, such as\n  rate: 500\n  unit: mV\n  leads: [I, II, III, aVR, aVL, aVF, V1, V2, V3, V4, V5, V6]\n  "
    "axes: [sample, lead]"
)

Axis = Literal["record", "lead", "sample"]


@dataclass(frozen=True, config=STRICT)
class SideFile:
    """What the numbers of arrays are.

    Attributes:
        rate: samples per second.
        unit: mV, uV, nV or V.
        leads: the leads in the order in which they are stored. A table with a header needs none where its columns are
            named like leads.
        files: which files of the folder are read, as a pattern; the endings ``.npy``, ``.npz``, ``.csv`` and
            ``.parquet`` are taken.
        axes: what each axis of an array is, such as [sample, lead], or [record, sample, lead] for many ECGs in one
            array. May be left out of arrays with two axes, of which one alone is as long as there are leads.
        columns: of tables: which column holds which lead, such as {I: lead_1}.
        gain: steps per unit: 200 with unit mV for steps of 5 microvolts.
        baseline: the step at zero.
        missing: a number that stands for a missing sample.
        delimiter: between the cells of a CSV.
        decimal: the decimal point of a CSV.
        header: whether the first line of a CSV names its columns.
    """

    rate: Annotated[float, Field(gt=0)]
    unit: str
    leads: tuple[str, ...] | None = None
    files: str = "**/*"
    axes: tuple[Axis, ...] | None = None
    columns: dict[str, str] | None = None
    gain: Annotated[float, Field(gt=0)] = 1.0
    baseline: float = 0.0
    missing: float | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    decimal: Literal[".", ","] = "."
    header: bool = True


def read_side_file(root: Path, name: str | None = None) -> dict[str, Any]:
    """Read the side file of a folder.

    Args:
        root: the folder.
        name: of the side file, relative to the folder; None takes :data:`NAME`.

    Returns:
        What it says, checked.

    Raises:
        MissingSourceError: when it is not there; the message shows one.
        ParamsError: when it is not YAML, lacks what is needed or has a key that there is not.
    """
    path = root / (name or NAME)
    if not path.is_file():
        raise MissingSourceError(f"there is no side file {path}. {HELP}")
    said = _mapping(path)
    settings_of(said, str(path))
    return said


def settings_of(said: Mapping[str, Any], where: str) -> SideFile:
    """Check what side files say.

    Args:
        said: from :func:`read_side_file` and :func:`own_side_file`, the latter over the former.
        where: the file, for messages.

    Returns:
        The settings.

    Raises:
        ParamsError: naming every key that is wrong, and the nearest one that there is.

    Example:
        >>> settings_of({"rate": 500, "unit": "mV", "axes": ["sample", "lead"]}, "arrays.yaml").axes
        ('sample', 'lead')
    """
    settings = parse(SideFile, dict(said), where)
    if settings.axes and (
        len(set(settings.axes)) < len(settings.axes) or not {"lead", "sample"} <= {*settings.axes}
    ):
        raise ParamsError(
            f"{where}: axes must name lead and sample, and at most record beside them, each once"
        )
    return settings


def own_side_file(path: Path) -> dict[str, Any]:
    """Read what differs for one file.

    Args:
        path: of the array; its own side file has the same name and ends in ``.yaml``.

    Returns:
        What that says; nothing where there is none.

    Raises:
        ParamsError: when it is not YAML.
    """
    own = path.with_suffix(".yaml")
    return _mapping(own) if own.name != NAME and own.is_file() else {}


def _mapping(path: Path) -> dict[str, Any]:
    try:
        said = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ParamsError(f"cannot read {path}: {error}") from error
    if not isinstance(said, dict):
        raise ParamsError(f"{path} must be a mapping such as `rate: 500`, found {type(said).__name__}")
    return {str(key): value for key, value in said.items()}
