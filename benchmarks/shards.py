"""Shards to tensors, and resampling, each beside the plain way to do it, in one table.

    python benchmarks/shards.py [--records 8192] [--repeats 5]

The recordings are noise that compresses about as well as ECGs do. All ways run in turn, and the table holds
medians, so that whatever else the machine does falls on all of them alike.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from scipy.signal import firwin, resample_poly

from rarebeat.core.signals import Preprocessing, output_scale, output_units, resample
from rarebeat.dataset.shards import SplitWriter, load_split, row_schema, shard_files
from rarebeat.dataset.split import ShardMeta

SETTINGS = Preprocessing()
CLASSES = ("sinus_rhythm", "atrial_fibrillation")

Recording = npt.NDArray[np.int16]
Way = tuple[str, str, int, Callable[[], object]]  # task, name, records, function


def make_recordings(records: int, samples: int, rate: float) -> Recording:
    """Smooth noise with a spike every 0.8 s, shape (records, 12, samples), in microvolts."""
    random = np.random.default_rng([records, samples])
    times = np.arange(samples) / rate
    beat = 1000 * np.exp(-(((times % 0.8 - 0.4) / 0.02) ** 2))
    gains = random.normal(0, 1, (records, 12, 1))
    values: npt.NDArray[np.float64] = gains * beat + random.normal(0, 8, (records, 12, samples))
    return np.rint(values).astype(np.int16)


def write_shards(folder: Path, signals: Recording) -> None:
    """Write the split "train" as prepare does."""
    meta = ShardMeta(CLASSES, SETTINGS, output_scale(SETTINGS), output_units(SETTINGS), "benchmark")
    schema = row_schema(CLASSES)
    names = [str(index) for index in range(len(signals))]
    absent, nothing, length = ([value] * len(signals) for value in (0, None, signals.shape[2]))
    columns = [
        names,
        ["benchmark"] * len(signals),
        names,
        nothing,
        nothing,
        length,
        *[absent for _ in CLASSES],
    ]
    rows = pa.table(dict(zip(schema.names, columns, strict=True)), schema=schema)
    writer = SplitWriter(folder / "train", meta, rows, shard_size=2048)
    for signal in signals:
        writer.add(signal)
    writer.finish()


def write_lists(path: Path, signals: Recording) -> None:
    """Write the same signals as Parquet is mostly used: a list of int16 per row."""
    flat = pa.array(signals.reshape(-1))
    offsets = np.arange(len(signals) + 1, dtype=np.int32) * signals[0].size
    pq.write_table(pa.table({"signal": pa.ListArray.from_arrays(offsets, flat)}), path, row_group_size=512)


def read_shards(folder: Path) -> torch.Tensor:
    """What training does."""
    return torch.from_numpy(load_split(folder, "train").signals)


def read_rows(folder: Path) -> torch.Tensor:
    """The same files, row by row."""
    signals = []
    for path in shard_files(folder, "train"):
        for value in pq.read_table(path, columns=["signal"]).column("signal"):
            signals.append(np.frombuffer(value.as_py(), dtype="<i2").reshape(12, -1))
    return torch.from_numpy(np.stack(signals))


def read_pandas(path: Path) -> torch.Tensor:
    """A list column through pandas."""
    column = pq.read_table(path).to_pandas()["signal"]
    return torch.from_numpy(np.stack([row.reshape(12, -1) for row in column]))


def resample_plainly(signals: Recording, window: npt.NDArray[np.float32]) -> None:
    """SciPy, float32, with a filter of the same transition band, one recording at a time."""
    for signal in signals:
        resample_poly(signal.astype(np.float32), 1, 2, axis=1, window=window, padtype="line")


def resample_all(signals: Recording) -> None:
    """What prepare does."""
    for signal in signals:
        resample(signal, 500, 250)


def measure(ways: list[Way], repeats: int) -> dict[tuple[str, str], float]:
    """Records per second of each way: medians over turns."""
    rates: dict[tuple[str, str], list[float]] = {(task, name): [] for task, name, _, _ in ways}
    for _ in range(repeats):
        for task, name, records, function in ways:
            start = time.perf_counter()
            function()
            rates[task, name].append(records / (time.perf_counter() - start))
    return {key: statistics.median(values) for key, values in rates.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=8192)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="only Rarebeat's own speed, for speed.py")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        signals = make_recordings(arguments.records, SETTINGS.samples, SETTINGS.rate)
        write_shards(folder, signals)
        if not torch.equal(read_shards(folder), torch.from_numpy(signals)):
            raise SystemExit("the shards did not come back as they were written")
        native = make_recordings(min(512, arguments.records), 5000, 500)
        window = firwin(47, 125, window=("kaiser", 6.76), fs=500).astype(np.float32)
        load, down = "shards to tensor", "500 to 250 Hz"
        few = len(native)
        ours: list[Way] = [
            (load, "rarebeat", arguments.records, lambda: read_shards(folder)),
            (down, "rarebeat", few, lambda: resample_all(native)),
        ]
        if arguments.json:
            rates = measure(ours, arguments.repeats)
            lines = [{"name": task, "value": rate, "unit": "records/s"} for (task, _), rate in rates.items()]
            print(json.dumps(lines))
            return
        write_lists(folder / "lists.parquet", signals)
        ways: list[Way] = [
            ours[0],
            (load, "same files, row by row", arguments.records, lambda: read_rows(folder)),
            (load, "list column, pandas", arguments.records, lambda: read_pandas(folder / "lists.parquet")),
            ours[1],
            (down, "resample_poly, float32", few, lambda: resample_plainly(native, window)),
        ]
        rates = measure(ways, arguments.repeats)
        size = sum(path.stat().st_size for path in shard_files(folder, "train")) / arguments.records / 1000

    print(
        f"{arguments.records} recordings of 12 x {SETTINGS.samples} int16, {size:.1f} kB each in shards;",
        end=" ",
    )
    print(f"medians of {arguments.repeats}\n")
    print(f"| {'task':<17} | {'way':<23} | {'records/s':>9} | {'ours is faster by':>17} |")
    print(f"|{'-' * 19}|{'-' * 25}|{'-' * 10}:|{'-' * 18}:|")
    for (task, name), rate in rates.items():
        factor = "" if name == "rarebeat" else f"{rates[task, 'rarebeat'] / rate:.1f} x"
        print(f"| {task:<17} | {name:<23} | {rate:>9,.0f} | {factor:>17} |")


if __name__ == "__main__":
    main()
