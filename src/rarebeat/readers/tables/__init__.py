"""What an archive's tables tell of its recordings, joined by what names a recording in both."""
