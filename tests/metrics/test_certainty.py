"""What is stored of a model beside its thresholds: calibration changes no decision, and no answer contradicts one."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import expit, logit

from rarebeat.core.params import parse
from rarebeat.metrics.certainty import (
    Certainty,
    CertaintySettings,
    ClassCertainty,
    Told,
    add_certainty,
    calibrated_threshold,
    fit_certainty,
    tell,
    tell_together,
)
from rarebeat.metrics.classification import decide

CLASSES = ("common", "rare", "unknown")
Case = tuple[npt.NDArray[np.int8], npt.NDArray[np.float32], npt.NDArray[np.str_]]


def make_case(seed: int, records: int = 600, shift: float = 1.5) -> Case:
    """Two classes that the network finds too often (as after class re-sampling), and one that nobody has labelled."""
    rng = np.random.default_rng([seed])
    truth = (rng.random((records, 3)) < [0.3, 0.006, 0.5]).astype(np.int8)
    odds = rng.normal(4.0 * truth - [3, 5, 2] + shift, 1.5)
    truth[:, 2] = -1
    people = np.char.add("p", (np.arange(records) // 2).astype(str))
    return truth, expit(odds).astype(np.float32), people


@pytest.mark.parametrize("seed", range(5))
def test_calibrated_probabilities_and_thresholds_decide_as_before(seed: int) -> None:
    truth, probability, people = make_case(seed)
    certainty = fit_certainty(truth, probability, people, CLASSES)
    edges = np.array([0, 1e-30, 1e-9, 1e-7, 0.5, 1 - 2.0**-24, 1], dtype=np.float32)
    asked = np.concatenate([probability[:, 0], edges])[:, None]
    calibrated = tell(certainty, CLASSES[:1], asked).calibrated
    for threshold in [*asked[::20, 0].tolist(), *edges.tolist(), 0.37, 1 + 2.0**-23]:
        moved = calibrated_threshold(certainty, "common", threshold)
        before = decide(asked, np.array([threshold]))
        np.testing.assert_array_equal(calibrated >= moved, before)


def test_ranking_stays_also_where_float32_comes_to_its_end() -> None:
    truth, probability, people = make_case(1)
    certainty = fit_certainty(truth, probability, people, CLASSES)
    rising = np.array([0, 1e-45, 1e-38, 1e-12, 0.1, 0.9, 1 - 2.0**-24, 1], dtype=np.float32)
    calibrated = tell(certainty, CLASSES[:1], rising[:, None]).calibrated[:, 0]
    assert (np.diff(calibrated) > 0).all()
    assert 0 < calibrated[0] < calibrated[-1] < 1  # nothing is impossible, nothing is sure


def test_after_class_re_sampling_the_mean_probability_is_the_share_of_positives_again() -> None:
    truth, probability, people = make_case(2, records=4000)
    certainty = fit_certainty(truth, probability, people, CLASSES)
    new_truth, new, _ = make_case(3, records=4000)
    told = tell(certainty, CLASSES, new)
    for k in (0, 1):
        share = float(np.mean(new_truth[:, k] == 1))
        assert abs(told.calibrated[:, k].mean() - share) < 0.15 * abs(new[:, k].mean() - share)


def test_a_rare_class_moves_by_its_offset_alone() -> None:
    truth, probability, people = make_case(4)
    certainty = fit_certainty(truth, probability, people, CLASSES, CertaintySettings(min_positives=10))
    common, rare = certainty.classes["common"], certainty.classes["rare"]
    assert common.positives > 10 > rare.positives
    assert common.slope != 1.0
    assert rare.slope == 1.0
    assert rare.offset < 0
    fitted = fit_certainty(truth, probability, people, CLASSES, CertaintySettings(min_positives=1))
    assert fitted.classes["rare"].slope != 1.0


@pytest.mark.parametrize("others", [0, 9])
def test_a_class_that_nearly_all_have_moves_by_its_offset_alone(others: int) -> None:
    """Records of one kind alone do not tell how far the network's log odds must be stretched."""
    odds = np.random.default_rng([10]).normal(2.0, 1.0, (300, 1))
    truth = np.ones((300, 1), dtype=np.int8)
    truth[:others] = 0
    certainty = fit_certainty(truth, expit(odds), np.arange(300).astype(str), CLASSES[:1])
    assert certainty.classes["common"].negatives == others
    assert certainty.classes["common"].slope == 1.0


