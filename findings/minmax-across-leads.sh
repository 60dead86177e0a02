#!/usr/bin/env bash
# ekgtools with scale_method="minmax" scales across leads: at every sample the lowest lead is -1 and the highest +1.
#
# Expected: ECGParser(path, scale_method=...) knows "standard" and "minmax". The first works on each lead, "per-lead
#   (row-wise) mean and std" (comment in its source); the second is MinMaxScaler of scikit-learn with the range -1 to 1,
#   so one expects that the lowest sample of a lead becomes -1 and its highest +1, and that its shape stays.
# What happens: leads are the rows of the array, and MinMaxScaler works on columns, so that each moment is scaled by
#   itself across the twelve leads. In the middle of a T-P segment of a few microvolts some lead is at -1 and another
#   at +1, as in the QRS complex. float_array has the right shape and range, and nothing warns.
# Why it matters: amplitudes, ST segments and the distance between signal and noise are gone in what a network is
#   trained on. Between the beats it sees the noise of twelve leads at full scale.
# Packages: ekgtools 1.0.2.0, wfdb 4.3.1, scikit-learn 1.9.1, numpy 2.4.6, pandas 3.1.1. Seen 2026-11-29.
# Output (across leads: the highest less the lowest of the twelve, on average):
#   None     lead II from -0.19 to  0.91; across leads QRS  1.50, T-P  0.04; T-P of II 3% of its range
#   standard lead II from -1.58 to  7.51; across leads QRS 11.38, T-P  1.03; T-P of II 3% of its range
#   minmax   lead II from -1.00 to  1.00; across leads QRS  2.00, T-P  2.00; T-P of II 71% of its range
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 \
  scikit-learn==1.9.1 wfdb==4.3.1 xmltodict==1.0.4
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check --no-deps ekgtools==1.0.2.0
cd "$work"
venv/bin/python -W ignore - <<'PY'
import importlib.util
import sys
import types
from importlib.metadata import version

import numpy as np
import wfdb

# The parsers alone: the __init__ of the package imports torch for its data set, which is not needed here.
package = types.ModuleType("ekgtools")
package.__path__ = list(importlib.util.find_spec("ekgtools").submodule_search_locations)
sys.modules["ekgtools"] = package
from ekgtools.parser import ECGParser

RATE, LEADS = 500, ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
time = np.arange(5000) / RATE
beat = np.exp(-((((time % 1) - 0.4) / 0.012) ** 2))
noise = np.random.default_rng(0).normal(0, 0.005, (8, 5000))  # 5 uV
i, ii, *chest = np.array([0.5, 1.0, -0.8, 0.3, 0.9, 1.4, 1.2, 0.9])[:, None] * beat + noise
ecg = np.array([i, ii, ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2, *chest])
wfdb.wrsamp("r", fs=RATE, units=["mV"] * 12, sig_name=LEADS, p_signal=ecg.T, fmt=["16"] * 12, adc_gain=[1000] * 12,
            baseline=[0] * 12)

print("ekgtools", version("ekgtools"), "with scikit-learn", version("scikit-learn"))
moments = {"QRS": (time % 1 > 0.39) & (time % 1 < 0.41), "T-P": (time % 1 > 0.8) | (time % 1 < 0.2)}
moments = {name: where & (time > 2) & (time < 8) for name, where in moments.items()}
found = {}
for method in (None, "standard", "minmax"):
    parser = ECGParser("r", scale_method=method)
    lead = parser.float_array[1]  # II
    spread = {name: np.ptp(parser.float_array[:, where], axis=0).mean() for name, where in moments.items()}
    found[method] = spread["T-P"] / spread["QRS"], np.ptp(lead[moments["T-P"]]) / np.ptp(lead)
    print(f"{method!s:8s} lead II from {lead.min():5.2f} to {lead.max():5.2f}; across leads QRS "
          f"{spread['QRS']:5.2f}, T-P {spread['T-P']:5.2f}; T-P of II {found[method][1]:.0%} of its range")
    if method == "minmax":
        assert np.allclose(parser.float_array.min(axis=0), -1) and np.allclose(parser.float_array.max(axis=0), 1)
for method in (None, "standard"):
    assert max(found[method]) < 0.1, "between the beats there is little"
assert found["minmax"][0] > 0.99 and found["minmax"][1] > 0.5, "each lead is scaled by itself"
print("as described: minmax is across the leads, and noise is as large as the QRS")
PY
