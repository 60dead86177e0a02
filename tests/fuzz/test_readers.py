"""Mutated files of every kind of archive: refused, counted, or nobody could have told.

A short run on simulated ECGs by default; `make fuzz` runs longer, and on real recordings where it is told where they
are.
"""

from pathlib import Path

import pytest
from tests.fuzz.archives import KINDS, real_archives, simulated_archives
from tests.fuzz.run import FAULTS, run, summed_up

COUNT, SEED = 40, 1


@pytest.mark.parametrize("kind", KINDS)
def test_no_mutated_file_changes_a_record_that_something_contradicts(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    count, seed, ecg, muse, formats = (
        request.config.getoption(f"--fuzz-{name}", default=None)
        for name in ("count", "seed", "ecg", "muse", "formats")
    )
    if formats and kind not in formats.split():
        pytest.skip("not among the formats that were asked for")
    key = tmp_path / "key"
    makers = real_archives(ecg, muse, key) if ecg and muse else simulated_archives(key)
    cases = list(
        run(
            makers[kind],
            kind,
            COUNT if count is None else count,
            SEED if seed is None else seed,
            tmp_path / "place",
        )
    )
    print(summed_up(kind, cases))
    faults = [case for case in cases if case.outcome in FAULTS]
    assert not faults, "\n".join(map(str, faults))
    # The archives are sound (run makes sure) and the mutations bite: else nothing would be tested.
    assert len(cases) == (COUNT if count is None else count)
    assert sum(case.outcome in ("quarantined", "refused") for case in cases) > len(cases) / 4
