"""The loss of multi-task training."""

from torch import Tensor
from torch.nn import functional


def sum_of_cross_entropies(logits: Tensor, labels: Tensor) -> Tensor:
    """Sigmoid cross-entropy, summed over classes and averaged over examples (Hughes et al. 2018).

    Args:
        logits: shape (batch, classes).
        labels: shape (batch, classes): 1 present, 0 absent, -1 uncertain. An uncertain label adds nothing.

    Returns:
        A scalar.
    """
    known = (labels >= 0).to(logits.dtype)
    # A target of zero where the label is unknown keeps the loss finite; the weight then removes it.
    losses = functional.binary_cross_entropy_with_logits(
        logits, labels.clamp(min=0).to(logits.dtype), weight=known, reduction="sum"
    )
    return losses / len(labels)
