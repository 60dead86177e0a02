"""Training from shards beside training from memory: examples per second, in pairs.

    python benchmarks/stream.py
    python benchmarks/stream.py --records 20000 --width 8 --threads 2 --pairs 5

Each training is one epoch of a small network that sees two seconds of each recording: it takes its batches much faster
than a network in use would, while the recordings are read whole. Both ways run in
turn; the table holds medians, and of the ratios also the lowest and the highest of a pair. Processor time counts all
threads, so that it tells what reading costs where the machine has other work, too. The recordings are noise that
compresses about as well as ECGs do; there are more of them than fit into the buffer.
"""

import argparse
import datetime
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from shards import CLASSES, make_recordings
from speed import processor

from rarebeat.core.signals import Int16, Preprocessing, output_scale, output_units
from rarebeat.core.tables import markdown_table
from rarebeat.dataset.shards import SplitWriter, load_split, open_split, row_schema
from rarebeat.dataset.split import ShardMeta, Split, take
from rarebeat.dataset.stored import StoredSignals
from rarebeat.dataset.windows import WindowSettings
from rarebeat.training.loop import EpochReport, train
from rarebeat.training.settings import ModelSettings, TrainSettings

TEMPLATES = 512


@dataclass(frozen=True)
class Measured:
    """One epoch.

    Attributes:
        rate: examples per second.
        processor_seconds: of all threads, for 1,000 examples.
    """

    rate: float
    processor_seconds: float


def write_split(
    folder: Path,
    split: str,
    settings: Preprocessing,
    signals: Sequence[Int16] | Int16,
    records: int,
    shard_size: int,
) -> None:
    """Write a split as prepare does, of recordings that come again and again, with labels drawn at random."""
    meta = ShardMeta(CLASSES, settings, output_scale(settings), output_units(settings), "benchmark")
    schema, random = row_schema(CLASSES), np.random.default_rng([records])
    names = [f"{split}-{index}" for index in range(records)]
    columns = {
        "record_id": names,
        "cohort": ["benchmark"] * records,
        "patient": [f"{split}-p{index // 3}" for index in range(records)],
        "age": random.uniform(20, 90, records).astype(np.float32),
        "sex": np.where(random.random(records) < 0.5, "female", "male").tolist(),
        "length": np.full(records, settings.samples, np.int32),
        **{name: (random.random(records) < 0.3).astype(np.int8) for name in CLASSES},
    }
    rows = pa.table({name: pa.array(columns[name]) for name in schema.names}, schema=schema)
    writer = SplitWriter(folder / split, meta, rows, shard_size)
    for index in range(records):
        writer.add(signals[index % len(signals)])
    writer.finish()


def epochs(splits: Sequence[Split], width: int, threads: int, batch: int, window: int) -> Iterator[Measured]:
    """An epoch on each of some splits, in turn, without validation."""
    model = ModelSettings("hughes34", {"width": width})
    settings = TrainSettings(
        epochs=1,
        batch=batch,
        threads=threads,
        precision="fp32",
        device="cpu",
        window=WindowSettings(window),
    )
    for split in splits:
        nobody = take(split, np.empty(0, np.int64))
        reports: list[EpochReport] = []
        with tempfile.TemporaryDirectory() as checkpoints:
            start = time.process_time()
            network = train(
                split, nobody, CLASSES, model, settings, Path(checkpoints), reports.append, key="speed"
            )
            used = time.process_time() - start
        assert network is not None
        yield Measured(reports[0].examples_per_second, 1000 * used / len(split))


def report(pairs: Sequence[tuple[Measured, Measured]], heading: str) -> str:
    """The table.

    Args:
        pairs: from memory, and from shards.
        heading: what was measured.
    """

    def row(name: str, unit: str, attribute: str) -> dict[str, str | None]:
        values = [tuple(getattr(one, attribute) for one in pair) for pair in pairs]
        ratios = [streamed / whole for whole, streamed in values]
        whole, streamed = (statistics.median(column) for column in zip(*values, strict=True))
        return {
            "": name,
            "from memory": f"{whole:,.4g}",
            "from shards": f"{streamed:,.4g}",
            "unit": unit,
            "ratio": f"{statistics.median(ratios):.2f}",
            "pairs": f"{min(ratios):.2f} to {max(ratios):.2f}",
        }

    rows = [
        row("speed", "examples/s", "rate"),
        row("processor time", "s per 1,000 examples", "processor_seconds"),
    ]
    return f"{heading}\n\n{markdown_table(rows)}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--records", type=int, default=7168)
    parser.add_argument("--rate", type=int, default=125, help="samples per second, of 10 s")
    parser.add_argument("--width", type=int, default=2, help="channels of the first blocks of the network")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument(
        "--window", type=int, default=250, help="samples that the network sees of a recording"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=3)
    arguments = parser.parse_args()
    settings = Preprocessing(rate=arguments.rate, samples=10 * arguments.rate)
    signals = make_recordings(min(TEMPLATES, arguments.records), settings.samples, settings.rate)
    with tempfile.TemporaryDirectory() as temporary:
        write_split(Path(temporary), "train", settings, signals, arguments.records, 2048)
        whole, streamed = load_split(Path(temporary), "train"), open_split(Path(temporary), "train")
        assert isinstance(streamed.signals, StoredSignals)
        places = streamed.signals.places
        found = list(
            epochs(
                [whole, streamed] * arguments.pairs,
                arguments.width,
                arguments.threads,
                arguments.batch,
                arguments.window,
            )
        )
    pairs = list(zip(found[::2], found[1::2], strict=True))
    heading = (
        f"# Training from shards\n\n{processor()[0]}, {datetime.date.today()}, load {os.getloadavg()[0]:.1f} at the "
        f"end. {arguments.records:,} recordings of 12 x {settings.samples} samples, of which {places:,} fit into the "
        f"buffer; hughes34 of width {arguments.width} on {arguments.window} samples of each, fp32, "
        f"batches of {arguments.batch}, {arguments.threads} "
        f"thread(s); medians of {arguments.pairs} pairs."
    )
    print(report(pairs, heading))


if __name__ == "__main__":
    main()
