#!/usr/bin/env bash
# wfdb.processing.ann2rr makes RR intervals between beats and comments, and its start_time is a shortest interval.
#
# Expected: "Obtain RR interval series from ECG annotation files"; "start_time: The time to start the intervals in
#   seconds" (its docstring). The C program ann2rr measures between QRS annotations unless it gets -A. In WFDB
#   files rhythm labels ('+'), noise changes ('~') and comments ('"') stand among the beats, at any sample.
# What happens: every annotation ends an interval, so 0.8 s between two beats becomes 0.7 and 0.1 s where a note lies
#   between, and 0 s where a note shares a beat's sample (open as MIT-LCP/wfdb-python#479; -A was meant, unsaid).
#   start_time and stop_time are compared with each interval's length: from a record at a steady 75/min,
#   start_time=10 leaves nothing (10 s are longer than any interval), stop_time=10 leaves everything.
# Why it matters: every record of MIT-BIH begins with a rhythm label. Four notes in 30 s lift RMSSD from 0 to
#   276 ms, and the heart rate that calc_mean_hr makes of the series is wrong as well.
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
from wfdb.processing import ann2rr

beats = np.arange(500, 15_000, 400)  # 75/min at 500 Hz, without any variation
notes = [(10, "+", "(N"), (5250, "~", ""), (9300, "+", "(AFIB"), (9300 + 8, '"', "note")]
events = sorted([(sample, "N", "") for sample in beats] + notes)
sample, symbol, text = zip(*events)
wfdb.wrann("r", "atr", np.array(sample), symbol=list(symbol), aux_note=list(text), fs=500)

rr = ann2rr("r", "atr")
rmssd = np.sqrt(np.mean(np.diff(rr / 500 * 1000) ** 2))
print("wfdb", version("wfdb"), f"{len(beats)} beats, 400 samples apart: {len(rr)} intervals")
print("ann2rr:", rr.tolist())
print(f"RMSSD {rmssd:.0f} ms of a rhythm without variation")
late, early = ann2rr("r", "atr", start_time=10.0), ann2rr("r", "atr", stop_time=10.0)
print(f"start_time=10: {len(late)} intervals; stop_time=10: {len(early)} intervals")
assert len(rr) == len(beats) + len(notes), "one interval for each annotation of any kind"
assert rr[0] == 10 and {350, 50, 0, 8, 392} <= set(rr.tolist()), "notes cut intervals in two"
assert np.all(np.diff(beats) == 400) and 270 < rmssd < 280
assert len(late) == 0 and len(early) == len(rr), "start and stop are compared with lengths"
print("as described: notes are beats, start_time is a length")
PY
