"""The predictions of fold models brought together: an ensemble on the test split, and one table out of fold."""

from dataclasses import replace

import numpy as np
import pytest

from rarebeat.core.tables import markdown_table
from rarebeat.evaluation.evaluate import EvaluateSettings, evaluate
from rarebeat.evaluation.members import (
    ensemble_predictions,
    member_rows,
    member_table,
    out_of_fold_predictions,
)
from rarebeat.inference.novelty import UNLIKE
from rarebeat.inference.predictions import Predictions, read_predictions, write_predictions
from rarebeat.inference.voting import EnsembleSettings
from rarebeat.labels.vocabulary import load_vocabulary

CLASSES = ("af", "bigeminy", "pac")
QUICK = EvaluateSettings(replicates=20)


def member(
    seed: int, split: str = "test", known: tuple[str, ...] = CLASSES, records: int = 60
) -> Predictions:
    """A model that is right more often than not, in the columns of all classes."""
    rng = np.random.default_rng([seed, records])
    truth = (np.random.default_rng(99).random((records, len(CLASSES))) < 0.4).astype(np.int8)
    probability = np.clip(0.3 + 0.3 * truth + rng.normal(0, 0.25, truth.shape), 0, 1).astype(np.float32)
    columns = [CLASSES.index(name) for name in known]
    narrow = Predictions(
        record_ids=np.array([f"{split}{number}" for number in range(records)], dtype=object),
        cohorts=np.repeat(["ptb-xl", "georgia"], [records // 2, records - records // 2]),
        patients=np.array([f"p{number // 2}" for number in range(records)], dtype=object),
        splits=np.full(records, split),
        classes=known,
        thresholds=np.full(len(known), 0.4 + 0.1 * seed),
        probability=probability[:, columns],
        truth=truth[:, columns],
    )
    return narrow.spread(CLASSES, truth)


def test_columns_are_spread_without_inventing_anything():
    spread = member(0, known=("pac", "af"))
    assert np.isnan(spread.probability).all(axis=0).tolist() == [False, True, False]
    assert np.isnan(spread.thresholds).tolist() == [False, True, False]
    assert not spread.decisions[:, 1].any()
    assert spread.decisions[:, 0].tolist() == (spread.probability[:, 0] >= 0.4).tolist()
    assert set(spread.truth[:, 1]) == {0, 1}


def test_the_ensemble_ranks_better_than_its_members():
    members = [member(seed) for seed in range(3)]
    ensemble = ensemble_predictions(members, EnsembleSettings())
    np.testing.assert_allclose(
        ensemble.probability, np.mean([entry.probability for entry in members], axis=0), 1e-6
    )
    np.testing.assert_allclose(ensemble.thresholds, 0.5)
    votes = sum(entry.decisions.astype(int) for entry in members)
    assert ensemble.decisions.tolist() == (votes >= 2).tolist()
    alone = [evaluate(entry, QUICK, by_cohort=False) for entry in members]
    together = evaluate(ensemble, QUICK, by_cohort=False)
    areas = [
        row["macro_auroc"] for row in member_rows({"all": together} | dict(zip("abc", alone, strict=True)))
    ]
    assert areas[0] > max(areas[1:])


def test_the_vote_is_scored_and_not_the_mean_threshold():
    members = [member(seed) for seed in range(3)]
    majority, mean = (
        ensemble_predictions(members, EnsembleSettings(vote=rule)) for rule in ("majority", "mean")
    )
    assert majority.probability.tolist() == mean.probability.tolist()
    assert majority.decisions.tolist() != mean.decisions.tolist()
    by_hand = (
        2
        * (majority.decisions & (majority.truth == 1)).sum()
        / (majority.decisions.sum() + majority.truth.sum())
    )
    assert member_rows({"m": evaluate(majority, QUICK, by_cohort=False)})[0]["micro_f1"] == pytest.approx(
        by_hand, rel=1e-4
    )
    by_cohort = evaluate(majority, QUICK).cohorts
    assert set(by_cohort) == {"ptb-xl", "georgia"}
    part = replace(majority, voted=majority.voted[:30], truth=majority.truth[:30])
    expected = 2 * (part.voted & (part.truth == 1)).sum() / (part.voted.sum() + part.truth.sum())
    assert by_cohort["ptb-xl"].tuned.scores.values["f1"][-1] == pytest.approx(expected)


def test_a_class_that_a_member_does_not_know_is_left_to_the_others():
    members = [member(0), member(1, known=("af", "pac"))]
    ensemble = ensemble_predictions(members, EnsembleSettings())
    np.testing.assert_array_equal(ensemble.probability[:, 1], members[0].probability[:, 1])
    np.testing.assert_array_equal(ensemble.decisions[:, 1], members[0].decisions[:, 1])
    rows = member_rows(
        {name: evaluate(entry, QUICK, by_cohort=False) for name, entry in zip("ab", members, strict=True)}
    )
    assert [row["classes"] for row in rows] == [3, 2]
    assert [row["macro_classes"] for row in rows] == [
        evaluate(entry, QUICK, by_cohort=False).averaged.sum() for entry in members
    ]


def test_out_of_fold_each_decides_by_its_own_thresholds(tmp_path):
    parts = [member(0, "fold-0"), member(2, "fold-1", known=("af", "pac"), records=40)]
    table = out_of_fold_predictions(parts)
    assert table.splits.tolist() == ["fold-0"] * 60 + ["fold-1"] * 40
    assert table.thresholds == pytest.approx([0.5, 0.4, 0.5])
    assert table.decisions[:60].tolist() == (parts[0].probability >= 0.4).tolist()
    assert table.decisions[60:, 0].tolist() == (parts[1].probability[:, 0] >= 0.6).tolist()
    own = np.repeat([[0.4, 0.4, 0.4], [0.6, np.nan, 0.6]], [60, 40], axis=0)
    np.testing.assert_allclose(table.record_thresholds, own)

    write_predictions(tmp_path / "out_of_fold.parquet", table)
    again = read_predictions(tmp_path / "out_of_fold.parquet")
    names = ("record_ids", "splits", "thresholds", "record_thresholds", "probability", "truth", "decisions")
    for name in names:
        np.testing.assert_array_equal(getattr(again, name), getattr(table, name))
    assert np.isnan(again.probability[60:, 1]).all()
    assert again.only("fold-1").decisions.tolist() == table.decisions[60:].tolist()


UNLIKE_BOTH = f"{UNLIKE}: distance of the features 9; sits on the rail"


def warned(seed: int, *warnings: str, split: str = "test") -> Predictions:
    return replace(member(seed, split, records=3), warnings=np.array(warnings, dtype=object))


def test_an_ensemble_warns_where_most_members_do_and_keeps_what_ingest_found():
    members = [
        warned(0, "", f"{UNLIKE}: one", UNLIKE_BOTH),
        warned(1, "", f"{UNLIKE}: two", "sits on the rail"),
        warned(2, "", "", "sits on the rail"),
        member(3, records=3),  # saved without what tells
    ]
    ensemble = ensemble_predictions(members, EnsembleSettings())
    assert ensemble.warnings.tolist() == ["", f"{UNLIKE}: one", "sits on the rail"]
    assert ensemble_predictions(members[3:], EnsembleSettings()).warnings is None
    assert evaluate(ensemble, QUICK, by_cohort=False).unlike.value == pytest.approx(1 / 3)


def test_out_of_fold_each_model_says_what_is_unlike_its_own_training_data(tmp_path):
    parts = [warned(0, "", f"{UNLIKE}: one", "", split="fold-0"), member(1, "fold-1", records=2)]
    table = out_of_fold_predictions(parts)
    write_predictions(tmp_path / "out_of_fold.parquet", table)
    assert read_predictions(tmp_path / "out_of_fold.parquet").warnings.tolist() == [
        "",
        f"{UNLIKE}: one",
        "",
        "",
        "",
    ]
    assert out_of_fold_predictions(parts[1:]).warnings is None


def test_each_model_has_a_split_of_its_own_out_of_fold():
    with pytest.raises(ValueError, match="the same split"):
        out_of_fold_predictions([member(0, "fold-0"), member(1, "fold-0", records=40)])


def test_the_table_for_people_has_a_row_per_model():
    text = markdown_table(member_table({"ensemble": evaluate(member(0), QUICK, by_cohort=False)}))
    assert text.splitlines()[0].split("|")[1:7] == [
        " Model    ", " Classes ", " Macro over ",
        *(f"{title:>17} " for title in ("Macro F1", "Macro AUROC", "Macro AUPRC"))
    ]  # fmt: skip
    assert "Challenge score" not in text


def test_a_model_of_all_the_challenge_s_classes_has_its_score():
    codes = {entry.id: entry.code for entry in load_vocabulary("cinc2020").classes}
    classes = tuple(codes)
    rng = np.random.default_rng(0)
    truth = (rng.random((40, len(classes))) < 0.3).astype(np.int8)
    whole = replace(
        member(0, records=40),
        classes=classes,
        thresholds=np.full(len(classes), 0.5),
        probability=rng.random(truth.shape).astype(np.float32),
        truth=truth,
        voted=truth == 1,
        vocabulary="cinc2020",
        codes=codes,
    )
    lacking = replace(whole, thresholds=np.where(np.arange(len(classes)) == 3, np.nan, 0.5))
    scores = {
        "whole": evaluate(whole, QUICK, by_cohort=False),
        "lacking": evaluate(lacking, QUICK, by_cohort=False),
    }
    assert [row["challenge_score"] for row in member_rows(scores)] == [1, None]
    assert [row["Challenge score"] for row in member_table(scores)] == ["1.00 (1.00–1.00)", None]
