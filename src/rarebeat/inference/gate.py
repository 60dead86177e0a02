"""What stands between an ECG and a model: the checks of ingest, whose ECG it is, and how long it is.

Files and served ECGs pass the same gate. Files have passed the checks of :mod:`rarebeat.readers.quality` when they
were read; :func:`trusted_ecg` applies the same checks to bare numbers.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import BadRecordError, ParamsError
from rarebeat.core.records import LEADS, Signal
from rarebeat.core.signals import Int16, Preprocessing, preprocess, resampled_length, stored_length
from rarebeat.dataset.windows import WindowSettings, windows_of
from rarebeat.readers.fields import OLDEST, Person, clean_sex
from rarebeat.readers.quality import NORMALISED, SMALLEST_RANGE, RawLeads, trusted_signal

HIGHEST_AGE = 120.0
"""Years that a person can have at most."""

SHORT = 0.9
"""A recording that fills less than this share of the network's input is answered with a warning."""

LONG = 1.01
"""A recording that is longer than those of the training by more than this factor is judged by windows over all of it.
What is longer by less is cropped as in training: some archives and rates give a few samples more."""

UNCALIBRATED = "the amplitude of this record was normalised away, but the model learned from millivolts"

NO_NUMBER = "the network gave no number for it"
"""The error of an ECG for which a network's arithmetic ended in something that is no number."""


class InputFacts(Protocol):
    """What the gate must know of a model: a :class:`rarebeat.inference.model_folder.ModelCard` says it, for one."""

    @property
    def preprocessing(self) -> Preprocessing:
        """How a recording becomes the network's input."""

    @property
    def window(self) -> WindowSettings:
        """What of a recording the network sees at a time."""

    @property
    def uses_person(self) -> bool:
        """Whether the network uses age and sex."""


@dataclass(frozen=True)
class ModelInput:
    """One ECG as the network sees it.

    Attributes:
        signal: int16, shape (12, samples), as :func:`rarebeat.core.signals.preprocess` returns it.
        length: samples of it that are the recording; the rest is padding.
        warning: why the answer deserves less trust; "" where nothing is to be said.
    """

    signal: Int16
    length: int
    warning: str


def trusted_ecg(ecg: npt.NDArray[Any], rate: float, calibrated: bool = True) -> tuple[Signal, bool]:
    """Turn an ECG in millivolts into the stored signal, or refuse it, as ingest does.

    Args:
        ecg: shape (12, samples), millivolts, leads in the order of :data:`rarebeat.core.records.LEADS`.
        rate: samples per second.
        calibrated: False for an ECG whose amplitude was normalised away; it is in normalised units then.

    Returns:
        The signal, int16 of shape (12, samples), microvolts (or thousandths of the normalised unit), and whether its
        amplitude is calibrated: see :func:`rarebeat.readers.quality.trusted_signal`.

    Raises:
        BadRecordError: for an ECG that cannot be trusted.
    """
    if ecg.ndim != 2 or len(ecg) != len(LEADS) or not ecg.size:
        raise BadRecordError("missing_leads", f"an array of shape {ecg.shape}; expected (12, samples)")
    if ecg.dtype.kind not in "fiu":
        raise BadRecordError("unreadable", f"an array of {ecg.dtype}; expected numbers in millivolts")
    # float32 is multiplied in float32: its product is rounded to whole microvolts again where the ECG had them.
    values = ecg if ecg.dtype == np.float32 else ecg.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # what is infinite is refused below
        microvolts = (values * 1000).astype(np.float64)
        span = float(np.max(np.ptp(microvolts, axis=1)))
    # In steps of a microvolt an ECG in volts would look flat, which is not what is wrong with it.
    if calibrated and 0 < span < SMALLEST_RANGE:
        raise BadRecordError(
            "implausible_amplitude",
            f"no lead spans more than {span / 1000:.4g} mV, expected at least {SMALLEST_RANGE / 1000:g}: "
            "the ECG is probably in volts instead of millivolts",
        )
    unit, gain = ("uV", 1.0) if calibrated else (NORMALISED, 1000.0)
    count = len(LEADS)
    return trusted_signal(RawLeads(microvolts, LEADS, [gain] * count, [0.0] * count, [unit] * count), rate)


