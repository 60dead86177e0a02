"""Cohorts of noise with labels, written into a temporary folder: what the tests of prepare start from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rarebeat.core.files import write_json
from rarebeat.core.record_files import write_part, write_quarantine
from rarebeat.core.records import Record
from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.balance import BalanceSettings
from rarebeat.dataset.prepare import PrepareSettings, prepare
from rarebeat.labels.vocabulary import load_vocabulary

CODES = {entry.id: entry.code for entry in load_vocabulary("hughes24").classes}
CLASSES = tuple(CODES)
COLUMN = {name: index for index, name in enumerate(CLASSES)}
SMALL = Preprocessing(rate=100, samples=200)
SETTINGS = PrepareSettings(signal=SMALL, balance=BalanceSettings(target=20), shard_size=16)

States = Sequence[int | None]


def recording(seed: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    return np.rint(np.random.default_rng([seed]).normal(0, 300, (12, 400))).astype(np.int16)


def make_records(number: int, seed: int = 0, **more: Any) -> list[Record]:
    """Two seconds of noise each; every third patient has two records."""
    return [
        Record(
            record_id=f"{seed}-{index}",
            signal=recording(1000 * seed + index),
            rate=200,
            source="toy",
            **{"patient_id": f"p{seed}-{index * 2 // 3}", "age": 50.0 + index} | more,
        )
        for index in range(number)
    ]


def refused(cohort: str) -> dict[str, str]:
    """A row of a quarantine table."""
    return {
        "record_id": "x",
        "cohort": cohort,
        "source": "toy",
        "reason": "truncated",
        "detail": "half is missing",
    }


def make_states(number: int, seed: int = 0) -> list[list[int | None]]:
    """Sinus rhythm common, atrial fibrillation rarer, some uncertain, and the other classes unknown."""
    random = np.random.default_rng([seed, 7])
    rows: list[list[int | None]] = [[None] * len(CLASSES) for _ in range(number)]
    for row in rows:
        row[COLUMN["sinus_rhythm"]] = int(random.choice([1, 0, -1], p=[0.7, 0.2, 0.1]))
        row[COLUMN["atrial_fibrillation"]] = int(random.choice([1, 0, -1], p=[0.2, 0.7, 0.1]))
    return rows


class Workspace:
    """Records and labels of cohorts in a temporary folder."""

    def __init__(self, root: Path) -> None:
        self.records, self.labels, self.out = root / "records", root / "labels", root / "shards"

    def add(
        self, cohort: str, records: Sequence[Record], states: Sequence[States], origin: str = "codes"
    ) -> None:
        """Write a cohort in two parts, and its labels under one origin; the other origin knows nothing."""
        (self.records / cohort).mkdir(parents=True)
        half = len(records) // 2
        for part, content in enumerate((records[:half], records[half:])):
            write_part(self.records / cohort / f"part-{part:05d}.parquet", cohort, content)
        write_quarantine(self.records / cohort / "quarantine.parquet", [refused(cohort)])
        for name in ("text", "codes"):
            known = states if name == origin else [[None] * len(CLASSES)] * len(records)
            self.write_labels(cohort, name, [record.record_id for record in records], known)

    def write_labels(self, cohort: str, origin: str, ids: Sequence[str], states: Sequence[States]) -> None:
        columns = {
            name: pa.array([row[index] for row in states], pa.int8()) for index, name in enumerate(CLASSES)
        }
        (self.labels / cohort).mkdir(parents=True, exist_ok=True)
        path = self.labels / cohort / f"{origin}.parquet"
        pq.write_table(pa.table({"record_id": pa.array(ids, pa.string())} | columns), path)
        self.write_classes(cohort, CODES)

    def write_classes(self, cohort: str, codes: dict[str, str], vocabulary: str = "hughes24") -> None:
        write_json(self.labels / cohort / "summary.json", {"vocabulary": vocabulary, "classes": codes})

    def prepare(self, *cohorts: str, settings: PrepareSettings = SETTINGS) -> dict[str, Any]:
        return prepare(self.records, self.labels, self.out, cohorts, settings)

    def fates(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = pq.read_table(self.out / "splits.parquet").to_pylist()
        return rows
