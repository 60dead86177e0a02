"""Networks: one file each, picked by name in :mod:`rarebeat.models.registry`."""
