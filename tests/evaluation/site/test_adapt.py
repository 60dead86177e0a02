"""A model is fitted to a site by offsets and thresholds; its weights are the same file."""

import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml
from scipy.special import expit, logit
from tests.evaluation.site.conftest import CLASSES, RECORDS, Site

from rarebeat.core.errors import RarebeatError
from rarebeat.evaluation.site.adapt import adapt_model, format_adaptation, moved_threshold
from rarebeat.evaluation.site.recordings import Source
from rarebeat.inference.ensemble import save_ensemble
from rarebeat.inference.gate import NO_NUMBER
from rarebeat.inference.model_folder import load_detector, load_scores, read_card
from rarebeat.inference.predict import predict_files
from rarebeat.inference.probabilities import predict_with_features
from rarebeat.inference.served import ServedModel
from rarebeat.inference.voting import EnsembleSettings


def probabilities(file: Path, model: Path) -> np.ndarray:
    (answer,) = predict_files([file], model)
    return np.array([answer["classes"][name]["probability"] for name in CLASSES])


def test_weights_are_the_same_file_and_prediction_adds_the_offsets(
    site: Site, knowing_model: Path, labels: Path, tmp_path: Path
) -> None:
    before = {path.name: path.read_bytes() for path in knowing_model.iterdir()}
    adapt_model(knowing_model, Source((site.files,)), labels, tmp_path / "ward")
    after = {path.name: path.read_bytes() for path in (tmp_path / "ward").iterdir()}
    assert {path.name: path.read_bytes() for path in knowing_model.iterdir()} == before
    assert after.keys() == before.keys()
    assert [name for name in after if after[name] != before[name]] == ["model.yaml"]

    card = read_card(tmp_path / "ward")
    offsets = np.array([card.offsets[name] for name in CLASSES])
    assert np.abs(offsets).min() > 0.05
    file = sorted(site.files.rglob("*.hea"))[0]
    expected = expit(logit(probabilities(file, knowing_model)) + offsets)
    np.testing.assert_allclose(probabilities(file, tmp_path / "ward"), expected, atol=1e-6)


def test_the_served_model_adds_the_offsets_too(
    site: Site, knowing_model: Path, labels: Path, tmp_path: Path
) -> None:
    adapt_model(knowing_model, Source((site.files,)), labels, tmp_path / "ward")
    ecg = np.random.default_rng(0).normal(0, 0.3, (1, 12, 5000)).cumsum(axis=2) * 0.05
    answers = []
    for folder in (knowing_model, tmp_path / "ward"):
        served = ServedModel()
        served.load_context(SimpleNamespace(artifacts={"folder": str(folder)}))  # type: ignore[arg-type]
        table = served.predict(None, ecg.astype(np.float32), {"rate": 500.0})  # type: ignore[arg-type]
        answers.append(table[list(CLASSES)].to_numpy())
    offsets = [read_card(tmp_path / "ward").offsets[name] for name in CLASSES]
    np.testing.assert_allclose(answers[1], expit(logit(answers[0]) + offsets), atol=1e-6)


def test_the_card_says_what_the_model_was_adapted_on(
    site: Site, knowing_model: Path, labels: Path, tmp_path: Path
) -> None:
    done = adapt_model(knowing_model, Source((site.ingested,)), labels, tmp_path / "ward")
    card = read_card(tmp_path / "ward")
    digest = yaml.safe_load((knowing_model / "model.yaml").read_text())["digest"]
    assert card.adapted["from"] == digest
    assert card.adapted["records"] == done.records == RECORDS
    assert card.adapted["patients"] == done.patients < RECORDS  # ingest tells whose they are
    assert done.unknown == 0
    positives = {name: sum(name in found for found in site.truth.values()) for name in CLASSES}
    assert card.adapted["positives"] == positives
    assert card.thresholds == {one.name: one.threshold for one in done.changes}
    assert replace(card, offsets={}, adapted={}, thresholds=read_card(knowing_model).thresholds) == read_card(
        knowing_model
    )


def test_few_positives_and_missing_labels_are_warned_about(
    site: Site, knowing_model: Path, tmp_path: Path
) -> None:
    labels = site.write_labels(tmp_path / "labels.csv", ("sinus_rhythm", "bigeminy"))
    text = labels.read_text().replace("bigeminy", "BIG").replace("record,", "record,atrial_fibrilation,")
    rows = [line.replace(",", ",0,", 1) for line in text.splitlines()[1:]]
    labels.write_text("\n".join([text.splitlines()[0], *rows, "nobody,0,1,1"]) + "\n")
    done = adapt_model(knowing_model, Source((site.files,)), labels, tmp_path / "ward")
    said = "\n".join(done.warnings)
    assert (
        "no class 'atrial_fibrilation': its labels are not used; did you mean 'atrial_fibrillation'?" in said
    )
    assert done.lost == ("1 labelled records were not found: nobody",)
    assert "nobody" in format_adaptation(done)
    assert "nobody" not in (tmp_path / "ward" / "model.yaml").read_text()  # which may be handed on
    assert "fewer than 10 patients with a positive record: bigeminy (" in said
    assert "no labels, so that nothing was changed: atrial_fibrillation" in said
    before, after = read_card(knowing_model), read_card(tmp_path / "ward")
    assert after.offsets["atrial_fibrillation"] == 0
    assert after.thresholds["atrial_fibrillation"] == before.thresholds["atrial_fibrillation"]
    table = format_adaptation(done)
    assert "| sinus_rhythm |" in table
    assert "| atrial_fibrillation |" not in table


