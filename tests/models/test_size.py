"""Parameters and FLOPs, and the table of all networks."""

import json

import pytest
import torch
import typer
from torch import nn
from typer.testing import CliRunner

from rarebeat.cli.models import models
from rarebeat.models.registry import NETWORKS
from rarebeat.models.size import Size, flops, format_sizes, parameters


class Tiny(nn.Module):
    """Averages of a convolution over time, and two classes."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(12, 4, 5)
        self.regressions = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.regressions(self.convolution(x).mean(dim=2))
        return logits


def test_every_multiply_add_counts_two() -> None:
    assert flops(Tiny(), samples=100) == 2 * (12 * 4 * 5 * 96 + 4 * 2)
    assert parameters(Tiny()) == 12 * 4 * 5 + 4 + 4 * 2 + 2


def test_counting_does_not_touch_what_the_network_has_learnt() -> None:
    network = nn.BatchNorm1d(12)
    assert flops(network, 50) == 0
    assert network.num_batches_tracked == 0


def test_a_row_for_a_person() -> None:
    size = Size("tiny", 1_254, 46_096_000, 2, 100, 10, "Doe et al. 2020", None)
    header, row = format_sizes([size]).splitlines()
    assert header.split() == ["network", "parameters", "FLOPs", "input", "classes", "source"]
    assert row == "tiny          1,254  0.05 G  12 x 100, 10 Hz        2  Doe et al. 2020"


@pytest.mark.slow
def test_the_command_lists_every_network_as_its_paper_has_it() -> None:
    app = typer.Typer()
    app.command()(models)
    rows = json.loads(CliRunner().invoke(app, ["--json"]).stdout)
    found = {row["name"]: (row["parameters"], round(row["flops"] / 1e9, 2)) for row in rows}
    assert found == {
        "hughes34": (15_228_120, 3.98),
        "global_skip": (2_665_464, 0.59),
        "se_resnet": (8_837_060, 3.22),
        "xresnet1d101": (1_880_775, 0.08),
        "densenet1d121": (5_535_681, 3.75),
    }
    assert list(found) == list(NETWORKS)
    assert all(row["source"] for row in rows)
