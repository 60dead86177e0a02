"""Stage 1: read one cohort into Parquet, at its native rate (`rarebeat ingest` is the same command)."""

from rarebeat.commands import ingest
from rarebeat.console import run

if __name__ == "__main__":
    run(ingest)
