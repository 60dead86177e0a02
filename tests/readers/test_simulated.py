"""The simulated clinic as a source of records."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from rarebeat.core.errors import ParamsError
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.simulated import discover, read, record_at
from rarebeat.simulator.settings import SimulatorSettings

ROOT = Path("nowhere")
OPTIONS = {"records": 12, "seed": 4}


def test_discover_lists_the_records_and_needs_no_folder() -> None:
    entries = discover(ROOT, OPTIONS)
    assert [entry.record_id for entry in entries][:2] == ["sim-000000", "sim-000001"]
    assert len(entries) == 12
    assert entries[0].path is None


def test_the_default_cohort_has_six_thousand_records() -> None:
    assert len(discover(ROOT, {})) == 6000


def test_entries_can_be_sent_to_a_worker_process() -> None:
    entry = discover(ROOT, OPTIONS)[7]
    again = pickle.loads(pickle.dumps(entry))
    assert (
        read(again, Pseudonym(), OPTIONS).signal.tobytes()
        == read(entry, Pseudonym(), OPTIONS).signal.tobytes()
    )


def test_records_are_the_same_in_any_order_and_made_alone() -> None:
    """They are made many at a time; the 55 of this cohort are made in two parts."""
    options = {"records": 55, "seed": 4, "rate": 250.0, "seconds": 5.0}
    entries = discover(ROOT, options)
    found = {entry.record_id: read(entry, Pseudonym(), options) for entry in reversed(entries)}
    settings = SimulatorSettings(**options)
    for index in (0, 7, 49, 50, 54):
        one, alone = found[entries[index].record_id], record_at(index, settings)
        assert one.signal.tobytes() == alone.signal.tobytes()
        assert one.patient_id == alone.patient_id


def test_a_record_has_a_report_but_no_codes() -> None:
    for entry in discover(ROOT, OPTIONS):
        record = read(entry, Pseudonym(), OPTIONS)
        assert record.record_id == entry.record_id
        assert record.source == "simulated"
        assert record.codes == ()
        assert record.text
        assert record.signal.shape == (12, 5000)
        assert record.signal.dtype == np.int16
        assert record.rate == 500.0
        assert record.calibrated
        assert record.sex in ("female", "male")
        assert record.age is not None
        assert 18 <= record.age <= 90


def test_several_ecgs_of_one_patient_share_an_opaque_patient_id() -> None:
    options = {"records": 40, "seed": 4}
    ids = [read(entry, Pseudonym(), options).patient_id for entry in discover(ROOT, options)]
    assert 1 < len(set(ids)) < len(ids)
    assert all(one is not None and len(one) == 16 for one in ids)
    other_key = read(discover(ROOT, options)[0], Pseudonym(b"another key, also long"), options)
    assert other_key.patient_id != ids[0]


@pytest.mark.parametrize("options", [{"record": 5}, {"records": 0}, {"preset": "circus"}, {"label_noise": 2}])
def test_a_wrong_option_is_named(options: dict[str, object]) -> None:
    with pytest.raises(ParamsError, match=next(iter(options))):
        discover(ROOT, options)
