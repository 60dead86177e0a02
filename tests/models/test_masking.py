"""Batch norm over recordings of different lengths."""

import torch
from torch import nn

from rarebeat.models.masking import MaskedBatchNorm, inside


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
