"""A cohort like the training data is inside of what a model saw; another one is outside, and it is said why."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from tests.evaluation.site.conftest import CLASSES, RECORDS, Site
from typer.testing import CliRunner

from rarebeat.cli.console import new_app
from rarebeat.cli.site import drift as drift_command
from rarebeat.core.errors import RarebeatError
from rarebeat.evaluation.site.drift import (
    ANY,
    compare_with_training,
    distance_limit,
    distribution_distance,
    find_drift,
    format_drift,
)
from rarebeat.evaluation.site.recordings import Scored, Source, ask, score_site
from rarebeat.inference.gate import NO_NUMBER
from rarebeat.inference.model_folder import load_detector, load_model, load_scores, save_adapted
from rarebeat.inference.novelty import Evidence, novelty_sentences
from rarebeat.inference.probabilities import predict_with_features
from rarebeat.inference.signal_summary import MEASURES
from rarebeat.metrics.known_scores import known_scores


@pytest.fixture(scope="module")
def scored(site: Site, knowing_model: Path) -> Scored:
    module, card = load_model(knowing_model)
    return score_site(module, card, Source((site.ingested,)))


def test_the_records_of_the_training_are_inside(site: Site, knowing_model: Path) -> None:
    found = find_drift(knowing_model, Source((site.ingested,)))
    assert found.verdicts == ()
    assert found.records == RECORDS
    assert max(row.distance for row in found.scores) == 0
    assert [row.check for row in found.inputs][-1] == ANY
    assert format_drift(found).endswith("inside of what the model saw, as far as these records tell")


def test_what_is_stored_of_scores_is_what_the_model_said(scored: Scored, knowing_model: Path) -> None:
    known = load_scores(knowing_model)
    assert known is not None
    np.testing.assert_array_equal(known.quantiles, np.sort(scored.probability, axis=0).T.astype(float))


def test_other_scores_are_told_class_by_class(scored: Scored, knowing_model: Path) -> None:
    _, card = load_model(knowing_model)
    many = known_scores(np.repeat(scored.probability, 50, axis=0), 50 * RECORDS, 0.02)
    other = scored.probability.copy()
    other[:, 1] = np.clip(other[:, 1] + 0.5, 0, 1)
    found = compare_with_training(replace(scored, probability=other), card, None, many)
    assert [row.name for row in found.scores if row.differs] == ["atrial_fibrillation"]
    assert found.verdicts == (
        "scores are distributed otherwise than in validation for 1 classes: atrial_fibrillation",
    )
    assert "the model folder has no detector: inputs were not compared" in found.warnings
    assert "OUTSIDE of what the model saw: scores" in format_drift(found)


def test_other_inputs_are_told_with_the_check_that_finds_most(scored: Scored, knowing_model: Path) -> None:
    _, card = load_model(knowing_model)
    measures = scored.evidence.summary.measures.copy()
    measures[: RECORDS // 2, 0] *= 1000  # millivolts taken for microvolts
    evidence = replace(scored.evidence, summary=replace(scored.evidence.summary, measures=measures))
    found = compare_with_training(
        replace(scored, evidence=evidence), card, load_detector(knowing_model), None
    )
    (verdict,) = found.verdicts
    assert verdict == (
        "50% of the records are unlike the training data (at most 5% are tolerated), most often by their span"
    )
    assert {row.check: row.share for row in found.inputs}["span"] == 0.5
    assert found.scores == ()


def test_records_of_one_patient_do_not_count_as_many(scored: Scored, knowing_model: Path) -> None:
    _, card = load_model(knowing_model)
    measures = scored.evidence.summary.measures.copy()
    measures[:6, 0] *= 1000
    evidence = replace(scored.evidence, summary=replace(scored.evidence.summary, measures=measures))
    shares = []
    for owner in (np.arange(RECORDS), np.maximum(np.arange(RECORDS) - 5, 0)):
        changed = replace(scored, evidence=evidence, patients=owner.astype(object))
        found = compare_with_training(changed, card, load_detector(knowing_model), None)
        shares.append(found.inputs[-1])
    assert shares[0].share == shares[1].share == 0.15
    assert shares[1].low < shares[0].low


def test_scores_of_an_adapted_model_are_compared_with_its_offsets(
    site: Site, knowing_model: Path, tmp_path: Path
) -> None:
    _, card = load_model(knowing_model)
    save_adapted(tmp_path / "ward", knowing_model, replace(card, offsets=dict.fromkeys(CLASSES, -2.0)))
    found = find_drift(tmp_path / "ward", Source((site.ingested,)))
    assert max(row.distance for row in found.scores) <= 2 / RECORDS  # rounding may swap neighbours


@pytest.mark.parametrize("centre", [-22.0, 0.0, 17.0])
@pytest.mark.parametrize("offset", [-3.0, 0.0, 3.0])
def test_offsets_of_a_model_that_is_very_sure_are_no_drift(
    scored: Scored, knowing_model: Path, centre: float, offset: float
) -> None:
    odds = np.random.default_rng(0).normal(centre, 2, (2000, len(CLASSES)))
    before, own = (expit(values).astype(np.float32) for values in (odds, odds + offset))
    offsets = {CLASSES[0]: offset, CLASSES[1]: offset}
    card = replace(load_model(knowing_model)[1], offsets=offsets)
    here = replace(
        scored,
        names=tuple(map(str, range(2000))),
        patients=np.arange(2000).astype(object),
        probability=np.column_stack([own[:, :2], before[:, 2]]),
    )
    found = compare_with_training(here, card, None, known_scores(before, 2000, 0.0))
    assert max(row.distance for row in found.scores) < 0.01
    lower = replace(here, probability=expit(odds - 2 + offset).astype(np.float32))
    assert found.scores[0].called == pytest.approx(found.scores[0].called_before, abs=0.001)
    if centre < 10:
        found = compare_with_training(lower, card, None, known_scores(before, 2000, 0.0))
        assert min(row.distance for row in found.scores[:2]) > 0.3


def test_two_samples_of_one_distribution_seldom_exceed_the_limit() -> None:
    rng = np.random.default_rng(0)
    limit = distance_limit(200, 300, 0.05)
    beyond = [distribution_distance(rng.random(200), rng.random(300)) > limit for _ in range(400)]
    assert 0.01 < np.mean(beyond) < 0.08


def test_fewer_long_recordings_are_held_at_a_time(
    site: Site, knowing_model: Path, scored: Scored, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = list[int]()

    def asked(module: Any, card: Any, recordings: Any) -> Any:
        sizes.append(len(recordings))
        return ask(module, card, recordings)

    monkeypatch.setattr("rarebeat.evaluation.site.recordings.ask", asked)
    monkeypatch.setattr("rarebeat.evaluation.site.recordings.MOST_SAMPLES", 6000)  # a recording has 1,000
    found = score_site(*load_model(knowing_model), Source((site.ingested,)))
    assert sizes == [7, 7, 7, 7, 7, 5]
    assert found.names == scored.names
    np.testing.assert_allclose(found.probability, scored.probability, atol=1e-6)


def test_a_folder_that_tells_nothing_of_the_training_is_refused(site: Site, model_folder: Path) -> None:
    with pytest.raises(RarebeatError, match="tells nothing of what the model saw: train again"):
        find_drift(model_folder, Source((site.files,)))


def test_a_file_that_cannot_be_used_is_named(site: Site, knowing_model: Path, tmp_path: Path) -> None:
    for path in site.files.rglob("sim-00000[01].*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    broken = sorted(tmp_path.glob("*.dat"))[0]
    broken.write_bytes(broken.read_bytes()[:100])
    found = find_drift(knowing_model, Source((tmp_path,)))
    assert found.records == 1
    assert f"{broken.stem} cannot be used: " in found.warnings[0]
    assert "1 patients: only large differences can be seen" in found.warnings


def made_unlike(scored: Scored, records: int, unlike: int, patients: int) -> Scored:
    """The first records, of which some are in millivolts taken for microvolts."""
    measures = scored.evidence.summary.measures[:records].copy()
    measures[:unlike, 0] *= 1000
    summary = replace(
        scored.evidence.summary, measures=measures, bands=scored.evidence.summary.bands[:records]
    )
    return replace(
        scored,
        names=scored.names[:records],
        patients=(np.arange(records) % patients).astype(object),
        probability=scored.probability[:records],
        evidence=Evidence(scored.evidence.features[:records], summary),
    )


@pytest.mark.parametrize(
    ("records", "unlike", "patients", "outside", "tells"),
    [
        (1, 1, 1, False, False),  # which one record in twenty may be
        (1, 0, 1, False, False),
        (9, 9, 1, False, False),  # one patient
        (2, 1, 2, False, True),  # one time in ten where 5 % are unlike
        (2, 2, 2, True, True),  # one time in 400
        (30, 4, 30, False, True),  # one time in 16
        (30, 6, 30, True, True),  # one time in 300
    ],
)
def test_few_records_are_outside_only_where_chance_hardly_explains_it(
    scored: Scored, knowing_model: Path, records: int, unlike: int, patients: int, outside: bool, tells: bool
) -> None:
    _, card = load_model(knowing_model)
    some = made_unlike(scored, records, unlike, patients)
    found = compare_with_training(some, card, load_detector(knowing_model), None)
    assert found.inputs[-1].share == unlike / records
    assert (bool(found.verdicts), found.tells) == (outside, tells)
    assert ("too few patients to tell" in format_drift(found)) is not tells


def test_one_record_gets_no_verdict_and_no_exit_code_of_one(
    site: Site, knowing_model: Path, tmp_path: Path
) -> None:
    for path in site.files.rglob("sim-000000.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    app = new_app()
    app.command()(drift_command)
    alone = CliRunner().invoke(app, [str(knowing_model), str(tmp_path)])
    assert alone.exit_code == 2
    assert alone.stdout.rstrip().splitlines()[-1].startswith("too few patients to tell")


def test_an_ecg_without_a_number_is_named_and_left_out(
    site: Site, knowing_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NaN is below every threshold and inside every range: it would count as a sound record of no class."""

    def broken(*arguments: Any, **options: Any) -> tuple[np.ndarray, np.ndarray]:
        probability, features = predict_with_features(*arguments, **options)
        probability[0, 1] = np.nan
        return probability, features

    monkeypatch.setattr("rarebeat.evaluation.site.recordings.predict_with_features", broken)
    found = find_drift(knowing_model, Source((site.ingested,)))
    assert found.records == RECORDS - 1
    assert found.warnings[0].endswith(f"cannot be used: {NO_NUMBER}")
    assert all(np.isfinite([row.called, row.distance]).all() for row in found.scores)


