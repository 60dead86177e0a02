"""Simulated records as files of other systems."""
