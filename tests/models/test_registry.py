"""Networks by name."""

import pytest

from rarebeat.errors import ParamsError
from rarebeat.models.layers import Standardise
from rarebeat.models.registry import NETWORKS, build


def test_an_unknown_network_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ParamsError, match="unknown network 'hughes35': the networks are hughes34"):
        build("hughes35", 1, 100, {})


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"witdh": 8}, "witdh"),
        ({"width": 0}, "width"),
        ({"growth": "triple"}, "growth"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_a_setting_that_the_network_does_not_have_is_named(
    settings: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ParamsError, match=f"network hughes34.{complaint}"):
        build("hughes34", 1, 100, settings)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_begins_with_standardisation(name: str) -> None:
    assert isinstance(build(name, 1, 100, {"width": 2}).standardise, Standardise)
