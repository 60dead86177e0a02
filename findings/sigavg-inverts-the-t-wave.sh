#!/usr/bin/env bash
# wfdb's sigavg takes what lies before a record from its end, and what lies after it as digital 0, -5 mV in MIT-BIH.
#
# Expected: sigavg averages the windows around the annotated beats: "averages such waveforms by defining segments
#   (averaging windows) relative to the locations of waveform annotations" (docstring), each in millivolts. Of beats
#   that are all alike the average is that beat, whether or not the last window is cut off by the end of the record.
# What happens: the window of a beat that begins before sample 0 is filled from the end of the record (a negative index
#   counts from there), and one that goes on after the end adds the digital value 0 and is counted in the number of
#   beats. With baseline 1024 and 200 per mV (the MIT-BIH Arrhythmia Database) digital 0 is -5.12 mV. wfdb answers
#   without a warning; beats that are complete within the window are averaged rightly.
# Why it matters: of a record of 10 s with 11 beats the first and the last have no complete window of -0.2 to 0.4 s. A
#   T wave of 0.30 mV comes out as -0.19, inverted, with an ST segment that falls; and 0.2 s before the R peak stands a
#   wave of 0.09 mV where no P wave is: the last R peak, an eleventh of it. With baseline 0 T is 9 % too low.
# Packages: wfdb 4.3.1, numpy 2.4.6. Seen 2026-11-29.
# Output:
#   baseline 1024: T at 0.25 s -0.19 mV instead of 0.30; at -0.20 s 0.09 mV instead of 0.00; R 1.00 mV
#   baseline    0: T at 0.25 s 0.27 mV instead of 0.30; at -0.20 s 0.09 mV instead of 0.00; R 1.00 mV
#   baseline 1024, 0.5 to 9.5 s: T at 0.25 s 0.30 mV, at -0.20 s 0.00 mV
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check wfdb==4.3.1 numpy==2.4.6
cd "$work"
venv/bin/python - <<'PY'
from importlib.metadata import version

import numpy as np
import wfdb
from wfdb.processing import sigavg

RATE = 500
peaks = 50 + 490 * np.arange(11)  # 10 s: the first R peak at 0.1 s, the last at 9.9 s
time = np.arange(10 * RATE) / RATE
since = time[:, None] - peaks / RATE
ecg = (np.exp(-((since / 0.012) ** 2)) + 0.3 * np.exp(-(((since - 0.25) / 0.04) ** 2))).sum(axis=1)


def averaged(baseline, **part):
    wfdb.wrsamp("r", fs=RATE, units=["mV"], sig_name=["II"], p_signal=ecg[:, None], fmt=["16"], adc_gain=[200],
                baseline=[baseline])
    wfdb.wrann("r", "atr", peaks, symbol=["N"] * len(peaks), fs=RATE)
    assert np.allclose(wfdb.rdrecord("r").p_signal[:, 0], ecg, atol=0.006), "the record itself is right"
    table = sigavg("r", "atr", return_df=True, start_range=-0.2, stop_range=0.4, **part)
    return [round(float(table["II"][np.argmin(abs(table["Time"] - at))]), 2) for at in (-0.2, 0.0, 0.25)]


print("wfdb", version("wfdb"))
for baseline, wrong in ((1024, -0.19), (0, 0.27)):
    before, r, t = averaged(baseline)
    print(f"baseline {baseline:4d}: T at 0.25 s {t:.2f} mV instead of 0.30; at -0.20 s {before:.2f} mV instead of "
          f"0.00; R {r:.2f} mV")
    assert (before, r, t) == (0.09, 1.0, wrong), "beats at the ends are left out, or cut off"
before, r, t = averaged(1024, start_time=0.5, stop_time=9.5)
print(f"baseline 1024, 0.5 to 9.5 s: T at 0.25 s {t:.2f} mV, at -0.20 s {before:.2f} mV")
assert (before, r, t) == (0.0, 1.0, 0.3), "the beats with whole windows are averaged rightly"
print("as described: the ends of a record are averaged with what is not there")
PY
