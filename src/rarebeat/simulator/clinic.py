"""One record of the simulated clinic from its index: events, truth, signal and report."""

from dataclasses import dataclass

import numpy as np

from rarebeat.records import Signal
from rarebeat.simulator.beats import Anatomy, draw_anatomy
from rarebeat.simulator.clocks import Breathing
from rarebeat.simulator.events import Rhythm
from rarebeat.simulator.leads import patient_matrix, place_electrodes, twelve_leads
from rarebeat.simulator.noise import noise
from rarebeat.simulator.patients import Visit, stream, visit_at
from rarebeat.simulator.priors import PRESETS
from rarebeat.simulator.render import Heart, render
from rarebeat.simulator.report import Findings, Report, write_report
from rarebeat.simulator.rhythm import play
from rarebeat.simulator.setting import Setting
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import classes_of, ventricular_beats, ventricular_rate

_WIDE = ("ventricular_tachycardia", "idioventricular_rhythm", "paced_rhythm", "left_bundle_branch_block")


@dataclass(frozen=True)
class Recording:
    """What happens during a recording, before anybody looks at it.

    Attributes:
        visit: who comes, and when.
        rhythm: all events.
        breathing: respiration.
        truth: the classes that it shows.
    """

    visit: Visit
    rhythm: Rhythm
    breathing: Breathing
    truth: frozenset[str]


@dataclass(frozen=True)
class Simulated:
    """One simulated ECG: what ingest may see, and what only a test may.

    Attributes:
        signal: int16 (12, samples), microvolts.
        report: text, and what its writer meant by it.
        recording: events and truth.
    """

    signal: Signal
    report: Report
    recording: Recording


def simulate(index: int, settings: SimulatorSettings) -> Simulated:
    """Record ``index`` of a cohort; depends on the settings and the index only."""
    recording = recording_at(index, settings)
    return Simulated(signal_of(index, recording, settings), report_of(index, recording, settings), recording)


def recording_at(index: int, settings: SimulatorSettings) -> Recording:
    """The events of record ``index`` and what they truly show."""
    prior = PRESETS[settings.preset]
    visit = visit_at(settings.seed, index, prior)
    rng = stream(settings.seed, "rhythm", index)
    breathing = Breathing(rng.uniform(0.17, 0.33), rng.uniform(0, 2 * np.pi))
    rhythm = play(Setting(rng, visit, prior, breathing, settings.seconds))
    truth = classes_of(rhythm, visit.patient.conduction, settings.seconds)
    return Recording(visit, rhythm, breathing, truth)


def signal_of(index: int, recording: Recording, settings: SimulatorSettings) -> Signal:
    """What twelve leads record of it: int16 (12, samples), microvolts."""
    patient = recording.visit.patient
    matrix = patient_matrix(stream(settings.seed, "torso", patient.number))
    rng = stream(settings.seed, "placement", index)
    heart = Heart(
        settings.seed,
        patient.number,
        _anatomy(recording, settings.seed),
        place_electrodes(rng, matrix),
        patient.qtc,
        recording.breathing,
        swing=float(rng.uniform(0.01, 0.07)),
    )
    drawn = render(heart, recording.rhythm, rng, settings.rate, settings.seconds)
    disturbance = noise(
        stream(settings.seed, "noise", index), drawn.shape[1], settings.rate, recording.breathing
    )
    return twelve_leads(drawn + disturbance)


def report_of(index: int, recording: Recording, settings: SimulatorSettings) -> Report:
    """What a reader writes about it, with the patient's earlier recording at hand."""
    previous = None
    if recording.visit.number:
        previous = _findings(recording_at(index - 1, settings), settings)
    rng = stream(settings.seed, "report", index)
    return write_report(rng, _findings(recording, settings), previous, settings.label_noise)


def _findings(recording: Recording, settings: SimulatorSettings) -> Findings:
    beats = ventricular_beats(recording.rhythm, settings.seconds)
    return Findings(
        classes=recording.truth,
        variant=recording.rhythm.variant,
        rate=ventricular_rate(recording.rhythm, settings.seconds),
        ectopic=sum(beat.premature or beat.origin == "pvc" for beat in beats),
        background=_background(recording, _anatomy(recording, settings.seed)),
        months=recording.visit.months,
    )


def _anatomy(recording: Recording, seed: int) -> Anatomy:
    patient = recording.visit.patient
    return draw_anatomy(
        stream(seed, "anatomy", patient.number), patient.conduction, recording.visit.age, patient.sex
    )


def _background(recording: Recording, anatomy: Anatomy) -> tuple[str, ...]:
    """Statements on what is none of the classes; not made where the ventricles are activated abnormally."""
    if recording.truth & set(_WIDE):
        return ()
    axis = anatomy.axis
    statements = [
        ("left axis deviation", axis < -30),
        ("rightward axis", axis > 95),
        ("incomplete right bundle branch block", anatomy.conduction == "incomplete right"),
        ("low voltage QRS", anatomy.qrs < 0.55),
        ("voltage criteria for left ventricular hypertrophy", anatomy.qrs > 1.65),
        ("nonspecific T wave abnormality", anatomy.inverted or anatomy.t < 0.4),
        ("prolonged QT", recording.visit.patient.qtc > 0.452),
        ("cannot rule out anterior infarct, age undetermined", anatomy.horizontal < -0.5),
    ]
    return tuple(text for text, present in statements if present)
