#!/usr/bin/env bash
# openvital counts 8, 12, 16, 20 and 25 breaths a minute right at 25 Hz; at 62.5 Hz all of them are 25, at 500 Hz 13.
#
# Expected: estimate_resp_rate(data, srate), "count-adv algorithm" (doi 10.1007/s10439-007-9428-1, in its docstring),
#   band-passes the signal and counts its extrema. The sampling rate is an argument, and how finely a breath is sampled
#   does not change how many there are.
# What happens: openvital.band_pass is a Butterworth filter of order 5 as one pair of polynomials of degree 10. For 0.1
#   to 0.5 Hz the rounding of their coefficients makes it unstable from about 35 Hz on: it does not filter, it diverges,
#   to 1e80 in a minute at 62.5 Hz, and to NaN at 500. Then its own oscillation is counted, or it prints "rr estimation
#   failed, 13 used" and answers 13. Which rates come out depends on the last bits of the coefficients; at 62.5 Hz it is
#   25 here, whatever the breathing. The same filter in second-order sections (scipy) keeps the breaths as they are.
#   band_pass(ecg, 500, 0.05, 40) diverges as well.
# Why it matters: 125 Hz is the rate of the MIMIC-III waveforms. A slow and a fast patient get the same plausible
#   number. The filters abp_ppv, pleth_pvi and pleth_dpop cut the pulse pressure into breaths of that length, at 100 Hz.
# Packages: openvital 0.2.1, openecg 0.11.0, opendsp 0.1.0, numpy 2.4.6, scipy 1.17.1. Seen 2026-11-29.
# Output:
#           breaths     8    12    16    20    25
#   counted,    10 Hz   8.3  12.3  16.3  20.3  25.3   of 10 the filter makes 12
#   counted,    25 Hz   8.4  12.2  16.3  20.3  25.0   of 10 the filter makes 13
#   counted,  62.5 Hz  25.3  25.5  25.7  25.3  25.3   of 10 the filter makes 6e+80
#   counted,   125 Hz  13.0  13.0  13.0  13.0  13.0   of 10 the filter makes 8.2e+215
#   counted,   500 Hz  13.0  13.0  13.0  13.0  13.0   of 10 the filter makes nan
#   band_pass(ecg of 1 mV, 500, 0.05, 40): 1.7e+82 mV
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check --no-deps numpy==2.4.6 scipy==1.17.1 \
  openvital==0.2.1 openecg==0.11.0 opendsp==0.1.0
cd "$work"
venv/bin/python -W ignore - <<'PY'
import contextlib
import io
from importlib.metadata import version

import numpy as np
import openvital
from scipy.signal import butter, find_peaks, sosfiltfilt

BREATHS = [8, 12, 16, 20, 25]  # a minute
print("openvital", version("openvital"))
print(f"{'breaths':>15s}", *(f"{n:5d}" for n in BREATHS))
found, largest = {}, {}
for rate in (10, 25, 62.5, 125, 500):
    time = np.arange(int(60 * rate)) / rate
    sections = butter(5, [0.1, 0.5], btype="band", fs=rate, output="sos")
    found[rate], made = [], []
    for breaths in BREATHS:
        chest = 10 * np.sin(2 * np.pi * breaths / 60 * time)
        right = sosfiltfilt(sections, chest)
        assert np.abs(right).max() < 20 and abs(len(find_peaks(right, height=5)[0]) - breaths) <= 1, "scipy keeps them"
        with contextlib.redirect_stdout(io.StringIO()):
            found[rate].append(float(openvital.estimate_resp_rate(chest.copy(), rate)))
            filtered = openvital.band_pass(chest.copy(), rate, 0.1, 0.5)
        made.append(np.abs(filtered).max())
    largest[rate] = np.max(made)  # NaN if one of them is
    counted = " ".join(f"{n:5.1f}" for n in found[rate])
    print(f"counted, {rate:5g} Hz {counted}   of 10 the filter makes {largest[rate]:.2g}")
wrong = {rate: np.abs(np.array(counted) - BREATHS).max() for rate, counted in found.items()}
assert wrong[10] < 1 and wrong[25] < 1, "at low rates it is right"
assert all(wrong[rate] > 5 for rate in (62.5, 125, 500)), "breaths are counted at these rates, too"
assert largest[62.5] > 1e20 and not largest[500] < 1e20, "the filter is stable"
assert found[500] == [13] * len(BREATHS), "another number where the estimate has failed"
ecg = np.exp(-(((np.arange(30000) % 400 - 200) / 6) ** 2))
print(f"band_pass(ecg of 1 mV, 500, 0.05, 40): {np.abs(openvital.band_pass(ecg, 500, 0.05, 40)).max():.2g} mV")
assert not np.abs(openvital.band_pass(ecg, 500, 0.05, 40)).max() < 1e20
print("as described: the rate of breathing is that of a filter that diverges")
PY
