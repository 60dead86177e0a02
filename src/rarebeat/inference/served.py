"""The model as MLflow serves it (stored as code: nothing is pickled)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import torch
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from rarebeat.core.context import persons
from rarebeat.core.signals import output_scale, preprocess, stored_length
from rarebeat.inference.model_folder import load_model
from rarebeat.inference.probabilities import predict_probabilities


class ServedModel(PythonModel):
    """A model folder behind MLflow's pyfunc interface."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the model folder that was stored as the artifact ``folder``."""
        self.module, self.card = load_model(Path(context.artifacts["folder"]))

    def predict(  # type: ignore[no-untyped-def]  # MLflow would read a hint as the schema, which the signature has
        self, context: PythonModelContext, model_input, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Probabilities for ECGs of shape (n, 12, samples) in millivolts, sampled at ``params["rate"]`` Hz.

        Args:
            context: unused; MLflow asks for it.
            model_input: float32 array, or a mapping with one under ``ecg``.
            params: may hold ``rate``, 500 Hz otherwise, and ``age`` (years; below zero: unknown) and ``sex`` ("female"
                or "male") of the person that all these ECGs are of, which some networks use.
        """
        ecgs = model_input["ecg"] if isinstance(model_input, dict) else model_input
        params = params or {}
        rate, age = float(params.get("rate", 500.0)), float(params.get("age", -1.0))
        known = persons([age if age >= 0 else None] * len(ecgs), [params.get("sex")] * len(ecgs))
        settings = self.card.preprocessing
        limits = np.iinfo(np.int16)
        microvolts = np.clip(np.rint(np.asarray(ecgs) * 1000), limits.min, limits.max).astype(np.int16)
        signals = np.stack([preprocess(ecg, rate, settings) for ecg in microvolts])
        lengths = [stored_length(ecg.shape[1], rate, settings) for ecg in microvolts]
        probabilities = predict_probabilities(
            self.module,
            signals,
            output_scale(settings),
            context=replace(known, lengths=torch.tensor(lengths)),
            windows=self.card.window,
        )
        return pd.DataFrame(probabilities.astype(float), columns=list(self.card.classes))


mlflow.models.set_model(ServedModel())
