"""What deliveries of an archive have in common: described at ingest, and held against a new delivery."""
