"""What every room may use: records, errors, files, params, processes and signal processing."""
