"""Mutated files of every kind of archive: refused, counted, or nobody could have told."""

from pathlib import Path

import pytest
from tests.fuzz.archives import KINDS, simulated_archives
from tests.fuzz.run import FAULTS, run

COUNT = 40


@pytest.mark.parametrize("kind", KINDS)
def test_no_mutated_file_changes_a_record_that_something_contradicts(kind: str, tmp_path: Path) -> None:
    make = simulated_archives(tmp_path / "key")[kind]
    cases = list(run(make, kind, COUNT, seed=1, place=tmp_path / "place"))
    faults = [case for case in cases if case.outcome in FAULTS]
    assert not faults, "\n".join(map(str, faults))
    # The archives are sound (run makes sure) and the mutations bite: else nothing would be tested.
    assert len(cases) == COUNT
    assert sum(case.outcome in ("quarantined", "refused") for case in cases) > COUNT / 4
