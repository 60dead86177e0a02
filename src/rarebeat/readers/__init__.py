"""From an archive to records: readers, trust, privacy, and ingest."""
