"""Label inconsistency: wrong labels that were planted are found, and the signal bears the model out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.disputed_clinic import BRADYCARDIA, LAD, RECORDS, Clinic

from rarebeat.audit.model_disagreement import ModelAudit, audit_model
from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.inference.predictions import read_predictions, write_predictions


@pytest.fixture(scope="module")
def audit(disputed_clinic: Clinic) -> ModelAudit:
    return audit_model(
        [disputed_clinic.predictions], disputed_clinic.places["records"], replicates=200, workers=1
    )


def test_planted_labels_are_the_most_surprising(audit: ModelAudit, disputed_clinic: Clinic) -> None:
    of_axis = [case for case in audit.cases if case.class_id == LAD]
    first = of_axis[: len(disputed_clinic.planted)]
    assert {case.record_id for case in first} == disputed_clinic.planted
    assert len(of_axis) > len(first)  # the model errs, too, close to the limit
    surprises = [case.surprise for case in of_axis]
    assert surprises == sorted(surprises, reverse=True)
    assert min(case.surprise for case in first) > 1.5 * max(case.surprise for case in of_axis[len(first) :])
    for case in of_axis:
        assert case.surprise == pytest.approx(-np.log(case.calibrated if case.label else 1 - case.calibrated))


def test_classes_that_cannot_be_ranked_are_named_and_keep_their_agreement(disputed_clinic: Clinic) -> None:
    arguments = [disputed_clinic.predictions], disputed_clinic.places["records"]
    few = audit_model(*arguments, replicates=0, workers=1, least_positives=85)
    assert list(few.not_ranked) == [BRADYCARDIA]
    assert "with a positive label" in few.not_ranked[BRADYCARDIA]
    assert {case.class_id for case in few.cases} == {LAD}
    assert {group.class_id for group in few.groups} == {LAD}
    assert few.kappas["label", "signal"].value[1] == 1


def test_each_label_has_ranks_of_its_own(audit: ModelAudit) -> None:
    for label in (True, False):
        ranks = [case.rank for case in audit.cases if case.class_id == LAD and case.label == label]
        assert ranks == list(range(1, len(ranks) + 1))
    shown = audit.of(LAD, 2)
    assert sorted((case.label, case.rank) for case in shown) == [(False, 1), (False, 2), (True, 1), (True, 2)]


def test_the_signal_agrees_with_the_model_more_than_with_the_label(audit: ModelAudit) -> None:
    model, label = audit.kappas["model", "signal"], audit.kappas["label", "signal"]
    assert model.value[0] > 0.97 > 0.92 > label.value[0] > 0.8
    assert label.high[0] < model.low[0]
    assert model.records[0] > 0.8 * RECORDS  # the others lie close to the limit
    assert audit.kappas["label", "signal"].value[1] == 1  # no label of the rate was touched


def test_the_source_with_the_wrong_labels_stands_out(audit: ModelAudit) -> None:
    outstanding = [group for group in audit.groups if group.stands_out and group.source]
    assert [(group.class_id, group.source, group.label) for group in outstanding] == [(LAD, "south", True)]
    assert outstanding[0].disagreements >= 10


def test_agreement_is_told_of_each_source(audit: ModelAudit) -> None:
    label, model = (("label", "signal"), ("model", "signal"))
    north, south = audit.by_source["clinic", "north"], audit.by_source["clinic", "south"]
    assert north[label].value[0] == 1 > 0.85 > south[label].value[0]
    assert south[model].value[0] > 0.95
    assert north[label].records[0] + south[label].records[0] == audit.kappas[label].records[0]


def test_the_signal_contradicts_the_planted_labels(audit: ModelAudit, disputed_clinic: Clinic) -> None:
    planted = [
        case for case in audit.cases if case.class_id == LAD and case.record_id in disputed_clinic.planted
    ]
    assert all(case.signal == (not case.label) for case in planted)
    (axis, _) = audit.contradicted
    assert (axis.class_id, axis.label[1]) == (LAD, sum(case.label for case in planted))
    assert axis.model[1] == 0


def test_classes_can_be_chosen(disputed_clinic: Clinic) -> None:
    arguments = [disputed_clinic.predictions], disputed_clinic.places["records"]
    audit = audit_model(*arguments, [BRADYCARDIA], replicates=0, workers=1)
    assert audit.classes == (BRADYCARDIA,)
    assert {case.class_id for case in audit.cases} <= {BRADYCARDIA}
    with pytest.raises(ParamsError, match="no class 'lad'"):
        audit_model(*arguments, ["lad"])


def test_predictions_of_other_records_are_refused(disputed_clinic: Clinic, tmp_path: Path) -> None:
    table = read_predictions(disputed_clinic.predictions)
    names = table.record_ids.copy()
    names[3] = "stranger"
    write_predictions(tmp_path / "other.parquet", replace(table, record_ids=names))
    with pytest.raises(RarebeatError, match="has no record stranger"):
        audit_model([tmp_path / "other.parquet"], disputed_clinic.places["records"], workers=1)
