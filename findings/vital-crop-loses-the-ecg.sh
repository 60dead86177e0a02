#!/usr/bin/env bash
# Ten seconds cropped from a .vital file are empty: crop drops the ECG of every file that vitaldb itself has saved.
#
# Expected: VitalFile.crop(dtfrom, dtend) cuts a recording to a period. to_vital saves it, and its `packed` (True
#   unless told otherwise) is a matter of storage: "if True, pack WAV tracks into single recs and sort all recs by
#   time" (docstring). The open data set comes so, too: load_case "reads the case's packed .vital file" (docstring).
# What happens: crop keeps the pieces of a track whose beginning or end lies in the period. A packed track is one piece
#   that begins before and ends after it, and is dropped. There is no warning; names and rates of the tracks stay, and
#   to_numpy answers NaN for every sample. The same recording before it is saved, or saved with packed=False, is
#   cropped as expected, and so is a period that reaches the beginning of a saved one.
# Why it matters: VitalDB holds ECG of 500 Hz in surgery, of which one cuts out induction or an event. NaN is also what
#   a lead that came off looks like there, so the ECGs of a cohort are lost as missing data.
# Packages: vitaldb 1.7.2, wfdb 4.3.1 (which it imports), numpy 2.4.6. Seen 2026-11-29.
# Output:
#   as recorded           60 pieces; of 10 to 20 s 5000 samples, 0 of them NaN
#   saved, packed=False   60 pieces; of 10 to 20 s 5000 samples, 0 of them NaN
#   saved, the default     1 pieces; of 10 to 20 s 5000 samples, 5000 of them NaN
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check vitaldb==1.7.2 wfdb==4.3.1 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import datetime
from importlib.metadata import version

import numpy as np
import vitaldb

NAME, RATE, SECONDS = "SNUADC/ECG_II", 500, 60
time = np.arange(SECONDS * RATE) / RATE
ecg = np.exp(-((((time % 1) - 0.4) / 0.012) ** 2)).astype(np.float32)
start = datetime.datetime(2020, 1, 1, 10, tzinfo=datetime.timezone.utc).timestamp()


def recorded():
    """A minute of ECG in pieces of one second, as a monitor sends it."""
    file = vitaldb.VitalFile()
    pieces = [{"dt": start + i, "val": ecg[i * RATE : (i + 1) * RATE]} for i in range(SECONDS)]
    file.add_track(NAME, pieces, srate=RATE, unit="mV")
    file.dtstart, file.dtend = start, start + SECONDS
    return file


def saved(**how):
    recorded().to_vital("saved.vital", **how)
    return vitaldb.VitalFile("saved.vital")


def samples(file):
    return file.to_numpy([NAME], 1 / RATE)[:, 0].astype(float)


print("vitaldb", version("vitaldb"))
found = {}
for name, how in {"as recorded": None, "saved, packed=False": {"packed": False}, "saved, the default": {}}.items():
    file = recorded() if how is None else saved(**how)
    assert np.array_equal(samples(file), ecg), "the whole recording is right"
    pieces = len(file.find_track(NAME).recs)
    file.crop(10, 20)
    part = samples(file)
    found[name] = int(np.isnan(part).sum())
    print(f"{name:20s} {pieces:3d} pieces; of 10 to 20 s {len(part)} samples, {found[name]} of them NaN")
    assert len(part) == 10 * RATE
    assert found[name] or np.array_equal(part, ecg[10 * RATE : 20 * RATE])
assert list(found.values()) == [0, 0, 5000], found

file = saved()
file.crop(0, 20)
assert np.array_equal(samples(file), ecg[: 20 * RATE]), "from the beginning on it is kept"
print("as described: the crop of a saved file holds no ECG")
PY
