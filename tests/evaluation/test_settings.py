import pytest

from rarebeat.core.errors import ParamsError
from rarebeat.core.params import parse
from rarebeat.evaluation.settings import EvaluateSettings


def test_the_defaults_are_a_thousand_replicates_and_95_percent():
    assert parse(EvaluateSettings, {}, "evaluate") == EvaluateSettings(1000, 0.95, 0)


@pytest.mark.parametrize(
    "wrong",
    [{"thresholds": "youden"}, {"replicates": -1}, {"confidence": 1.0}, {"seed": -1}, {"replicate": 10}],
)
def test_a_wrong_value_is_refused_by_name(wrong):
    with pytest.raises(ParamsError, match=next(iter(wrong))):
        parse(EvaluateSettings, wrong, "evaluate")