def test_an_ecg_without_a_number_is_named_and_not_fitted_to(
    site: Site, knowing_model: Path, labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any, **options: Any) -> tuple[np.ndarray, np.ndarray]:
        probability, features = predict_with_features(*arguments, **options)
        probability[0] = np.nan
        return probability, features

    monkeypatch.setattr("rarebeat.evaluation.site.recordings.predict_with_features", broken)
    done = adapt_model(knowing_model, Source((site.files,)), labels, tmp_path / "ward")
    assert done.records == RECORDS - 1
    assert [text.partition(" ")[2] for text in done.lost] == [f"cannot be used: {NO_NUMBER}"]
    card = read_card(tmp_path / "ward")
    assert np.isfinite([*card.offsets.values(), *card.thresholds.values()]).all()
    monkeypatch.setattr(
        "rarebeat.evaluation.site.recordings.predict_with_features",
        lambda *arguments, **options: tuple(
            np.nan * part for part in predict_with_features(*arguments, **options)
        ),
    )
    with pytest.raises(RarebeatError, match=f"none of the recordings can be used: .*{NO_NUMBER}"):
        adapt_model(knowing_model, Source((site.files,)), labels, tmp_path / "other")


def test_labels_name_members_of_an_archive_and_accents_in_either_form(
    site: Site, knowing_model: Path, tmp_path: Path
) -> None:
    names, rows = sorted(site.truth)[:2], ["record,sinus_rhythm"]
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for number, name in enumerate(names):
            for path in site.files.rglob(f"{name}.*"):
                archive.writestr(f"in/{path.name}", path.read_bytes())
            rows.append(f"{name},{number}")
    header = next(site.files.rglob(f"{sorted(site.truth)[2]}.hea"))
    text = header.read_text().replace(header.stem, "Mu\u0308ller", 1)
    (tmp_path / "Mu\u0308ller.hea").write_text(text, encoding="utf-8")
    (tmp_path / f"{header.stem}.dat").write_bytes(header.with_suffix(".dat").read_bytes())
    labels = tmp_path / "labels.csv"
    labels.write_text("\n".join([*rows, "M\u00fcller,1"]) + "\n", encoding="utf-8")
    options = {"patient_namespace": "simulated"}
    done = adapt_model(knowing_model, Source((tmp_path,), "files", options), labels, tmp_path / "ward")
    assert (done.records, done.lost) == (3, ())


