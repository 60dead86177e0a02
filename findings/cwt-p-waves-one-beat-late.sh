#!/usr/bin/env bash
# neurokit2's delineator "cwt" returns P waves from the second beat on and T waves up to the last but one, both as plain
#   lists beside all R peaks: P[i] belongs to R[i+1], T[i] to R[i]. The delineator "dwt" returns one entry per R peak.
#
# Expected: ecg_delineate documents "ECG_P_Peaks", "ECG_T_Peaks" and the others as the samples at which they occur, for
#   the R peaks given; with method "dwt", "peak" or "prominence" entry i is of R peak i, NaN where nothing was found.
# What happens: with method "cwt" the lists of P and T have one entry less than there are R peaks, without NaN. Taken by
#   index, the P wave of every beat lies 0.63 s after its R peak at 75 beats/min; shifted by one beat, it lies 0.17 s
#   before, as with "dwt". T waves are right by index, and the last is missing.
# Why it matters: PR intervals by index, as one writes them for "dwt", are those of the wrong beat. With steady sinus
#   rhythm R[i+1] - P[i] looks plausible and is not noticed; with Wenckebach or blocked beats it is wrong beat by beat.
# Packages: neurokit2 0.2.12, numpy 2.4.6, scipy 1.17.1, PyWavelets 1.9.0, pandas 3.1.1. Seen 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check neurokit2==0.2.12 numpy==2.4.6 scipy==1.17.1 \
  PyWavelets==1.9.0 pandas==3.1.1
cd "$work"
MPLBACKEND=Agg venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import neurokit2 as nk
import numpy as np

RATE = 500
print("neurokit2", version("neurokit2"))
for seed in range(3):
    ecg = nk.ecg_clean(nk.ecg_simulate(duration=10, sampling_rate=RATE, heart_rate=75, random_state=seed), sampling_rate=RATE)
    r = np.asarray(nk.ecg_peaks(ecg, sampling_rate=RATE)[1]["ECG_R_Peaks"])
    p, t = {}, {}
    for method in ("dwt", "cwt"):
        waves = nk.ecg_delineate(ecg, r, sampling_rate=RATE, method=method)[1]
        p[method], t[method] = (np.asarray(waves[name], float) for name in ("ECG_P_Peaks", "ECG_T_Peaks"))
    count = len(r)
    by_index = (p["cwt"] - r[:-1]) * 1000 / RATE
    by_next = (p["cwt"] - r[1:]) * 1000 / RATE
    steady = (p["dwt"] - r) * 1000 / RATE
    after = (t["cwt"] - r[:-1]) * 1000 / RATE
    print(f"seed {seed}: {count} R peaks; P of dwt {len(p['dwt'])}, of cwt {len(p['cwt'])}; T of cwt {len(t['cwt'])}")
    print(f"  P - R in ms, medians: dwt {np.nanmedian(steady):.0f}; cwt by index {np.median(by_index):.0f}, "
          f"to the next R peak {np.median(by_next):.0f}; T - R of cwt {np.median(after):.0f}")
    assert len(p["dwt"]) == len(t["dwt"]) == count
    assert len(p["cwt"]) == len(t["cwt"]) == count - 1
    assert not np.isnan(p["cwt"]).any()
    assert np.median(by_index) > 400
    assert abs(np.median(by_next) - np.nanmedian(steady)) < 20
    assert 150 < np.median(after) < 450
print("as described")
PY
