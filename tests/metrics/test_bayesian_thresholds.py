import numpy as np
import pytest

from rarebeat.core.errors import ParamsError
from rarebeat.metrics import bayesian_thresholds as module
from rarebeat.metrics.bayesian_thresholds import bayesian_thresholds
from rarebeat.metrics.challenge_classes import rewards
from rarebeat.metrics.challenge_thresholds import coordinate_thresholds, total_earned
from rarebeat.metrics.classification import decide

FOUR = rewards([1, 2, 13, 20])


def test_without_optuna_there_is_one_clear_message(make_case, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ParamsError, match="challenge_bayesian needs Optuna: pip install optuna"):
        bayesian_thresholds(*make_case(0), FOUR)


def test_the_search_beats_one_half_repeats_itself_and_stays_below_the_ascent(make_case, capfd):
    pytest.importorskip("optuna")
    truth, probability = make_case(0, levels=10**6)
    probability = probability**2  # 0.5 is far from best
    found = bayesian_thresholds(truth, probability, FOUR)
    np.testing.assert_array_equal(found, bayesian_thresholds(truth, probability, FOUR))
    assert (found != bayesian_thresholds(truth, probability, FOUR, seed=1)).any()
    ascent = coordinate_thresholds(truth, probability, FOUR)
    half, searched, ascended = (
        total_earned(truth, decide(probability, cuts), FOUR) for cuts in (np.full(4, 0.5), found, ascent)
    )
    assert half < searched <= ascended
    assert capfd.readouterr() == ("", "")  # it is quiet
