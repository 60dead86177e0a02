"""One record of the simulated clinic from its index: events, truth, signal and report."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rarebeat.core.records import Signal
from rarebeat.simulator.patients.patients import Patient, Visit, visit_at
from rarebeat.simulator.patients.streams import stream
from rarebeat.simulator.reports.findings import USUAL, Findings, Report, Style
from rarebeat.simulator.reports.report import uses_held_out, write_report
from rarebeat.simulator.rhythm import atrial, av_blocks, ventricular
from rarebeat.simulator.rhythm.clocks import Breathing, Rng
from rarebeat.simulator.rhythm.episode import Episode
from rarebeat.simulator.rhythm.events import Rhythm
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import classes_of, ventricular_beats, ventricular_rate
from rarebeat.simulator.waveform.anatomy import Anatomy, draw_anatomy
from rarebeat.simulator.waveform.grid import Grid
from rarebeat.simulator.waveform.leads import patient_matrix, place_electrodes, twelve_leads
from rarebeat.simulator.waveform.noise import draw_levels, fast_noise, slow_noise
from rarebeat.simulator.waveform.recorder import ARMS, Recorder, draw_recorder, record
from rarebeat.simulator.waveform.render import Heart, render
from rarebeat.simulator.waveform.vectors import Array

_MECHANISMS: dict[str, Callable[[Episode], Rhythm]] = {
    "sinus": atrial.sinus,
    "sinus_bradycardia": atrial.sinus,
    "sinus_tachycardia": atrial.sinus,
    "fibrillation": atrial.fibrillation,
    "flutter": atrial.flutter,
    "ectopic_atrial": atrial.ectopic_atrial,
    "reentrant_tachycardia": atrial.reentry,
    "nodal_reentry": atrial.reentry,
    "atrial_tachycardia": atrial.atrial_tachycardia,
    "junctional": av_blocks.junctional,
    "wenckebach": av_blocks.wenckebach,
    "advanced_block": av_blocks.advanced_block,
    "complete_block": av_blocks.complete_block,
    "ventricular_tachycardia": ventricular.tachycardia,
    "idioventricular": ventricular.idioventricular,
    "paced": ventricular.paced,
}
"""A function for each of :data:`rarebeat.simulator.patients.priors.MECHANISMS`."""

_WIDE = ("ventricular_tachycardia", "idioventricular_rhythm", "paced_rhythm", "left_bundle_branch_block")


@dataclass(frozen=True)
class Recording:
    """What happens during a recording, before anybody looks at it.

    Attributes:
        visit: who comes, and when.
        rhythm: all events.
        breathing: respiration.
        truth: the classes that it shows.
        recorder: the machine, and how it is connected.
    """

    visit: Visit
    rhythm: Rhythm
    breathing: Breathing
    truth: frozenset[str]
    recorder: Recorder


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
    """Make one record of a cohort.

    Args:
        index: of the record, from 0.
        settings: of the cohort.

    Returns:
        Signal, report and truth; they depend on the arguments alone.

    Example:
        >>> simulate(0, SimulatorSettings(seconds=5.0)).signal.shape
        (12, 2500)
    """
    return next(simulate_many([index], settings))


def simulate_many(indices: Sequence[int], settings: SimulatorSettings) -> Iterator[Simulated]:
    """Make records of a cohort, in less time than one by one: NumPy is called for all of them at once.

    Args:
        indices: of the records.
        settings: of the cohort.

    Yields:
        What :func:`simulate` returns for each, to the byte.
    """
    recordings = [recording_at(index, settings) for index in indices]
    reports = [report_of(index, one, settings) for index, one in zip(indices, recordings, strict=True)]
    signals = signals_of(indices, recordings, settings)
    for signal, report, recording in zip(signals, reports, recordings, strict=True):
        yield Simulated(signal, report, recording)


@lru_cache(maxsize=128)  # the report of the next visit asks for it again
def recording_at(index: int, settings: SimulatorSettings) -> Recording:
    """Play the events of one record; no signal is made.

    Args:
        index: of the record, from 0.
        settings: of the cohort.

    Returns:
        Events, and the classes that they truly show.
    """
    prior = settings.prior
    visit = visit_at(settings.seed, index, prior)
    rng = stream(settings.seed, "rhythm", index)
    breathing = Breathing(rng.uniform(0.17, 0.33), rng.uniform(0, 2 * np.pi))
    rhythm = play(Episode(rng, visit, prior, breathing, settings.seconds))
    truth = classes_of(rhythm, visit.patient.conduction, settings.seconds)
    return Recording(visit, rhythm, breathing, truth, draw_recorder(rng))


def play(episode: Episode) -> Rhythm:
    """Play the events of one recording under the mechanism of its visit.

    Args:
        episode: the recording: patient, priors, respiration, length and source of randomness.

    Returns:
        Atrial and ventricular events, from before the start to after the end.
    """
    return _MECHANISMS[episode.visit.mechanism](episode)


def signal_of(index: int, recording: Recording, settings: SimulatorSettings) -> Signal:
    """Record the events of one record with twelve leads.

    Args:
        index: of the record.
        recording: its events.
        settings: of the cohort.

    Returns:
        int16 (12, samples), microvolts.
    """
    return next(signals_of([index], [recording], settings))


def signals_of(
    indices: Sequence[int], recordings: Sequence[Recording], settings: SimulatorSettings
) -> Iterator[Signal]:
    """Record the events of records with twelve leads each.

    Args:
        indices: of the records.
        recordings: their events.
        settings: of the cohort.

    Yields:
        int16 (12, samples), microvolts, for each; it depends on nothing of the others.
    """
    grid = Grid(round(settings.seconds * settings.rate), settings.rate)
    rngs = [stream(settings.seed, "placement", index) for index in indices]
    hearts = [_heart(one, rng, settings.seed) for one, rng in zip(recordings, rngs, strict=True)]
    drawings = render(hearts, [one.rhythm for one in recordings], rngs, grid)
    for index, recording, drawing in zip(indices, recordings, drawings, strict=True):
        rng = stream(settings.seed, "noise", index)
        levels = draw_levels(rng)
        slow = drawing.slow + slow_noise(rng, levels, recording.breathing, grid)
        signal = record(
            recording.recorder, slow, drawing.fast, drawing.placed, fast_noise(rng, levels, grid), grid
        )
        yield twelve_leads(signal)


def _heart(recording: Recording, rng: Rng, seed: int) -> Heart:
    patient = recording.visit.patient
    anatomy = _anatomy(recording, seed)
    return Heart(
        seed,
        patient.number,
        anatomy,
        place_electrodes(rng, _matrix_of(patient.number, seed)),
        patient.qtc + anatomy.vectors.qt,
        recording.breathing,
        swing=float(rng.uniform(0.01, 0.07)),
        depth=rng.normal(-0.02, 0.025, 8),
    )


def report_of(index: int, recording: Recording, settings: SimulatorSettings, style: Style = USUAL) -> Report:
    """Write the report of one record, with the patient's earlier recording at hand.

    Args:
        index: of the record.
        recording: its events.
        settings: of the cohort; ``label_noise`` is the share of wrong reports.
        style: how reports are written.

    Returns:
        The text, and what its writer meant by it.
    """
    previous = None
    if recording.visit.number:
        previous = _findings(recording_at(index - 1, settings), settings, ())
    rng = stream(settings.seed, "report", index)
    held_out = uses_held_out(settings.seed, recording.visit.patient.number, style)
    findings = _findings(recording, settings, _background(recording, settings.seed))
    return write_report(rng, findings, previous, settings.label_noise, style, held_out)


def _findings(recording: Recording, settings: SimulatorSettings, background: tuple[str, ...]) -> Findings:
    beats = ventricular_beats(recording.rhythm, settings.seconds)
    return Findings(
        classes=recording.truth,
        variant=recording.rhythm.variant,
        rate=ventricular_rate(recording.rhythm, settings.seconds),
        ectopic=sum(beat.premature or beat.origin == "pvc" for beat in beats),
        background=background,
        conditions=recording.visit.patient.conditions,
        time=recording.visit.time,
    )


def _anatomy(recording: Recording, seed: int) -> Anatomy:
    return _heart_of(recording.visit.patient, recording.visit.age, seed)


@lru_cache(maxsize=128)  # the signal, the report and the comparison with the visit before ask for the same
def _heart_of(patient: Patient, age: float, seed: int) -> Anatomy:
    rng = stream(seed, "anatomy", patient.number)
    return draw_anatomy(rng, patient.conduction, age, patient.sex, patient.conditions)


@lru_cache(maxsize=128)  # the next visit asks for it again
def _matrix_of(number: int, seed: int) -> Array:
    return patient_matrix(stream(seed, "torso", number))


def _background(recording: Recording, seed: int) -> tuple[str, ...]:
    """Statements on what is none of the classes; not made where the ventricles are activated abnormally."""
    if recording.truth & set(_WIDE):
        return ()
    anatomy = _anatomy(recording, seed)
    axis, findings = anatomy.axis, anatomy.findings
    qtc = recording.visit.patient.qtc + anatomy.vectors.qt
    statements = [
        ("left anterior fascicular block", "left_anterior_fascicle" in findings),
        ("left posterior fascicular block", "left_posterior_fascicle" in findings),
        ("left axis deviation", axis < -30 and "left_anterior_fascicle" not in findings),
        ("rightward axis", axis > 95 and "left_posterior_fascicle" not in findings),
        ("incomplete right bundle branch block", anatomy.conduction in ("incomplete right", "late right")),
        ("nonspecific intraventricular conduction delay", anatomy.conduction == "delayed"),
        ("low voltage QRS", "low_voltage" in findings),
        ("nonspecific T wave abnormality", bool(findings & {"flat_t", "inverted_t"})),
        ("early repolarization", "early_repolarization" in findings),
        ("cannot rule out anterior infarct, age undetermined", "poor_r_progression" in findings),
        ("ventricular preexcitation", "preexcitation" in findings and anatomy.conduction == "normal"),
        ("prolonged QT", qtc > 0.46),
        ("suspect arm lead reversal", recording.recorder.limbs == ARMS),
    ]
    return tuple(text for text, present in statements if present)


def record_name(index: int) -> str:
    """The id of a record in its cohort."""
    return f"sim-{index:06d}"
