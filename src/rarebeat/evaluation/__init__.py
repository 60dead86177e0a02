"""How good a model is: thresholds, metrics with bootstrap intervals, the challenge score, reports, CSV tables."""
