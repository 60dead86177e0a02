"""Measurements on one 12-lead signal: beats, rate, regularity, and width and axis of the QRS complex."""
