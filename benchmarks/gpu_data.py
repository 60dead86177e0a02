"""Simulated ECGs for the GPU benchmark, written in the background by processes that never load torch.

The mix of rhythms is that of the paper's re-sampled data; labels are what the simulator knows to be true.

    python benchmarks/gpu_data.py --folder /tmp/ecgs --records 43520 --workers 12
"""

import argparse
import sys
from itertools import repeat
from pathlib import Path

import numpy as np

from rarebeat.core.files import atomic
from rarebeat.core.parallel import process_pool
from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.split import ShardMeta, Split, take
from rarebeat.simulator.clinic import recording_at, signal_of
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import CLASSES

CHUNK = 512
MICROVOLT = 0.001
"""Stored value to millivolts."""


def write_chunk(folder: Path, start: int, stop: int, rate: float, seconds: float) -> int:
    """Simulate the records from ``start`` to before ``stop`` and write them as one file; returns their number."""
    settings = SimulatorSettings(records=stop, rate=rate, seconds=seconds, preset="hughes")
    signals, labels, visits = [], [], []
    for index in range(start, stop):
        recording = recording_at(index, settings)
        signals.append(signal_of(index, recording, settings))
        labels.append([name in recording.truth for name in CLASSES])
        visits.append(recording.visit)
    with atomic(folder / f"chunk-{start:06d}.npz") as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            signals=np.stack(signals),
            labels=np.array(labels, dtype=np.int8),
            patients=np.array([visit.patient.number for visit in visits]),
            ages=np.array([visit.age for visit in visits], dtype=np.float32),
            female=np.array([visit.patient.sex == "female" for visit in visits]),
        )
    return stop - start


def load(folder: Path, records: int, held_out: int) -> tuple[Split, Split, int]:
    """Read what is there so far.

    Args:
        folder: with chunks.
        records: wanted for training. Where fewer are there, they come several times.
        held_out: wanted for validation; no patient of theirs is trained on.

    Returns:
        The training split, the validation split, and the number of different records in the former.

    Raises:
        RuntimeError: when less than two chunks are there.
    """
    files = sorted(folder.glob("chunk-*.npz"))
    if len(files) < 2:
        raise RuntimeError(f"{folder} holds {len(files)} chunks of records; two are needed")
    chunks = [np.load(file) for file in files]
    columns = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0].files}
    signals, patients = columns["signals"], columns["patients"]
    names = patients.astype(str).astype(object)
    meta = ShardMeta(CLASSES, Preprocessing(samples=signals.shape[2]), MICROVOLT, "mV", "simulated")
    sexes = np.where(columns["female"], "female", "male").astype(object)
    every = Split(signals, columns["labels"], names, names, names, meta, ages=columns["ages"], sexes=sexes)
    held_out = min(held_out, len(every) // 5)
    others = np.flatnonzero(~np.isin(patients, patients[:held_out]))
    return (
        take(every, np.resize(others, records)),
        take(every, np.arange(held_out)),
        min(len(others), records),
    )


def main() -> None:
    """Write chunks until all records are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rate", type=float, default=250)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    size = min(CHUNK, -(-options.records // 4))
    starts = list(range(0, options.records, size))
    stops = [min(start + size, options.records) for start in starts]
    same = repeat(options.folder), starts, stops, repeat(options.rate), repeat(options.seconds)
    with process_pool(options.workers) as pool:
        done = sum(pool.map(write_chunk, *same))
    print(f"{done} records", file=sys.stderr)


if __name__ == "__main__":
    main()
