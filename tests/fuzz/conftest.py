"""Options of the long run: `make fuzz FORMATS="scp edf" COUNT=1000 SEED=3 ECG=/path/to/ecg MUSE=/path/to/xml`."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("fuzz", "mutated files")
    group.addoption("--fuzz-count", type=int, help="mutated files per kind of archive")
    group.addoption(
        "--fuzz-formats", default="", help="kinds of archive, with blanks between; all without it"
    )
    group.addoption("--fuzz-seed", type=int, help="same seed, same files")
    group.addoption("--fuzz-ecg", type=Path, help="folder with ptb-xl, challenge, ludb and ptb-xl-filtered")
    group.addoption("--fuzz-muse", type=Path, help="folder of MUSE XML files; both: real recordings")
