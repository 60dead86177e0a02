"""The reporting sheet of a study by TRIPOD+AI, filled by a run as far as it knows."""
