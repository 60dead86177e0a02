"""What the user decides about evaluation: the group ``evaluate`` of the params file."""

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from rarebeat.core.params import STRICT


@dataclass(frozen=True, config=STRICT)
class EvaluateSettings:
    """Settings of the evaluation.

    Attributes:
        replicates: bootstrap replicates over patients; 0 leaves the intervals out.
        confidence: of the intervals.
        seed: of the bootstrap.
    """

    replicates: Annotated[int, Field(ge=0)] = 1000
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    seed: Annotated[int, Field(ge=0)] = 0
