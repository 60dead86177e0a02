#!/usr/bin/env bash
# pyedflib's crop_edf cuts an EDF+ file and drops all of its annotations; its siblings keep them, and edfio shifts them.
#
# Expected: "Crop an EDF file to desired start/stop times" (docstring of pyedflib.highlevel.crop_edf, which goes on:
#   "will remove the first 10-seconds of the recording"). Annotations inside the period would stay, at onsets counted
#   from the new start, since EDF+ (section 2.2.2) gives an onset relative to the start of the file.
# What happens: the file that comes out has no annotation at all, and what it prints (old and new times, "Succesfully
#   written file") does not say so. rename_channels, drop_channels and anonymize_edf of the same module keep all
#   annotations; edfio's slice_between_seconds keeps those inside and moves their onsets.
# Why it matters: in a Holter the annotations are the beats, events of the diary and the report. An hour cut out for a
#   reader or a data set is an hour "without events": as a label, every arrhythmia in it becomes a negative.
# Packages: pyedflib 0.1.42, edfio 0.4.18, numpy 2.4.6. Seen 2026-11-29.
# Output:
#   original         20.0 s [(2.4, 'PVC'), (12.4, 'AF begins'), (15.4, 'noise')]
#   rename_channels  20.0 s [(2.4, 'PVC'), (12.4, 'AF begins'), (15.4, 'noise')]
#   drop_channels    20.0 s [(2.4, 'PVC'), (12.4, 'AF begins'), (15.4, 'noise')]
#   crop_edf 10-18    8.0 s []
#   edfio 10-18       8.0 s [(2.4, 'AF begins'), (5.4, 'noise')]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check pyedflib==0.1.42 edfio==0.4.18 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import edfio
import numpy as np
import pyedflib
from pyedflib import highlevel

time = np.arange(20 * 500) / 500
beats = np.exp(-((((time - 0.4) % 2) / 0.05) ** 2)) * (1 + time)  # each beat is higher than the one before
signals = [
    edfio.EdfSignal(beats, 500, label=label, physical_dimension="mV", physical_range=(-1, 31))
    for label in ("ECG I", "ECG II")
]
events = [(2.4, None, "PVC"), (12.4, None, "AF begins"), (15.4, 2.0, "noise")]
edfio.Edf(signals, annotations=[edfio.EdfAnnotation(*event) for event in events], data_record_duration=1).write("o.edf")


def show(name, path):
    """Annotations by both libraries, which must agree."""
    with pyedflib.EdfReader(path) as reader:
        onsets, _, texts = reader.readAnnotations()
        seconds = reader.getFileDuration()
    found = [(round(float(onset), 3), str(text)) for onset, text in zip(onsets, texts)]
    edf = edfio.read_edf(path)
    assert found == [(round(note.onset, 3), note.text) for note in edf.annotations]
    print(f"{name:16s} {seconds:4.1f} s {found}")
    return found, edf.signals[-1].data


print({name: version(name) for name in ("pyedflib", "edfio")})
whole, original = show("original", "o.edf")
highlevel.rename_channels("o.edf", {"ECG I": "I"}, new_file="renamed.edf")
highlevel.drop_channels("o.edf", edf_target="dropped.edf", to_drop=["ECG I"], verbose=False)
assert show("rename_channels", "renamed.edf")[0] == show("drop_channels", "dropped.edf")[0] == whole and len(whole) == 3

period = dict(start=10, stop=18, start_format="seconds", stop_format="seconds")
highlevel.crop_edf("o.edf", new_file="cropped.edf", verbose=False, **period)
cropped, signal = show("crop_edf 10-18", "cropped.edf")
edf = edfio.read_edf("o.edf")
edf.slice_between_seconds(10, 18)
edf.write("sliced.edf")
sliced, other = show("edfio 10-18", "sliced.edf")
assert np.allclose(signal, original[5000:9000], atol=0.001) and np.allclose(other, signal, atol=0.001)
assert sliced == [(2.4, "AF begins"), (5.4, "noise")]
assert cropped == [], "crop_edf keeps annotations now"
print("as described: the cropped file has no annotations")
PY
