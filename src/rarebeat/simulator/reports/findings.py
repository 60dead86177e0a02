"""What there is to see, how reports are written, and a report with what its writer meant."""

from dataclasses import dataclass
from datetime import datetime

from rarebeat.simulator.reports.wording import BY_RATE, DEGREES, HELD_OUT, PACING, PHRASES
from rarebeat.simulator.rhythm.clocks import Rng


@dataclass(frozen=True)
class Findings:
    """What there is to see in a recording, and in the patient's chart.

    Attributes:
        classes: the truth.
        variant: form of the mechanism, as in :class:`~rarebeat.simulator.rhythm.events.Rhythm`.
        rate: ventricular rate, beats per minute.
        ectopic: number of premature complexes.
        background: findings outside the classes, as statements.
        conditions: of the patient, see :mod:`rarebeat.simulator.patients.history`.
        time: of the recording; None where no date is known.
    """

    classes: frozenset[str]
    variant: str
    rate: float
    ectopic: int
    background: tuple[str, ...] = ()
    conditions: frozenset[str] = frozenset()
    time: datetime | None = None


@dataclass(frozen=True)
class Report:
    """A report and what its writer meant.

    Attributes:
        text: statements, one per line.
        stated: classes that the writer states.
        hedged: classes that the writer only suspects.
    """

    text: str
    stated: frozenset[str]
    hedged: frozenset[str]


@dataclass(frozen=True)
class Style:
    """How reports are written, as shares from 0 to 1.

    A part of the wordings (:data:`rarebeat.simulator.reports.wording.HELD_OUT`) is kept back: with ``held_out`` at 0
    no report holds any of them. Whoever changes a labeller looks at such reports only, and measures it once
    with ``held_out=1`` on phrases it has never seen. In between it is the share of patients whose readers
    write that way, at every visit.

    Attributes:
        typed: reports that a person typed from the first word to the last.
        typos: words of a typed text with a slip of the finger.
        overread: machine reports that a reader has edited.
        hedged: reports in which the leading rhythm, or a conduction block, is only suspected; some rhythms
            are more often.
        compared: later visits whose report compares with the visit before.
        signed: reports with a signature. All names are invented.
        capitals: reports in capitals.
        held_out: patients whose reports use the wordings that are kept back.
    """

    typed: float = 0.2
    typos: float = 0.01
    overread: float = 0.12
    hedged: float = 0.02
    compared: float = 0.75
    signed: float = 0.5
    capitals: float = 0.04
    held_out: float = 0.0


USUAL = Style()
"""The style of the simulated clinic."""


@dataclass(frozen=True)
class Voice:
    """The one who writes: a machine, or a person who types; with the usual wordings or those kept back."""

    rng: Rng
    typed: bool = False
    held_out: bool = False

    def chance(self, probability: float) -> bool:
        """True with a probability."""
        return bool(self.rng.random() < probability)

    def pick(self, options: tuple[str, ...]) -> str:
        """One of the options."""
        return options[int(self.rng.random() * len(options))]

    def say(self, name: str, variant: str = "") -> str:
        """The words for a class, in the given form of it."""
        if name == "av_block_2nd_degree_advanced":
            wording = DEGREES.get(variant, DEGREES["type II"])
        elif name == "paced_rhythm":
            wording = PACING.get(variant, PACING["ventricular"])
        elif variant in BY_RATE.get(name, ()) and not self.held_out:
            wording = BY_RATE[name][variant]
        else:
            wording = (HELD_OUT if self.held_out else PHRASES)[name]
        return self.pick(wording[self.typed])
