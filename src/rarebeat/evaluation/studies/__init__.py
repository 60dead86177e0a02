"""The cells of a study held against each other."""
