"""Small models with random weights whose batch norms have seen simulated ECGs: their answers differ between ECGs."""

from pathlib import Path

import numpy as np
import torch

from rarebeat.core.signals import Preprocessing
from rarebeat.inference.model_folder import ModelCard, save_model
from rarebeat.metrics.certainty import Certainty, ClassCertainty
from rarebeat.models.registry import build
from rarebeat.simulator.clinic import simulate
from rarebeat.simulator.settings import SimulatorSettings

CLASSES = ("sinus_rhythm", "atrial_fibrillation", "av_block_1st_degree")
WIDTHS = {"hughes34": 4, "global_skip": 4, "se_resnet": 4, "xresnet1d101": 4, "densenet1d121": 4}


CERTAINTY = Certainty(
    0.9,
    {
        name: ClassCertainty(0.7, -0.5, yes_above=-5.0, no_below=None, positives=5, negatives=99)
        for name in CLASSES
    },
)


def write_model(folder: Path, name: str) -> Path:
    """A model folder of the network."""
    settings = SimulatorSettings(records=12, rate=250, seconds=10)
    signals = np.stack([simulate(index, settings).signal for index in range(12)])
    ecgs = torch.from_numpy(signals.astype(np.float32) / 1000)
    torch.manual_seed(3)
    sizes = {"width": WIDTHS[name]}
    module = build(name, len(CLASSES), 2500, sizes)
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, torch.nn.BatchNorm2d | torch.nn.BatchNorm1d):
                layer.momentum = 0.5
        for _ in range(8):
            module.train()(ecgs)
    card = ModelCard(
        architecture=name,
        settings=sizes,
        classes=CLASSES,
        thresholds=dict.fromkeys(CLASSES, 0.5),
        preprocessing=Preprocessing(),
        units="mV",
        heads="three",
        cohorts=("simulated",),
        vocabulary="hughes24",
        codes={"sinus_rhythm": "SINUS"},
        certainty=CERTAINTY,
    )
    save_model(folder, module, card)
    return folder
