"""Calibration and limits are fitted to a site near those of the training, and its records count once."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.evaluation.site.conftest import CLASSES, Site

from rarebeat.evaluation.site.adapt import adapt_model
from rarebeat.evaluation.site.recordings import Source
from rarebeat.inference.model_folder import read_card, save_adapted
from rarebeat.inference.predict import predict_files
from rarebeat.metrics.certainty import Certainty, ClassCertainty


def with_certainty(model: Path, folder: Path) -> Path:
    """The model, with calibration and limits that were fitted elsewhere."""
    stored = {name: ClassCertainty(0.6, -1.0, 2.0, -2.0, positives=40, negatives=400) for name in CLASSES}
    save_adapted(folder, model, replace(read_card(model), certainty=Certainty(0.8, stored)))
    return folder


def test_calibration_and_limits_are_fitted_to_the_site_and_do_not_add_to_the_offsets(
    site: Site, knowing_model: Path, labels: Path, tmp_path: Path
) -> None:
    """Offset and calibration are two answers to one question: what is told does not depend on the offsets."""
    model = with_certainty(knowing_model, tmp_path / "model")
    adapted = adapt_model(model, Source((site.ingested,)), labels, tmp_path / "ward")
    before, card = read_card(model), read_card(tmp_path / "ward")
    assert card.certainty is not None
    assert card.certainty.coverage == 0.8
    found = card.certainty.classes["sinus_rhythm"]
    change = next(one for one in adapted.changes if one.name == "sinus_rhythm")
    assert found.positives == change.positive_patients
    assert found != before.certainty.classes["sinus_rhythm"]  # type: ignore[union-attr]

    files = sorted(site.files.rglob("*.hea"))
    told = [one["classes"]["sinus_rhythm"] for one in predict_files(files, tmp_path / "ward")]
    share = change.positives / (change.positives + change.negatives)
    assert np.mean([one["calibrated"] for one in told]) == pytest.approx(share, abs=0.1)
    shifted = replace(card, offsets={})  # the same map, on a model without the offsets
    save_adapted(tmp_path / "plain", knowing_model, shifted)
    plain = [one["classes"]["sinus_rhythm"] for one in predict_files(files, tmp_path / "plain")]
    np.testing.assert_allclose(
        [one["calibrated"] for one in plain], [one["calibrated"] for one in told], rtol=1e-4
    )


def test_few_labels_promise_nothing_and_none_leave_what_was_there(
    site: Site, knowing_model: Path, tmp_path: Path
) -> None:
    model = with_certainty(knowing_model, tmp_path / "model")
    labels = site.write_labels(tmp_path / "labels.csv", ("bigeminy",))
    adapted = adapt_model(model, Source((site.files,)), labels, tmp_path / "ward")
    card = read_card(tmp_path / "ward")
    assert card.certainty is not None
    assert card.certainty.classes["sinus_rhythm"] == ClassCertainty(0.6, -1.0, 2.0, -2.0, 40, 400)
    bigeminy = card.certainty.classes["bigeminy"]
    assert bigeminy.slope == 0.6  # an offset is all that so few positives tell
    assert bigeminy.positives < 4
    assert bigeminy.no_below is None
    warnings = " ".join(adapted.warnings)
    assert 'too few patients with the class for a certain "no": bigeminy' in warnings
    assert 'for a certain "yes"' not in warnings


def maps_of(model: Path) -> dict[str, tuple[float, float]]:
    """Class id to slope and offset of its calibration."""
    certainty = read_card(model).certainty
    assert certainty is not None
    return {name: (one.slope, one.offset) for name, one in certainty.classes.items()}


def test_calibration_stays_near_that_of_the_training_so_that_records_count_once(
    site: Site, knowing_model: Path, labels: Path, tmp_path: Path
) -> None:
    model = with_certainty(knowing_model, tmp_path / "model")
    chain = [model, *(tmp_path / name for name in ("once", "twice", "thrice"))]
    for before, after in itertools.pairwise(chain):
        adapt_model(before, Source((site.ingested,)), labels, after)
        assert read_card(after).trained_certainty == read_card(model).certainty
    once, *again = (maps_of(folder) for folder in chain[1:])
    assert once != maps_of(model)
    for found in again:
        for name in CLASSES:
            assert found[name] == pytest.approx(once[name], abs=1e-3)


def test_a_class_that_is_labelled_later_is_fitted_near_the_training_and_the_others_stay(
    site: Site, knowing_model: Path, labels: Path, tmp_path: Path
) -> None:
    model = with_certainty(knowing_model, tmp_path / "model")
    adapt_model(model, Source((site.files,)), labels, tmp_path / "once")
    some = site.write_labels(tmp_path / "some.csv", ("sinus_rhythm",))
    adapt_model(tmp_path / "once", Source((site.files,)), some, tmp_path / "twice")
    once, twice = maps_of(tmp_path / "once"), maps_of(tmp_path / "twice")
    assert twice["sinus_rhythm"] == pytest.approx(once["sinus_rhythm"], abs=1e-3)
    assert {name: twice[name] for name in CLASSES[1:]} == {name: once[name] for name in CLASSES[1:]}


def test_a_class_that_only_the_site_has_calibrated_is_fitted_as_if_for_the_first_time(
    site: Site, knowing_model: Path, labels: Path, tmp_path: Path
) -> None:
    stored = {"bigeminy": ClassCertainty(0.6, -1.0, 2.0, -2.0, positives=40, negatives=400)}
    card = replace(read_card(knowing_model), certainty=Certainty(0.8, stored))
    save_adapted(tmp_path / "model", knowing_model, card)
    adapt_model(tmp_path / "model", Source((site.ingested,)), labels, tmp_path / "once")
    adapt_model(tmp_path / "once", Source((site.ingested,)), labels, tmp_path / "twice")
    once, twice = maps_of(tmp_path / "once"), maps_of(tmp_path / "twice")
    assert list(once) == list(CLASSES)
    for name in CLASSES:
        assert twice[name] == pytest.approx(once[name], abs=1e-3)


def test_a_model_that_an_earlier_version_adapted_is_warned_about_and_moves_once(
    site: Site, knowing_model: Path, labels: Path, tmp_path: Path
) -> None:
    """Its card does not hold the calibration of the training, so that the stored one is all there is to stay near."""
    model = with_certainty(knowing_model, tmp_path / "model")
    adapt_model(model, Source((site.ingested,)), labels, tmp_path / "once")
    old = replace(read_card(tmp_path / "once"), trained_certainty=None)
    save_adapted(tmp_path / "old", knowing_model, old)
    assert "trained_certainty" not in (tmp_path / "old" / "model.yaml").read_text()
    done = adapt_model(tmp_path / "old", Source((site.ingested,)), labels, tmp_path / "next")
    (said,) = [text for text in done.warnings if "earlier version" in text]
    assert "adapt the model that it came from" in said
    assert read_card(tmp_path / "next").trained_certainty == old.certainty
    adapt_model(tmp_path / "next", Source((site.ingested,)), labels, tmp_path / "last")
    found, last = maps_of(tmp_path / "next"), maps_of(tmp_path / "last")
    for name in CLASSES:
        assert last[name] == pytest.approx(found[name], abs=1e-3)


def test_a_model_of_an_earlier_version_stays_without(
    site: Site, knowing_model: Path, labels: Path, tmp_path: Path
) -> None:
    adapt_model(knowing_model, Source((site.files,)), labels, tmp_path / "ward")
    assert read_card(tmp_path / "ward").certainty is None
    assert "certainty" not in (tmp_path / "ward" / "model.yaml").read_text()  # nor trained_certainty
