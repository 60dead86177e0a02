"""From a model folder and ECGs to probabilities and decisions."""
