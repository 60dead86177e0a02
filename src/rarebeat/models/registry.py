"""Networks by name.

A network is a :class:`rarebeat.models.layers.TwoStepNetwork`. It takes signals of shape (batch, 12, samples), in the
unit of its shards, and a :class:`rarebeat.core.context.Context`, of which it uses what it can; without one, nothing but
the signals is known. It returns logits of shape (batch, classes). Its first layer is ``standardise``, a
:class:`rarebeat.models.layers.Standardise`.
To add one: write its file with a settings dataclass, and name it in :data:`NETWORKS`. Networks of one's own are
those of :mod:`rarebeat.models.own`, outside the package.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from rarebeat.core.errors import ParamsError
from rarebeat.core.params import parse
from rarebeat.models.densenet1d import DenseNet1d121, DenseNet1d121Settings
from rarebeat.models.global_skip import GlobalSkip, GlobalSkipSettings
from rarebeat.models.hughes34 import Hughes34, Hughes34Settings
from rarebeat.models.own import is_own, load_own
from rarebeat.models.se_resnet import SEResNet, SEResNetSettings
from rarebeat.models.xresnet1d import XResNet1d101, XResNet1d101Settings


@dataclass(frozen=True)
class Paper:
    """Where a network comes from. The defaults of its settings are those of the paper.

    Attributes:
        source: the paper.
        code: the authors' code, or None where it is not public.
        classes: number of classes there.
        samples: samples per lead there, of 10 s where recordings of all lengths were used.
        rate: samples per second there.
    """

    source: str
    code: str | None
    classes: int
    samples: int
    rate: int


@dataclass(frozen=True)
class Network:
    """A kind of network.

    Attributes:
        settings: its settings dataclass.
        create: makes one from the number of classes, the samples per lead, and its settings.
        paper: where it comes from.
    """

    settings: type[Any]
    create: Callable[[int, int, Any], nn.Module]
    paper: Paper


NETWORKS: Mapping[str, Network] = {
    "hughes34": Network(
        Hughes34Settings,
        Hughes34,
        Paper("Hughes et al. 2018, arXiv 1812.00497", None, classes=24, samples=2500, rate=250),
    ),
    "global_skip": Network(
        GlobalSkipSettings,
        GlobalSkip,
        Paper(
            "Vicar et al. 2020, doi 10.22489/CinC.2020.189",
            "https://github.com/tomasvicar/BUTTeam",
            classes=24,
            samples=1250,
            rate=125,
        ),
    ),
    "se_resnet": Network(
        SEResNetSettings,
        SEResNet,
        Paper(
            "Zhao et al. 2020, doi 10.22489/CinC.2020.112",
            "https://github.com/ZhaoZhibin/Physionet2020model",
            classes=24,
            samples=4096,
            rate=257,
        ),
    ),
    "xresnet1d101": Network(
        XResNet1d101Settings,
        XResNet1d101,
        Paper(
            "Strodthoff et al. 2020, arXiv 2004.13701",
            "https://github.com/helme/ecg_ptbxl_benchmarking",
            classes=71,
            samples=250,
            rate=100,
        ),
    ),
    "densenet1d121": Network(
        DenseNet1d121Settings,
        DenseNet1d121,
        Paper(
            "Avetisyan et al. 2023, arXiv 2305.18592",
            "https://github.com/ispras/EcgLib",
            classes=1,
            samples=5000,
            rate=500,
        ),
    ),
}


def settings_kind(name: str) -> type[Any]:
    """The settings dataclass of a network.

    Args:
        name: a key of :data:`NETWORKS`, or ``my_module:MyNet`` (see :mod:`rarebeat.models.own`).

    Raises:
        ParamsError: when there is no such network.

    Example:
        >>> settings_kind("hughes34").__name__
        'Hughes34Settings'
    """
    if is_own(name):
        return load_own(name)[0]
    return _known(name).settings


def _known(name: str) -> Network:
    if name not in NETWORKS:
        raise ParamsError(
            f"unknown network {name!r}: the networks are {', '.join(sorted(NETWORKS))}, and those of your own "
            "(my_module:MyNet)"
        )
    return NETWORKS[name]


def uses_person(name: str, settings: Mapping[str, Any]) -> bool:
    """Whether a network uses age and sex: it does where a setting named ``person`` says so.

    Args:
        name: a key of :data:`NETWORKS`, or ``my_module:MyNet``.
        settings: the network's own settings; those left out take their defaults.

    Raises:
        ParamsError: for settings that the network does not have.

    Example:
        >>> uses_person("se_resnet", {}), uses_person("se_resnet", {"person": False}), uses_person("hughes34", {})
        (True, False, False)
    """
    return bool(getattr(parse(settings_kind(name), dict(settings), f"network {name}"), "person", False))


def build(name: str, classes: int, samples: int, settings: Mapping[str, Any]) -> nn.Module:
    """Make a network with fresh weights from the random state of torch.

    Args:
        name: a key of :data:`NETWORKS`, or ``my_module:MyNet``.
        classes: number of classes.
        samples: samples per lead.
        settings: the network's own settings; those left out take their defaults.

    Returns:
        The network, on the CPU, in training mode.

    Raises:
        ParamsError: for an unknown name, or settings that the network does not have.
    """
    create: Callable[[int, int, Any], nn.Module] = load_own(name)[1] if is_own(name) else _known(name).create
    return create(classes, samples, parse(settings_kind(name), dict(settings), f"network {name}"))
