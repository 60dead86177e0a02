"""What a mechanism produces: when atria and ventricles fire, and from where."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

AtrialFocus = Literal["sinus", "premature", "low", "left", "retrograde"]
VentricularFocus = Literal["his", "aberrant", "focus-a", "focus-b", "escape", "pacemaker", "biventricular"]
Origin = Literal["conducted", "junction", "pvc", "ventricle", "pacemaker"]


@dataclass(frozen=True, slots=True)
class Atrial:
    """One atrial depolarisation, the source of a P wave.

    Attributes:
        time: onset of the P wave, seconds from the start of the recording.
        focus: where it starts, hence the direction of its P wave.
        paced: a pacing spike precedes it.
    """

    time: float
    focus: AtrialFocus = "sinus"
    paced: bool = False


@dataclass(frozen=True, slots=True)
class Ventricular:
    """One ventricular depolarisation, the source of QRS and T.

    Attributes:
        time: onset of the QRS, seconds from the start of the recording.
        origin: what fired it.
        focus: which wave form it has.
        pr: interval from the onset of the P wave that it answers, seconds; None where it answers none.
        premature: it answers a premature atrial complex.
        share: how much of the ventricles ``focus`` activates; the rest is activated through the His bundle.
            Below 1 the beat is a fusion of the two.
    """

    time: float
    origin: Origin = "conducted"
    focus: VentricularFocus = "his"
    pr: float | None = None
    premature: bool = False
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class AtrialWaves:
    """Continuous atrial activity instead of P waves.

    Attributes:
        kind: fibrillatory (f) or flutter (F) waves.
        frequency: waves per second.
        phase: cycles at time zero.
        reverse: flutter that runs clockwise: positive in the inferior leads.
    """

    kind: Literal["fibrillation", "flutter"]
    frequency: float
    phase: float = 0.0
    reverse: bool = False


@dataclass(frozen=True)
class Rhythm:
    """All events of a recording, from a little before its start to a little after its end.

    Attributes:
        mechanism: a key of :data:`rarebeat.simulator.patients.priors.MECHANISMS`.
        variant: which form of it, such as ``"2:1"`` or ``"ventricular escape"``; empty if there is only one.
        atrial: atrial events in order of time.
        ventricular: ventricular events in order of time.
        waves: f or F waves, if any.
        strain: ST depression in millivolts, as fast reentry causes it.
    """

    mechanism: str
    variant: str
    atrial: Sequence[Atrial]
    ventricular: Sequence[Ventricular]
    waves: AtrialWaves | None = None
    strain: float = 0.0
