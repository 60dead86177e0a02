"""A new delivery held against the contract of a cohort: what changed, in words."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scipy.special import ndtr
from scipy.stats import hypergeom

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import read_json
from rarebeat.readers.contract.observed import COMMON, least_frequent

SHARE = 0.05
DEVIATIONS = 3.0
DEVIATIONS_OF_MANY = 4.0
"""A share has changed when it differs by more than SHARE, and by more than chance makes it as seldom as a normal
deviate is so many standard deviations away: more of codes and labels, of which there are many, so that one of them is
far off sooner by chance."""

FACTOR = 1.3
"""An amplitude or a length has changed when its median differs by more than this factor."""

YEARS = 10.0
"""Ages have changed when their median differs by more than this."""

_ROUNDED = 1e-4  # to which shares are stored
_CUT = "cut at its ends"  # told where there are such recordings
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
        *_codes(contract, delivery),
        *_labels(contract, delivery),
    ]


def _new_and_gone(contract: Mapping[str, Any], delivery: Mapping[str, Any]) -> Iterator[str]:
    records = contract["records"], delivery["records"]
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
            if value not in after and _is_gone(before[value] / contract["records"], records)
        )
    systems, found = contract["code_systems"], delivery["code_systems"]
    yield from (
        f"codes: of the system {value!r}, of which there were none" for value in found if value not in systems
    )
    gone = [value for value, share in systems.items() if value not in found and _is_gone(share, records)]
    yield from (f"codes: none of the system {value!r} any more" for value in gone)


def _is_gone(share: float, records: Sequence[float]) -> bool:
    """Whether a habit of the cohort is missing in a delivery that is large enough to show it."""
    return share >= COMMON and _differs((share, 0.0), records, DEVIATIONS)


def _medians(contract: Mapping[str, Any], delivery: Mapping[str, Any]) -> Iterator[str]:
    for key, name, unit in (("seconds", "length", "s"), ("amplitude", "amplitude", "microvolts")):
        before, after = contract[key].get("median"), delivery[key].get("median")
        unlike = before and after and not 1 / FACTOR <= after / before <= FACTOR
        if unlike and abs(after - before) > _chance(key, contract, delivery):
            yield f"{name}: a median of {after:g} {unit}, before {before:g}"
    before, after = contract["ages"].get("median"), delivery["ages"].get("median")
    told = before is not None and after is not None
    if told and abs(after - before) > max(YEARS, _chance("ages", contract, delivery)):
        yield f"age: a median of {after:g} years, before {before:g}"
    old, new = contract["steps"], delivery["steps"]
    if old and new and next(iter(new)) not in old:
        yield f"gain: steps of {next(iter(new))} microvolts, before of {', '.join(old)}"


def _chance(key: str, contract: Mapping[str, Any], delivery: Mapping[str, Any]) -> float:
    """How far two medians may be apart by chance: DEVIATIONS standard errors, with the spread from percentiles (of a
    normal distribution the 5th and the 95th are 3.29 standard deviations apart, and a median has 1.25 times the
    standard error of a mean). It is the larger spread of the two: one record has none, and two seldom have theirs."""
    both = contract, delivery
    spread = float(max(entry[key]["p95"] - entry[key]["p5"] for entry in both)) / 3.29
    return DEVIATIONS * 1.25 * spread * math.sqrt(sum(1 / _known(key, entry) for entry in both))


def _known(key: str, contract: Mapping[str, Any]) -> float:
    """Of how many recordings a median or a share is."""
    records, shares = contract["records"], contract["shares"]
    if key == "quarantined":
        return float(records / max(1 - shares[key], _ROUNDED))
    missing = {"ages": "age missing", "female": "sex missing", "amplitude": "not calibrated"}.get(key)
    return float(max(records * (1 - shares[missing]), 1)) if missing else float(records)


def _shares(contract: Mapping[str, Any], delivery: Mapping[str, Any]) -> Iterator[str]:
    both = contract, delivery
    before, after = ({_CUT: 0.0} | entry["shares"] for entry in both)
    for name, share in before.items():
        counts = [_known(name, entry) for entry in both]
        if name in after and _differs((share, after[name]), counts, DEVIATIONS):
            yield f"{name}: {after[name]:.1%} of the recordings, before {share:.1%}"


def _codes(contract: Mapping[str, Any], delivery: Mapping[str, Any]) -> Iterator[str]:
    """Codes that became frequent or rare, of systems that both have."""
    before, after = contract.get("codes"), delivery.get("codes")
    if before is None or after is None:  # of an earlier version
        return
    records = contract["records"], delivery["records"]
    for code in before | after:
        if not {*contract["code_systems"]} & {*delivery["code_systems"]} & {code.partition(":")[0]}:
            continue
        old, new = before.get(code), after.get(code)
        # A share that is not stored is below what is: it may have been as near to the other one as that.
        shares = (
            min(new or 0.0, least_frequent(records[0]) / records[0]) if old is None else old,
            min(old or 0.0, least_frequent(records[1]) / records[1]) if new is None else new,
        )
        if _differs(shares, records, DEVIATIONS_OF_MANY):
            yield f"code {code}: {_said(after, code)} of the recordings, before {_said(before, code)}"


def _said(shares: Mapping[str, float], code: str) -> str:
    return f"{shares[code]:.1%}" if code in shares else "few"


def _labels(contract: Mapping[str, Any], delivery: Mapping[str, Any]) -> Iterator[str]:
    """Ready-made labels that are known more or less often than before, or positive more or less often."""
    before, after = contract.get("labels", {}), delivery.get("labels", {})
    records = contract["records"], delivery["records"]
    nothing = {"known": 0.0, "positive": 0.0}
    for name in before | after:
        old, new = before.get(name, nothing), after.get(name, nothing)
        known = old["known"], new["known"]
        if _differs(known, records, DEVIATIONS_OF_MANY):
            yield f"label {name}: known of {new['known']:.1%} of the recordings, before {old['known']:.1%}"
        labelled = [share * count for share, count in zip(known, records, strict=True)]
        if all(labelled) and _differs((old["positive"], new["positive"]), labelled, DEVIATIONS_OF_MANY):
            yield f"label {name}: positive in {new['positive']:.1%} of them, before {old['positive']:.1%}"


def _differs(shares: tuple[float, float], counts: Sequence[float], deviations: float) -> bool:
    """Whether two shares differ by more than SHARE and by more than chance could explain, by Fisher's exact test: a
    single record can be anything that one in some hundreds is."""
    if abs(shares[1] - shares[0]) <= SHARE:
        return False
    (old, new), (hits, found) = (
        map(round, counts),
        (round(share * count) for share, count in zip(shares, counts, strict=True)),
    )
    everything = old + new, hits + found, new
    tail = min(hypergeom.cdf(found, *everything), hypergeom.sf(found - 1, *everything))
    return bool(tail < ndtr(-deviations))
