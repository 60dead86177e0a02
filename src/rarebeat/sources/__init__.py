"""Readers of ECG archives: one module per format, a registry that picks it. None knows what comes after."""
