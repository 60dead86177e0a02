"""Groups of people are scored for the same classes, and a handful of persons is not scored."""

from dataclasses import replace

import numpy as np
import pytest

from rarebeat.evaluation.evaluate import EvaluateSettings, evaluate
from rarebeat.evaluation.groups import NOT_KNOWN, age_groups, evaluate_groups
from rarebeat.inference.predictions import Predictions

SETTINGS = EvaluateSettings(replicates=50, at_least=5)


@pytest.fixture
def predictions() -> Predictions:
    """200 patients; only the first hundred have the third class."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, (200, 3)).astype(np.int8)
    truth[100:, 2] = 0
    names = np.array([f"r{index}" for index in range(200)], dtype=object)
    return Predictions(
        record_ids=names,
        cohorts=np.full(200, "clinic", dtype=object),
        patients=names,
        splits=np.full(200, "test", dtype=object),
        classes=("common", "other", "first_only"),
        thresholds=np.full(3, 0.5),
        probability=np.clip(0.5 * truth + 0.6 * random.random((200, 3)), 0, 1).astype(np.float32),
        truth=truth,
    )


def halves() -> np.ndarray:  # type: ignore[type-arg]
    return np.repeat(np.array(["female", "male"], dtype=object), 100)


def test_groups_are_scored_for_the_classes_that_all_of_them_have(predictions: Predictions) -> None:
    found = evaluate_groups(predictions, halves(), SETTINGS)
    assert found.classes == ("common", "other")
    assert list(found.scored) == ["female", "male"]
    alone = evaluate(predictions.rows(halves() == "male").of_classes(np.array([0, 1])), SETTINGS)
    assert found.scored["male"].tuned.scores.values["f1"] == pytest.approx(alone.tuned.scores.values["f1"])
    assert found.scored["male"].averaged.all()


def test_a_handful_of_persons_is_counted_and_not_scored(predictions: Predictions) -> None:
    names = halves()
    names[:5] = NOT_KNOWN
    found = evaluate_groups(predictions, names, SETTINGS)
    assert found.too_few == {NOT_KNOWN: 5}
    assert list(found.scored) == ["female", "male"]


def test_without_a_class_that_all_have_nothing_is_scored(predictions: Predictions) -> None:
    found = evaluate_groups(replace(predictions, truth=predictions.truth * 0), halves(), SETTINGS)
    assert (found.classes, found.scored) == ((), {})


def test_ages_stand_in_their_order() -> None:
    ages = np.array([85.0, 10.0, np.nan, 59.9, 79.0])
    assert age_groups(ages).tolist() == ["80 and over", "under 40", NOT_KNOWN, "40 to 59", "60 to 79"]


def test_where_every_group_is_a_handful_no_class_is_named(predictions: Predictions) -> None:
    few = predictions.rows(np.arange(200) % 100 < 20)
    found = evaluate_groups(few, halves()[np.arange(200) % 100 < 20], SETTINGS)
    assert (found.classes, found.scored) == ((), {})
    assert found.too_few == {"female": 20, "male": 20}
