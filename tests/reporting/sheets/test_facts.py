"""What the sheets know of people, against the shards."""

from pathlib import Path

import numpy as np
from tests.dataset.workspace import Workspace, make_records, make_states

from rarebeat.dataset.shards import load_split
from rarebeat.reporting.sheets.facts import _people_of

RECORDS = 60


def test_a_record_whose_patient_is_not_known_is_no_patient(tmp_path: Path) -> None:
    work = Workspace(tmp_path)
    work.add("ward", make_records(RECORDS), make_states(RECORDS))
    work.add("walk-in", make_records(RECORDS, 1, patient_id=None), make_states(RECORDS, 1))
    work.prepare("ward", "walk-in")
    split = load_split(work.out, "train")
    of_ward = np.unique(split.patients[split.cohorts == "ward"]).size
    both, ward, walk_in = (one.row() for one in _people_of(work.out, "train", {"ward", "walk-in"}))
    assert both["Patients"] == ward["Patients"] == of_ward > 1
    assert walk_in["Patients"] is None
    assert walk_in["Records"] == np.count_nonzero(split.cohorts == "walk-in") > 0
