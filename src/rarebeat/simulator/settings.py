"""What a user can set about the simulated clinic."""

from dataclasses import field, replace
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from rarebeat.core.params import STRICT, Seed
from rarebeat.simulator.patients.priors import PRESETS, Prior


@dataclass(frozen=True, config=STRICT)
class SimulatorSettings:
    """Options of a cohort of kind ``simulated``.

    Attributes:
        records: number of ECGs. More of them add to a cohort and change none of those that it has.
        seed: same seed, same bytes; record ``index`` depends on the seed and the index only.
        rate: samples per second.
        seconds: length of a recording.
        label_noise: share of reports in which one statement is wrong or missing.
        preset: how common each rhythm is: ``clinic`` (a hospital's mix, rare ones rare), ``balanced``, or
            ``hughes`` (the class counts of the paper's re-sampled data; 41,522 records are its full size).
        unspecific_delay: share of patients with an unspecific intraventricular conduction delay (QRS of 100 to 130 ms
            without the pattern of a bundle branch block), which no preset has; about 0.03 in hospitals.
        late_right: share of patients with another incomplete right bundle branch block than those of the presets (3 %):
            its late forces come sooner, point to the right and upwards and hardly to the front, and fade slowly, as
            in most records of PTB-XL that are read so.
    """

    records: Annotated[int, Field(ge=1, le=10_000_000)] = 6000
    seed: Seed = 0
    rate: Annotated[float, Field(ge=100, le=2000)] = 500.0
    seconds: Annotated[float, Field(ge=5, le=60)] = 10.0
    label_noise: Annotated[float, Field(ge=0, le=1)] = 0.02
    preset: Literal["clinic", "balanced", "hughes"] = field(default="clinic")
    unspecific_delay: Annotated[float, Field(ge=0, le=0.3)] = 0.0
    late_right: Annotated[float, Field(ge=0, le=0.3)] = 0.0

    @property
    def prior(self) -> Prior:
        """How common everything is."""
        return replace(
            PRESETS[self.preset], unspecific_delay=self.unspecific_delay, late_right=self.late_right
        )
