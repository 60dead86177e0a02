"""What a measurement says of a class: present, absent, or nothing.

Where :mod:`rarebeat.labels.signal_checks` asks whether a positive label is implausible, a rule takes the limit that
defines the class, and also answers where there is no label. Some rules define their class: an axis of -40 degrees is a
left axis deviation. Others are a condition without which the class cannot be: a narrow QRS complex is no bundle branch
block, and a wide one may be something else; a regular rhythm is no atrial fibrillation, and an irregular one may be
ectopy. Close to its limit a rule says nothing, for the measurement has an error.

There is no rule on P waves, PR or QT, which are not measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal

from rarebeat.measure.measurements import Measurements

Measurement = Literal["rate", "entropy", "qrs", "axis", "limb_voltage", "chest_voltage"]

MARGINS: Mapping[Measurement, float] = {
    "rate": 2,
    "entropy": 0.25,
    "qrs": 8,
    "axis": 5,
    "limb_voltage": 0.05,
    "chest_voltage": 0.05,
}
"""How close to a limit nothing is said, in the unit of the measurement; of QRS two samples."""

_AMPLITUDES: tuple[Measurement, ...] = ("limb_voltage", "chest_voltage")

_WORDS: Mapping[Measurement, tuple[str, str]] = {
    "rate": ("ventricular rate", " per minute"),
    "entropy": ("entropy of the RR intervals", ""),
    "qrs": ("QRS complex", " ms"),
    "axis": ("QRS axis", "°"),
    "limb_voltage": ("tallest QRS complex of the limb leads", " mV"),
    "chest_voltage": ("tallest QRS complex of the chest leads", " mV"),
}


@dataclass(frozen=True, slots=True)
class Range:
    """A range of a measurement, in its unit."""

    measurement: Measurement
    low: float = -inf
    high: float = inf

    def holds(self, measurements: Measurements) -> bool | None:
        """Whether the measurement lies in the range; None where it is close to an end or was not made.

        An axis is close to -180° where it is close to 180°, for that is one direction.
        """
        value = getattr(measurements, self.measurement)
        margin = MARGINS[self.measurement]
        if value is None or min(self._distance(value, end) for end in (self.low, self.high)) < margin:
            return None
        return bool(self.low < value < self.high)

    def _distance(self, value: float, end: float) -> float:
        distance = abs(value - end)
        return min(distance, abs(360 - distance)) if self.measurement == "axis" else distance

    def __str__(self) -> str:
        name, unit = _WORDS[self.measurement]
        if self.low == -inf:
            return f"{name} below {self.high:g}{unit}"
        if self.high == inf:
            return f"{name} above {self.low:g}{unit}"
        return f"{name} between {self.low:g} and {self.high:g}{unit}"


@dataclass(frozen=True, slots=True)
class Rule:
    """What the signal says of a class.

    Attributes:
        class_id: the class.
        any_of: one of these ranges holds where the class is present.
        defines: whether the class is present where one of them holds; otherwise it may be, and the rule says nothing.
        source: where the limits come from.
        regular: whether a rhythm that is not irregular is taken for sinus rhythm, as no P wave is looked at; of an
            irregular one it is not said that the class is present.
    """

    class_id: str
    any_of: tuple[Range, ...]
    defines: bool
    source: str
    regular: bool = False

    @property
    def amplitude(self) -> bool:
        """Whether the class is one of how tall the waves are, which is not to be seen in leads of unit variance."""
        return all(part.measurement in _AMPLITUDES for part in self.any_of)

    def verdict(self, measurements: Measurements) -> bool | None:
        """True for present, False for absent, None where the signal does not tell."""
        found = [part.holds(measurements) for part in self.any_of]
        if any(found):
            certain = self.defines and not (self.regular and REGULAR.holds(measurements) is False)
            return True if certain else None
        return None if None in found else False

    def __str__(self) -> str:
        criterion = " or ".join(map(str, self.any_of))
        kind = "defined by" if self.defines else "not without"
        return f"{kind} {criterion}{', taking a regular rhythm for sinus rhythm' if self.regular else ''}"


REGULAR = Range("entropy", high=-1.35)
"""Half-way between sinus rhythm (-2.3) and atrial fibrillation (-0.4), Lake and Moorman 2011."""

_RATES = "conventional limits; Spodick et al., Am J Cardiol 1992;69:1245-1246, discuss them"
_TACHYCARDIA = "Page et al., ACC/AHA/HRS guideline, Circulation 2016;133:e506-e574"
_CONDUCTION = "Surawicz et al., AHA/ACCF/HRS recommendations part III, J Am Coll Cardiol 2009;53:976-981"
_ENTROPY = (
    "half-way between sinus rhythm and fibrillation in Lake and Moorman, Am J Physiol 2011;300:H319-H325"
)
_VOLTAGE = "Minnesota code 9-1"

_FAST = (Range("rate", low=100),)
_SLOW = (Range("rate", high=60),)
_WIDE = (Range("qrs", low=120),)

RULES: Mapping[str, Rule] = {
    rule.class_id: rule
    for rule in (
        Rule("sinus_bradycardia", _SLOW, True, _RATES, regular=True),
        Rule("bradycardia", _SLOW, False, _RATES),
        Rule("sinus_tachycardia", _FAST, True, _TACHYCARDIA, regular=True),
        Rule("supraventricular_tachycardia", _FAST, False, _TACHYCARDIA),
        Rule("avnrt", _FAST, False, _TACHYCARDIA),
        Rule("atrial_tachycardia", _FAST, False, _TACHYCARDIA),
        Rule("atrial_fibrillation", (Range("entropy", low=-1.35),), False, _ENTROPY),
        Rule("left_axis_deviation", (Range("axis", -90, -30),), True, _CONDUCTION),
        Rule("right_axis_deviation", (Range("axis", 90, 180),), True, _CONDUCTION),
        Rule("left_anterior_fascicular_block", (Range("axis", -90, -45),), False, _CONDUCTION),
        Rule("left_bundle_branch_block", _WIDE, False, _CONDUCTION),
        Rule("right_bundle_branch_block", _WIDE, False, _CONDUCTION),
        Rule("incomplete_right_bundle_branch_block", (Range("qrs", high=120),), False, _CONDUCTION),
        Rule(
            "nonspecific_intraventricular_conduction_disorder", (Range("qrs", low=110),), False, _CONDUCTION
        ),
        Rule(
            "low_qrs_voltage",
            (Range("limb_voltage", high=0.5), Range("chest_voltage", high=1.0)),
            True,
            _VOLTAGE,
        ),
    )
}
"""By class, for those of hughes24 and cinc2020 that can be told so."""
