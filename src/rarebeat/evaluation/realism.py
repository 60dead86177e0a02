"""What gives simulated ECGs away? Features of sinus rhythm beside real ones, and a classifier that tells them apart.

Only the real records that experiments may tune on are read (folds 1 to 6 of PTB-XL, four fifths of the others), of
cohorts whose amplitude is calibrated. Measured are rate, regularity, QRS width and axis, amplitudes of R, S, T and ST
in eight leads, power in four bands, and how far the leads are from having rank 3.

Two comparisons. Like with like: sinus rhythm at 60 to 100 beats per minute and none of the other classes, and for each
real record three simulated ones of the same sex and about the same age. As labelled: all that is called sinus rhythm,
whatever else it shows, of any age; readers call 55 beats per minute sinus rhythm, the simulator's truth does not.
The page has percentiles of both kinds, and the AUROC of gradient boosting (five folds, patients kept together): 0.5
means that nothing gives the simulation away. Gradient boosting is scikit-learn's, which the development tools bring.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.signal import welch

from rarebeat.core.parquet import read_table
from rarebeat.core.record_files import iterate_rows
from rarebeat.core.records import LEADS, Signal
from rarebeat.core.signals import resample
from rarebeat.core.tables import markdown_table
from rarebeat.measure.beat import BEFORE, median_beat, qrs_bounds
from rarebeat.measure.measuring import measure
from rarebeat.measure.qrs import RATE, find_beats
from rarebeat.simulator.clinic import recording_at, signal_of
from rarebeat.simulator.settings import SimulatorSettings

SINUS = {"sinus_rhythm", "sinus_bradycardia", "sinus_tachycardia", "sinus_arrhythmia"}
RATES = (60, 100)  # beats per minute of the comparison of like with like
EACH = 3  # simulated records for each real one
AGES = 8  # years by which they may differ
FOLDS = 6  # of PTB-XL that experiments may tune on
MEASURED_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
BANDS = {"0.5-5 Hz": (0.5, 5), "5-15 Hz": (5, 15), "15-40 Hz": (15, 40), "40-100 Hz": (40, 100)}
# Samples at 250 Hz: before the onset, after the end, and the window of the T wave after the end.
_PR, _J, _T = 15, 10, (15, 90)

Features = dict[str, float]


@dataclass(frozen=True)
class Measured:
    """One record: whose it is, what it is called, and its features."""

    patient: str
    age: float | None
    sex: str | None
    classes: frozenset[str]
    features: Features


def features(signal: Signal, rate: float) -> Features | None:
    """The features of one calibrated recording; None where its beats cannot be measured."""
    measured = measure(signal, rate)
    values = resample(signal, rate, RATE) / 1000  # millivolts
    beat = median_beat(values, find_beats(values))
    bounds = qrs_bounds(beat) if beat is not None else None
    if beat is None or bounds is None or measured.variation is None or measured.axis is None:
        return None
    found: Features = {
        "rate": measured.rate or math.nan,
        "RR variation": measured.variation,
        "QRS ms": measured.qrs or math.nan,
        "axis": measured.axis,
    }
    return found | _amplitudes(beat, bounds) | _spectrum(values) | {"rank": _beyond_rank_3(values)}


def _amplitudes(beat: npt.NDArray[np.float64], bounds: tuple[int, int]) -> Features:
    """R, S, ST and T in millivolts, from the level before the QRS complex."""
    start, end = bounds
    level = beat[:, max(0, start - _PR) : start].mean(axis=1, keepdims=True)
    beat = beat - level
    found = {}
    for lead in MEASURED_LEADS:
        row = beat[LEADS.index(lead)]
        t_wave = row[end + _T[0] : min(end + _T[1], BEFORE + 70)]
        found[f"R {lead}"] = float(row[start:end].max())
        found[f"S {lead}"] = float(row[start:end].min())
        found[f"ST {lead}"] = float(row[min(end + _J, len(row) - 1)])
        found[f"T {lead}"] = float(t_wave[np.argmax(np.abs(t_wave))]) if len(t_wave) else math.nan
    return found


def _spectrum(values: npt.NDArray[np.float64]) -> Features:
    """Decibels of the median power of the leads in each band, relative to a square millivolt."""
    frequency, density = welch(values, RATE, nperseg=1024)
    found = {}
    for name, (low, high) in BANDS.items():
        inside = (frequency >= low) & (frequency < high)
        power = np.median(density[:, inside].sum(axis=1)) * frequency[1]
        found[name] = 10 * math.log10(max(float(power), 1e-12))
    return found


def _beyond_rank_3(values: npt.NDArray[np.float64]) -> float:
    """Share of the power of the eight independent leads that three dipole axes cannot explain, in decibels."""
    rows = values[[LEADS.index(lead) for lead in MEASURED_LEADS]]
    rows = rows - np.median(rows, axis=1, keepdims=True)
    power = np.linalg.svd(rows, compute_uv=False) ** 2
    return 10 * math.log10(max(float(power[3:].sum() / power.sum()), 1e-12))


def real_records(records: Path, labels: Path, origin: str) -> Iterator[Measured]:
    """Every record of a cohort with a sinus mechanism that experiments may tune on."""
    table = {row.pop("record_id"): row for row in read_table(labels / f"{origin}.parquet").to_pylist()}
    columns = ["record_id", "patient_id", "age", "sex", "fold", "rate", "calibrated", "signal"]
    for row in iterate_rows(records, columns):
        classes = frozenset(name for name, state in table.get(row["record_id"], {}).items() if state == 1)
        if classes & SINUS and row["calibrated"] and _may_be_tuned_on(row):
            found = features(row["signal"], row["rate"])
            if found:
                yield Measured(row["patient_id"] or row["record_id"], row["age"], row["sex"], classes, found)


def _may_be_tuned_on(row: dict[str, Any]) -> bool:
    if row["fold"] is not None:
        return bool(row["fold"] <= FOLDS)
    return int(hashlib.sha1(row["record_id"].encode()).hexdigest(), 16) % 5 != 0


def simulated_records(settings: SimulatorSettings) -> Iterator[Measured]:
    """Every record of a simulated clinic with a sinus mechanism, by what it truly shows."""
    for index in range(settings.records):
        recording = recording_at(index, settings)
        if recording.truth & SINUS:
            found = features(signal_of(index, recording, settings), settings.rate)
            if found:
                patient = recording.visit.patient
                age = recording.visit.age
                yield Measured(f"simulated {patient.number}", age, patient.sex, recording.truth, found)


def plain(records: Sequence[Measured]) -> list[Measured]:
    """Sinus rhythm and nothing else, at the rates of the comparison, from patients of known age and sex."""
    low, high = RATES
    return [
        one
        for one in records
        if one.classes <= SINUS and low <= one.features["rate"] <= high and one.age is not None and one.sex
    ]


def matched(real: Sequence[Measured], made: Sequence[Measured]) -> tuple[list[Measured], list[Measured]]:
    """Both kinds with equal sexes and ages: each real record gets simulated ones, each of which is used once."""
    left, taken = list(made), []
    for one in [*real] * EACH:
        if not left:
            break
        apart = [_years_apart(one, other) for other in left]
        nearest = int(np.argmin(apart))
        if apart[nearest] <= AGES:
            taken.append(left.pop(nearest))
    return list(real), taken


def _years_apart(one: Measured, other: Measured) -> float:
    if one.age is None or other.age is None or one.sex != other.sex:
        return math.inf
    return abs(other.age - one.age)


def groups(names: Sequence[str]) -> dict[str, list[str]]:
    """What is compared together."""
    bedside = [name for name in names if name not in (*BANDS, "rank")]
    found = {"**what a cardiologist measures**": bedside, "**everything**": list(names)}
    found |= {"rate, RR variation": ["rate", "RR variation"], "QRS width, axis": ["QRS ms", "axis"]}
    for wave in ("R", "S", "ST", "T"):
        found[f"{wave} in eight leads"] = [name for name in names if name.startswith(f"{wave} ")]
    return found | {"power in four bands": list(BANDS), "distance from rank 3": ["rank"]}


def auroc(real: Sequence[Measured], made: Sequence[Measured], names: Sequence[str]) -> float:
    """How well gradient boosting tells simulated from real, on records of patients that it did not learn from."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    matrix = np.array([[one.features[name] for name in names] for one in [*real, *made]])
    simulated = np.repeat([0, 1], [len(real), len(made)])
    patients = [one.patient for one in [*real, *made]]
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    model = HistGradientBoostingClassifier(class_weight="balanced", random_state=0)
    chance = cross_val_predict(model, matrix, simulated, groups=patients, cv=folds, method="predict_proba")
    return float(roc_auc_score(simulated, chance[:, 1]))


