"""Measurements of a cohort on disk."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.core.record_files import write_part
from rarebeat.core.records import Record
from rarebeat.measure.cohort import measure_cohort
from rarebeat.measure.measurements import Extent
from rarebeat.measure.measuring import measure

Draw = Callable[..., npt.NDArray[np.int16]]


@pytest.fixture(scope="module")
def cohort(draw: Draw, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Record]]:
    """80 records in two parts; their rates tell them apart."""
    folder = tmp_path_factory.mktemp("cohort")
    records = [
        Record(f"r{n}", draw(np.arange(0.3, 3.9, 60 / (60 + n / 2)), seconds=4, rate=250), 250.0, "made-up")
        for n in range(80)
    ]
    write_part(folder / "part-00000.parquet", "made_up", records[:50])
    write_part(folder / "part-00001.parquet", "made_up", records[50:])
    return folder, records


def test_every_record_is_measured_in_order(cohort: tuple[Path, list[Record]]) -> None:
    folder, records = cohort
    expected = [(record.record_id, measure(record.signal, record.rate)) for record in records]
    assert list(measure_cohort(folder, workers=1)) == expected
    assert list(measure_cohort(folder)) == expected


def test_each_record_is_measured_as_far_as_is_asked(cohort: tuple[Path, list[Record]]) -> None:
    folder, records = cohort
    extents = [Extent(n % 3) for n in range(len(records))]
    expected = [
        (record.record_id, measure(record.signal, record.rate, extent=extent))
        for record, extent in zip(records, extents, strict=True)
    ]
    assert list(measure_cohort(folder, workers=1, extents=extents)) == expected


@pytest.mark.slow
def test_the_number_of_processes_does_not_matter(cohort: tuple[Path, list[Record]]) -> None:
    folder, _ = cohort
    assert list(measure_cohort(folder, workers=2)) == list(measure_cohort(folder, workers=1))


def test_a_damaged_part_is_told(cohort: tuple[Path, list[Record]], tmp_path: Path) -> None:
    (tmp_path / "part-00000.parquet").write_bytes(b"PAR1 broken PAR1")
    with pytest.raises(RarebeatError, match=r"part-00000\.parquet"):
        list(measure_cohort(tmp_path))
