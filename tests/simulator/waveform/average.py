"""A heart to compare others with."""

from rarebeat.simulator.waveform import anatomy
from rarebeat.simulator.waveform.anatomy import Anatomy
from rarebeat.simulator.waveform.vectors import Vectors


def average_heart(conduction: str) -> Anatomy:
    """A heart without anything of its own: the typical one at 55, between the sexes."""
    qrs, st, t, _ = anatomy._forces(anatomy._columns([1.0, 0.0, 0.5]))
    vectors = Vectors(qrs, t, st, anatomy._P, 0.0, 0.0, 0.078, 0.104)
    return Anatomy(conduction, frozenset(), vectors, anatomy.SHARES, 1.0, 1.0)
