#!/usr/bin/env bash
# wfdb.rdrecord averages the mark of a missing sample with its neighbours: a gap begins with -16 mV and ends with -8.
#
# Expected: WFDB marks a missing sample by the lowest value of its format, -32768 in format 16. Of a signal with several
#   samples per frame the WFDB library returns the average of each frame, and of missing samples "by default, getframe,
#   getvec, and sample return the special value WFDB_INVALID_SAMPLE in such cases" (WFDB Programmer's Guide,
#   setgvmode): its averaging (meansamp in lib/signal.c) answers invalid as soon as one sample of the frame is.
# What happens: wfdb-python averages first and looks for the mark afterwards. A frame that is missing as a whole is NaN;
#   one that is missing in part is the mean of the voltages and of -32768, a number like any other. With
#   smooth_frames=False the same samples are NaN. rdsamp and dac() of the digital signal give the same spike.
# Why it matters: the waveforms of MIMIC-IV have four samples of ECG to a frame. Every gap that does not begin and end
#   on a frame has a spike at its ends, far above any QRS, that detectors count as a beat and no test for NaN finds.
# Packages: wfdb 4.3.1, numpy 2.4.6. Seen 2026-11-29.
# Output:
#   every sample (smooth_frames=False): NaN at [2402, 2403, ..., 2408], range of the others 0.00 to 1.00 mV
#   one per frame, the default: NaN at [601], lowest of the others -16.384 mV
#   frames 599 to 603: [0.0, -16.384, nan, -8.192, 0.0] mV; a frame with any missing sample is missing in WFDB
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

time = np.arange(5000) / 500
ecg = np.exp(-((((time % 1) - 0.4) / 0.012) ** 2))  # at 500 Hz, four samples to a frame
ecg[2402:2409] = np.nan  # half of frame 600, all of 601, a quarter of 602; between two beats
breath = np.sin(2 * np.pi * np.arange(1250) / 125 / 4)  # one sample to a frame
wfdb.wrsamp("r", fs=125, units=["mV", "NU"], sig_name=["II", "RESP"], e_p_signal=[ecg, breath], samps_per_frame=[4, 1],
            fmt=["16", "16"], adc_gain=[1000, 1000], baseline=[0, 0])

print("wfdb", version("wfdb"))
fine = wfdb.rdrecord("r", smooth_frames=False).e_p_signal[0]
missing = np.flatnonzero(np.isnan(fine)).tolist()
print(f"every sample (smooth_frames=False): NaN at {missing}, range of the others {np.nanmin(fine):.2f} to "
      f"{np.nanmax(fine):.2f} mV")
assert missing == list(range(2402, 2409)) and np.nanmin(fine) == 0

coarse = wfdb.rdrecord("r").p_signal[:, 0]
digital = wfdb.rdrecord("r", physical=False).dac()[:, 0]
pair = wfdb.rdsamp("r")[0][:, 0]
missing = np.flatnonzero(np.isnan(coarse)).tolist()
print(f"one per frame, the default: NaN at {missing}, lowest of the others {np.nanmin(coarse):.3f} mV")
print("frames 599 to 603:", coarse[599:604].round(3).tolist(), "mV; a frame with any missing sample is missing in WFDB")
assert missing == [601], "only the frame that is missing as a whole"
assert np.allclose(coarse[[600, 602]], [-16.384, -8.192], atol=0.001), "the mean of voltages and of -32768"
assert np.array_equal(coarse, digital, equal_nan=True) and np.array_equal(coarse, pair, equal_nan=True)
rest = np.delete(np.arange(1250), [600, 601, 602])
assert np.allclose(coarse[rest], ecg.reshape(-1, 4).mean(axis=1)[rest], atol=0.001), "the other frames are right"
print("as described: a frame missing in part is a voltage")
PY
