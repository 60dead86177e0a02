"""Convolutions that keep TensorFlow's SAME lengths, pooling that rounds up, standardisation, masked batch norm."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from rarebeat.models.layers import (
    Halve,
    Heads,
    MaskedBatchNorm,
    SameConv,
    Standardise,
    arrange,
    centred_conv,
    he_normal,
    inside,
    same_padding,
)
from rarebeat.models.registry import NETWORKS, build


@pytest.mark.parametrize("length", [2500, 625, 313, 20, 7, 1])
@pytest.mark.parametrize("kernel", [16, 7, 1])
@pytest.mark.parametrize("stride", [1, 2])
def test_same_convolution_rounds_the_length_up(length: int, kernel: int, stride: int) -> None:
    convolution = SameConv(3, 5, kernel, stride)
    for grad in (True, False):
        with torch.set_grad_enabled(grad):
            output = convolution(torch.zeros(2, 3, 1, length))
        assert output.shape == (2, 5, 1, math.ceil(length / stride))


@pytest.mark.parametrize(
    ("length", "stride", "expected"), [(50, 1, (7, 8)), (50, 2, (7, 7)), (51, 2, (7, 8))]
)
def test_the_odd_zero_of_an_even_kernel_stands_on_the_right(
    length: int, stride: int, expected: tuple[int, int]
) -> None:
    assert same_padding(length, 16, stride) == expected
    torch.manual_seed(0)
    convolution = SameConv(3, 5, 16, stride)
    x = torch.randn(2, 3, 1, length)
    padded = functional.pad(x[:, :, 0], expected)
    reference = functional.conv1d(padded, convolution.weight[:, :, 0], convolution.bias, stride)
    torch.testing.assert_close(convolution(x)[:, :, 0], reference)


@pytest.mark.parametrize("length", [50, 51])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_centred_convolution_rounds_the_length_up_and_does_not_shift(length: int, stride: int) -> None:
    convolution = centred_conv(1, 1, 7, stride)
    torch.nn.init.zeros_(convolution.weight)
    convolution.weight.data[..., 3] = 1  # the middle tap alone
    x = torch.randn(1, 1, 1, length)
    assert torch.equal(convolution(x), x[..., ::stride])


def test_halving_rounds_up_eight_times_from_2500_to_10() -> None:
    lengths = []
    x = torch.zeros(1, 1, 1, 2500)
    for _ in range(8):
        x = Halve()(x)
        lengths.append(x.shape[-1])
    assert lengths == [1250, 625, 313, 157, 79, 40, 20, 10]


def test_halving_keeps_the_larger_of_two_samples_and_a_lone_last_one() -> None:
    assert Halve()(torch.tensor([[[[1.0, 3.0, -5.0, -4.0, -9.0]]]])).flatten().tolist() == [3.0, -4.0, -9.0]


def test_standardised_leads_have_mean_zero_and_deviation_one() -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 12, 100) * torch.arange(1, 13)[:, None] + 5
    layer = Standardise()
    layer.set(x.mean(dim=(0, 2)), x.std(dim=(0, 2)))
    output = layer(x)
    assert output.shape == (4, 12, 1, 100)
    torch.testing.assert_close(output.mean(dim=(0, 2, 3)), torch.zeros(12), atol=1e-5, rtol=0)
    torch.testing.assert_close(output.std(dim=(0, 2, 3)), torch.ones(12))


def test_a_constant_lead_is_not_divided_by_zero() -> None:
    layer = Standardise()
    layer.set(torch.full((12,), 2.0), torch.zeros(12))
    assert layer(torch.full((1, 12, 8), 2.0)).eq(0).all()


def test_standardisation_is_stored_but_not_trained() -> None:
    layer = Standardise()
    assert not list(layer.parameters())
    assert set(layer.state_dict()) == {"mean", "deviation"}


def test_he_initialisation_has_variance_two_over_fan_in() -> None:
    torch.manual_seed(0)
    convolution = SameConv(64, 128, 16)
    he_normal(convolution)
    assert convolution.weight.std().item() == pytest.approx(math.sqrt(2 / (64 * 16)), rel=0.02)
    assert convolution.bias is not None
    assert convolution.bias.eq(0).all()


def test_he_initialisation_by_fan_out_has_variance_two_over_fan_out() -> None:
    torch.manual_seed(0)
    convolution = centred_conv(64, 128, 15)
    he_normal(convolution, "fan_out")
    assert convolution.weight.std().item() == pytest.approx(math.sqrt(2 / (128 * 15)), rel=0.02)


def test_the_mask_ends_where_the_recording_ends() -> None:
    mask = inside(torch.tensor([3, 0, 5]), time=4)
    assert mask.int().tolist() == [[[1, 1, 1, 0]], [[0, 0, 0, 0]], [[1, 1, 1, 1]]]


def test_statistics_are_those_of_the_recordings_alone_and_padding_becomes_zero() -> None:
    torch.manual_seed(0)
    lengths = torch.tensor([4, 9])
    x = torch.randn(2, 3, 1, 9)
    norm = MaskedBatchNorm(3)
    output = norm(x, inside(lengths, 9))
    recorded = torch.cat([x[0, :, 0, :4], x[1, :, 0]], dim=1)
    found = torch.cat([output[0, :, 0, :4], output[1, :, 0]], dim=1)
    torch.testing.assert_close(found, nn.BatchNorm1d(3)(recorded.T).T)
    torch.testing.assert_close(norm.running_mean, 0.1 * recorded.mean(dim=1))
    torch.testing.assert_close(norm.running_var, 0.9 + 0.1 * recorded.var(dim=1))
    assert output[0, :, :, 4:].eq(0).all()


def test_without_padding_it_is_batch_norm() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 1, 9)
    expected = nn.BatchNorm2d(3)(x)
    torch.testing.assert_close(MaskedBatchNorm(3)(x), expected)
    torch.testing.assert_close(MaskedBatchNorm(3)(x, inside(torch.tensor([9, 9]), 9)), expected)


def test_in_evaluation_it_uses_what_it_remembers() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 1, 9)
    norm = MaskedBatchNorm(3).train()
    norm(x)
    norm.eval()
    output = norm(x, inside(torch.tensor([4, 9]), 9))
    torch.testing.assert_close(output[0, :, :, :4], norm(x)[0, :, :, :4])
    torch.testing.assert_close(output[1], norm(x)[1])


def test_a_batch_without_a_sample_leaves_no_trace_of_infinity() -> None:
    norm = MaskedBatchNorm(3)
    output = norm(torch.randn(2, 3, 1, 9), inside(torch.tensor([1, 0]), 9))
    assert output.isfinite().all()
    assert norm.running_var.isfinite().all()


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_a_memory_format_changes_no_logit(name: str) -> None:
    torch.manual_seed(0)
    network = build(name, 3, 256, {"width": 4}).eval()
    x = torch.randn(2, 12, 256)
    with torch.no_grad():
        expected = network(x)
        arrange(network, torch.contiguous_format)
        assert network.standardise(x).is_contiguous()
        torch.testing.assert_close(network(x), expected)
        arrange(network, torch.channels_last)
        assert network.standardise(x).is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(network(x), expected)


def test_offsets_are_added_to_logits_and_are_no_weights() -> None:
    heads = Heads(4, 2)
    x = torch.randn(3, 4)
    before, weights = heads(x), dict(heads.state_dict())
    heads.shift(torch.tensor([0.5, -2.0]))
    assert torch.equal(heads(x), before + torch.tensor([0.5, -2.0]))
    assert heads.state_dict().keys() == weights.keys()
    heads.load_state_dict(weights)
    assert torch.equal(heads(x), before + torch.tensor([0.5, -2.0]))


@pytest.mark.parametrize("features", [640, 2560, 10_240])
def test_a_logit_does_not_depend_on_the_other_examples(features: int) -> None:
    torch.manual_seed(0)
    heads, x = Heads(features, 24).eval(), 100 * torch.randn(24, features)
    together = heads(x)
    assert together.dtype == torch.float32
    for examples in (1, 4, 8, 12, 16):  # sums in fp32 have several orders
        assert torch.equal(heads(x[:examples]), together[:examples])
    torch.testing.assert_close(heads.train()(x), together, rtol=0, atol=0.01)
