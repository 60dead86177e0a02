"""Another database is told from the training data as far as it differs, and a wrong gain by the rest of its cohort."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.hostile_signals import HOSTILE, half_flat

from rarebeat.core.record_files import iterate_rows, read_warnings
from rarebeat.core.records import Signal
from rarebeat.core.signals import Preprocessing, preprocess, stored_length
from rarebeat.inference.novelty import Detector, Evidence, fit_detector, novelty_sentences
from rarebeat.inference.probabilities import predict_with_features
from rarebeat.inference.signal_summary import summarise
from rarebeat.models.registry import build
from rarebeat.readers.ingest import ingest_cohort

SETTINGS = Preprocessing()
GAIN = re.compile(r"(?<= )(\d+)(?:\.0)?(?=(?:\(-?\d+\))?/m[vV])")
Recording = tuple[Signal, float]


@pytest.fixture(scope="module")
def look() -> Callable[[list[Recording]], Evidence]:
    """What a network with random weights, and no network, see in recordings."""
    torch.manual_seed(0)
    network = build("hughes34", 2, SETTINGS.samples, {"width": 4, "kernel": 8}).eval()

    def evidence(recordings: list[Recording]) -> Evidence:
        seen = np.stack([preprocess(signal, rate, SETTINGS) for signal, rate in recordings])
        lengths = np.array([stored_length(signal.shape[1], rate, SETTINGS) for signal, rate in recordings])
        _, features = predict_with_features(network, seen, 0.001)
        return Evidence(features, summarise(seen, lengths, SETTINGS.rate))

    return evidence


def recordings(folder: Path) -> list[Recording]:
    """The recordings of a cohort that are ten seconds long, or nearly so."""
    rows = iterate_rows(folder, ["rate", "samples", "signal"])
    return [(row["signal"], row["rate"]) for row in rows if 9 <= row["samples"] / row["rate"] <= 16]


@pytest.fixture(scope="module")
def ptb_xl(real_records: Path) -> list[Recording]:
    return recordings(real_records / "ptb-xl")


@pytest.fixture(scope="module")
def knows_ptb_xl(ptb_xl: list[Recording], look: Callable[[list[Recording]], Evidence]) -> Detector:
    """Fitted on two of four records of PTB-XL, with limits from a third one."""
    return fit_detector(look(ptb_xl[::2]), look(ptb_xl[1::4]))


def share(detector: Detector, evidence: Evidence) -> float:
    """How many of the records are warned of."""
    return float(np.mean([bool(text) for text in novelty_sentences(detector, evidence, SETTINGS)]))


@pytest.mark.slow
def test_records_of_the_same_database_pass_and_those_of_others_pass_less_often(
    real_records: Path,
    ptb_xl: list[Recording],
    knows_ptb_xl: Detector,
    look: Callable[[list[Recording]], Evidence],
    tmp_path: Path,
) -> None:
    own = share(knows_ptb_xl, look(ptb_xl[3::4]))
    challenge = share(knows_ptb_xl, look(recordings(real_records / "challenge")))
    ingest_cohort("simulated", Path(), tmp_path / "sim", options={"records": 120, "seed": 1}, workers=1)
    simulated = share(knows_ptb_xl, look(recordings(tmp_path / "sim")))
    print(f"warned of: PTB-XL {own:.1%}, challenge {challenge:.1%}, simulated {simulated:.1%}")
    assert own <= 0.1
    assert challenge >= 0.2
    assert min(challenge, simulated) > own


@pytest.mark.slow
def test_what_is_no_ecg_is_told_from_real_ones(
    ptb_xl: list[Recording], knows_ptb_xl: Detector, look: Callable[[list[Recording]], Evidence]
) -> None:
    for make in HOSTILE.values():
        signals = [(make(np.random.default_rng(seed)), 500.0) for seed in range(10)]
        assert share(knows_ptb_xl, look(signals)) == 1
    assert share(knows_ptb_xl, look([(half_flat(signal), rate) for signal, rate in ptb_xl[3:60:4]])) == 1


@pytest.mark.slow
def test_no_gain_of_a_calibrated_recording_is_doubted(real_records: Path) -> None:
    for name in ("ptb-xl", "challenge"):
        assert read_warnings(real_records / name) == {}, name


@pytest.mark.slow
@pytest.mark.parametrize("every", [1, 20])
def test_a_header_that_says_a_fifth_of_the_gain_is_refused_or_warned_of(
    real_ecg: Path, real_records: Path, tmp_path: Path, every: int
) -> None:
    readable = {row["record_id"] for row in iterate_rows(real_records / "challenge", ["record_id"])}
    shutil.copytree(real_ecg / "challenge", tmp_path / "challenge")
    headers = sorted(path for path in (tmp_path / "challenge").rglob("*.hea") if path.stem in readable)
    wrong = {path.stem for path in headers[::every]}
    for path in headers[::every]:
        path.chmod(0o644)
        text, count = GAIN.subn(lambda found: str(int(found[1]) // 5), path.read_text())
        assert count == 12, path
        path.write_text(text)
    summary = ingest_cohort("challenge", tmp_path / "challenge", tmp_path / "cohort", workers=1)
    stored = {row["record_id"] for row in iterate_rows(tmp_path / "cohort", ["record_id"])}
    warned = read_warnings(tmp_path / "cohort").keys()
    print(f"{len(wrong)} wrong: {len(wrong - stored)} refused, {len(wrong & warned)} warned of")
    assert summary["warned"] == len(warned)
    assert wrong <= (readable - stored) | warned
    assert warned <= wrong
