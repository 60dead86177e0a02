"""How common the classes are in each preset: counted on the truth of many recordings, without signals."""

import numpy as np
import pytest

from rarebeat.dataset.balance import Labels, choose_records
from rarebeat.simulator.clinic import recording_at
from rarebeat.simulator.patients.priors import MECHANISMS, PRESETS, TABLE_1, TABLE_1_RECORDS
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import CLASSES

HUGHES = SimulatorSettings(preset="hughes", records=8000)
RARE = 200
"""Below so many expected records of a class a fifth more or fewer is chance; above, a tenth."""

HOSPITAL = {
    "atrial_fibrillation": 0.101,
    "premature_ventricular_complexes": 0.065,
    "av_block_1st_degree": 0.074,
    "right_bundle_branch_block": 0.082,
    "left_bundle_branch_block": 0.037,
    "paced_rhythm": 0.039,
}
"""Shares of the classes in the machine-read ECGs of one hospital (MIMIC-IV-ECG)."""


def truth_of(settings: SimulatorSettings) -> Labels:
    labels = np.zeros((settings.records, len(CLASSES)), np.int8)
    for index in range(settings.records):
        labels[index, [CLASSES.index(name) for name in recording_at(index, settings).truth]] = 1
    return labels


@pytest.fixture(scope="module")
def hughes() -> Labels:
    return truth_of(HUGHES)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_shares_out_all_records_among_the_mechanisms(preset: str) -> None:
    mechanisms = PRESETS[preset].mechanisms
    assert set(mechanisms) == set(MECHANISMS)
    assert sum(mechanisms.values()) == pytest.approx(1)
    assert min(mechanisms.values()) > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLE_1)
def test_the_hughes_preset_has_the_class_counts_of_the_paper(hughes: Labels, name: str) -> None:
    expected = TABLE_1[name] * len(hughes) / TABLE_1_RECORDS
    found = int(hughes[:, CLASSES.index(name)].sum())
    assert found == pytest.approx(expected, rel=0.10 if expected >= RARE else 0.20)


@pytest.mark.slow
def test_the_hughes_preset_has_every_class_without_a_count_and_none_of_them_leads(hughes: Labels) -> None:
    shares = dict(zip(CLASSES, hughes.mean(axis=0), strict=True))
    rest = [share for name, share in shares.items() if name not in TABLE_1]
    assert min(rest) > 0.004
    assert max(rest) < 0.15


@pytest.mark.slow
def test_re_sampling_keeps_the_hughes_preset_whole_when_the_target_covers_sinus_rhythm(
    hughes: Labels,
) -> None:
    sinus = int(hughes[:, CLASSES.index("sinus_rhythm")].sum())
    assert len(choose_records(hughes, target=sinus, seed=0)) == len(hughes)


@pytest.mark.slow
def test_re_sampling_below_that_takes_plain_sinus_rhythm_first(hughes: Labels) -> None:
    plain = (hughes.sum(axis=1) == 1) & (hughes[:, CLASSES.index("sinus_rhythm")] == 1)
    others = int(np.delete(hughes, CLASSES.index("sinus_rhythm"), axis=1).sum(axis=0).max())
    chosen = choose_records(hughes, target=others, seed=0)
    assert 0.15 < plain.mean() < 0.30
    assert set(np.flatnonzero(~plain)) <= set(chosen)
    assert len(chosen) < len(hughes)


@pytest.mark.parametrize("preset", PRESETS)
def test_more_records_change_none_of_the_earlier_ones(preset: str) -> None:
    few, many = SimulatorSettings(preset=preset, records=5), SimulatorSettings(preset=preset, records=50_000)
    for index in range(few.records):
        assert recording_at(index, few) == recording_at(index, many)


@pytest.mark.slow
def test_the_clinic_is_like_a_hospital() -> None:
    shares = dict(zip(CLASSES, truth_of(SimulatorSettings(records=4000)).mean(axis=0), strict=True))
    for name, share in HOSPITAL.items():
        assert shares[name] == pytest.approx(share, rel=0.25), name
