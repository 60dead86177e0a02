#!/usr/bin/env bash
# SDSD of RR intervals 800, 850, 800, 850, ... ms is 50 in three libraries and 0 in two; NN50 is 0, 87 or 150 of 299.
#
# Expected: "SDSD: standard deviation of differences between adjacent NN intervals" and "NN50 count: number of pairs
#   of adjacent NN intervals differing by more than 50 ms" (Task Force, Circulation 1996;93:1043-65, table 1). The
#   differences are +50, -50, +50, ...: SDSD is 50, RMSSD is 50, and none is more than 50.
# What happens: heartpy and pyhrv take the standard deviation of the absolute differences: no alternation, however
#   strong, shows in their SDSD. (heartpy's docstring example of calc_ts_measures uses signed differences.)
#   py-ecg-detectors computes times as sample x (1/fs) x 1000, so differences of 50 ms fall a hair above or
#   below 50 by where in the record the beats lie. biosppy detrends first (on by default, it prints so).
# Why it matters: intervals that alternate are what bigeminy looks like, and at 500 Hz ties of 25 samples are common.
#   On a usual series SDSD differs by 40 % between these libraries, so published values cannot be compared by name.
# Packages: heartpy 1.2.7, pyhrv 0.5.0, neurokit2 0.2.12, py-ecg-detectors 1.3.5, biosppy 2.2.4, ecgdatakit 2.0.3,
#   with numpy 2.4.6, nolds 0.6.1, peakutils 1.3.5. Seen 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check setuptools==80.9.0 numpy==2.4.6 \
  heartpy==1.2.7 pyhrv==0.5.0 neurokit2==0.2.12 py-ecg-detectors==1.3.5 biosppy==2.2.4 ecgdatakit==2.0.3 \
  nolds==0.6.1 peakutils==1.3.5
cd "$work"
MPLBACKEND=Agg venv/bin/python -W ignore - <<'PY'
import contextlib
import io
from importlib.metadata import version

import heartpy
import neurokit2
import numpy as np
import pyhrv.time_domain
from biosppy.signals.hrv import hrv_timedomain
from ecgdatakit.processing import time_domain
from hrv import HRV  # py-ecg-detectors


def all_libraries(rr, rate=500):
    """SDSD and NN50 by library of RR intervals in milliseconds."""
    peaks = np.cumsum([1000, *np.round(rr * rate / 1000).astype(int)])
    with contextlib.redirect_stdout(io.StringIO()):
        detrended = hrv_timedomain(rri=rr, duration=rr.sum() / 1000)
    detectors = HRV(rate)
    return {
        "ecgdatakit": (time_domain(rr)["sdsd"], time_domain(rr)["nn50_count"]),
        "neurokit2": (neurokit2.hrv_time(peaks, sampling_rate=rate)["HRV_SDSD"].iloc[0], None),
        "py-ecg-detectors": (detectors.SDSD(peaks), detectors.NN50(peaks)),
        "heartpy": (heartpy.process_rr(rr)[1]["sdsd"], None),
        "pyhrv": (pyhrv.time_domain.sdsd(nni=rr)["sdsd"], pyhrv.time_domain.nn50(nni=rr)["nn50"]),
        "biosppy": (None, detrended["nn50"]),
    }


print({name: version(name) for name in ("heartpy", "pyhrv", "neurokit2", "py-ecg-detectors", "biosppy", "ecgdatakit")})
alternating = np.array([800.0, 850.0] * 150)
noise = np.random.default_rng(0).standard_normal(300)
usual = 2 * np.round((800 + 60 * np.sin(np.arange(300) * 0.5) + 30 * noise) / 2)
found = {name: all_libraries(rr) for name, rr in (("alternating", alternating), ("usual", usual))}
for name, values in found.items():
    for library, (sdsd, nn50) in values.items():
        print(f"{name:12s} {library:17s} SDSD {'-' if sdsd is None else f'{sdsd:.1f}':>5s}  NN50 {nn50}")
flat = found["alternating"]
assert all(abs(flat[name][0] - 50) < 0.2 for name in ("ecgdatakit", "neurokit2", "py-ecg-detectors"))
assert abs(flat["heartpy"][0]) < 1e-9 and abs(flat["pyhrv"][0]) < 1e-9
assert (flat["ecgdatakit"][1], flat["pyhrv"][1], flat["py-ecg-detectors"][1], flat["biosppy"][1]) == (0, 0, 87, 150)
assert found["usual"]["heartpy"][0] < 0.7 * found["usual"]["ecgdatakit"][0]
print("as described: one name, several formulas")
PY
