"""How good a model is: thresholds, metrics with bootstrap intervals, reports, scoring of CSV tables."""
