"""Mutated arrays, HDF5 files and ZIP archives: no crash, no hang, and nothing changed that something contradicts."""

from pathlib import Path

import pytest
from tests.fuzz.array_archives import array_archives
from tests.fuzz.run import FAULTS, run, summed_up

COUNT, SEED = 30, 1

BARE = ("arrays of NumPy", "arrays in CSV")
"""Layouts that hold no checksum: most damage of the samples nobody could tell."""


@pytest.mark.parametrize("layout", list(array_archives()))
def test_no_mutated_array_ends_in_a_crash_or_changes_silently(
    layout: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    count = request.config.getoption("--fuzz-count", default=None) or COUNT
    seed = request.config.getoption("--fuzz-seed", default=None) or SEED
    cases = list(run(array_archives()[layout], layout, count, seed, tmp_path / "place"))
    print(summed_up(layout, cases))
    faults = [case for case in cases if case.outcome in FAULTS]
    assert not faults, "\n".join(map(str, faults))
    told = sum(case.outcome in ("quarantined", "refused") for case in cases)
    assert told > len(cases) / (10 if layout in BARE else 4)