def test_a_class_that_nobody_has_keeps_its_decisions(site: Site, knowing_model: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("record,bigeminy\n" + "".join(f"{name},0\n" for name in site.truth))
    adapt_model(knowing_model, Source((site.files,)), labels, tmp_path / "ward")
    file = sorted(site.files.rglob("*.hea"))[0]
    card = read_card(tmp_path / "ward")
    assert card.offsets["bigeminy"] < -1
    (before,), (after,) = predict_files([file], knowing_model), predict_files([file], tmp_path / "ward")
    assert before["classes"]["bigeminy"]["decision"] == after["classes"]["bigeminy"]["decision"]
    assert card.thresholds["bigeminy"] == pytest.approx(moved_threshold(0.2, card.offsets["bigeminy"]))


def test_offsets_of_an_earlier_adaptation_are_replaced_so_that_records_count_once(
    site: Site, knowing_model: Path, labels: Path, tmp_path: Path
) -> None:
    once = adapt_model(knowing_model, Source((site.files,)), labels, tmp_path / "once")
    twice = adapt_model(tmp_path / "once", Source((site.files,)), labels, tmp_path / "twice")
    first, second = read_card(tmp_path / "once"), read_card(tmp_path / "twice")
    assert second.offsets == pytest.approx(first.offsets, abs=1e-3)
    assert second.thresholds == pytest.approx(first.thresholds, abs=1e-3)
    assert max(abs(one.offset) for one in twice.changes) < 1e-3 < min(abs(one.offset) for one in once.changes)
    assert [one.excess for one in twice.changes] == [
        pytest.approx(one.excess, abs=1e-4) for one in once.changes
    ]


def test_a_class_that_is_not_labelled_again_keeps_what_was_fitted_before(
    site: Site, knowing_model: Path, labels: Path, tmp_path: Path
) -> None:
    adapt_model(knowing_model, Source((site.files,)), labels, tmp_path / "once")
    some = site.write_labels(tmp_path / "some.csv", ("sinus_rhythm",))
    adapt_model(tmp_path / "once", Source((site.files,)), some, tmp_path / "twice")
    first, second = read_card(tmp_path / "once"), read_card(tmp_path / "twice")
    for name in ("atrial_fibrillation", "bigeminy"):
        assert second.offsets[name] == first.offsets[name] != 0
        assert second.thresholds[name] == first.thresholds[name]


def test_records_of_which_nothing_is_known_are_not_counted(
    site: Site, knowing_model: Path, labels: Path, tmp_path: Path
) -> None:
    header, *rows = labels.read_text().splitlines()
    rows[:5] = [row.partition(",")[0] + ",,," for row in rows[:5]]
    labels.write_text("\n".join([header, *rows, "nobody,,,"]) + "\n")
    done = adapt_model(knowing_model, Source((site.files,)), labels, tmp_path / "ward")
    assert done.records == done.patients == done.unknown == RECORDS - 5
    assert done.lost == ()
    assert read_card(tmp_path / "ward").adapted["records"] == RECORDS - 5


@pytest.mark.parametrize(
    "case",
    [
        *("ensemble", "same", "strangers", "nowhere", "no class"),
        *("class twice", "record twice", "number twice", "nothing known"),
    ],
)
def test_what_cannot_be_adapted_is_refused(
    site: Site, knowing_model: Path, labels: Path, tmp_path: Path, case: str
) -> None:
    model, out, records, message = knowing_model, tmp_path / "ward", site.files, ""
    if case == "ensemble":
        model = tmp_path / "ensemble"
        (model / "members").mkdir(parents=True)
        (model / "members" / "0").symlink_to(knowing_model)
        save_ensemble(model, [0], CLASSES, EnsembleSettings())
        message = "is an ensemble: name one of its members"
    elif case == "same":
        out, message = knowing_model, "is the model to adapt"
    elif case == "strangers":
        labels.write_text("record,bigeminy\nx1,0\nx2,1\n")
        message = "none of the recordings is called by one of the 2 names, such as 'x1'"
    elif case == "nowhere":
        records, message = tmp_path / "absent", "there is no file or folder .*absent"
    elif case == "no class":
        labels.write_text("record,bigeminie\nx1,0\n")
        message = r"labels no class of the model: .* did you mean 'bigeminy'"
    elif case == "class twice":
        labels.write_text("record,bigeminy,BIG\nsim-000000,1,0\n")
        message = "the columns bigeminy and BIG are of one class: give it once"
    elif case == "record twice":
        labels.write_text("record,bigeminy\nsim-000000,1\nsim-000000.hea,0\n")
        message = "'sim-000000' and 'sim-000000.hea' are names of one recording: give it once"
    elif case == "number twice":
        labels.write_text("record,bigeminy\n17,1\n17.0,0\n")
        message = "'17' and '17.0' are names of one recording: give it once"
    else:
        labels.write_text("record,bigeminy,strange\nsim-000000,,1\n")
        message = "labels no record: there is no 0 and no 1 in bigeminy"
    with pytest.raises(RarebeatError, match=message):
        adapt_model(model, Source((records,)), labels, out)
    assert not (tmp_path / "ward").exists()


def test_a_folder_of_an_earlier_version_can_be_adapted(
    model_folder: Path, site: Site, tmp_path: Path
) -> None:
    assert load_scores(model_folder) is None  # it has neither scores nor a detector
    assert load_detector(model_folder) is None
    labels = site.write_labels(tmp_path / "labels.csv", ("sinus_rhythm",))
    adapt_model(model_folder, Source((site.files,)), labels, tmp_path / "ward")
    weights = [folder / "weights.safetensors" for folder in (model_folder, tmp_path / "ward")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_labels_of_one_patient_have_no_interval(site: Site, knowing_model: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("record,sinus_rhythm,bigeminy\nsim-000000,1,0\nsim-000001,,1\n")
    done = adapt_model(knowing_model, Source((site.files,)), labels, tmp_path / "ward")
    sinus, _, bigeminy = done.changes
    assert np.isnan([*sinus.excess[1:], *sinus.excess_before[1:], *sinus.brier_gain[1:]]).all()
    assert bigeminy.excess[1] < bigeminy.excess[2]
    assert "nan" not in format_adaptation(done)


def test_a_class_labelled_in_one_patient_alone_is_judged_with_the_earlier_offset(
    site: Site, knowing_model: Path, labels: Path, tmp_path: Path
) -> None:
    adapt_model(knowing_model, Source((site.files,)), labels, tmp_path / "once")
    few = tmp_path / "few.csv"
    few.write_text("record,sinus_rhythm,bigeminy\nsim-000000,1,0\nsim-000001,,1\n")
    done = adapt_model(tmp_path / "once", Source((site.files,)), few, tmp_path / "twice")
    sinus, _, bigeminy = done.changes
    assert sinus.excess[0] == pytest.approx(sinus.excess_before[0], abs=1e-6)
    assert sinus.brier_gain[0] == pytest.approx(0, abs=1e-6)
    assert abs(bigeminy.brier_gain[0]) > 1e-3
