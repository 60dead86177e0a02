#!/usr/bin/env bash
# A WFDB record with the gains that wfdb chooses comes out of ecg2dcm clipped at 25 microvolts.
#
# Expected: header(5), "ADC gain (ADC units per physical unit)", may differ by signal, and wfdb.wrsamp
#   chooses one per lead from its range when `p_signal` comes without `adc_gain`. ecg2dcm lists WFDB among its
#   inputs, "per-signal gain, baseline and ADC resolution" (docstring of ecg2dcm/adapters/wfdb.py).
# What happens: wrsamp stretches every lead over the 16 bits, so a small lead III has the finest step.
#   ecg2dcm rescales all leads to the finest step of the record and clips them to int16. The DICOM file is
#   well formed and no warning appears, but V2's S wave of 2.5 mV is 0.025 mV, and all leads are of one height.
# Why it matters: III is small in many hearts, so ordinary records lose their voltages (LVH, ischaemia, axis).
# Packages: wfdb 4.3.1, ecg2dcm 1.3.1, pydicom 2.4.5, numpy 2.4.6. Seen 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  wfdb==4.3.1 ecg2dcm==1.3.1 pydicom==2.4.5 numpy==2.4.6
cd "$work"
venv/bin/python - <<'PY'
import datetime
from importlib.metadata import version

import numpy as np
import pydicom
import wfdb
from ecg2dcm import writer
from ecg2dcm.adapters import wfdb as adapter

time = np.arange(5000) / 500
beat = np.exp(-((((time % 1) - 0.4) / 0.012) ** 2))
peaks = dict(I=0.55, II=0.6, III=0.05, aVR=-0.575, aVL=0.25, aVF=0.325,
             V1=-1.2, V2=-2.5, V3=1.1, V4=2.2, V5=1.6, V6=1.0)
signal = np.stack([peak * beat for peak in peaks.values()], axis=1)
wfdb.wrsamp("record", fs=500, units=["mV"] * 12, sig_name=list(peaks), p_signal=signal, fmt=["16"] * 12,
            base_date=datetime.date(2020, 1, 1), base_time=datetime.time(1))
back = wfdb.rdrecord("record").p_signal
writer.write(adapter.parse("record.hea"), "record.dcm")
dicom = pydicom.dcmread("record.dcm").waveform_array(0) / 1000  # uV to mV

print({name: version(name) for name in ("wfdb", "ecg2dcm", "pydicom")})
print("lead  written   wfdb   DICOM  (largest deflection, mV)")
for i, lead in enumerate(peaks):
    print(f"{lead:4s} {abs(signal[:, i]).max():8.3f} {abs(back[:, i]).max():7.3f} {abs(dicom[:, i]).max():7.3f}")
assert np.allclose(back, signal, atol=1e-4), "wfdb itself gives the voltages back"
assert np.allclose(abs(dicom).max(axis=0), 0.025, atol=0.001), "the clipping has changed"
print("as described: wfdb reads its file right, and V2 is 100 times too small after WFDB -> DICOM")
PY
