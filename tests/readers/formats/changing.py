"""What tests of formats share: the refusal of a file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.files.ecg import FileEcg


def refusal(read_file: Callable[[Path], FileEcg], path: Path) -> BadRecordError:
    """The error with which a file is refused."""
    with pytest.raises(BadRecordError) as caught:
        read_file(path)
    return caught.value
