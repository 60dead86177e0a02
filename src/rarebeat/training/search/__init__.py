"""Hyper-parameter search: trials that Optuna proposes, judged on the validation split alone."""
