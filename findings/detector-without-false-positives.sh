#!/usr/bin/env bash
# biosppy's compare_segmentation counts no false positive after the first hit: beats plus all T waves have accuracy 1.
#
# Expected: compare_segmentation documents "FP : int, number of false positive R-peaks", "acc : float, accuracy rate;
#   TP / (TP + FP)", "performance : TP / len(reference)" and an option "minRR : float, optional, minimum admissible RR
#   interval (seconds)". Without the option there is no minimum, so nothing is excused for lying too close.
# What happens: without it the minimum is infinite. A detection off the reference is then "removable with RR interval
#   check" (comment in its source) as soon as any hit came before it, and is neither TP nor FP: only what comes before
#   the first hit is counted. minRR=0 counts them all. And a beat that is detected twice is two true positives, so that
#   performance exceeds 1, and 5 of 10 beats, each of them found twice, have performance 1, accuracy 1 and error 0.
# Why it matters: it is the function by which one compares a detector with the annotations of a database. One that fires
#   on every T wave, or all the time, comes out with accuracy 1 and error 0.
# Packages: biosppy 2.2.4, numpy 2.4.6. Seen 2026-11-29.
# Output:
#   the beats alone               TP 10, FP  0, performance 1.0, accuracy 1.00, error 0.00
#   beats and T waves             TP 10, FP  0, performance 1.0, accuracy 1.00, error 0.00
#   beats and T waves, minRR=0    TP 10, FP 10, performance 1.0, accuracy 0.50, error 0.50
#   a T wave first, then the same TP 10, FP  1, performance 1.0, accuracy 0.91, error 0.09
#   every 10 ms                   TP 90, FP  5, performance 9.0, accuracy 0.95, error 0.05
#   5 of 10 beats, each twice     TP 10, FP  0, performance 1.0, accuracy 1.00, error 0.00
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check biosppy==2.2.4 numpy==2.4.6 scipy==1.17.1 \
  matplotlib==3.11.2 peakutils==1.3.5
cd "$work"
MPLBACKEND=Agg venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from biosppy.signals.ecg import compare_segmentation

RATE = 1000
beats = np.arange(10) * 800 + 90  # 75/min; the T wave lies 300 ms after the R peak
tests = {
    "the beats alone": (beats, {}),
    "beats and T waves": (np.union1d(beats, beats + 300), {}),
    "beats and T waves, minRR=0": (np.union1d(beats, beats + 300), {"minRR": 0}),
    "a T wave first, then the same": (np.union1d(beats, np.append(beats + 300, 0)), {}),
    "every 10 ms": (np.arange(0, beats[-1] + 600, 10), {}),
    "5 of 10 beats, each twice": (np.union1d(beats[:5], beats[:5] + 20), {}),
}
print("biosppy", version("biosppy"))
found = {}
for name, (test, options) in tests.items():
    got = compare_segmentation(reference=beats, test=test, sampling_rate=RATE, tol=0.05, **options)
    found[name] = got["TP"], got["FP"], got["performance"], round(float(got["acc"]), 2)
    print(f"{name:29s} TP {got['TP']:2d}, FP {got['FP']:2d}, performance {got['performance']:.1f}, "
          f"accuracy {got['acc']:.2f}, error {got['err']:.2f}")
assert found["the beats alone"] == (10, 0, 1, 1)
assert found["beats and T waves"] == (10, 0, 1, 1), "ten detections are wrong, and now some of them are counted"
assert found["beats and T waves, minRR=0"] == (10, 10, 1, 0.5)
assert found["a T wave first, then the same"] == (10, 1, 1, 0.91), "only what comes before the first hit"
assert found["every 10 ms"][0] == 90 and found["every 10 ms"][1] < 10 and found["every 10 ms"][3] > 0.9
assert found["5 of 10 beats, each twice"] == (10, 0, 1, 1), "a beat counts once"
print("as described: after the first hit nothing is a false positive")
PY
