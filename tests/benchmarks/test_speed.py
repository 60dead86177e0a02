"""The comparison of two trees: medians and ratios, what a benchmark says as JSON, and modules that moved."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"


def runs_of(tree: str, values: list[float], cores: int = 1) -> list[dict[str, object]]:
    same = {
        "benchmark": "labels",
        "cores": cores,
        "precision": "",
        "instructions": "avx2",
        "unit": "reports/s",
    }
    same |= {"commit": f"{tree}1234", "processor": "Some CPU", "date": "2026-01-01"}
    return [same | {"tree": tree, "pair": pair, "value": value} for pair, value in enumerate(values)]


def test_the_ratio_is_that_of_the_medians_and_the_range_that_of_the_pairs(load) -> None:  # type: ignore[no-untyped-def]
    rows = [*runs_of("old", [100, 200, 110]), *runs_of("new", [220, 100, 240])]
    (row,) = load("speed").compare(rows)
    assert (row["old"], row["new"], row["new/old"]) == ("110", "220", "2.00")
    assert row["pairs"] == "0.50 to 2.20"


def test_settings_are_compared_each_with_itself(load) -> None:  # type: ignore[no-untyped-def]
    rows = [
        row for cores in (1, 2) for tree in ("old", "new") for row in runs_of(tree, [10.0 * cores], cores)
    ]
    table = load("speed").compare(rows)
    assert [(row["cores"], row["old"], row["new/old"]) for row in table] == [
        ("1", "10", "1.00"),
        ("2", "20", "1.00"),
    ]


def test_what_one_tree_cannot_measure_has_no_ratio(load) -> None:  # type: ignore[no-untyped-def]
    (row,) = load("speed").compare(runs_of("new", [3.0]))
    assert (row["old"], row["new"], row["new/old"], row["pairs"]) == (None, "3", None, None)


def test_numbers_have_three_digits_and_no_exponent(load) -> None:  # type: ignore[no-untyped-def]
    rows = [*runs_of("old", [20512.6]), *runs_of("new", [0.012345])]
    (row,) = load("speed").compare(rows)
    assert (row["old"], row["new"]) == ("20,500", "0.0123")


def test_the_page_names_both_commits_and_the_processor(load) -> None:  # type: ignore[no-untyped-def]
    text = load("speed").page([*runs_of("old", [1.0]), *runs_of("new", [2.0])], load=0.25)
    assert "new1234 (new) against old1234 (old)" in text
    assert "Some CPU, 2026-01-01, load 0.2" in text
    assert "| labels" in text


def test_the_arguments_of_every_benchmark_can_be_filled_in(load) -> None:  # type: ignore[no-untyped-def]
    for benchmark in load("speed").BENCHMARKS.values():
        assert (BENCHMARKS / f"{benchmark.script}.py").exists()
        benchmark.arguments.format(cores=1, inputs="folder")


def test_a_module_goes_by_another_name_only_where_it_is_imported_and_missing(load, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    moved_in = load("moved").moved_in
    script = "from rarebeat.core.records import LEADS\nfrom rarebeat.models.registry import build\n"
    assert moved_in(script, tmp_path) == {"rarebeat.core.records": "rarebeat.records"}
    assert moved_in(script, ROOT / "src") == {}


def test_every_name_of_today_exists(load) -> None:  # type: ignore[no-untyped-def]
    for today in load("moved").MOVED:
        assert (ROOT / "src" / f"{today.replace('.', '/')}.py").exists()


TINY = {
    "challenge": "--records 500 --validation 100 --repeats 1",
    "labels": "--records 20 --repeats 1",
    "shards": "--records 32 --repeats 1",
    "simulator": "--records 4",
    "start": "--repeats 1",
    "training": "--width 2 --batch 2 --samples 512 --repeats 1",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TINY)
def test_a_benchmark_prints_its_speed_as_json(name: str) -> None:
    assert all(float(found["value"]) > 0 and found["unit"] for found in printed(name, TINY[name]))


@pytest.mark.slow
def test_an_archive_is_ingested(tmp_path: Path) -> None:
    code = "from rarebeat.cli.main import main; main()"
    options = ["--format", "muse-xml", "--records", "3", "--workers", "1"]
    subprocess.run([sys.executable, "-c", code, "simulate", str(tmp_path / "muse"), *options], check=True)
    (found,) = printed("ingest", f"--archive {tmp_path / 'muse'} --kind muse-xml --repeats 1")
    assert found["name"] == "ingest muse-xml"
    assert float(found["value"]) > 0


def printed(name: str, arguments: str) -> list[dict[str, float | str]]:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "moved.py"), name, "--json", *arguments.split()],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    found: list[dict[str, float | str]] = json.loads(done.stdout)
    assert found
    return found
