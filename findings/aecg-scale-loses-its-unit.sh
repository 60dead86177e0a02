#!/usr/bin/env bash
# HL7 aECG written in millivolts becomes a DICOM ECG a thousand times too small; so do origins and other scales.
#
# Expected: in HL7 aECG (ANSI/HL7 V3 ECG R1-2004) a lead is an SLIST_PQ: `origin` and `scale` are physical
#   quantities, each with its own unit, and value = origin + scale x digit. ecg2dcm reads HL7 aECG and says
#   "Units are fixed here so that the writer never has to guess" (docstring of ecg2dcm/ir.py).
# What happens: the adapter reads the number of `scale`, not its unit, and writes it as microvolts; it skips
#   `origin`; and it uses the last lead's scale for all leads. ecgdatakit reads the same files correctly.
# Why it matters: the file opens without a warning. In mV every ECG is flat; with a finer scale on the limb
#   leads they double while the chest leads stay, which shifts no axis but makes voltage criteria meaningless.
# Packages: ecg2dcm 1.3.1, ecgdatakit 2.0.3, pydicom 2.4.5, numpy 2.4.6. Seen 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  ecg2dcm==1.3.1 ecgdatakit==2.0.3 pydicom==2.4.5 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import ecgdatakit
import numpy as np
import pydicom
from ecg2dcm import writer
from ecg2dcm.adapters import aecg

LEADS = dict(I=550, II=600, V1=-1200, V2=-2600, V3=1100, V4=2200, V5=1600, V6=1000)  # peaks, uV
time = np.arange(5000) / 500
beat = np.exp(-((((time % 1) - 0.4) / 0.012) ** 2))
XSI = 'xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
SEQUENCE = '<component><sequence><code code="{}"/><value xsi:type="{}">{}</value></sequence></component>'


def write(path, unit, per_uv, scale, origin):
    """One rhythm series; `scale` and `origin` give microvolts by lead, `per_uv` converts them to `unit`."""
    body = SEQUENCE.format("TIME_ABSOLUTE", "GLIST_TS",
                           '<head value="20200101100000.000"/><increment value="0.002" unit="s"/>')
    for lead, peak in LEADS.items():
        digits = np.round((peak * beat - origin(lead)) / scale(lead)).astype(int)
        body += SEQUENCE.format("MDC_ECG_LEAD_" + lead, "SLIST_PQ",
                                f'<origin value="{origin(lead) * per_uv:g}" unit="{unit}"/>'
                                f'<scale value="{scale(lead) * per_uv:g}" unit="{unit}"/>'
                                f'<digits>{" ".join(map(str, digits))}</digits>')
    with open(path, "w") as file:
        file.write(f'<AnnotatedECG {XSI}><id root="1.2.3"/><component><series><code code="RHYTHM"/><component>'
                   f"<sequenceSet>{body}</sequenceSet></component></series></component></AnnotatedECG>")


def extremes(path):
    """Largest deflection in microvolts of leads II and V2, by ecgdatakit and through ecg2dcm."""
    leads = {lead.label: lead.to_physical() for lead in ecgdatakit.FileParser().parse(path).leads}
    direct = [abs(leads[name].samples).max() * 1000 for name in ("II", "V2")]
    writer.write(aecg.parse(path), "out.dcm")
    dicom = pydicom.dcmread("out.dcm").waveform_array(0)
    return [round(x) for x in direct], [round(abs(dicom[:, i]).max()) for i in (1, 7)]


def limb(lead):
    return not lead.startswith("V")


write("uv.xml", "uV", 1, lambda lead: 5, lambda lead: 0)
write("mv.xml", "mV", 0.001, lambda lead: 5, lambda lead: 0)
write("mixed.xml", "uV", 1, lambda lead: 2.5 if limb(lead) else 5, lambda lead: 0)
write("origin.xml", "uV", 1, lambda lead: 5, lambda lead: -400 if lead == "II" else 0)
print({name: version(name) for name in ("ecg2dcm", "ecgdatakit", "pydicom")})
seen = {}
for name in ("uv", "mv", "mixed", "origin"):
    direct, seen[name] = extremes(name + ".xml")
    print(f"{name:7s} II and V2 in uV: ecgdatakit {direct}, ecg2dcm {seen[name]}")
    assert direct == [600, 2600], direct
assert seen == {"uv": [600, 2600], "mv": [1, 3], "mixed": [1200, 2600], "origin": [1000, 2600]}, seen
print("as described: unit, lead-wise scale and origin are lost")
PY
