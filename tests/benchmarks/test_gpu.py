"""The parts of the GPU benchmark that a machine without a GPU can judge."""

import importlib
import json
import sys
from io import StringIO
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def module(name: str) -> ModuleType:
        return importlib.import_module(name)

    yield module
    for name in [name for name in sys.modules if name == "gpu" or name.startswith("gpu_")]:
        del sys.modules[name]


def test_a_box_is_what_the_deadline_leaves(load) -> None:  # type: ignore[no-untyped-def]
    now = [0.0]
    deadline = load("gpu_lines").Deadline(100, clock=lambda: now[0])
    assert deadline.box(90) == 90
    now[0] = 60.0
    assert deadline.box(90) == 40
    assert deadline.box(90, reserve=30) == 10
    now[0] = 101.0
    assert deadline.left == deadline.box(90) == 0


def test_an_error_is_a_finding(load, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    def fail() -> dict[str, int]:
        raise ZeroDivisionError("by nought")

    lines = load("gpu_lines")
    lines.attempt("step", {"batch": 1}, fail)
    lines.attempt("step", {"batch": 2}, lambda: {"rate": 3})
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["kind"], first["batch"], first["error"]) == ("step", 1, "ZeroDivisionError: by nought")
    assert "fail" in first["traceback"]
    assert (second["batch"], second["rate"]) == (2, 3)


def test_the_arithmetic_of_a_step_is_three_times_the_forward_pass(load) -> None:  # type: ignore[no-untyped-def]
    network = nn.Sequential(nn.Conv1d(12, 8, 5, padding=2), nn.Flatten(), nn.Linear(8 * 100, 3))
    steps = load("gpu_steps")
    forward = 2 * (12 * 8 * 5 * 100 + 8 * 100 * 3)
    assert steps.flops_per_example(network, 100) == 3 * forward
    assert steps.share_of_peak(10, 67e11, "fp32") == pytest.approx(1)


def test_the_smooth_twin_has_no_kinks(load) -> None:  # type: ignore[no-untyped-def]
    x = torch.tensor([[[[-1.0, 2.0, 3.0]]]])
    pool = nn.MaxPool2d((1, 2), ceil_mode=True)
    with load("gpu_checks").Smooth():
        assert torch.equal(nn.ReLU(inplace=True)(x.clone()), nn.functional.silu(x))
        assert pool(x).flatten().tolist() == [0.5, 3.0]
        assert x.amax(dim=(2, 3)).item() == pytest.approx(4 / 3)
    assert pool(x).flatten().tolist() == [2.0, 3.0]


def test_the_cost_of_96_epochs_leaves_the_warm_up_out(load) -> None:  # type: ignore[no-untyped-def]
    training = load("gpu_training")
    from rarebeat.training.loop import EpochReport

    def report(epoch: int, seconds: float) -> EpochReport:
        return EpochReport(epoch, 1.0, None, None, seconds, 1000 / seconds, 0.001)

    found = training.costs([report(1, 20.0), report(2, 2.0), report(3, 2.0)], seconds=30.0)
    assert found["epoch_seconds"] == 2
    assert found["besides_epochs"] == 24
    assert found["seconds_of_96_epochs"] == 24 + 96 * 2


def test_a_part_that_hangs_is_ended_and_told(load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    script = 'import time\nprint(\'{"kind": "step"}\', flush=True)\ntime.sleep(60)\n'
    (tmp_path / "slow.py").write_text(script)
    gpu = load("gpu")
    monkeypatch.setattr(gpu, "HERE", tmp_path)
    log = gpu.Log(StringIO())
    gpu.run(gpu.Part("slow", 5, "slow.py", ()), 3.0, "cpu", 1, log)
    assert [line["kind"] for line in log.lines] == ["step", "ended"]
    assert log.lines[-1]["took"] < 30


def training(classes: str, compile: str = "off", epochs: int = 3) -> dict[str, object]:
    return {
        "kind": "training",
        "classes": classes,
        "compile": compile,
        "precision": "bf16",
        "heads": 24,
        "epochs": epochs,
        "epoch_seconds": 2.0,
        "examples_per_second": 20000.0,
        "besides_epochs": 8.0,
        "seconds_of_96_epochs": 200.0,
    }


def test_the_tables_say_what_was_found(load) -> None:  # type: ignore[no-untyped-def]
    lines = [
        {"kind": "start", "cuda": True},
        {"kind": "ceilings", "card": "Card", "bf16_tflops": 700.0, "copy_tb_per_second": 3.0},
        {
            "kind": "smooth",
            "network": "n",
            "precision": "fp32",
            "loss": 1e-5,
            "gradient": 2.0,
            "passed": False,
        },
        training(classes="all"),
        training(classes="one"),
        training(classes="all", compile="on", epochs=1),
        {"kind": "step", "network": "n", "error": "boom", "traceback": "..."},
        {"kind": "skipped"},
    ]
    text = "\n".join(load("gpu_tables").tables(lines))
    assert "compile on: " not in text  # of one epoch nothing follows
    for expected in (
        "Rarebeat on Card",
        "FAILED",
        "200 s",
        "23.3 minutes",
        "step n: boom",
        "1 measurements had no",
    ):
        assert expected in text
