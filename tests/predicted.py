"""Predictions from bare arrays, for tests of what is made of them."""

from typing import Any

import numpy as np

from rarebeat.inference.predictions import Predictions


def predicted(
    truth: Any, probability: Any, thresholds: Any, patients: Any, classes: tuple[str, ...], **more: Any
) -> Predictions:
    """Predictions for the records of a test split, of one cohort unless ``cohorts`` says otherwise."""
    names = np.array([f"r{index}" for index in range(len(truth))], dtype=object)
    given = {"cohorts": np.full(len(truth), "clinic", dtype=object)} | more
    return Predictions(
        record_ids=names,
        patients=patients,
        splits=np.full(len(truth), "test", dtype=object),
        classes=classes,
        thresholds=np.broadcast_to(np.asarray(thresholds, dtype=np.float64), len(classes)),
        probability=probability,
        truth=truth,
        **given,
    )
