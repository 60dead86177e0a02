"""Ingest speed on one core: format-16 files to Parquet, beside loops of wfdb or ecgdatakit, resample_poly and Parquet.

The archive is synthetic (12 leads, 10 s, 500 Hz). A record compresses worse than one of PTB-XL (60 kB instead of 48),
for the time to compress depends on that. Rarebeat keeps the native rate; the loops, which are what one would write
without it, store 250 Hz. (torch_ecg wants pandas below 3 and cannot be installed beside it.)

    python benchmarks/ingest.py --records 1000 --repeats 5
    python benchmarks/ingest.py --json --archive exports --kind muse-xml --processes 2

The second form measures the ingest of an archive that is there, in any number of processes.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import wfdb
from ecgdatakit.parsing.parsers.wfdb import WFDBParser
from scipy.signal import resample_poly

from rarebeat.core.records import LEADS, Signal
from rarebeat.readers.ingest import ingest_cohort

RATE = 500
SECONDS = 10
GAIN = 1000  # steps per mV


def synthetic_ecg(rng: np.random.Generator) -> Signal:
    """Beats, drift and noise in microvolts, int16 of shape (12, 5000)."""
    time_s = np.arange(RATE * SECONDS) / RATE
    beats = np.arange(0.3, SECONDS, rng.uniform(0.6, 1.1)) + rng.normal(0, 0.02)
    waves = ((-0.17, 0.025, 100.0), (-0.02, 0.008, -80.0), (0.0, 0.01, 1000.0), (0.25, 0.05, 250.0))
    beat = np.zeros_like(time_s)
    for at in beats:
        for delay, width, height in waves:
            beat += height * np.exp(-0.5 * ((time_s - at - delay) / width) ** 2)
    drift = 60 * np.sin(2 * np.pi * (0.25 * time_s + rng.uniform(size=(12, 1))))
    noise = rng.normal(0, 0.8, (12, time_s.size))
    signal = np.rint(rng.uniform(-1.2, 1.5, (12, 1)) * beat + drift + noise)
    one, two = signal[:2]
    signal[2:6] = two - one, -(one + two) / 2, one - two / 2, two - one / 2  # as in any ECG
    whole: Signal = np.rint(signal).astype(np.int16)
    return whole


def write_archive(folder: Path, records: int) -> None:
    """Write records as WFDB files in the layout of the Challenge."""
    for index in range(records):
        signal = synthetic_ecg(np.random.default_rng([0, index]))
        name = f"S{index:06d}"
        (folder / f"{name}.dat").write_bytes(signal.T.astype("<i2").tobytes())
        lines = [f"{name} 12 {RATE} {signal.shape[1]}"]
        for lead, samples in zip(LEADS, signal, strict=True):
            checksum = int(samples.sum(dtype=np.int16))
            lines.append(f"{name}.dat 16 {GAIN}(0)/mV 16 0 {samples[0]} {checksum} 0 {lead}")
        lines += ["# Age: 56", "# Sex: Male", "# Dx: 426783006"]
        (folder / f"{name}.hea").write_text("\n".join(lines) + "\n", encoding="utf-8")


def with_rarebeat(archive: Path, out: Path) -> None:
    """Header, samples, checksum, all quality checks, fingerprint, int16 microvolts at 500 Hz in Parquet."""
    ingest_cohort("challenge", archive, out / "cohort", workers=1)


def with_wfdb(archive: Path, out: Path) -> None:
    """``wfdb.rdrecord`` in a plain loop."""
    store_halved(archive, out, lambda header: wfdb.rdrecord(str(header.with_suffix(""))).p_signal.T)


def with_ecgdatakit(archive: Path, out: Path) -> None:
    """The WFDB parser of ecgdatakit in a plain loop."""
    parser = WFDBParser()
    store_halved(
        archive,
        out,
        lambda header: np.stack([lead.to_physical().samples for lead in parser.parse(header).leads]),
    )


def store_halved(archive: Path, out: Path, read: Callable[[Path], npt.NDArray[np.float64]]) -> None:
    """``resample_poly`` to 250 Hz, int16 microvolts in Parquet; no checks. Files are read as (leads, samples) in mV."""
    rows = []
    for header in sorted(archive.glob("*.hea")):
        halved = resample_poly(read(header), 1, 2, axis=1)
        rows.append({"record_id": header.stem, "signal": np.rint(halved * 1000).astype("<i2").tobytes()})
    pq.write_table(pa.Table.from_pylist(rows), out / "loop.parquet", compression="zstd")


def measure(work: Callable[[Path, Path], None], archive: Path) -> tuple[float, int]:
    """Seconds that ``work`` takes, and bytes of Parquet that it writes."""
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        work(archive, Path(out))
        seconds = time.perf_counter() - start
        return seconds, sum(file.stat().st_size for file in Path(out).rglob("*.parquet"))


def print_speed_of(archive: Path, kind: str, processes: int, repeats: int) -> None:
    """Print, as JSON, the records per second of the ingest of an archive (median)."""
    rates = []
    with tempfile.TemporaryDirectory() as folder:
        options = {"key_file": str(Path(folder) / "key")} if kind == "muse-xml" else {}
        for repeat in range(repeats):
            start = time.perf_counter()
            summary = ingest_cohort(kind, archive, Path(folder) / str(repeat), "cohort", options, processes)
            rates.append(summary["records"] / (time.perf_counter() - start))
            if summary["quarantined"]:
                raise SystemExit(f"{summary['quarantined']} of the records were not read")
    print(json.dumps([{"name": f"ingest {kind}", "value": statistics.median(rates), "unit": "records/s"}]))


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--json", action="store_true", help="only Rarebeat's own speed, for speed.py; needs --archive"
    )
    parser.add_argument("--archive", type=Path, help="with --json: folder to read")
    parser.add_argument("--kind", default="challenge", help="with --json: kind of the archive")
    parser.add_argument("--processes", type=int, default=1, help="with --json")
    arguments = parser.parse_args()
    if arguments.json:
        if arguments.archive is None:
            parser.error("--json needs --archive")
        print_speed_of(arguments.archive, arguments.kind, arguments.processes, arguments.repeats)
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    pa.set_cpu_count(1)
    ways = {
        "rarebeat ingest (500 Hz, checked)": with_rarebeat,
        "wfdb + resample_poly loop": with_wfdb,
        "ecgdatakit + resample_poly loop": with_ecgdatakit,
    }
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder)
        write_archive(archive, arguments.records)
        rounds = [
            {name: measure(way, archive) for name, way in ways.items()} for _ in range(arguments.repeats)
        ]
    rates = {
        name: arguments.records / statistics.median(round_[name][0] for round_ in rounds) for name in ways
    }
    ours, *loops = rates.values()
    print(
        f"{arguments.records} synthetic records of 12 x {RATE * SECONDS}, one core, {arguments.repeats} rounds"
    )
    print(f"| {'way':34} | records/s | kB per record |")
    print(f"|{'-' * 36}|----------:|--------------:|")
    for name, rate in rates.items():
        print(f"| {name:34} | {rate:9.0f} | {rounds[0][name][1] / arguments.records / 1e3:13.1f} |")
    print(f"ratios: {', '.join(f'{ours / loop:.1f}' for loop in loops)}")


if __name__ == "__main__":
    main()
