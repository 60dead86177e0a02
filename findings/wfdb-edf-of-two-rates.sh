#!/usr/bin/env bash
# wfdb reads an EDF with ECG at 500 Hz and acceleration at 100 Hz: an R wave of 1 mV is 5,619 "mV".
#
# Expected: "Many EDF files contain signals at widely varying sampling frequencies. `read_edf` handles these properly",
#   and its example is the file of a Faros recorder (docstring of wfdb.io.convert.edf.read_edf). Faster signals are
#   averaged over each frame, as it says below, so the beat would be a little lower; the EDF specification gives
#   the volts: (digital - digital minimum) x (physical range / digital range) + physical minimum.
# What happens: of a signal with several samples per frame only the offset is divided by the gain, not the sample: the
#   result is the mean of the stored steps, with "mV" as its unit. The slowest signal of the same file is right, and so
#   is the same ECG alone in a file; edfio and pyedflib read both. In an EDF+ file the annotations count as one more
#   signal, with a rate of its own, so the ECG is wrong there even when all signals have one rate. (rdedfann, to which a
#   printed note sends one then, raises a TypeError on every file.) Where the rates do not divide each other, it raises.
# Why it matters: recorders with motion or breath besides the ECG write several rates. A scaling by standard deviation
#   hides it; a limit in mV, a drawing, or a conversion back to WFDB or DICOM does not.
# Packages: wfdb 4.3.1, edfio 0.4.18, pyedflib 0.1.42, numpy 2.4.6. Seen 2026-11-29.
# Output:
#   ECG alone                fs 500, largest       1.0 mV
#   ECG and acceleration     fs 100, largest    5618.8 mV, of the acceleration 1.0 g (edfio 1.0 mV, pyedflib 1.0 mV)
#   ECG and annotations      fs  50, largest    3725.3 mV (edfio 1.0 mV, pyedflib 1.0 mV)
#   rdedfann: TypeError
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  wfdb==4.3.1 edfio==0.4.18 pyedflib==0.1.42 numpy==2.4.6
cd "$work"
venv/bin/python - <<'PY'
import contextlib
import io
from importlib.metadata import version

import edfio
import numpy as np
import pyedflib
from wfdb.io.convert.edf import rdedfann, read_edf

time = np.arange(5000) / 500
beats = np.exp(-((((time % 1) - 0.4) / 0.012) ** 2))  # 1 mV
ecg = edfio.EdfSignal(beats, 500, label="ECG II", physical_dimension="mV", physical_range=(-5, 5))
swing = np.sin(2 * np.pi * np.arange(1000) / 500)
motion = edfio.EdfSignal(swing, 100, label="ACC X", physical_dimension="g", physical_range=(-2, 2))
# the text makes the annotations 50 samples of each record, a rate that wfdb takes for that of a signal
words = "ventricular premature complex, then a pause, and then sinus rhythm again to the end"
text = [edfio.EdfAnnotation(2.4, 0.5, words)]


def read(name, signals, annotations=None):
    """What the three read, the annotations left out: rate by wfdb and the largest value of each signal."""
    edf = edfio.Edf(signals, annotations=annotations, data_record_duration=1)
    edf.write(name)
    with contextlib.redirect_stdout(io.StringIO()):  # the note on annotations
        record = read_edf(name)
    with pyedflib.EdfReader(name) as reader:
        others = [edfio.read_edf(name).signals[0].data.max(), reader.readSignal(0).max()]
    sizes = [signal.samples_per_data_record for signal in edf._signals]
    return record.fs, record.units[0], record.p_signal.max(axis=0), others, sizes


print({name: version(name) for name in ("wfdb", "edfio", "pyedflib")})
rate, unit, alone, others, _ = read("alone.edf", [ecg])
print(f"ECG alone                fs {rate:3d}, largest {alone[0]:9.1f} {unit}")
assert rate == 500 and abs(alone[0] - 1) < 0.001 and np.allclose(others, 1, atol=0.001)

rate, unit, both, others, _ = read("both.edf", [ecg, motion])
print(f"ECG and acceleration     fs {rate:3d}, largest {both[0]:9.1f} {unit}, of the acceleration {both[1]:.1f} g "
      f"(edfio {others[0]:.1f} mV, pyedflib {others[1]:.1f} mV)")
assert (rate, unit) == (100, "mV") and np.allclose(others, 1, atol=0.001)
assert abs(both[1] - 1) < 0.001, "the slowest signal is right"
steps = np.round((beats + 5) * 65535 / 10 - 32768).reshape(-1, 5).mean(axis=1).max()
assert abs(both[0] - steps) < 2, "the mean of the stored steps, of which there are 6,553.5 to the mV"

rate, unit, noted, others, sizes = read("noted.edf", [ecg], text)
print(f"ECG and annotations      fs {rate:3d}, largest {noted[0]:9.1f} {unit} "
      f"(edfio {others[0]:.1f} mV, pyedflib {others[1]:.1f} mV)")
assert sizes == [500, 50] and rate == 50 and noted[0] > 1000, sizes
assert np.allclose(others, 1, atol=0.001)
try:
    rdedfann("noted.edf")
    raised = None
except TypeError as error:
    raised = type(error).__name__
print("rdedfann:", raised)
assert raised, "rdedfann reads a file now"
print("as described: with two rates in a file the ECG comes in steps of the converter")
PY
