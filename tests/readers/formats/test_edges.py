"""Ends of a file: what is a filler and is cut, what may be electrodes that have come off and stays."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.format_files import Steps

from rarebeat.core.errors import BadRecordError
from rarebeat.core.records import LEADS
from rarebeat.readers.files.inspection import files_at, in_lines, inspect
from rarebeat.readers.formats.edges import without_fillers
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.readers.quality import RawLeads
from rarebeat.readers.summary import summary_lines

RATE = 500
OWN = np.arange(12)[:, None] * 40.0 + 7  # each lead at a height of its own


def leads(samples: np.ndarray, baseline: float = 0.0) -> RawLeads:
    return RawLeads(samples.astype(float), LEADS, [1.0] * 12, [baseline] * 12, ["uV"] * 12)


def rest(seconds: float, heights: np.ndarray | float = 0.0) -> np.ndarray:
    return np.zeros((12, round(seconds * RATE))) + heights


@pytest.mark.parametrize(
    ("before", "behind", "cut"),
    [
        (rest(0), rest(0), 0.0),
        (rest(0), rest(0.09), 0.0),  # no longer than a beat may rest
        (rest(0), rest(2.0), 2.0),  # zeros in all leads, however long
        (rest(0.5), rest(1.5), 2.0),
        (rest(0), rest(0.2, 1000.0), 0.2),  # a pulse in all leads
        (rest(0), rest(1.0, OWN), 1.0),  # a block filled with the last sample
        (rest(0), rest(1.2, OWN), 0.0),  # longer: electrodes may have come off
        (rest(0), rest(1.2, np.eye(12, 1) * 40), 0.0),  # all at zero but one
    ],
)
def test_what_is_cut_at_the_ends(before: np.ndarray, behind: np.ndarray, cut: float, signal: Steps) -> None:
    found = without_fillers(leads(np.hstack([before, signal, behind])), RATE)
    assert found.seconds == pytest.approx(cut)
    if cut:
        assert np.array_equal(found.leads.samples, signal)


def test_a_block_of_the_file_may_be_filled_whole(signal: Steps) -> None:
    raw = leads(np.hstack([signal, rest(2.0, OWN)]))
    assert without_fillers(raw, RATE).seconds == 0.0
    assert without_fillers(raw, RATE, longest=2.0).seconds == 2.0


def test_zero_may_lie_between_two_steps(signal: Steps) -> None:
    heights = np.arange(12)[:, None] % 2  # 0 or 1, on both sides of a baseline of 0.5
    raw = leads(np.hstack([signal, rest(1.5, heights)]), baseline=0.5)
    assert without_fillers(raw, RATE).seconds == 1.5


def test_one_lead_that_rests_at_the_end_is_not_cut(signal: Steps) -> None:
    samples = signal.copy()
    samples[6, -1000:] = 0
    assert without_fillers(leads(samples), RATE).seconds == 0.0


def test_a_file_of_which_more_than_half_is_filler_is_refused(signal: Steps) -> None:
    with pytest.raises(BadRecordError, match=r"flat_lead: all leads rest at the ends for 5\.2 of 10\.2 s"):
        without_fillers(leads(np.hstack([rest(2.6), signal, rest(2.6)])), RATE)


PULSE = np.hstack([rest(0.12), rest(0.16, 1000.0), rest(0.12)])


@pytest.mark.parametrize("place", [30, 100, 190])  # in the zeros, in the pulse, in the zeros behind it
@pytest.mark.parametrize("length", [1, 20])
@pytest.mark.parametrize("at_start", [False, True])
def test_a_damaged_sample_does_not_hide_a_filler(
    signal: Steps, place: int, length: int, at_start: bool
) -> None:
    pulse = PULSE.copy()
    pulse[4, place : place + length] += 8
    raw = leads(np.hstack([pulse, signal] if at_start else [signal, pulse]))
    with pytest.raises(BadRecordError, match="flat_lead: all leads but one rest at an end of the file for"):
        without_fillers(raw, RATE)


def test_a_lead_that_goes_on_while_the_others_rest_is_left_to_other_checks(signal: Steps) -> None:
    end = rest(1.5)
    end[7] = np.random.default_rng(0).normal(0, 30, end.shape[1])
    assert without_fillers(leads(np.hstack([signal, end])), RATE).seconds == 0.0


def test_what_was_cut_is_counted_and_told(file_of: Callable[..., Path], tmp_path: Path) -> None:
    path = file_of("philips-xml")  # with 0.4 s of zeros, pulse and zeros
    lines = list(in_lines(inspect(files_at(path)), [path.name]))
    assert "  length     5 s (2500 samples); 0.4 s at the ends held no recording and were cut" in lines
    options = {"patient_namespace": "own"}
    summary = ingest_cohort("philips-xml", tmp_path, tmp_path / "out", options=options, workers=1)
    assert summary["cut"] == 1
    assert (
        json.loads((tmp_path / "out" / "summary.json").read_text())["contract"]["shares"]["cut at its ends"]
        == 1
    )
    told = summary_lines("out", "philips-xml", tmp_path, summary, options)
    assert "fillers or calibration pulses were cut off the ends of 1 records" in told
