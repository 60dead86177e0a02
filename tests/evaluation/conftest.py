"""Random truth and probabilities, with ties, masks and rare classes."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

Case = tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]


@pytest.fixture(scope="session")
def make_case() -> Callable[..., Case]:
    """Make truth with a tenth masked, and probabilities on so many levels (few levels: many ties)."""

    def make(seed: int, records: int = 200, classes: int = 4, levels: int = 20) -> Case:
        rng = np.random.default_rng([seed])
        truth = (rng.random((records, classes)) < np.linspace(0.1, 0.5, classes)).astype(np.int8)
        score = np.clip(rng.normal(0.35 + 0.2 * truth, 0.2), 0, 1)
        truth[rng.random(truth.shape) < 0.1] = -1
        return truth, (np.round(score * levels) / levels).astype(np.float32)

    return make
