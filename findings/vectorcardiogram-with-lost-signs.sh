#!/usr/bin/env bash
# vcgsuite's inverse Dower matrix has lost signs: a frontal QRS axis of -45 degrees, left axis deviation, becomes -26.
#
# Expected: ecg12_to_frank_xyz makes Frank's X, Y and Z of the eight independent leads; its source names "Edenbrandt &
#   Pahlm, J Electrocardiol 1988;21:361-367" for "IDT", the default, and "Kors et al., Eur Heart J 1990;11:1083-1092"
#   for "KORS". The former is the (pseudo-)inverse of Dower's matrix, which makes the eight leads of X, Y and Z (Clin
#   Cardiol 1980;3:87-95): one after the other they give back what one began with.
# What happens: all 24 numbers of "IDT" have the size of that inverse, to 0.0005, but in X the sign of V3 is the other
#   one, and in Y those of I, V1, V3, V4 and V5. Z points forward instead of backward, as in some books, but then the
#   sign of V4 is wrong. In "KORS" II and V2 have lost theirs in X, V1, V3 and V4 in Y, and II in Z. Of the eight leads
#   of a vector to the left "IDT" makes one that points 32 degrees downwards.
# Why it matters: axes, spatial QRS-T angles and loops of a vectorcardiogram are those of another heart: the left axis
#   deviation below becomes a normal axis, and a wide QRS-T angle, a sign of risk, shrinks from 94 to 67 degrees while
#   another grows from 92 to 101. The loops look as loops do, and nothing warns.
# Packages: vcgsuite 0.1.0, numpy 2.0.2 (the newest that it admits). Seen 2026-11-29.
# Output:
#   IDT  signs lost in X: V3; in Y: I V1 V3 V4 V5; in Z, forward: V4
#   KORS signs lost in X: II V2; in Y: V1 V3 V4; in Z, forward: II
#   frontal axis  -45 becomes  -26; QRS-T angle  92 becomes 101
#   frontal axis  -30 becomes   -6; QRS-T angle  80 becomes  85
#   frontal axis    0 becomes   25; QRS-T angle  61 becomes  61
#   frontal axis   60 becomes   62; QRS-T angle  58 becomes  43
#   frontal axis   90 becomes   83; QRS-T angle  75 becomes  48
#   frontal axis  115 becomes  113; QRS-T angle  94 becomes  67
#   a vector to the left, 1 0 0, becomes 0.78 0.49 -0.15, 32 degrees
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check --no-deps vcgsuite==0.1.0 numpy==2.0.2
cd "$work"
venv/bin/python -W ignore - <<'PY'
import contextlib
import io
import sys
import types
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np

# The whole package imports scikit-learn, statsmodels and others for its filters; this part of it needs numpy alone.
package = types.ModuleType("vcgsuite")
package.__path__ = list(find_spec("vcgsuite").submodule_search_locations)
sys.modules["vcgsuite"] = package
from vcgsuite.transform.ecg12_to_frank import MATRICES, ecg12_to_frank_xyz

LEADS = ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"]
DOWER = np.array([[0.632, -0.235, 0.059], [0.235, 1.066, -0.132], [-0.515, 0.157, -0.917], [0.044, 0.164, -1.387],
                  [0.882, 0.098, -1.277], [1.213, 0.127, -0.601], [1.125, 0.127, -0.086], [0.831, 0.076, 0.230]])
INVERSE = np.linalg.pinv(DOWER)
KORS = np.array([[0.38, -0.07, -0.13, 0.05, -0.01, 0.14, 0.06, 0.54],
                 [-0.07, 0.93, 0.06, -0.02, -0.05, 0.06, -0.17, 0.13],
                 [0.11, -0.23, -0.43, -0.06, -0.14, -0.20, -0.11, 0.31]])
print("vcgsuite", version("vcgsuite"))
lost = {}
for method, right in {"IDT": INVERSE, "KORS": KORS}.items():
    assert np.abs(np.abs(MATRICES[method]) - np.abs(right)).max() < 0.001, "the numbers are those of the paper"
    forward = right * [[1], [1], [-1]]  # Z may point forward: what counts is that its leads agree with each other
    other = np.sign(MATRICES[method]) != np.sign(forward)
    lost[method] = ["".join(f" {lead}" for lead in np.array(LEADS)[row]) for row in other]
    print(f"{method:4s} signs lost in X:{lost[method][0]}; in Y:{lost[method][1]}; in Z, forward:{lost[method][2]}")

time = np.arange(0, 0.8, 1 / 250)
R, T = 75, 135  # the QRS vector is largest at 0.30 s, the T vector at 0.54 s
t_vector = np.array([0.3, 0.2, -0.2])


def degrees(a, b):
    return np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))


def frontal(vector):
    return np.degrees(np.arctan2(vector[1], vector[0]))


found = {}
for axis in (-45, -30, 0, 60, 90, 115):
    qrs_vector = np.array([1.2 * np.cos(np.radians(axis)), 1.2 * np.sin(np.radians(axis)), 0.5])  # mV; Z is backward
    xyz = (np.outer(qrs_vector, np.exp(-(((time - time[R]) / 0.015) ** 2)))
           + np.outer(t_vector, np.exp(-(((time - time[T]) / 0.05) ** 2))))
    ecg = DOWER @ xyz
    assert np.abs(INVERSE @ ecg - xyz).max() < 1e-9, "the inverse gives back the vectors"
    with contextlib.redirect_stdout(io.StringIO()):
        got = np.array(ecg12_to_frank_xyz(dict(zip(LEADS, ecg))))
    angles = degrees(xyz[:, R], xyz[:, T]), degrees(got[:, R], got[:, T])  # the same for either direction of Z
    found[axis] = round(frontal(got[:, R])), round(angles[0]), round(angles[1])
    print("frontal axis {:4d} becomes {:4d}; QRS-T angle {:3d} becomes {:3d}".format(axis, *found[axis]))
left = MATRICES["IDT"] @ DOWER @ [1, 0, 0]
print(f"a vector to the left, 1 0 0, becomes {left[0]:.2f} {left[1]:.2f} {left[2]:.2f}, {frontal(left):.0f} degrees")
assert lost["IDT"] == [" V3", " I V1 V3 V4 V5", " V4"], "signs were set right"
assert lost["KORS"] == [" II V2", " V1 V3 V4", " II"], "signs were set right"
assert found[-45][0] == -26 and found[-30][0] == -6 and found[0][0] == 25, "the axis is another one"
assert found[115][1:] == (94, 67) and abs(frontal(left) - 32) < 1, "the angle is another one"
print("as described: the axis turns by up to 25 degrees")
PY
