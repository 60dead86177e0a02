"""Stage 1: read one cohort into Parquet, at its native rate (`rarebeat ingest` is the same command)."""

from rarebeat.cli.console import run
from rarebeat.cli.ingest import ingest

if __name__ == "__main__":
    run(ingest)
