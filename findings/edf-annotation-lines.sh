#!/usr/bin/env bash
# An EDF+ annotation of two lines is gone when edfio reads the file that edfio has written.
#
# Expected: an annotation may have several lines: EDF+ (section 2.2.2) allows the codes 9, 10 and 13 in its text for
#   that. What is written is read back.
# What happens: edfio writes the bytes as it should, and leaves the annotation out of `Edf.annotations` without a
#   warning: the pattern that finds annotations stops at a line feed. pyedflib reads the same file.
# Why it matters: reports of an ECG have several lines; with one annotation for all of them the report is lost.
# Packages: edfio 0.4.18, pyedflib 0.1.42, numpy 2.4.6. Seen 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check edfio==0.4.18 pyedflib==0.1.42 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import edfio
import numpy as np
import pyedflib

signal = edfio.EdfSignal(np.arange(1000.0), 500, label="ECG I", physical_dimension="uV")
notes = [edfio.EdfAnnotation(0, None, "one line"), edfio.EdfAnnotation(1, None, "Sinus rhythm\nNormal ECG")]
edfio.Edf([signal], annotations=notes, data_record_duration=1).write("two.edf")

read = [note.text for note in edfio.read_edf("two.edf").annotations]
with pyedflib.EdfReader("two.edf") as reader:
    other = list(reader.readAnnotations()[2])
print("written :", [note.text for note in notes])
print("edfio   :", read)
print("pyedflib:", other)
assert b"Sinus rhythm\nNormal ECG" in open("two.edf", "rb").read()
assert read == ["one line"], "edfio reads annotations of several lines now"
assert len(other) == 2, "pyedflib has changed"
PY
