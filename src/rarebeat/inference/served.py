"""The model as MLflow serves it (stored as code: nothing is pickled)."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import torch
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from rarebeat.core.context import persons
from rarebeat.core.errors import BadRecordError, ParamsError
from rarebeat.core.signals import output_scale
from rarebeat.inference.gate import (
    ModelInput,
    input_windows,
    joined,
    known_person,
    network_input,
    person_warning,
    trusted_ecg,
)
from rarebeat.inference.model_folder import load_detector, load_model
from rarebeat.inference.novelty import novelty_warnings
from rarebeat.inference.probabilities import predict_with_features
from rarebeat.readers.fields import Person


class ServedModel(PythonModel):
    """A model folder behind MLflow's pyfunc interface."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the model folder that was stored as the artifact ``folder``."""
        folder = Path(context.artifacts["folder"])
        self.module, self.card = load_model(folder)
        self.detector = load_detector(folder)

    def predict(  # type: ignore[no-untyped-def]  # MLflow would read a hint as the schema, which the signature has
        self, context: PythonModelContext, model_input, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Probabilities for ECGs of shape (n, 12, samples) in millivolts, sampled at ``params["rate"]`` Hz.

        Args:
            context: unused; MLflow asks for it.
            model_input: float32 array, or a mapping with one under ``ecg``.
            params: may hold ``rate``, 500 Hz otherwise, and ``age`` (years, 0 to 120; -1: unknown) and ``sex``
                ("female", "male", "f" or "m"; "": unknown) of the person that all these ECGs are of, which some
                networks use. ``calibrated`` is False for ECGs whose amplitude was normalised away, which are in
                normalised units then instead of millivolts.

        Returns:
            A row for each ECG: one probability per class, and two columns of text. ``error`` says why an ECG was
            refused, whose probabilities are NaN then; ``warning`` says why an answer deserves less trust. Both are
            empty otherwise.
        """
        ecgs = model_input["ecg"] if isinstance(model_input, Mapping) else model_input
        params = params or {}
        rate = float(params.get("rate", 500.0))
        errors, inputs = [""] * len(ecgs), dict[int, ModelInput]()
        try:
            person = known_person(params.get("age"), params.get("sex"))
        except ParamsError as error:  # of the person of all ECGs
            return self._table({}, [str(error)] * len(ecgs))
        for row, ecg in enumerate(ecgs):
            try:
                inputs[row] = self._let_in(np.asarray(ecg), rate, bool(params.get("calibrated", True)))
            except BadRecordError as error:
                errors[row] = str(error)
        return self._table(self._ask(inputs, person), errors)

    def _let_in(self, ecg: np.ndarray[Any, Any], rate: float, calibrated: bool) -> ModelInput:
        signal, calibrated = trusted_ecg(ecg, rate, calibrated)
        return network_input(signal, rate, calibrated, self.card)

    def _ask(self, inputs: Mapping[int, ModelInput], person: Person) -> dict[int, tuple[list[float], str]]:
        """Probabilities and warning of each row; ECGs of one length go through the network together."""
        found: dict[int, tuple[list[float], str]] = {}
        for samples in sorted({entry.signal.shape[1] for entry in inputs.values()}):
            rows = [row for row, entry in inputs.items() if entry.signal.shape[1] == samples]
            lengths = torch.tensor([inputs[row].length for row in rows])
            signals = np.stack([inputs[row].signal for row in rows])
            probabilities, features = predict_with_features(
                self.module,
                signals,
                output_scale(self.card.preprocessing),
                context=replace(persons([person.age] * len(rows), [person.sex] * len(rows)), lengths=lengths),
                windows=input_windows(self.card),
            )
            unlike = novelty_warnings(
                [self.detector], [features], signals, lengths.numpy(), self.card.preprocessing
            )
            for row, values, text in zip(rows, probabilities.astype(float).tolist(), unlike, strict=True):
                found[row] = values, joined(inputs[row].warning, text, person_warning(person, [self.card]))
        return found

    def _table(self, found: Mapping[int, tuple[list[float], str]], errors: list[str]) -> pd.DataFrame:
        classes = list(self.card.classes)
        refused = [np.nan] * len(classes), ""
        answers = [found.get(row, refused) for row in range(len(errors))]
        table = pd.DataFrame([values for values, _ in answers], columns=classes, dtype=float)
        table["error"] = errors
        table["warning"] = [warning for _, warning in answers]
        return table


mlflow.models.set_model(ServedModel())
