"""Cross-validation: folds of patients, one model for each, and their ensemble."""
