"""What a person checks by hand: samples, verdicts, agreement, disagreement with a model, and their pages."""
