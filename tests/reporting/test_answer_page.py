"""An ECG on paper with its answer: what deserves less trust is said on every page."""

import re
from dataclasses import replace

import numpy as np
import pytest

from rarebeat.core.records import Record
from rarebeat.reporting.answer_page import picture_of_answer

RECORD = Record("rec-1", np.zeros((12, 5000), np.int16), 500.0, "somewhere")
CALLED = {
    "probability": 0.98,
    "threshold": 0.44,
    "decision": True,
    "votes": 5,
    "members": 5,
    "calibrated": 0.62,
    "certain": "unsure",
}
NAMES = ("left_bundle_branch_block", "premature_ventricular_complexes", "av_block_1st_degree", "paced_rhythm")


def words(picture: bytes) -> str:
    """The text of an SVG, lines joined."""
    found = re.findall(r"<!--(.*?)-->", picture.decode(), re.DOTALL)
    return " ".join(" ".join(found).split())


@pytest.mark.parametrize("calls", [0, 1, 4])
def test_a_warning_stands_on_the_page_however_much_is_called(calls: int) -> None:
    classes = dict.fromkeys(NAMES[:calls], CALLED) | {"avnrt": CALLED | {"decision": False}}
    warning = (
        "3 s of signal, the model expects 10 s: the rest is padded with zeros; unlike the training data: "
        + ("distance of the features 9.1, 99 % of validation records are below 2.3")
    )
    text = words(picture_of_answer(RECORD, {"classes": classes, "warning": warning}, "ECG", "svg"))
    assert f"Warning: {warning}" in text
    assert "Called: left bundle branch block 0.98" in text or not calls


def test_a_warning_that_is_too_long_is_cut_at_its_end() -> None:
    answer = {"classes": {"avnrt": CALLED}, "warning": "; ".join(f"reason {number}" for number in range(90))}
    text = words(picture_of_answer(replace(RECORD, calibrated=False), answer, "ECG", "svg"))
    assert "Warning: reason 0; reason 1" in text
    assert "…" in text
