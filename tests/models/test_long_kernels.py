"""The faster gradient of long kernels is the same gradient."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from rarebeat.models import long_kernels
from rarebeat.models.layers import SameConv
from rarebeat.models.long_kernels import FAST_TAPS, long_convolution, needs_help


def inputs(taps: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(taps)
    shapes = [(2, 3, 1, 70), (4, 3, 1, taps), (4,)]
    x, weight, bias = (torch.randn(shape, generator=generator).to(dtype) for shape in shapes)
    return x.requires_grad_(), weight.requires_grad_(), bias.requires_grad_()


@pytest.mark.parametrize("taps", [FAST_TAPS + 1, 16, 2 * FAST_TAPS + 1])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_values_and_gradients_are_those_of_conv2d(taps: int, stride: int) -> None:
    tensors = inputs(taps)
    ours = long_convolution(*tensors, stride)
    reference = functional.conv2d(*tensors, stride=(1, stride))
    torch.testing.assert_close(ours, reference)
    upstream = torch.randn_like(reference)
    for found, expected in zip(
        torch.autograd.grad(ours, tensors, upstream),
        torch.autograd.grad(reference, tensors, upstream),
        strict=True,
    ):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("channels", [4, 8, 12, 16])
@pytest.mark.parametrize("taps", [8, 12, 16, 24])
@pytest.mark.parametrize("stride", [1, 2])
def test_bf16_is_right_with_few_channels(channels: int, taps: int, stride: int) -> None:
    """oneDNN's kernels for AMX are not, with fewer than 16: their output is off by as much as it is large."""
    torch.manual_seed(0)
    layer, x = SameConv(channels, 16, taps, stride), torch.randn(2, channels, 1, 64)
    exact = layer(x)
    with torch.autocast("cpu", torch.bfloat16):
        learning = layer(x)
        with torch.no_grad():
            watching = layer(x)
    for rounded in (learning, watching):
        assert (rounded.float() - exact).norm() < 0.01 * exact.norm()


@pytest.mark.parametrize("length", [1, 2, 5, 16])
@pytest.mark.parametrize("stride", [1, 2])
def test_gradients_in_bf16_are_right_where_most_of_the_kernel_lies_in_padding(
    length: int, stride: int
) -> None:
    torch.manual_seed(0)
    layer, x = SameConv(16, 16, 16, stride), torch.randn(4, 16, 1, length)
    layer(x).square().sum().backward()
    assert layer.weight.grad is not None
    exact = layer.weight.grad.clone()
    for _ in range(5):
        used = [torch.full((size,), torch.nan) for size in (256, 4096, 65536) for _ in range(8)]
        del used  # whoever reads memory that nobody has written finds NaN there
        layer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            output = layer(x)
        output.float().square().sum().backward()
        assert (layer.weight.grad - exact).norm() < 0.05 * exact.norm()


@pytest.mark.parametrize("amx", [True, False])
def test_values_and_gradients_are_the_same_with_amx_and_without(
    amx: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_kernels, "has_amx", lambda: amx)
    monkeypatch.setattr(long_kernels, "has_avx512", lambda: True)
    assert needs_help(taps=16, channels=64)
    assert not needs_help(taps=8, channels=12)
    with torch.autocast("cpu", torch.bfloat16):
        assert needs_help(taps=16, channels=64) == (not amx)
        assert needs_help(taps=16, channels=12)
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        assert not needs_help(taps=16, channels=64)
        assert needs_help(taps=8, channels=12) == amx
    tensors = inputs(16, torch.bfloat16)
    ours = long_convolution(*tensors, 1)
    exact = [tensor.detach().float().requires_grad_() for tensor in tensors]
    reference = functional.conv2d(*exact)
    upstream = torch.randn_like(reference)
    found = [ours, *torch.autograd.grad(ours, tensors, upstream.bfloat16())]
    right = [reference, *torch.autograd.grad(reference, exact, upstream)]
    for one, other in zip(found, right, strict=True):
        assert (one.float() - other).norm() < 0.02 * other.norm()


def test_without_avx512_long_kernels_are_left_to_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_kernels, "has_amx", lambda: False)
    for avx512 in (True, False):
        monkeypatch.setattr(long_kernels, "has_avx512", lambda found=avx512: found)
        assert needs_help(taps=16, channels=64) == avx512
        assert not needs_help(taps=FAST_TAPS, channels=64)


def test_an_input_that_needs_no_gradient_gets_none() -> None:
    x, weight, bias = inputs(16)
    x = x.detach()
    long_convolution(x, weight, bias, 1).sum().backward()
    assert x.grad is None
    assert weight.grad is not None


def test_autocast_computes_in_bf16_and_returns_fp32_gradients() -> None:
    x, weight, bias = inputs(16, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        output = long_convolution(x, weight, bias, 1)
    assert output.dtype == torch.bfloat16
    output.float().square().sum().backward()
    exact = inputs(16)
    long_convolution(*exact, 1).square().sum().backward()
    assert weight.grad is not None
    assert exact[1].grad is not None
    assert weight.grad.dtype == torch.float32
    difference = (weight.grad - exact[1].grad).norm() / exact[1].grad.norm()
    assert difference < 0.02
