"""What many ECGs cost: computed from rates that are read, and the page shows what the script computes."""

import csv
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pytest

from rarebeat.core.parquet import write_table

ROOT = Path(__file__).resolve().parents[2]


PREPARE = """# Prepare

| records | seconds | processor s | peak MB |
| ------: | ------: | ----------: | ------: |
|  20,000 |    99.0 |        20.0 |     520 |
|  10,000 |    99.0 |         5.0 |     510 |

Exponent of time 1.00.
"""


@pytest.fixture
def cost(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield importlib.import_module("cost")
    del sys.modules["cost"]


@pytest.fixture
def measured(cost: ModuleType, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Measurements with round numbers."""
    rates = {"ingest challenge": 1000, "ingest muse-xml": 500, "labels": 20_000}
    rows = [
        {"benchmark": name, "tree": "new", "cores": "1", "value": str(rate)} for name, rate in rates.items()
    ]
    rows += [{"benchmark": "labels", "tree": "old", "cores": "1", "value": "1"}]
    with (tmp_path / "speed.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (tmp_path / "prepare.md").write_text(PREPARE)
    entries = [{"kind": "step"}, {"kind": "training", "examples_per_second": 5000.0}]
    (tmp_path / "gpu-h200-uncompiled.jsonl").write_text("\n".join(map(json.dumps, entries)))
    disk = ["simulated,records,100,7000000", "simulated,shards,200,8000000", "ptb-xl,records,10,990000"]
    (tmp_path / "disk.csv").write_text("\n".join(["source,folder,records,bytes", *disk]))
    (tmp_path / "prices.csv").write_text("item,usd\ncore,0.05\ngpu,4\nstorage,0.02\n")
    return cost.read_measured(tmp_path, tmp_path / "prices.csv", epochs=10)


def test_hours_and_money_follow_from_the_rates(cost: ModuleType, measured) -> None:  # type: ignore[no-untyped-def]
    hours = {step.name: [step.hours(size) for size in (1e6, 1e7)] for step in measured.steps}
    assert hours["ingest (WFDB)"] == pytest.approx([1000 / 3600, 10_000 / 3600])
    assert hours["train, 10 epochs"] == pytest.approx([2000 / 3600, 20_000 / 3600])
    assert hours["prepare"] == pytest.approx([20 * 50**2 / 3600, 20 * 500**2 / 3600])  # with the exponent
    table = {row["step"]: row for row in cost.time_table(measured)}
    assert table["train, 10 epochs"]["10 million"] == "5.6 h, $22"
    assert table["ingest (WFDB)"]["one"] == "core"


def test_memory_and_disk_follow_from_the_bytes_per_record(cost: ModuleType, measured) -> None:  # type: ignore[no-untyped-def]
    prepare, train = measured.memory
    assert prepare.gigabytes(1e6) == pytest.approx(1.5)  # 500 MB and 1000 bytes a record
    assert train.gigabytes(1e6) == pytest.approx(60.0)
    table = {row["what"]: row for row in cost.space_table(measured)}
    assert table["disk: records"]["1 million"] == "70 GB, $1.4 a month"
    assert table["disk: shards"]["100 million"] == "4,000 GB, $80 a month"


def test_what_breaks_first_depends_on_the_machine(cost: ModuleType, measured) -> None:  # type: ignore[no-untyped-def]
    small = cost.limits(measured, cost.Machine(cores=2, memory=24, disk=1000))
    assert small[0][1] == "memory: train, shards in memory"
    assert small[0][0] == pytest.approx(24e9 / 60_000)
    large = cost.limits(measured, cost.Machine(memory=1e6, disk=1e6, cores=1))
    assert large[0][1:] == ("time: prepare on 1 core", cost.CLUSTER)
    assert [limit[0] for limit in large] == sorted(limit[0] for limit in large)


def test_the_page_shows_what_the_script_computes(cost: ModuleType) -> None:
    measured = cost.read_measured(cost.SPEED, ROOT / "benchmarks" / "prices.csv", epochs=10)
    page = cost.PAGE.read_text(encoding="utf-8")
    assert cost.insert(page, cost.text(measured, cost.Machine())) == page, (
        "the rates have changed since: python benchmarks/cost.py --write"
    )


def test_every_price_has_a_source_and_a_date() -> None:
    with (ROOT / "benchmarks" / "prices.csv").open(newline="") as file:
        prices = list(csv.DictReader(file))
    assert {row["item"] for row in prices} == {"core", "gpu", "storage"}
    assert all(float(row["usd"]) > 0 and row["source"] and row["date"] for row in prices)


def test_bytes_are_those_of_a_projects_folders_and_replace_what_was_measured_of_the_same_kind(
    cost: ModuleType, tmp_path: Path
) -> None:
    rows = pa.table({"record_id": ["a", "b"]})
    for name in ("records/own/part-00000", "labels/own/codes", "shards/train/shard-00000"):
        write_table(tmp_path / "data" / f"{name}.parquet", rows)
    (tmp_path / "data" / "records" / "own" / "summary.json").write_text("x" * 1000)
    table = tmp_path / "disk.csv"
    for _ in range(2):
        cost.add_disk_rows(table, cost.disk_rows(tmp_path / "data", "own"))
    with table.open(newline="") as file:
        found = {row["folder"]: row for row in csv.DictReader(file)}
    assert list(found) == ["records", "labels", "shards"]
    assert {row["records"] for row in found.values()} == {"2"}
    assert int(found["records"]["bytes"]) == int(found["labels"]["bytes"]) + 1000
