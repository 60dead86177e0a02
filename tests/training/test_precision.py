"""Where and how exactly a training computes."""

import os
import subprocess
import sys
import time

import pytest
import torch

from rarebeat.core.errors import ParamsError
from rarebeat.training import precision
from rarebeat.training.precision import (
    autocast,
    backends,
    choose_device,
    choose_precision,
    cpu_computes_in_bf16,
    doubts_about_bf16,
)

CPU = torch.device("cpu")


@pytest.mark.parametrize(("available", "expected"), [(True, "cuda"), (False, "cpu")])
def test_auto_takes_a_gpu_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, available: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert choose_device("auto").type == expected


def test_asking_for_a_missing_gpu_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ParamsError, match="torch sees no GPU"):
        choose_device("cuda")


@pytest.mark.parametrize(("native", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_auto_takes_bf16_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, native: bool, expected: torch.dtype
) -> None:
    monkeypatch.setattr(precision, "cpu_computes_in_bf16", lambda: native)
    assert choose_precision("auto", CPU) == expected
    assert choose_precision("fp32", CPU) == torch.float32
    assert choose_precision("bf16", CPU) == torch.bfloat16


@pytest.mark.parametrize(
    ("instructions", "allowed", "expected"),
    [
        ({"avx512_bf16": True}, True, True),
        ({"amx_bf16": True}, True, True),
        ({"avx512_bf16": True}, False, False),
        ({"avx512_f": True, "avx512_bf16": False}, True, False),  # oneDNN would emulate it
        ({}, False, False),
    ],
)
def test_bf16_needs_a_processor_that_has_it_and_onednn_allowed_to_use_it(
    monkeypatch: pytest.MonkeyPatch, instructions: dict[str, bool], allowed: bool, expected: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: instructions)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: allowed, raising=False)
    assert cpu_computes_in_bf16() is expected


def test_onednn_limited_to_avx2_computes_in_fp32() -> None:
    script = "from rarebeat.training.precision import cpu_computes_in_bf16 as bf16; print(bf16())"
    environment = os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2"}
    found = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert found.stdout == "False\n", found.stderr


def test_autocast_is_off_for_fp32() -> None:
    matrix = torch.eye(2)
    with autocast(CPU, torch.float32):
        assert (matrix @ matrix).dtype == torch.float32
    with autocast(CPU, torch.bfloat16):
        assert (matrix @ matrix).dtype == torch.bfloat16


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_set_up_of_torch_is_restored_after_an_error(device: str) -> None:
    def state() -> tuple[object, ...]:
        cudnn = torch.backends.cudnn
        return (
            torch.get_num_threads(),
            torch.get_float32_matmul_precision(),
            cudnn.benchmark,
            cudnn.deterministic,
        )

    before = state()
    during = []
    try:
        with backends(torch.device(device), threads=2):
            during = list(state())
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert during == ([2, "high", True, True] if device == "cuda" else [2, *before[1:]])
    assert state() == before


def test_a_loss_that_bf16_gets_wrong_is_told() -> None:
    layer = torch.nn.Linear(4, 1)

    def forward(network: torch.nn.Module) -> torch.Tensor:
        loss: torch.Tensor = network(torch.ones(2, 4)).square().sum()
        return loss * (1.5 if torch.is_autocast_enabled("cpu") else 1.0)

    before = {name: value.clone() for name, value in layer.state_dict().items()}
    state = torch.get_rng_state()
    (doubt,) = doubts_about_bf16(layer, forward, CPU)
    assert doubt.startswith("the loss of a batch is ")
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in layer.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(parameter.grad is None for parameter in layer.parameters())


@pytest.mark.parametrize(("slow_in_bf16", "told"), [(True, True), (False, False)])
def test_a_step_that_is_slower_in_bf16_is_told(slow_in_bf16: bool, told: bool) -> None:
    def forward(network: torch.nn.Module) -> torch.Tensor:
        if torch.is_autocast_enabled("cpu") == slow_in_bf16:
            time.sleep(0.2)
        loss: torch.Tensor = network(torch.ones(2, 4)).square().sum()
        return loss

    layer = torch.nn.Linear(4, 1)
    torch.nn.init.constant_(layer.weight, 0.5)  # exact in bf16, too
    torch.nn.init.zeros_(layer.bias)
    found = doubts_about_bf16(layer, forward, CPU)
    assert [("times as long in bf16" in doubt) for doubt in found] == [True] * told
