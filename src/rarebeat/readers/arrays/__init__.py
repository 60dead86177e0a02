"""Arrays in files (NPY, NPZ, CSV, Parquet) with a YAML side file that says what their numbers are."""
