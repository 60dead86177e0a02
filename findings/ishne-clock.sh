#!/usr/bin/env bash
# An ISHNE Holter that starts at 10:20:30 starts at 10:00:20 in the CSV of ishne-to-csv.
#
# Expected: "Start Time (hour [0-23], minute, second): 3 x short int, 6 bytes" in the ISHNE standard output
#   file format, a table that the README of ishne-to-csv repeats; it promises "correct timestamp for each sample".
# What happens: three single bytes are unpacked and three are skipped, so the high byte of the hour (0) is taken
#   for the minute and the low byte of the minute for the second. All later fields fit, so nothing looks wrong.
# Why it matters: events of a diary, doses or sleep stages are matched with the Holter by this clock. Every start
#   is read as HH:00:MM: wrong by up to 59 minutes, by nothing at all at a full hour.
# Packages: ishne-to-csv 1.2, ecgdatakit 2.0.3, numpy 2.4.6, pandas 3.1.1. Seen 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  ishne-to-csv==1.2 ecgdatakit==2.0.3 numpy==2.4.6 pandas==3.1.1 tqdm==4.70.1
cd "$work"
TZ=UTC venv/bin/python - <<'PY'
import binascii
import json
import struct
from importlib.metadata import version

import ecgdatakit
import numpy as np
import pandas as pd
from ishne_to_csv import ishne_to_csv


def ishne(path, hour, minute, second):
    """Two leads, 10 s at 200 Hz, in the field order of the standard; no person in it."""
    samples = np.zeros((2000, 2), "<i2")
    short = lambda *values: struct.pack(f"<{len(values)}h", *values)
    text = lambda size: b"\0" * size
    body = struct.pack("<4i", 0, 2000, 522, 522) + short(1) + text(40 + 40 + 20) + short(0, 0)
    body += short(1, 1, 1970) + short(15, 6, 2020) + short(16, 6, 2020) + short(hour, minute, second)
    body += short(2) + short(5, 6, *[-9] * 10) + short(1, 1, *[-9] * 10) + short(1000, 1000, *[-9] * 10)
    body += short(0) + b"digital".ljust(40, b"\0") + short(200) + text(80 + 80 + 88)
    assert len(body) == 512
    with open(path, "wb") as file:
        file.write(b"ISHNE1.0" + struct.pack("<H", binascii.crc_hqx(body, 0xFFFF)) + body + samples.tobytes())


print({name: version(name) for name in ("ishne-to-csv", "ecgdatakit")})
for clock, wrong in (((10, 20, 30), "10:00:20"), ((23, 59, 1), "23:00:59"), ((7, 0, 0), "07:00:00")):
    ishne("holter.ecg", *clock)
    ishne_to_csv("holter.ecg", "holter.csv", "holter.json", verbose=False)
    details = json.load(open("holter.json"))
    first = pd.to_datetime(pd.read_csv("holter.csv")["time"].iloc[0])
    record = ecgdatakit.FileParser().parse("holter.ecg")
    print("written %02d:%02d:%02d," % clock, f"ecgdatakit {record.recording.date:%H:%M:%S},",
          f"ishne-to-csv {details['Start Time']}, first CSV row {first}")
    assert (record.recording.date.hour, record.recording.date.minute, record.recording.date.second) == clock
    assert details["Sampling Hz"] == 200 and details["Leads"] == 2, "the other fields fit"
    assert details["Start Time"] == wrong == f"{first:%H:%M:%S}", details
print("as described: HH:MM:SS is read as HH:00:MM")
PY
