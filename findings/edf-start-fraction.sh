#!/usr/bin/env bash
# A start of 50 ms past the second, written by pyedflib, is half a second in the file; 250 ms is no fraction at all.
#
# Expected: EDF+ 2.2.4 puts the fraction of the start second into the first time-keeping TAL of record 0, so a
#   recording that starts 0.05 s after the header's second begins with "+0.05". EdfWriter.setStartdatetime
#   takes a datetime; datetime has microseconds.
# What happens: pyedflib multiplies microseconds by 100 on writing and divides by 100 on reading, but the field of
#   the C library counts 100 ns (a factor of 10). Up to 99 ms the two faults cancel inside pyedflib, so its own
#   round trip looks right, while the file says ten times as much to others; from 100 ms on the fraction is dropped.
#   And a file by another writer that starts 0.25 s past the second starts at 0.025 s in pyedflib.
#   (Fixed in holgern/pyedflib#315 of July 2026, after this version.)
# Why it matters: two devices or two files of one patient are aligned by this clock; the error is up to 0.9 s.
# Packages: pyedflib 0.1.42, edfio 0.4.18, numpy 2.4.6. Seen 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  pyedflib==0.1.42 edfio==0.4.18 numpy==2.4.6
cd "$work"
venv/bin/python - <<'PY'
import datetime
from importlib.metadata import version

import edfio
import numpy as np
import pyedflib


def tal(path):
    """The first time-keeping annotation, byte by byte: it follows one second of one signal at 500 Hz."""
    return open(path, "rb").read()[3 * 256 + 1000 :][:12].split(b"\x14")[0].decode()


def milliseconds(clock):
    return clock.microsecond / 1000


HEADER = dict(label="ECG II", dimension="mV", sample_frequency=500, physical_min=-3.2768, physical_max=3.2767,
              digital_min=-32768, digital_max=32767, transducer="", prefilter="")
print({name: version(name) for name in ("pyedflib", "edfio")})
for start, in_file in ((20, 200), (50, 500), (90, 900), (100, 0), (250, 0)):
    writer = pyedflib.EdfWriter("p.edf", 1, file_type=pyedflib.FILETYPE_EDFPLUS)
    writer.setSignalHeaders([HEADER])
    writer.setStartdatetime(datetime.datetime(2020, 1, 1, 10, 0, 0, start * 1000))
    writer.writeSamples([np.zeros(5000)])
    writer.close()
    with pyedflib.EdfReader("p.edf") as reader:
        itself = milliseconds(reader.getStartdatetime())
    other = milliseconds(edfio.read_edf("p.edf").starttime)
    print(f"pyedflib writes {start:3d} ms: first TAL {tal('p.edf')!r}, edfio {other:g} ms, pyedflib {itself:g} ms")
    assert other == in_file and itself == (start if start < 100 else 0)

signal = edfio.EdfSignal(np.zeros(5000), 500, label="ECG II", physical_range=(-3.2768, 3.2767))
edf = edfio.Edf([signal], starttime=datetime.time(10, 0, 0, 250_000), annotations=[])
edf.write("e.edf")
with pyedflib.EdfReader("e.edf") as reader:
    read = milliseconds(reader.getStartdatetime())
print(f"edfio writes 250 ms: first TAL {tal('e.edf')!r}, pyedflib {read:g} ms")
assert float(tal("e.edf")) == 0.25 and read == 25
print("as described: a factor of ten between pyedflib and the file")
PY
