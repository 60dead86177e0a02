"""Calibration and certain answers are scored on records that they were not fitted to."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import expit
from tests.predicted import predicted

from rarebeat.evaluation.certainty.measures import Claims, claims_of, claims_together, measure_certainty
from rarebeat.evaluation.certainty.tables import certainty_section, class_content, mean_content
from rarebeat.evaluation.evaluate import EvaluateSettings, evaluate
from rarebeat.evaluation.metrics_file import metrics_content
from rarebeat.metrics.certainty import Certainty, ClassCertainty, Told, fit_certainty
from rarebeat.metrics.intervals import share_interval

CLASSES = ("common", "rare", "unlabelled")


def make_predictions(seed, records=800):
    """A network that finds its classes too often; three records in ten are of a patient with several."""
    rng = np.random.default_rng([seed])
    truth = (rng.random((records, 3)) < [0.3, 0.01, 0.5]).astype(np.int8)
    probability = expit(rng.normal(4.0 * truth - [2, 4, 2] + 1.5, 1.5)).astype(np.float32)
    people = np.char.add("p", np.where(rng.random(records) < 0.3, 0, np.arange(records)).astype(str)).astype(
        object
    )
    return predicted(truth, probability, 0.7, people, CLASSES)


@pytest.fixture(scope="module")
def test_split():
    return make_predictions(1)


@pytest.fixture(scope="module")
def claims(test_split):
    validation = make_predictions(0)
    truth = validation.truth.copy()
    truth[:, 2] = -1
    certainty = fit_certainty(truth, validation.probability, validation.patients, CLASSES)
    return claims_of(SimpleNamespace(certainty=certainty, offsets={}, adapted={}), test_split)


@pytest.fixture(scope="module")
def scores(claims, test_split):
    return measure_certainty(claims, test_split, replicates=200)


def test_calibration_is_measured_before_and_after(scores, claims, test_split):
    found = scores.calibration["common"]
    truth = test_split.truth[:, 0] == 1
    raw, calibrated = test_split.probability[:, 0].astype(float), claims.told.calibrated[:, 0]
    assert found.brier_before[0] == pytest.approx(np.mean((raw - truth) ** 2))
    assert found.brier[0] == pytest.approx(np.mean((calibrated - truth) ** 2))
    assert found.brier_gain[0] == pytest.approx(found.brier_before[0] - found.brier[0])
    assert 0 < found.brier_gain[1] < found.brier_gain[0] < found.brier_gain[2]
    error = 0.0
    for step in range(10):
        rows = np.clip((calibrated * 10).astype(int), 0, 9) == step
        error += abs(np.sum(calibrated[rows]) - np.sum(truth[rows])) / len(truth)
    assert found.error[0] == pytest.approx(error)
    assert found.error[0] < found.error_before[0] / 2


def test_intervals_are_over_patients(claims, test_split):
    """The records of one patient are drawn together: of two patients a replicate has both, or twice the same."""
    people = np.array(["p", "q"], dtype=object)[(np.arange(len(test_split)) >= 500).astype(int)]
    two = replace(test_split, patients=people)
    found = measure_certainty(claims, two, replicates=50).calibration["common"].brier
    squared = np.square(claims.told.calibrated[:, 0] - (test_split.truth[:, 0] == 1))
    assert sorted(found[1:]) == pytest.approx(sorted([squared[:500].mean(), squared[500:].mean()]))


def test_one_patient_does_not_say_how_patients_differ(claims, test_split):
    alone = replace(test_split, patients=np.full(len(test_split), "p", dtype=object))
    truth = test_split.truth.copy()
    truth[test_split.patients != "p0", 0] = -1  # known of one patient of many
    for predictions in (alone, replace(test_split, truth=truth)):
        found = measure_certainty(claims, predictions, replicates=50).calibration["common"]
        assert found.brier[0] > 0
        assert np.isnan([*found.brier[1:], *found.brier_gain[1:], *found.error[1:]]).all()


def test_a_class_without_a_known_test_record_has_dashes(claims, test_split):
    text = "\n".join(
        certainty_section(
            measure_certainty(claims, replace(test_split, truth=np.full_like(test_split.truth, -1)), 50)
        )
    )
    assert "nan" not in text
    assert "Brier score –, calibrated –" in text


def test_coverage_is_the_share_that_was_not_answered_against_the_truth(scores, claims, test_split):
    said = claims.told.answers(test_split.decisions)[:, 0]
    positive = test_split.truth[:, 0] == 1
    found = scores.answers["common"]
    expected = share_interval(said[positive] != "no", test_split.patients[positive])
    assert found.kept_present == pytest.approx(expected)
    assert found.kept_absent[0] == pytest.approx(np.mean(said[~positive] != "yes"))
    assert found.unsure_absent[0] == pytest.approx(np.mean(said[~positive] == "unsure"))
    assert found.kept_present[1] < 0.9 < found.kept_present[2] or found.kept_present[0] > 0.9


def test_a_class_that_is_never_answered_no_says_so(scores):
    assert scores.answers["rare"].never_no
    assert not scores.answers["rare"].never_yes
    assert not scores.answers["common"].never_no
    section = "\n".join(certainty_section(scores))
    row = next(line for line in section.splitlines() if line.startswith("| rare") and '"no"' in line)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert (cells[1], cells[-1]) == (str(scores.answers["rare"].patients), '"no"')


def test_the_text_says_what_was_calibrated_on(scores, claims, test_split):
    def words(found):
        return " ".join(certainty_section(found))

    assert "the map that was fitted on the validation split" in words(scores)
    assert "records like those of the validation split" in words(scores)
    assert "from one validation split to the next" in words(scores)
    assert claims_together([claims, claims]).at_site is False
    adapted = measure_certainty(replace(claims, at_site=True), test_split, replicates=20)
    assert "the map that was fitted on the labelled records of one site" in words(adapted)
    assert "records like those of the labelled records of one site" not in words(adapted)
    assert "records like the labelled records of one site" in words(adapted)
    assert "validation split" not in words(adapted)


def test_claims_of_an_adapted_model_are_those_of_a_site(claims, test_split):
    certainty = Certainty(0.9, {"common": ClassCertainty(1.0, 0.0, None, None, 9, 50)})
    card = SimpleNamespace(certainty=certainty, offsets={}, adapted={"records": 40})
    adapted = claims_of(card, test_split)
    assert (claims.at_site, adapted.at_site) == (False, True)
    assert claims_together([adapted, adapted]).at_site


def test_a_class_of_which_nothing_is_stored_has_no_row(scores):
    assert "unlabelled" not in scores.calibration
    assert class_content(scores, "unlabelled") == {}


def test_scores_reach_the_metrics_and_nothing_changes_where_a_model_tells_nothing(claims, test_split):
    settings = EvaluateSettings(replicates=20)
    plain = metrics_content(evaluate(test_split, settings))
    told = metrics_content(evaluate(test_split, settings, claims=claims))
    assert set(told) - set(plain) == {"calibration", "coverage"}
    assert told["coverage"] == 0.9
    common = told["classes"]["common"]
    assert set(common) - set(plain["classes"]["common"]) == {"calibration", "certain"}
    assert (
        common["calibration"]["brier_low"]
        < common["calibration"]["brier"]
        < common["calibration"]["brier_high"]
    )
    assert common["certain"]["never_no"] == 0
    assert {name: told[name] for name in plain if name != "classes"} == {
        name: plain[name] for name in plain if name != "classes"
    }
    assert certainty_section(None) == []
    assert mean_content(None) == {}


def test_without_replicates_there_are_values_alone(claims, test_split):
    found = measure_certainty(claims, test_split, replicates=0).calibration["common"]
    assert found.brier[0] > 0
    assert np.isnan(found.brier[1:]).all()


def test_an_ensemble_tells_something_where_all_members_do(claims):
    together = claims_together([claims, claims, claims])
    assert isinstance(together, Claims)
    assert together.together
    np.testing.assert_allclose(together.told.calibrated, claims.told.calibrated)
    np.testing.assert_array_equal(together.never_no, claims.never_no)
    assert claims_together([claims, None]) is None
    assert claims_together([]) is None


def test_members_that_do_not_know_a_class_neither_vote_on_it_nor_forbid_an_answer(claims, test_split):
    def without_the_class(one):
        calibrated = one.told.calibrated.copy()
        calibrated[:, 0] = np.nan
        nothing = np.zeros_like(one.told.absent_excluded)
        unknown = np.arange(len(CLASSES)) == 0
        return replace(
            one,
            told=Told(calibrated, nothing, nothing),
            patients=np.where(unknown, 0, one.patients),
            never_no=one.never_no | unknown,
            never_yes=one.never_yes | unknown,
        )

    together = claims_together([claims, without_the_class(claims), without_the_class(claims)])
    assert (together.told.answers(test_split.decisions)[:, 0] == "no").any()
    assert not together.never_no[0]
    assert not together.never_yes[0]
    assert together.patients[0] == claims.patients[0]
    assert together.never_no[1]  # the rare class: no member can exclude it
    assert together.patients[2] == 0  # the class that nobody knows


def test_a_model_that_knows_nothing_of_any_class_has_no_rows(claims, test_split):
    nothing = np.full_like(claims.told.calibrated, np.nan)
    found = measure_certainty(
        replace(claims, told=replace(claims.told, calibrated=nothing)), test_split, replicates=20
    )
    assert (found.calibration, found.answers) == ({}, {})
