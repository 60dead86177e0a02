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
    NO_NUMBER,
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
from rarebeat.metrics.certainty import tell
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
                normalised units then instead of millivolts. ``rates``, ``ages`` and ``sexes`` are lists with a value
                for each ECG, instead of one for all. ``calls`` adds thresholds and decisions to the answer.

        Returns:
            A row for each ECG: one probability per class, and two columns of text. ``error`` says why an ECG was
            refused, whose probabilities are NaN then; ``warning`` says why an answer deserves less trust. Both are
            empty otherwise. With ``calls`` there are also ``threshold.<class>`` and ``decision.<class>`` (1 where the
            probability reaches the threshold, 0, or NaN where an ECG was refused), and where calibration is stored with
            the model ``calibrated.<class>`` (a probability) and ``certain.<class>`` ("yes", "no", "unsure", or "" where
            an ECG was refused).
        """
        ecgs = model_input["ecg"] if isinstance(model_input, Mapping) else model_input
        params = params or {}
        errors, inputs, people = [""] * len(ecgs), dict[int, ModelInput](), dict[int, Person]()
        for row, ecg in enumerate(ecgs):
            try:
                rate, age, sex = (_each(params, name, row, len(ecgs)) for name in ("rate", "age", "sex"))
                people[row] = known_person(age, sex)
                calibrated = bool(params.get("calibrated", True))
                inputs[row] = self._let_in(
                    np.asarray(ecg), float(500.0 if rate is None else rate), calibrated
                )
            except (BadRecordError, ParamsError) as error:
                errors[row] = str(error)
        found = self._ask(inputs, people)
        for row in [row for row, (values, _) in found.items() if not np.isfinite(values).all()]:
            errors[row] = NO_NUMBER
            del found[row]
        table = self._table(found, errors)
        return self._with_calls(table) if params.get("calls") else table

    def _with_calls(self, table: pd.DataFrame) -> pd.DataFrame:
        """The same answers with thresholds and decisions."""
        added = {}
        for name in self.card.classes:
            threshold = self.card.thresholds[name]
            added[f"threshold.{name}"] = np.full(len(table), threshold)
            called = np.where(table[name].isna(), np.nan, (table[name] >= threshold).astype(float))
            added[f"decision.{name}"] = called
        added |= self._certainty(table)
        return pd.concat([table, pd.DataFrame(added, index=table.index)], axis=1)

    def _certainty(self, table: pd.DataFrame) -> dict[str, Any]:
        """Columns of what is told beside probability and decision."""
        if self.card.certainty is None:
            return {}
        names = list(self.card.classes)
        values = table[names].to_numpy(dtype=np.float64)
        told = tell(self.card.certainty, names, values, self.card.offsets)
        thresholds = np.array([self.card.thresholds[name] for name in names])
        answers = told.answers(values >= thresholds)
        columns: dict[str, Any] = {}
        for column, name in enumerate(names):
            columns[f"calibrated.{name}"] = told.calibrated[:, column]
            columns[f"certain.{name}"] = answers[:, column]
        return columns

    def _let_in(self, ecg: np.ndarray[Any, Any], rate: float, calibrated: bool) -> ModelInput:
        signal, calibrated = trusted_ecg(ecg, rate, calibrated)
        return network_input(signal, rate, calibrated, self.card)

    def _ask(
        self, inputs: Mapping[int, ModelInput], people: Mapping[int, Person]
    ) -> dict[int, tuple[list[float], str]]:
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
                context=replace(persons(*zip(*(people[row] for row in rows), strict=True)), lengths=lengths),
                windows=input_windows(self.card),
            )
            unlike = novelty_warnings(
                [self.detector], [features], signals, lengths.numpy(), self.card.preprocessing
            )
            for row, values, text in zip(rows, probabilities.astype(float).tolist(), unlike, strict=True):
                found[row] = (
                    values,
                    joined(inputs[row].warning, text, person_warning(people[row], [self.card])),
                )
        return found

    def _table(self, found: Mapping[int, tuple[list[float], str]], errors: list[str]) -> pd.DataFrame:
        classes = list(self.card.classes)
        refused = [np.nan] * len(classes), ""
        answers = [found.get(row, refused) for row in range(len(errors))]
        table = pd.DataFrame([values for values, _ in answers], columns=classes, dtype=float)
        table["error"] = errors
        table["warning"] = [warning for _, warning in answers]
        return table


def _each(params: Mapping[str, Any], name: str, row: int, ecgs: int) -> Any:
    """What is told of one ECG: from the list of all, where there is one, else what is told of all."""
    told = params.get({"rate": "rates", "age": "ages", "sex": "sexes"}[name])
    if told is None or not len(told):
        return params.get(name)
    if len(told) != ecgs:
        raise ParamsError(f"{name}: {len(told)} values for {ecgs} ECGs")
    return told[row]


mlflow.models.set_model(ServedModel())
