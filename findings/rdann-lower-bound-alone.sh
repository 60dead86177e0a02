#!/usr/bin/env bash
# wfdb.rdann(sampfrom=1000) returns the annotations before sample 1000 too, and shifted they lie at negative samples.
#
# Expected: "sampfrom: The minimum sample number for annotations to be returned" and "shift_samps: whether to return
#   the sample indices relative to `sampfrom`" (docstring of wfdb.rdann). wfdb.rdrecord(sampfrom=1000) does cut.
# What happens: the range is applied only where `sampto` is given as well; alone, `sampfrom` filters nothing and raises
#   nothing. `sampto` alone works. With shift_samps=True the beats before the window come out at negative samples.
# Why it matters: a window is cut by rdrecord and its beats by rdann with the same arguments. A negative index is
#   valid in NumPy and counts from the end: signal[beats] takes wrong samples without an error.
# Packages: wfdb 4.3.1, numpy 2.4.6. Seen 2026-11-28.
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

beats = np.array([100, 600, 1100, 1600, 2100, 2600])
signal = np.zeros((3200, 1))
signal[beats] = 1.0  # one millivolt at each beat, zero elsewhere
wfdb.wrsamp("r", fs=500, units=["mV"], sig_name=["II"], p_signal=signal, fmt=["16"], adc_gain=[1000], baseline=[0])
wfdb.wrann("r", "atr", beats, symbol=["N"] * len(beats), fs=500)

print("wfdb", version("wfdb"), "beats written:", beats)
found = {}
for arguments in ({"sampto": 2000}, {"sampfrom": 1000, "sampto": 3199}, {"sampfrom": 1000},
                  {"sampfrom": 1000, "shift_samps": True}):
    found[str(arguments)] = wfdb.rdann("r", "atr", **arguments).sample.tolist()
    print(arguments, found[str(arguments)])
window = wfdb.rdrecord("r", sampfrom=1000).p_signal[:, 0]
shifted = wfdb.rdann("r", "atr", sampfrom=1000, shift_samps=True).sample
print(f"rdrecord cuts: {len(window)} samples; its values at the shifted beats: {window[shifted]}")
assert len(window) == 2200 and np.flatnonzero(window).tolist() == [100, 600, 1100, 1600]
assert window[shifted].tolist() == [0, 0, 1, 1, 1, 1], "the first two lie between beats, near the end"
assert list(found.values()) == [[100, 600, 1100, 1600], [1100, 1600, 2100, 2600], beats.tolist(),
                                [-900, -400, 100, 600, 1100, 1600]], found
print("as described: sampfrom needs sampto")
PY
