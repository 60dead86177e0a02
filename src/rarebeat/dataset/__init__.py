"""From records and labels to shards: splits, re-sampling, folds, windows."""
