"""Networks by name.

A network is a module that takes signals of shape (batch, 12, samples), in the unit of its shards, and
returns logits of shape (batch, classes). Its first layer is ``standardise``, a
:class:`rarebeat.models.layers.Standardise`. To add
one: write its file with a settings dataclass, and name it in :data:`NETWORKS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from rarebeat.errors import ParamsError
from rarebeat.models.hughes34 import Hughes34, Hughes34Settings
from rarebeat.params import parse


@dataclass(frozen=True)
class Network:
    """A kind of network.

    Attributes:
        settings: its settings dataclass.
        create: makes one from the number of classes, the samples per lead, and its settings.
    """

    settings: type[Any]
    create: Callable[[int, int, Any], nn.Module]


NETWORKS: Mapping[str, Network] = {
    "hughes34": Network(Hughes34Settings, Hughes34),
}


def build(name: str, classes: int, samples: int, settings: Mapping[str, Any]) -> nn.Module:
    """Make a network with fresh weights from the random state of torch.

    Args:
        name: a key of :data:`NETWORKS`.
        classes: number of classes.
        samples: samples per lead.
        settings: the network's own settings; those left out take their defaults.

    Raises:
        ParamsError: for an unknown name, or settings that the network does not have.
    """
    if name not in NETWORKS:
        raise ParamsError(f"unknown network {name!r}: the networks are {', '.join(sorted(NETWORKS))}")
    network = NETWORKS[name]
    return network.create(classes, samples, parse(network.settings, dict(settings), f"network {name}"))
