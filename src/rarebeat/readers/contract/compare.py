"""A new delivery held against the contract of a cohort: what changed, in words."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import read_json

COMMON = 0.05
"""A value that this share of the records had is missed when it is gone."""

SHARE = 0.05
DEVIATIONS = 3.0
"""A share has changed when it differs by more than SHARE and by more than so many standard errors of the difference."""

FACTOR = 1.3
"""An amplitude or a length has changed when its median differs by more than this factor."""

YEARS = 10.0
"""Ages have changed when their median differs by more than this."""

_PLAIN = {"units": "unit", "rates": "rate", "leads": "leads", "filters": "filters"}


def read_contract(folder: Path) -> dict[str, Any]:
    """Read the contract of a cohort.

    Args:
        folder: written by ingest.

    Returns:
        As :func:`rarebeat.readers.contract.observed.contract_of` made it.

    Raises:
        RarebeatError: when there is none: the folder is no cohort, or was written by an earlier version.
    """
    path = folder / "summary.json"
    if not path.is_file():
        raise RarebeatError(
            f"there is no cohort in {folder}: expected {path.name}, written by `rarebeat ingest`"
        )
    summary = read_json(path)
    if not isinstance(summary, dict) or not isinstance(summary.get("contract"), dict):
        raise RarebeatError(
            f"{path} holds no contract: it was written by an earlier version; ingest the cohort again"
        )
    return dict(summary["contract"])


def changes(contract: Mapping[str, Any], delivery: Mapping[str, Any]) -> list[str]:
    """Say what changed from a cohort to a new delivery.

    Args:
        contract: of the cohort.
        delivery: the contract of the delivery alone.

    Returns:
        A line for each change; none where the delivery is as the cohort was.
    """
    return [
        *_new_and_gone(contract, delivery),
        *_medians(contract, delivery),
        *_shares(contract, delivery),
    ]


def _new_and_gone(contract: Mapping[str, Any], delivery: Mapping[str, Any]) -> Iterator[str]:
    for key, name in _PLAIN.items():
        before, after = contract[key], delivery[key]
        yield from (
            f"{name}: {value!r} in {after[value]} of {delivery['records']} recordings, in none before"
            for value in after
            if value not in before
        )
        yield from (
            f"{name}: {value!r} in none, before in {before[value]} of {contract['records']} recordings"
            for value in before
            if value not in after and before[value] >= COMMON * contract["records"]
        )
    systems, found = contract["code_systems"], delivery["code_systems"]
    yield from (
        f"codes: of the system {value!r}, of which there were none" for value in found if value not in systems
    )
    gone = [value for value, share in systems.items() if value not in found and share >= COMMON]
    yield from (f"codes: none of the system {value!r} any more" for value in gone)


def _medians(contract: Mapping[str, Any], delivery: Mapping[str, Any]) -> Iterator[str]:
    for key, name, unit in (("seconds", "length", "s"), ("amplitude", "amplitude", "microvolts")):
        before, after = contract[key].get("median"), delivery[key].get("median")
        if before and after and not 1 / FACTOR <= after / before <= FACTOR:
            yield f"{name}: a median of {after:g} {unit}, before {before:g}"
    before, after = contract["ages"].get("median"), delivery["ages"].get("median")
    if before is not None and after is not None and abs(after - before) > YEARS:
        yield f"age: a median of {after:g} years, before {before:g}"
    old, new = contract["steps"], delivery["steps"]
    if old and new and next(iter(new)) not in old:
        yield f"gain: steps of {next(iter(new))} microvolts, before of {', '.join(old)}"


def _shares(contract: Mapping[str, Any], delivery: Mapping[str, Any]) -> Iterator[str]:
    for name, before in contract["shares"].items():
        after = delivery["shares"].get(name, before)
        pooled = (before * contract["records"] + after * delivery["records"]) / (
            contract["records"] + delivery["records"]
        )
        error = math.sqrt(pooled * (1 - pooled) * (1 / contract["records"] + 1 / delivery["records"]))
        if abs(after - before) > max(SHARE, DEVIATIONS * error):
            yield f"{name}: {after:.1%} of the recordings, before {before:.1%}"