def test_the_exit_code_says_whether_it_is_outside(site: Site, knowing_model: Path) -> None:
    app = new_app()
    app.command()(drift_command)
    inside = CliRunner().invoke(app, [str(knowing_model), str(site.ingested), "--json"])
    assert inside.exit_code == 0
    assert json.loads(inside.stdout)["verdicts"] == []


def test_records_without_a_heart_rate_are_outside_where_the_training_had_none(
    scored: Scored, knowing_model: Path
) -> None:
    """The detector warns of each such record, and so it counts here."""
    _, card = load_model(knowing_model)
    measures = scored.evidence.summary.measures.copy()
    measures[:, MEASURES.index("heart_rate")] = np.nan
    evidence = replace(scored.evidence, summary=replace(scored.evidence.summary, measures=measures))
    detector = load_detector(knowing_model)
    assert detector is not None
    strict = replace(detector, without_rate=np.array([0.002]))
    assert all(novelty_sentences(strict, evidence, card.preprocessing))
    found = compare_with_training(replace(scored, evidence=evidence), card, strict, None)
    rows = {row.check: row for row in found.inputs}
    assert rows["heart rate"].share == rows[ANY].share == 1
    assert np.isnan(rows["heart rate"].expected)  # not told of validation records alone
    assert "most often by their heart rate" in found.verdicts[0]
    used_to_it = replace(detector, without_rate=np.array([0.5]))
    found = compare_with_training(replace(scored, evidence=evidence), card, used_to_it, None)
    assert {row.check: row.share for row in found.inputs}["heart rate"] == 0
