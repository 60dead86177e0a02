"""Convolution along time for training on a CPU, where long kernels need help.

oneDNN, PyTorch's convolution library for CPUs, computes the gradient of the weights with a fast kernel of
its own up to 14 taps and with a general matrix product above: three times slower for the 16 taps of Hughes
et al. where there is AVX-512. But each tap of that gradient is a sum of its own, so the taps can be dealt with in
groups small enough for the fast kernel. Without AVX-512 they are not: its fast kernel gains nothing over the product.

The matrix units of AMX, which recent Intel Xeons have for bf16, need no groups: all taps at once are faster. But
oneDNN (as torch 2.13 has it) gets outputs altogether wrong there that come from 4, 8 or 12 channels with 8, 12, 16, 20,
24, 32, 48 or 64 taps; its gradients are right. Channels of zeros up to 16 avoid that.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

FAST_TAPS = 14
"""The widest kernel whose weight gradient oneDNN computes with its fast code."""
AMX_CHANNELS = 16
"""As few channels as oneDNN's kernels for AMX are right with."""


@cache
def has_avx512() -> bool:
    """Tell whether PyTorch computes in vectors of 512 bits here, which ATEN_CPU_CAPABILITY may forbid it."""
    return torch.backends.cpu.get_cpu_capability().startswith("AVX512")


@cache
def has_amx() -> bool:
    """Tell whether this processor multiplies matrices of bf16 in units of their own."""
    return bool(torch.cpu.get_capabilities().get("amx_bf16"))


def needs_help(taps: int, channels: int) -> bool:
    """Tell whether :func:`long_convolution` is needed now, for a kernel of so many taps on so many channels."""
    rounded = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
    if rounded and has_amx():
        return channels < AMX_CHANNELS
    return taps > FAST_TAPS and has_avx512() and torch.is_grad_enabled()


def long_convolution(x: Tensor, weight: Tensor, bias: Tensor, stride: int) -> Tensor:
    """Convolve along the last axis, without padding.

    Args:
        x: shape (batch, channels in, 1, time).
        weight: shape (channels out, channels in, 1, taps).
        bias: shape (channels out,).
        stride: along time.

    Returns:
        Shape (batch, channels out, 1, (time - taps) // stride + 1). Values and gradients are those of
        :func:`torch.nn.functional.conv2d`, up to rounding; under autocast the work is done in its precision.
    """
    if torch.is_autocast_enabled("cpu"):
        precision = torch.get_autocast_dtype("cpu")
        x, weight, bias = x.to(precision), weight.to(precision), bias.to(precision)
    result: Tensor = _LongConvolution.apply(x, weight, bias, stride)  # type: ignore[no-untyped-call]
    return result


class _LongConvolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride = stride
        missing = AMX_CHANNELS - x.shape[1]
        if missing > 0 and _on_amx(x):
            x, weight = _more_channels(x, missing), _more_channels(weight, missing)
        return functional.conv2d(x, weight, bias, (1, stride))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        (gradient,) = gradients
        to_x = None
        if ctx.needs_input_grad[0]:
            to_x = _backward(gradient, x, weight, ctx.stride, (True, False, False))[0]
        if not any(ctx.needs_input_grad[1:3]):  # where the weights are constants
            return to_x, None, None, None
        parts = []
        start = 0
        reach = (gradient.shape[-1] - 1) * ctx.stride  # from the first to the last sample that a tap meets
        groups = 1 if _on_amx(x) else -(-weight.shape[-1] // FAST_TAPS)
        for taps in weight.tensor_split(groups, dim=-1):
            window = x[..., start : start + reach + taps.shape[-1]]
            parts.append(_backward(gradient, window, taps, ctx.stride, (False, True, start == 0)))
            start += taps.shape[-1]
        to_weight = torch.cat([part[1] for part in parts], dim=-1)
        to_bias = parts[0][2]  # the same for every group of taps: computed once
        return to_x, to_weight, to_bias, None


def _on_amx(x: Tensor) -> bool:
    return x.dtype == torch.bfloat16 and has_amx()


def _more_channels(tensor: Tensor, missing: int) -> Tensor:
    """Add channels of zeros behind those of (n, channels, 1, length)."""
    padded = functional.pad(tensor, (0, 0, 0, 0, 0, missing))
    return padded.contiguous(memory_format=torch.channels_last)


def _backward(
    gradient: Tensor, x: Tensor, weight: Tensor, stride: int, wanted: tuple[bool, bool, bool]
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of a convolution with respect to its input, weight and bias, as far as ``wanted``."""
    gradients: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.convolution_backward(
        gradient, x, weight, [weight.shape[0]], [1, stride], [0, 0], [1, 1], False, [0, 0], 1, wanted
    )
    return gradients
