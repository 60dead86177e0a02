"""Models that leave the project: with the thresholds of a site, as ONNX, or as a folder for a hub."""
