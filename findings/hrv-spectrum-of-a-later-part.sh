#!/usr/bin/env bash
# physio's LF and HF power of minutes 10 to 20 of a recording is that of an extrapolation: it begins to sample at 0 s.
#
# Expected: compute_ecg answers a table of R peaks with "peak_index" and "peak_time". compute_hrv_psd(ecg_peaks) takes
#   the "DataFrame containing ecg R peaks", interpolates "the instantaneous rate" and returns the "power of the set
#   frequency bands". The rows of ten minutes of the table are R peaks, too; a spectrum does not depend on the clock.
# What happens: the rate is interpolated at the times from 0 to the duration of the part, whatever its first peak is.
#   With peaks from 600 to 1200 s all of these lie before the first of them, and interp1d is told to extrapolate: a
#   straight line or a cubic far away. Nothing warns. With interpolation_kind="cubic", the default, LF is a hundred
#   million times too large; with "linear" LF is 30 and HF 36,000 times too small. Of a part that begins after a minute
#   LF is 900 times too large and HF one and a half times. compute_ecg_metrics of the same rows is right.
# Why it matters: rest, load and recovery are parts of one recording. With "linear" the numbers look like a heart
#   without respiratory variability, which is a clinical statement. The worse, the later the part begins.
# Packages: physio 0.3.3, numpy 2.4.6, scipy 1.17.1, pandas 3.1.1. Seen 2026-11-29.
# Output:
#   cubic  0 to 600 s            LF      449.5 ms2, HF      791.8 ms2; SDNN 35.4 ms
#   cubic  60 to 660 s           LF  4.081e+05 ms2, HF      1219. ms2; SDNN 35.4 ms
#   cubic  600 to 1200 s         LF  8.263e+10 ms2, HF  9.980e+07 ms2; SDNN 35.4 ms
#   cubic  600 to 1200 s, from 0 LF      449.5 ms2, HF      792.2 ms2; SDNN 35.4 ms
#   linear 0 to 600 s            LF      430.9 ms2, HF      612.3 ms2; SDNN 35.4 ms
#   linear 60 to 660 s           LF      446.8 ms2, HF      602.4 ms2; SDNN 35.4 ms
#   linear 600 to 1200 s         LF      14.10 ms2, HF    0.01705 ms2; SDNN 35.4 ms
#   linear 600 to 1200 s, from 0 LF      430.9 ms2, HF      612.8 ms2; SDNN 35.4 ms
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 \
  tqdm==4.70.1
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check --no-deps physio==0.3.3
cd "$work"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
import physio

times = [0.4]
while times[-1] < 1200:  # RR of 800 ms, 30 ms of it at 0.1 Hz (LF) and 40 ms at 0.25 Hz (HF), steady for 20 minutes
    slow, fast = np.sin(2 * np.pi * 0.1 * times[-1]), np.sin(2 * np.pi * 0.25 * times[-1])
    times.append(times[-1] + 0.8 + 0.03 * slow + 0.04 * fast)
index = np.round(np.array(times) * 1000).astype(int)
peaks = pd.DataFrame({"peak_index": index, "peak_time": index / 1000})


def part(first, last):
    return peaks[peaks["peak_time"].between(first, last)].reset_index(drop=True)


shifted = part(600, 1200)
shifted["peak_time"] -= shifted["peak_time"][0]
parts = {"0 to 600 s": part(0, 600), "60 to 660 s": part(60, 660), "600 to 1200 s": part(600, 1200),
         "600 to 1200 s, from 0": shifted}
print("physio", version("physio"))
ratio = {}
for kind in ("cubic", "linear"):
    first = None
    for name, rows in parts.items():
        power = physio.compute_hrv_psd(rows, units="ms", interpolation_kind=kind)[2]
        deviation = physio.compute_ecg_metrics(rows)["HRV_SD"]
        print(f"{kind:6s} {name:21s} LF {power['lf']:#10.4g} ms2, HF {power['hf']:#10.4g} ms2; SDNN {deviation:.1f} ms")
        first = power if first is None else first
        ratio[kind, name] = power["lf"] / first["lf"], power["hf"] / first["hf"]
        assert 34 < deviation < 37, "the variability of all parts is the same"
for kind in ("cubic", "linear"):
    assert all(0.9 < value < 1.1 for value in ratio[kind, "600 to 1200 s, from 0"]), "the same beats with another clock"
assert min(ratio["cubic", "600 to 1200 s"]) > 1e4 and max(ratio["linear", "600 to 1200 s"]) < 0.1, "it is right"
assert ratio["cubic", "60 to 660 s"][0] > 100
print("as described: the spectrum of a later part is of times without beats")
PY
