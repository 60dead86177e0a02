"""The rhythm engine: the mechanism of a visit drives the heart for the length of the recording."""

from collections.abc import Callable

from rarebeat.simulator.rhythm import atrial as atrial_rhythms
from rarebeat.simulator.rhythm import av_blocks
from rarebeat.simulator.rhythm import ventricular as ventricular_rhythms
from rarebeat.simulator.rhythm.episode import Setting
from rarebeat.simulator.rhythm.events import Rhythm

_PLAYERS: dict[str, Callable[[Setting], Rhythm]] = {
    "sinus": atrial_rhythms.sinus,
    "sinus_bradycardia": atrial_rhythms.sinus,
    "sinus_tachycardia": atrial_rhythms.sinus,
    "fibrillation": atrial_rhythms.fibrillation,
    "flutter": atrial_rhythms.flutter,
    "ectopic_atrial": atrial_rhythms.ectopic_atrial,
    "reentrant_tachycardia": atrial_rhythms.reentry,
    "nodal_reentry": atrial_rhythms.reentry,
    "atrial_tachycardia": atrial_rhythms.atrial_tachycardia,
    "junctional": av_blocks.junctional,
    "wenckebach": av_blocks.wenckebach,
    "advanced_block": av_blocks.advanced_block,
    "complete_block": av_blocks.complete_block,
    "ventricular_tachycardia": ventricular_rhythms.tachycardia,
    "idioventricular": ventricular_rhythms.idioventricular,
    "paced": ventricular_rhythms.paced,
}
"""One player for each of :data:`rarebeat.simulator.patients.priors.MECHANISMS`."""


def play(setting: Setting) -> Rhythm:
    """The events of a recording under the mechanism of its visit."""
    return _PLAYERS[setting.visit.mechanism](setting)
