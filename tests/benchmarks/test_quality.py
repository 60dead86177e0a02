"""The table of what a validation AUROC costs, and the clock that stops there."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from rarebeat.core.tables import Row

SETTING: Row = {"processor": "a", "instructions": "avx2", "precision": "fp32", "auroc": "0.985"}


@pytest.fixture
def quality(load: Callable[[str], ModuleType]) -> ModuleType:
    load("speed")  # which it imports
    return load("quality")


def run(tree: str, seconds: float | None) -> Row:
    return {**SETTING, "tree": tree, "commit": tree, "seconds": seconds}


def test_medians_are_compared(quality: ModuleType) -> None:
    rows = [run("old", 90), run("old", 120), run("old", 150), run("new", 61), run("new", 59), run("new", 60)]
    (line,) = quality.table(rows)
    assert (line["old"], line["new"], line["old/new"]) == ("90 120 150", "59 60 61", "2.00")


def test_a_training_that_never_got_there_has_no_median(quality: ModuleType) -> None:
    (line,) = quality.table([run("old", 90), run("old", None), run("new", 61), run("new", 59)])
    assert (line["old"], line["old/new"]) == ("90 (1 never)", None)


def training(*lines: str) -> "subprocess.Popen[str]":
    program = f"import time\nfor line in {list(lines)}: print(line, flush=True)\ntime.sleep(0.2)"
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("auroc", "epochs", "stopped"), [(0.985, 2, True), (0.999, 3, False)])
def test_the_clock_stops_with_the_epoch_that_reaches_it(
    quality: ModuleType, auroc: float, epochs: int, stopped: bool
) -> None:
    lines = [f"epoch {n + 1}: loss 2, validation AUROC {it}, 9 s" for n, it in enumerate((0.9, 0.986, 0.98))]
    with training(*lines) as process:
        row = quality._watch(process, auroc)
    assert row["epochs"] == epochs
    assert row["highest"] == 0.986
    assert (row["seconds"] is not None) is stopped


def test_what_a_failed_training_says_is_kept(quality: ModuleType) -> None:
    with (
        subprocess.Popen(
            [sys.executable, "-c", "print('no shards'); raise SystemExit(1)"],
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
        pytest.raises(RuntimeError, match="no shards"),
    ):
        quality._watch(process, 0.9)


def test_a_new_run_replaces_those_of_its_setting_alone(
    quality: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "OUT", tmp_path)
    elsewhere = {**SETTING, "processor": "b"}
    assert quality._others(SETTING) == []
    quality._write([run("old", 90), {**run("old", 70), **elsewhere}])
    (kept,) = quality._others(SETTING)
    assert (kept["processor"], kept["seconds"]) == ("b", "70")
    quality._write([kept, run("new", 60)])
    assert "| b " in (tmp_path / "quality.md").read_text(encoding="utf-8")
    assert [row["processor"] for row in quality._others(elsewhere)] == ["a"]