def test_a_class_with_few_calibration_patients_is_never_answered_no() -> None:
    truth, probability, people = make_case(5)
    certainty = fit_certainty(truth, probability, people, CLASSES)
    assert certainty.classes["rare"].positives < 9
    assert certainty.classes["rare"].no_below is None
    asked = np.full((1, 3), 1e-12)
    told = tell(certainty, CLASSES, asked)
    assert told.answers(np.zeros((1, 3), dtype=bool)).tolist() == [["no", "unsure", ""]]


def test_nothing_is_told_of_a_class_without_a_label() -> None:
    truth, probability, people = make_case(6)
    certainty = fit_certainty(truth, probability, people, CLASSES)
    assert set(certainty.classes) == {"common", "rare"}
    answer = {name: {"probability": 0.4, "decision": False} for name in CLASSES}
    add_certainty(answer, [tell(certainty, CLASSES, np.full((1, 3), 0.4))])
    assert set(answer["common"]) == {"probability", "decision", "calibrated", "certain"}
    assert set(answer["unknown"]) == {"probability", "decision"}


def test_an_answer_never_contradicts_the_decision_and_keeps_the_promise() -> None:
    """Joining the decision to the conformal set can only widen it: the promise holds for any threshold."""
    rng = np.random.default_rng([9])
    wrong_no, wrong_yes = [], []
    for seed in range(60):
        certainty = fit_certainty(*make_case(100 + seed), CLASSES)
        truth, probability, _ = make_case(1000 + seed)
        decisions = decide(probability, rng.uniform(0.01, 0.9, 3))
        said = tell(certainty, CLASSES, probability).answers(decisions)
        assert not (said[decisions] == "no").any()
        assert not (said[~decisions] == "yes").any()
        positive = truth[:, 0] == 1
        wrong_no.append(np.mean(said[positive, 0] == "no"))
        wrong_yes.append(np.mean(said[~positive, 0] == "yes"))
    assert np.mean(wrong_no) <= 0.105
    assert np.mean(wrong_yes) <= 0.105


def test_offsets_of_a_site_change_nothing_that_is_told() -> None:
    truth, probability, people = make_case(7)
    certainty = fit_certainty(truth, probability, people, CLASSES)
    offsets = {"common": -2.0}
    moved = probability.astype(np.float64)
    moved[:, 0] = expit(logit(moved[:, 0]) - 2.0)
    plain, shifted = tell(certainty, CLASSES, probability), tell(certainty, CLASSES, moved, offsets)
    np.testing.assert_allclose(shifted.calibrated, plain.calibrated, rtol=1e-6)
    again = fit_certainty(truth, moved, people, CLASSES, offsets=offsets)
    assert again.classes["common"].offset == pytest.approx(certainty.classes["common"].offset, abs=1e-5)


def test_a_class_without_labels_keeps_what_it_had_elsewhere() -> None:
    truth, probability, people = make_case(8)
    stored = {
        "unknown": ClassCertainty(0.7, -1.0, 2.0, -2.0, 40, 400),
        "rare": ClassCertainty(0.5, -1.0, 2.0, -2.0, 40, 400),
    }
    certainty = fit_certainty(truth, probability, people, CLASSES, earlier=Certainty(0.9, stored))
    assert certainty.classes["unknown"] == stored["unknown"]
    assert certainty.classes["rare"].slope == 0.5  # too few positives here for another one
    assert certainty.classes["rare"].no_below is None  # but nothing is promised that was not seen here

    other = fit_certainty(truth, probability, people, CLASSES, earlier=Certainty(0.8, stored))
    unknown = other.classes["unknown"]
    assert (unknown.slope, unknown.yes_above, unknown.no_below) == (0.7, None, None)  # they promised less


def test_an_ensemble_means_and_votes() -> None:
    def told(calibrated: float, absent_excluded: bool) -> Told:
        return Told(np.array([[calibrated]]), np.array([[absent_excluded]]), np.array([[False]]))

    together = tell_together([told(0.2, True), told(0.4, True), told(0.9, False), told(np.nan, False)])
    assert together.calibrated[0, 0] == pytest.approx(0.5)
    assert together.answers(np.array([[True]])) == "yes"  # two of three; the fourth does not know the class
    assert tell_together([told(0.2, True), told(0.4, False)]).answers(np.array([[True]])) == "unsure"


def test_what_is_stored_survives_yaml() -> None:
    from dataclasses import asdict

    import yaml

    certainty = fit_certainty(*make_case(9), CLASSES)
    text = yaml.safe_dump(asdict(certainty))
    assert parse(Certainty, yaml.safe_load(text), "certainty") == certainty
