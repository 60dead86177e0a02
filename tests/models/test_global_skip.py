"""The network of Vicar et al. 2020: its size, its shapes, and that padding has no effect."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from rarebeat.core.context import Context
from rarebeat.core.errors import ParamsError
from rarebeat.models.global_skip import Level, Unit
from rarebeat.models.registry import build
from rarebeat.models.size import flops, parameters


def small_network(classes: int = 3) -> nn.Module:
    """In float64, where sums in another order differ in the 15th digit; with batch norms that are not trivial."""
    torch.manual_seed(0)
    network = build("global_skip", classes, 300, {"width": 2}).double()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.uniform_(layer.bias, 0.2, 0.8)
    network.standardise.set(torch.full((12,), 0.3), torch.full((12,), 0.7))
    return network


def padded(recordings: list[Tensor], samples: int) -> tuple[Tensor, Context]:
    """Recordings as one batch, with noise behind each: what stands there must not matter."""
    batch = 5 * torch.randn(len(recordings), 12, samples, dtype=torch.float64)
    for row, recording in zip(batch, recordings, strict=True):
        row[:, : recording.shape[1]] = recording
    return batch, Context(lengths=torch.tensor([recording.shape[1] for recording in recordings]))


@pytest.mark.parametrize(("width", "count"), [(30, 2_665_464), (48, 6_810_936)])
def test_both_published_widths_have_their_size(width: int, count: int) -> None:
    with torch.device("meta"):
        assert parameters(build("global_skip", 24, 1250, {"width": width})) == count


def test_the_arithmetic_of_the_published_network_counts_its_922_zeros() -> None:
    assert flops(build("global_skip", 24, 1250, {}), 1250 + 922) / 1e9 == pytest.approx(1.03, abs=0.005)


def test_levels_halve_the_rate_and_grow_by_the_width() -> None:
    network = build("global_skip", 1, 2500, {"width": 2})
    shapes: list[tuple[int, ...]] = []
    for layer in network.modules():
        if isinstance(layer, Level):
            layer.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape)))
    network.last.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape)))
    network(torch.zeros(2, 12, 2500))
    levels = [(4, 2500), (8, 1250), (12, 625), (16, 312), (20, 156), (24, 78), (12, 39)]
    assert shapes == [(2, channels, 1, time) for channels, time in levels]


def test_it_is_the_network_that_the_paper_draws() -> None:
    network = small_network().eval()
    x = torch.randn(2, 12, 300, dtype=torch.float64)

    def unit(layer: Unit, x: Tensor) -> Tensor:
        x = functional.conv1d(x, layer.convolution.weight[:, :, 0], layer.convolution.bias, padding=3)
        norm = layer.norm
        return functional.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias).relu()

    features = stem = unit(network.stem, (x - 0.3) / 0.7)
    for rate, level in zip((1, 2, 4, 8, 16, 32), network.levels, strict=True):
        first = unit(level.first, features)
        third = unit(level.third, unit(level.second, first))
        features = torch.cat([functional.avg_pool1d(stem, rate), third, first], dim=1)
        features = functional.max_pool1d(features, 2)
    largest = unit(network.last, features).max(dim=2).values
    torch.testing.assert_close(network(x), network.heads(largest))


@pytest.mark.parametrize("samples", [64, 333, 640])
@pytest.mark.parametrize("training", [True, False])
def test_a_recording_gets_the_same_logits_and_gradients_alone_and_padded(
    samples: int, training: bool
) -> None:
    torch.manual_seed(1)
    recordings = [torch.randn(12, samples, dtype=torch.float64) for _ in range(2)]
    alone, with_padding = small_network().train(training), small_network().train(training)
    batch, context = padded(recordings, 2 * samples)
    expected, found = alone(torch.stack(recordings)), with_padding(batch, context)
    torch.testing.assert_close(found, expected)
    for logits in (expected, found):
        logits.square().sum().backward()
    for (name, weight), other in zip(alone.named_parameters(), with_padding.parameters(), strict=True):
        torch.testing.assert_close(other.grad, weight.grad, msg=lambda text, name=name: f"{name}: {text}")
    for name in ("stem.norm.running_mean", "levels.3.third.norm.running_var", "last.norm.running_var"):
        torch.testing.assert_close(with_padding.get_buffer(name), alone.get_buffer(name))


def test_recordings_of_many_lengths_in_one_batch_do_not_see_each_other() -> None:
    torch.manual_seed(1)
    network = small_network().eval()
    recordings = [torch.randn(12, samples, dtype=torch.float64) for samples in (127, 128, 129, 500, 65)]
    batch, context = padded(recordings, 512)
    expected = torch.cat([network(recording[None]) for recording in recordings])
    torch.testing.assert_close(network(batch, context), expected)


def test_without_lengths_the_padding_is_part_of_the_recording() -> None:
    torch.manual_seed(1)
    network = small_network().eval()
    batch, context = padded([torch.randn(12, 300, dtype=torch.float64)], 600)
    assert not torch.allclose(network(batch), network(batch, context))


def test_a_recording_too_short_for_one_value_gets_the_biases() -> None:
    network = small_network().eval()
    batch, context = padded([torch.randn(12, 63, dtype=torch.float64)], 300)
    torch.testing.assert_close(network(batch, context)[0], network.heads.regressions.bias)


def test_fewer_than_64_samples_are_refused() -> None:
    with pytest.raises(ParamsError, match="global_skip needs 64 samples per lead or more, found 63"):
        build("global_skip", 1, 63, {})