def known_age(age: float | None) -> float | None:
    """Check an age that a user told.

    Args:
        age: years, 0 to 120; -1, NaN and None stand for unknown.

    Returns:
        Years, 90 for 90 and over, as in training; None where it is unknown.

    Raises:
        ParamsError: for an age that nobody has.

    Example:
        >>> known_age(63), known_age(104.0), known_age(-1.0)
        (63.0, 90.0, None)
    """
    if age is None or math.isnan(age) or age == -1:
        return None
    if not 0 <= age <= HIGHEST_AGE:
        raise ParamsError(f"age takes 0 to {HIGHEST_AGE:g} years, or -1 where it is unknown, found {age:g}")
    return OLDEST if age > OLDEST - 1 else float(age)


def known_sex(sex: str | None) -> str | None:
    """Check a sex that a user told.

    Args:
        sex: female, male, f or m, in any case; "" and None stand for unknown.

    Returns:
        "female", "male", or None where it is unknown.

    Raises:
        ParamsError: for anything else.

    Example:
        >>> known_sex("M"), known_sex("Female"), known_sex("")
        ('male', 'female', None)
    """
    if sex is None or not sex.strip():
        return None
    known = clean_sex(sex)
    if known is None:
        raise ParamsError(f"sex takes female or male, found {sex!r}")
    return known


def known_person(age: float | None, sex: str | None) -> Person:
    """Check age and sex that a user told, see :func:`known_age` and :func:`known_sex`.

    Raises:
        ParamsError: for an age or a sex that nobody has.
    """
    return Person(known_age(age), known_sex(sex))


def person_warning(person: Person, cards: Iterable[InputFacts]) -> str:
    """What a network that uses age and sex lacks of them; "" where nothing is to be said.

    Args:
        person: what is known.
        cards: of all models that are asked.
    """
    unknown = [name for name, value in person._asdict().items() if value is None]
    if not unknown or not any(card.uses_person for card in cards):
        return ""
    return f"the model uses age and sex, and is not told the {' and the '.join(unknown)}"


def joined(*warnings: str) -> str:
    """All warnings of one answer as one text; "" where there is none."""
    return "; ".join(filter(None, warnings))


def network_input(signal: Signal, rate: float, calibrated: bool, card: InputFacts) -> ModelInput:
    """Bring a signal to the network's rate, and say what makes it unlike those that the network learnt from.

    A recording that is longer than those of the training keeps its length: :func:`input_windows` covers all of it.

    Args:
        signal: int16, shape (12, n), microvolts.
        rate: samples per second.
        calibrated: whether its amplitude is in microvolts indeed.
        card: of the model.

    Raises:
        BadRecordError: when the recording is shorter than one second.
    """
    settings = card.preprocessing
    count = resampled_length(signal.shape[1], rate, settings.rate)
    warnings = [] if calibrated or settings.normalise != "none" else [UNCALIBRATED]
    found = f"{_seconds(signal.shape[1] / rate)} s of signal"
    window = input_windows(card).of(settings.samples)
    if count < SHORT * window:
        warnings.append(
            f"{found}, the model expects {_seconds(window / settings.rate)} s: the rest is padded with zeros"
        )
    if count > LONG * settings.samples:
        windows = len(windows_of(np.array([count]), window).records)
        warnings.append(
            f"{found}, the model expects {_seconds(settings.samples / settings.rate)} s: judged by the "
            f"{card.window.combine} of {windows} windows over all of it"
        )
        settings = replace(settings, samples=count)
    length = stored_length(signal.shape[1], rate, settings)
    return ModelInput(preprocess(signal, rate, settings), length, joined(*warnings))


def input_windows(card: InputFacts) -> WindowSettings:
    """How a model judges recordings of any length: by windows of the size of its input."""
    return replace(card.window, samples=card.window.of(card.preprocessing.samples))


def _seconds(value: float) -> str:
    """Seconds to a millisecond, without needless zeros."""
    return f"{round(value, 3):g}"
