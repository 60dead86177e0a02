#!/usr/bin/env bash
# 1000 -> 100 Hz by the defaults of neurokit2 and by ecg-transform: a beat at 9.5 s lies at 9.4914 s afterwards.
#
# Expected: sample k of the result lies at k / new rate. ecg-transform's LinearResample promises "preserving
#   wall-clock duration"; neurokit2.signal_resample takes "the original and the desired sampling frequency (in Hz)".
# What happens: both map the first and last sample of the input onto the first and last of the output. n samples
#   span n - 1 steps, so 9999 steps of 1 ms are squeezed into 999 steps of 10 ms: time runs 0.09 % short, by
#   nothing at the start and by 8.6 ms (nearly one sample) at the end of ten seconds. neurokit2 does so in its default
#   method "interpolation" only; its docstring ranks the methods by accuracy and speed, and does not say this.
#   scipy.signal.resample_poly, ecgdatakit and the method "poly" of neurokit2 leave the beat where it was.
# Why it matters: annotations scaled by rate (x 100 / 1000) drift against the signal, and two leads or two models'
#   inputs resampled by different libraries no longer line up; no resampled length or rate gives it away.
# Packages: neurokit2 0.2.12, ecg-transform 0.2.1, ecgdatakit 2.0.3, scipy 1.17.1, numpy 2.4.6. Seen 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check setuptools==80.9.0 numpy==2.4.6 \
  scipy==1.17.1 neurokit2==0.2.12 ecg-transform==0.2.1 ecgdatakit==2.0.3
cd "$work"
MPLBACKEND=Agg venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import ecgdatakit.processing
import neurokit2
import numpy as np
import scipy.signal
from ecg_transform.inp import ECGInput, ECGMetadata
from ecg_transform.t.common import LinearResample


def position(signal, rate):
    """Time of a Gaussian's top: the parabola through the logarithms of the three largest samples."""
    top = int(np.argmax(signal))
    left, middle, right = np.log(signal[top - 1 : top + 2])
    return (top + (left - right) / (2 * (left - 2 * middle + right))) / rate


def transform(signal, old, new):
    about = ECGMetadata(sample_rate=old, num_samples=len(signal), lead_names=["II"], unit="mV",
                        input_start=0, input_end=len(signal))
    return LinearResample(new)([ECGInput(signal[None], about)])[0].signal[0]


def neurokit(method):
    return lambda x, old, new: np.asarray(neurokit2.signal_resample(
        x, sampling_rate=old, desired_sampling_rate=new, **method))


WAYS = {
    "neurokit2 (default)": neurokit({}),
    "ecg-transform LinearResample": transform,
    "neurokit2 poly": neurokit({"method": "poly"}),
    "ecgdatakit": lambda x, old, new: ecgdatakit.processing.resample(x, new, fs=old).samples,
    "scipy resample_poly": lambda x, old, new: scipy.signal.resample_poly(x, new, old),
}
print({name: version(name) for name in ("neurokit2", "ecg-transform", "ecgdatakit", "scipy")})
for old, new, late in ((1000, 100, -8.55), (500, 100, -7.6), (500, 250, -1.9)):
    for name, resample in WAYS.items():
        shifts = []
        for beat in (0.5, 5.0, 9.5):
            result = resample(np.exp(-(((np.arange(10 * old) / old - beat) / 0.03) ** 2) / 2), old, new)
            assert len(result) == 10 * new
            shifts.append(1000 * (position(result, new) - beat))
        print(f"{old} -> {new} Hz {name:29s} shift at 0.5, 5, 9.5 s:", *(f"{shift:6.2f}" for shift in shifts), "ms")
        squeezed = name in ("neurokit2 (default)", "ecg-transform LinearResample")
        assert abs(shifts[-1] - (late if squeezed else 0)) < 0.1, (name, shifts)
print("as described: two of five squeeze the time axis")
PY
