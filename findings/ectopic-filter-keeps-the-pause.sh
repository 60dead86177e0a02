#!/usr/bin/env bash
# hrv-analysis removes the short interval of an extrasystole, keeps the pause after it, and removes a normal one.
#
# Expected: "RR-intervals differing by more than the removing_rule from the one proceeding it are removed" (docstring of
#   hrvanalysis.remove_ectopic_beats), 20 % by Malik's rule, and get_nn_intervals "computes NN Intervals from
#   RR-intervals". At a steady 75/min a ventricular extrasystole makes 800, 500, 1100, 800 ms: of the four 500 and
#   1100 are no NN intervals, and 1100 differs by 120 % from the one before it.
# What happens: after an interval that is removed the next is kept without a test, so the pause stays; then the first
#   normal interval is compared with the pause, differs by 27 % and is removed. It is so with the rules malik, custom
#   and kamath, the default of get_nn_intervals, which fills the two holes with 950, half way to the pause. The rules
#   acar and karlsson of the same function remove the pause (karlsson the normal interval before as well).
# Why it matters: of a rhythm whose NN intervals are all 800 ms, with an extrasystole in each eleven beats, the mean NN
#   is 852, SDNN 95, RMSSD 89 and pNN50 35 % after the cleaning that was to give 800, 0, 0 and 0. A low SDNN is the
#   sign of risk after infarction: extrasystoles lift it.
# Packages: hrv-analysis 1.0.6, nolds 0.6.1 (0.6.3 does not import on Python 3.11), numpy 2.4.6. Seen 2026-11-29.
# Output:
#   malik    [800, nan, 1100, nan, 800]   mean NN 852.4, SDNN 95.3, RMSSD 88.9, pNN50 35.1
#   kamath   [800, nan, 1100, nan, 800]   mean NN 852.4, SDNN 95.3, RMSSD 88.9, pNN50 35.1
#   custom   [800, nan, 1100, nan, 800]   mean NN 852.4, SDNN 95.3, RMSSD 88.9, pNN50 35.1
#   karlsson [nan, nan, nan, 800, 800]    mean NN 800.0, SDNN 0.0, RMSSD 0.0, pNN50 0.0
#   acar     [800, nan, nan, 800, 800]    mean NN 800.0, SDNN 0.0, RMSSD 0.0, pNN50 0.0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check setuptools==80.9.0 numpy==2.4.6 \
  scipy==1.17.1 pandas==3.1.1 matplotlib==3.11.2 astropy==8.0.2 nolds==0.6.1
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check --no-deps hrv-analysis==1.0.6
cd "$work"
MPLBACKEND=Agg venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import hrvanalysis
import numpy as np

print("hrv-analysis", version("hrv-analysis"))
once = [800.0] * 12 + [500.0, 1100.0] + [800.0] * 12
often = ([800.0] * 9 + [500.0, 1100.0]) * 20 + [800.0] * 9
PAUSE_STAYS, PAUSE_GOES = ("malik", "kamath", "custom"), ("karlsson", "acar")
for rule in PAUSE_STAYS + PAUSE_GOES:
    kept = np.array(hrvanalysis.remove_ectopic_beats(list(once), method=rule, verbose=False))
    nn = hrvanalysis.get_nn_intervals(list(often), ectopic_beats_removal_method=rule, verbose=False)
    found = hrvanalysis.get_time_domain_features(nn)
    mean, sdnn, rmssd, pnn50 = (float(found[name]) for name in ("mean_nni", "sdnn", "rmssd", "pnni_50"))
    shown = ", ".join(f"{value:.0f}" for value in kept[11:16])
    print(f"{rule:8s} {f'[{shown}]':28s} mean NN {mean:.1f}, SDNN {sdnn:.1f}, RMSSD {rmssd:.1f}, pNN50 {pnn50:.1f}")
    if rule in PAUSE_STAYS:
        assert np.array_equal(kept[11:16], [800, np.nan, 1100, np.nan, 800], equal_nan=True), "the pause is tested"
        assert nn[8:13] == [800, 950, 1100, 950, 800] and mean > 850 and 88 < rmssd < 90 and 94 < sdnn < 97
    else:
        assert np.isnan(kept[13]) and (mean, sdnn, rmssd, pnn50) == (800, 0, 0, 0)
default = hrvanalysis.get_nn_intervals(list(often), verbose=False)
assert default[8:13] == [800, 950, 1100, 950, 800], "the default has changed"
print("as described: the pause after an extrasystole is an NN interval, the beat after it is not")
PY
