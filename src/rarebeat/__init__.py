"""Rarebeat: multi-task CNNs on 12-lead ECGs, so that rare diagnoses learn from common ones."""
