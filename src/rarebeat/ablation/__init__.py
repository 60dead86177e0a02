"""Comparing networks, losses and threshold rules over seeds."""
