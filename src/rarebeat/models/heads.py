"""What stands at the end of every network: one logistic regression per class, all on the same features."""

import torch
from torch import Tensor, nn


class Heads(nn.Module):
    """Independent logistic regressions; one class or many differ in nothing but the size of this layer.

    Args:
        features: features per example, channels times samples.
        classes: number of classes.
    """

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.regressions = nn.Linear(features, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Turn features of shape (batch, ...) into logits of shape (batch, classes), always in fp32."""
        with torch.autocast(x.device.type, enabled=False):  # logits of bf16 would have two digits
            logits: Tensor = self.regressions(x.flatten(1).to(self.regressions.weight.dtype))
        return logits