def page(real: Sequence[Measured], made: Sequence[Measured]) -> str:
    """AUROC of both comparisons, percentiles of the first."""
    names = list(real[0].features)
    alike = matched(plain(real), plain(made))
    labelled = [[one for one in kind if "sinus_rhythm" in one.classes] for kind in (real, made)]
    scores = [
        {
            "told apart by": group,
            "like with like": f"{auroc(*alike, members):.2f}",
            "as labelled": f"{auroc(labelled[0], labelled[1], members):.2f}",
        }
        for group, members in groups(names).items()
    ]
    percentiles = [
        {"feature": name, "real 5 / 50 / 95 %": _percentiles(alike[0], name)}
        | {"simulated 5 / 50 / 95 %": _percentiles(alike[1], name)}
        for name in names
    ]
    counts = [len(kind) for kind in (*alike, *labelled)]
    return PAGE.format(*counts, scores=markdown_table(scores), percentiles=markdown_table(percentiles))


def _percentiles(records: Sequence[Measured], name: str) -> str:
    found = np.nanpercentile([one.features[name] for one in records], [5, 50, 95])
    return " / ".join(f"{value:.2f}" for value in found)


PAGE = """# Simulated beside real sinus rhythm

How well does gradient boosting tell simulated from real sinus rhythm? AUROC on patients that it did not learn from;
0.50 would mean that nothing gives the simulation away. The real records are those of PTB-XL and the PhysioNet/CinC
Challenges that experiments may tune on, **a small sample**; the simulator was tuned on them.

*Like with like*: sinus rhythm at 60 to 100 beats per minute and no other class, {} real records and {} simulated
ones of the same sexes and ages. *As labelled*: all that is called sinus rhythm, whatever else it shows, {} real
records and {} simulated ones.

{scores}

## Like with like

Amplitudes in millivolts, power in decibels.

{percentiles}
"""
