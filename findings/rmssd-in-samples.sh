#!/usr/bin/env bash
# peakdet's RMSSD counts samples: the same beats have 34.6 at 1000 Hz and 8.6 at 250, beside an SDNN in milliseconds;
#   the peak of its HF band (0.15 to 0.40 Hz) lies at 0.10 Hz, outside of that band.
#
# Expected: peakdet.HRV documents "rmssd : Root mean square of successive differences" beside avgnn and sdnn, which it
#   gives in ms whatever the rate, "nn50 : Number of N-N intervals greater than 50ms", "pnn50 : Percent", and "hf_peak :
#   Peak frequency in `hf` band (0.15-0.40 Hz)", "lf_peak" likewise for 0.04 to 0.15. RMSSD is a time, and NN50 the
#   "number of pairs of adjacent NN intervals differing by more than 50 ms" (Task Force, Circulation 1996;93:1043-65).
# What happens: the successive differences are those of sample numbers and are not divided by the rate, so RMSSD, SDSD,
#   NN50 and NN20 are right, or nearly, at 1000 Hz alone. NN50 counts intervals that become longer and none that become
#   shorter, even there. pnn50 is a fraction. The peak of a band is sought inside the band, but the position found is
#   looked up in the list of all frequencies, from 0 Hz on: hf_peak is 0.15 and lf_peak 0.067 Hz too low.
# Why it matters: RMSSD is the measure of vagal tone. Of recordings with 250 and 1000 Hz the former look like those of
#   patients, by a factor of 4; and hf_peak is taken for the rate of breathing, here 6 instead of 15 a minute.
# Packages: peakdet 0.6.1, numpy 2.3.5 (its search for troughs raises with 2.4), scipy 1.17.1. Seen 2026-11-29.
# Output:
#   truth   SDNN 35.2, RMSSD 34.6 ms, NN50 44, peaks at 0.100 and 0.250 Hz
#    250 Hz SDNN 35.2, RMSSD  8.6,    NN50  0, peaks at 0.033 and 0.100 Hz
#    500 Hz SDNN 35.2, RMSSD 17.3,    NN50  0, peaks at 0.033 and 0.100 Hz
#   1000 Hz SDNN 35.2, RMSSD 34.6,    NN50 18, peaks at 0.033 and 0.100 Hz
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check peakdet==0.6.1 numpy==2.3.5 scipy==1.17.1 \
  matplotlib==3.11.2 loguru==0.7.3
cd "$work"
MPLBACKEND=Agg venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import peakdet

STEP = 0.008  # beats lie on a sample at every rate used
times = [0.4]
while times[-1] < 300:  # RR of 800 ms, 30 ms of it at 0.1 Hz (LF) and 40 ms at 0.25 Hz (HF)
    slow, fast = np.sin(2 * np.pi * 0.1 * times[-1]), np.sin(2 * np.pi * 0.25 * times[-1])
    times.append(times[-1] + round((0.8 + 0.03 * slow + 0.04 * fast) / STEP) * STEP)
times = np.round(np.array(times) / STEP) * STEP
nn = np.diff(times) * 1000
change = np.diff(nn)
sdnn, rmssd, nn50 = nn.std(), np.sqrt(np.mean(change**2)), int(np.sum(np.abs(change) > 50))
print("peakdet", version("peakdet"))
print(f"truth   SDNN {sdnn:.1f}, RMSSD {rmssd:4.1f} ms, NN50 {nn50}, peaks at 0.100 and 0.250 Hz")
assert nn50 == 44 and 34 < rmssd < 35, (nn50, rmssd)
longer = int(np.sum(change > 50))
for rate, counted in {250: 0, 500: 0, 1000: longer}.items():
    index = np.round(times * rate).astype(int)
    ecg = np.zeros(301 * rate)
    for i in index:
        around = np.arange(i - rate // 10, i + rate // 10)
        ecg[around] += np.exp(-(((around - i) / rate / 0.012) ** 2))
    found = peakdet.operations.peakfind_physio(peakdet.Physio(ecg, fs=rate))
    assert np.array_equal(found.peaks, index), "the beats are found"
    hrv = peakdet.HRV(found)
    print(f"{rate:4d} Hz SDNN {hrv.sdnn:.1f}, RMSSD {hrv.rmssd:4.1f},    NN50 {hrv.nn50:2d}, "
          f"peaks at {hrv.lf_peak:.3f} and {hrv.hf_peak:.3f} Hz")
    assert abs(hrv.sdnn - sdnn) < 0.01 and abs(hrv.avgnn - nn.mean()) < 0.01, "these are in ms"
    assert abs(hrv.rmssd - rmssd * rate / 1000) < 0.01, "RMSSD does not depend on the rate any more"
    assert hrv.nn50 == counted and hrv.pnn50 == counted / len(nn)
    assert abs(hrv.lf_peak - 1 / 30) < 1e-9 and abs(hrv.hf_peak - 0.1) < 1e-9, "the peaks lie elsewhere"
print("as described: RMSSD is a number of samples, and the peak of HF lies outside of HF")
PY
