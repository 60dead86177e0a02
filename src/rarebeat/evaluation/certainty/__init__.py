"""What calibration and conformal answers of a model are worth on records that they were not fitted to."""
