"""Who comes to the simulated clinic, and with what history."""
