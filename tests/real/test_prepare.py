"""The whole way to shards on real recordings of four databases."""

from collections import Counter, defaultdict
from hashlib import sha1
from pathlib import Path

import mlcroissant
import numpy as np
import pyarrow.parquet as pq
import pytest
import wfdb
from scipy.signal import firwin, resample_poly
from tests.real.cohorts import COHORTS

from rarebeat.core.record_files import read_metadata
from rarebeat.core.records import own_group
from rarebeat.core.signals import Preprocessing, preprocess
from rarebeat.dataset.balance import BalanceSettings
from rarebeat.dataset.folds import assign_folds, trainable
from rarebeat.dataset.prepare import PrepareSettings, prepare
from rarebeat.dataset.shards import load_split
from rarebeat.dataset.split import Split
from rarebeat.dataset.splits import SPLITS, HeldOutFolds, SplitSettings
from rarebeat.readers.read_file import read_file
from rarebeat.reporting.sheets.croissant.document import Publication, write_croissant

FOLDS = HeldOutFolds(test=(7, 8), validation=(6,))
SPLIT = SplitSettings(folds={"ptb-xl": FOLDS, "ptb-xl-filtered": FOLDS})

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def union(real_records: Path, real_labels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of all cohorts, as z-scores."""
    settings = PrepareSettings(
        signal=Preprocessing(normalise="zscore"), split=SPLIT, balance=BalanceSettings(target=50)
    )
    out = tmp_path_factory.mktemp("shards") / "union"
    prepare(real_records, real_labels, out, list(COHORTS), settings)
    return out


def test_no_patient_and_no_recording_is_in_two_splits(real_records: Path, union: Path) -> None:
    fates = pq.read_table(union / "splits.parquet").to_pylist()
    rows = [
        row
        for name in COHORTS
        for row in read_metadata(real_records / name, ["patient_id", "fingerprint"]).to_pylist()
    ]
    seen = defaultdict(set)
    for fate, row in zip(fates, rows, strict=True):
        if fate["split"] != "duplicate":
            seen["patient", row["patient_id"] or (fate["cohort"], fate["record_id"])].add(fate["split"])
            seen["recording", row["fingerprint"]].add(fate["split"])
    assert len(seen) > 2000
    assert all(len(splits) == 1 for splits in seen.values())


def test_each_record_of_ludb_is_a_patient_and_those_of_the_challenge_are_not_told_apart(union: Path) -> None:
    fates = pq.read_table(union / "splits.parquet").to_pylist()
    alone = Counter(
        row["cohort"] for row in fates if row["group"] == own_group(row["cohort"], row["record_id"])
    )
    assert set(alone) == {"challenge"}
    assert len({row["group"] for row in fates if row["cohort"] == "ludb"}) == 140


def test_the_folds_of_ptb_xl_decide_in_both_of_its_forms(real_records: Path, union: Path) -> None:
    fates = pq.read_table(union / "splits.parquet").to_pylist()
    for name in ("ptb-xl", "ptb-xl-filtered"):
        folds = read_metadata(real_records / name, ["fold"]).column("fold").to_pylist()
        splits = [row["split"] for row in fates if row["cohort"] == name]
        expected = {6: "validation", 7: "test", 8: "test"}
        for fold, split in zip(folds, splits, strict=True):
            assert split in (expected.get(fold, "train"), "duplicate")


def test_a_challenge_record_is_tested_by_the_hash_of_its_name_unless_it_copies_ptb_xl(union: Path) -> None:
    fates = pq.read_table(union / "splits.parquet").to_pylist()
    challenge = [row for row in fates if row["cohort"] == "challenge" and row["split"] != "duplicate"]
    assert len(challenge) > 150
    for row in challenge:
        tested = int(sha1(row["record_id"].encode()).hexdigest(), 16) % 5 == 0
        assert tested == (row["split"] == "test")


def test_copies_of_ptb_xl_in_the_challenge_are_found(union: Path) -> None:
    fates = pq.read_table(union / "splits.parquet").to_pylist()
    copies = [row for row in fates if row["cohort"] == "challenge" and row["split"] == "duplicate"]
    originals = {row["group"] for row in fates if row["cohort"] == "ptb-xl"}
    assert any(row["group"] in originals for row in copies)


def test_every_lead_is_a_z_score_in_all_cohorts(union: Path) -> None:
    for name in SPLITS:
        split = load_split(union, name)
        assert set(split.cohorts) == set(COHORTS)
        full = split.signals[(split.signals[:, :, -1] != 0).any(axis=1)]  # not padded
        deviations = (full * split.meta.scale).std(axis=2)
        assert np.mean(np.abs(deviations - 1) < 0.01) > 0.99


def test_a_length_says_where_a_real_recording_ends_and_its_padding_begins(
    real_ecg: Path, real_records: Path, real_labels: Path, tmp_path: Path
) -> None:
    """Recordings of the challenge last from ten seconds to two minutes; half a minute of each is kept."""
    settings = PrepareSettings(signal=Preprocessing(samples=7500), balance=BalanceSettings(enabled=False))
    out = tmp_path / "long"
    prepare(real_records, real_labels, out, ["challenge"], settings)
    split = load_split(out, "train")
    assert split.lengths is not None
    assert (split.lengths == 7500).any()
    for record, signal, length in zip(split.record_ids, split.signals, split.lengths, strict=True):
        first_line = next(real_ecg.glob(f"challenge/**/{record}.hea")).read_text().splitlines()[0]
        rate, samples = (int(field) for field in first_line.split()[2:4])
        assert length == min(7500, -(-samples * 250 // rate))
        assert not signal[:, length:].any()
        assert signal[:, length - 50 : length].any()


@pytest.fixture(scope="module")
def ptb_xl(real_records: Path, real_labels: Path, tmp_path_factory: pytest.TempPathFactory) -> Split:
    """The test split of PTB-XL alone, in millivolts."""
    settings = PrepareSettings(split=SPLIT, balance=BalanceSettings(enabled=False))
    out = tmp_path_factory.mktemp("shards") / "one"
    prepare(real_records, real_labels, out, ["ptb-xl"], settings)
    return load_split(out, "test")


def header(real_ecg: Path, record: str) -> Path:
    return real_ecg / "ptb-xl" / "records500" / "00000" / f"{int(record):05d}_hr.hea"


def test_the_signal_is_the_recording_at_half_its_rate(ptb_xl: Split, real_ecg: Path) -> None:
    window = firwin(401, 125, window=("kaiser", 6.76), fs=500)  # a steeper filter
    for record, signal in list(zip(ptb_xl.record_ids, ptb_xl.signals, strict=True))[:20]:
        native = wfdb.rdrecord(str(header(real_ecg, record).with_suffix(""))).p_signal.T * 1000
        expected = resample_poly(native, 1, 2, axis=1, window=window, padtype="line")
        difference = np.abs(signal - expected)[:, 100:-100]
        assert np.sqrt(np.mean(difference**2)) < 2
        assert np.median(difference) < 1


def test_prediction_sees_the_same_samples_as_training(ptb_xl: Split, real_ecg: Path) -> None:
    for record, signal in zip(ptb_xl.record_ids, ptb_xl.signals, strict=True):
        read = read_file(header(real_ecg, record))
        assert np.array_equal(preprocess(read.signal, read.rate, ptb_xl.meta.preprocessing), signal)


def test_folds_share_every_class_evenly_and_hold_each_patient_once(union: Path) -> None:
    split = trainable(union)
    folds = assign_folds(split.labels, split.patients, split.cohorts, 5)
    assert len(set(zip(split.patients, folds, strict=True))) == len(set(split.patients))
    positive = split.labels == 1
    counts = np.array([positive[folds == number].sum(axis=0) for number in range(5)])
    assert np.abs(counts - counts.mean(axis=0)).max() < 3
    common = [len(set(split.patients[rows])) >= 5 for rows in positive.T]
    assert sum(common) > 10
    assert (counts[:, common] > 0).all()


def test_the_union_can_be_read_by_its_croissant_description_alone(union: Path, real_records: Path) -> None:
    file = union.parent / "croissant.json"
    content = write_croissant(union, file, Publication(name="Four databases"), real_records)
    dataset = mlcroissant.Dataset(file)
    assert not dataset.metadata.ctx.issues.errors
    assert "ptb-xl (ptb-xl)" in content["rai:dataCollection"]
    expected = load_split(union, "test")
    found = list(dataset.records("records", filters={"records/split": "test"}))
    assert [row["records/record_id"].decode() for row in found] == expected.record_ids.tolist()
    (form,) = dataset.records("signal_format")
    assert form["signal_format/unit"] == "z"
    shape = form["signal_format/leads"], form["signal_format/samples"]
    signals = [np.frombuffer(row["records/signal"], "<i2").reshape(shape) for row in found]
    assert np.array_equal(np.stack(signals), expected.signals)
