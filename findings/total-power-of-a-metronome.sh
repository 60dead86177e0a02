#!/usr/bin/env bash
# openvital's total power of a heart without any variability is 67,713 ms2: the mean interval is left in the spectrum.
#
# Expected: the filter ecg_hrv "Calculate Heart Rate Variability", needs 120 s of data for LF, takes 300 s at a time,
#   answers TP, VLF, LF and HF in ms2, and refers to the Task Force (Circulation 1996;93:1043-65). There total power is
#   the "variance of NN intervals over the temporal segment": at a steady 75/min 0, and of a sine of amplitude a in the
#   NN intervals a band has a2/2.
# What happens: the intervals, not their deviation from the mean, are multiplied by a Hamming window. The cosine in it
#   puts 0.23 of the mean into the first line of the spectrum, 2 x (0.23 x 800)2 = 67,712 ms2. In 120 and in 300 s this
#   line (1/120, 1/300 Hz) lies above 0.0033 Hz, so it counts as VLF and in TP; in 600 s it does not. The power that the
#   window takes away (0.40 is left) is not made up for, and linear interpolation of the intervals lowers HF further:
#   LF and HF are less than half. SDNN and RMSSD are right.
# Why it matters: in rest TP is some 3,500 ms2. What comes out is the mean interval, squared and times 0.1058: TP and
#   VLF then "differ" between groups as their heart rates do, and no variability at all looks like a great deal.
# Packages: openvital 0.2.1, openecg 0.11.0, opendsp 0.1.0, numpy 2.4.6. Seen 2026-11-29.
# Output:
#   steady,     120 s: SDNN  0.0 ms, TP 67715, VLF 67715, LF   0, HF   0 ms2
#   steady,     300 s: SDNN  0.0 ms, TP 67713, VLF 67713, LF   0, HF   0 ms2
#   modulated,  300 s: SDNN 35.3 ms, TP 68074, VLF 67659, LF 171, HF 244 ms2; right are 1250, 0, 450 and 800
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check --no-deps numpy==2.4.6 openvital==0.2.1 \
  openecg==0.11.0 opendsp==0.1.0
cd "$work"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from openvital.filters import ecg_hrv

RATE = 500


def recorded(seconds, slow, fast):
    """R waves of 1 mV; RR of 800 ms, `slow` ms of it at 0.1 Hz (LF) and `fast` ms at 0.25 Hz (HF)."""
    ecg = np.zeros(seconds * RATE)
    beat = 200
    while beat < len(ecg) - 250:
        around = np.arange(beat - 50, beat + 50)
        ecg[around] += np.exp(-(((around - beat) / RATE / 0.012) ** 2))
        at = 2 * np.pi * beat / RATE
        beat += round((800 + slow * np.sin(0.1 * at) + fast * np.sin(0.25 * at)) * RATE / 1000)
    return ecg


print("openvital", version("openvital"))
for name, seconds, slow, fast in [("steady", 120, 0, 0), ("steady", 300, 0, 0), ("modulated", 300, 30, 40)]:
    inputs = {"ECG": {"vals": recorded(seconds, slow, fast), "srate": RATE}}
    found = ecg_hrv.run(inputs, {}, dict(ecg_hrv.cfg))
    sdnn, tp, vlf, lf, hf = (float(found[i][0]["val"]) for i in (0, 4, 5, 6, 7))
    print(f"{name + ',':11s} {seconds} s: SDNN {sdnn:4.1f} ms, TP {tp:.0f}, VLF {vlf:.0f}, LF {lf:3.0f}, HF {hf:3.0f}"
          + " ms2" + (f"; right are {(slow**2 + fast**2) // 2}, 0, {slow**2 // 2} and {fast**2 // 2}" if slow else ""))
    assert abs(sdnn - np.sqrt((slow**2 + fast**2) / 2)) < 1, "SDNN is right"
    assert abs(vlf - 2 * (0.23 * 800) ** 2) < 100 and vlf <= tp, "the mean is no longer in the spectrum"
    assert lf < 0.45 * slow**2 / 2 + 1 and hf < 0.45 * fast**2 / 2 + 1, "the window is made up for"
print("as described: total power is that of the mean interval")
PY
