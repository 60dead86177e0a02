"""Scores and thresholds of arrays: from truth and probability to numbers."""
