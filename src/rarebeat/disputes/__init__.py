"""Where a cross-validated model and the labels disagree, and what the signal says there."""
