"""Records as a hospital's system holds them, and the search for a class."""

from datetime import datetime
from itertools import islice

import pytest

from rarebeat.core.errors import ParamsError
from rarebeat.readers.simulated import record_at
from rarebeat.simulator.archives.export import clear_examples, export, records_showing
from rarebeat.simulator.clinic import recording_at
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import CLASSES

SETTINGS = SimulatorSettings(seed=2, preset="balanced")


def test_an_export_is_the_record_of_the_cohort_with_its_truth() -> None:
    record, ecg = record_at(3, SETTINGS), export(3, SETTINGS)
    assert ecg.signal.tobytes() == record.signal.tobytes()
    assert (ecg.name, ecg.rate, ecg.sex, ecg.text) == (record.record_id, record.rate, record.sex, record.text)
    assert ecg.truth == recording_at(3, SETTINGS).truth


def test_the_recordings_of_a_patient_are_in_order() -> None:
    times: dict[int, list[datetime]] = {}
    for index in range(24):
        ecg = export(index, SETTINGS)
        times.setdefault(ecg.patient, []).append(ecg.time)
    assert max(len(own) for own in times.values()) > 1
    for own in times.values():
        assert sorted(set(own)) == own


def test_most_reports_stay_as_the_machine_wrote_them() -> None:
    ecgs = [export(index, SETTINGS) for index in range(60)]
    kept = [set(ecg.machine.splitlines()) <= set(ecg.text.splitlines()) for ecg in ecgs]
    assert 30 <= sum(kept) <= 57


def test_records_that_show_a_class_are_found_in_order() -> None:
    found = list(islice(records_showing("avnrt", SETTINGS), 4))
    shown = [index for index in range(found[-1] + 1) if "avnrt" in recording_at(index, SETTINGS).truth]
    assert found == shown


def test_an_unknown_class_is_named() -> None:
    with pytest.raises(ParamsError, match="hiccups"):
        records_showing("hiccups", SETTINGS)
    with pytest.raises(ParamsError, match="hiccups"):
        clear_examples(["avnrt", "hiccups"], SETTINGS)


def test_clear_examples_show_a_class_and_little_else() -> None:
    for name, indices in clear_examples(CLASSES, SETTINGS).items():
        truths = [recording_at(index, SETTINGS).truth - {"sinus_rhythm"} for index in indices]
        assert all(name in recording_at(index, SETTINGS).truth for index in indices)
        assert [len(truth) for truth in truths] == sorted(len(truth) for truth in truths)
        assert len(truths[0]) <= 3
