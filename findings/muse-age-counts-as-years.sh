#!/usr/bin/env bash
# A newborn of 12 days in a MUSE XML is 12 years old in the DICOM of xml2dcm-ecg, and a patient of unknown sex female.
#
# Expected: MUSE writes PatientAge with AgeUnits (YEARS, MONTHS, WEEKS, DAYS), and a Gender that need not be MALE or
#   FEMALE. DICOM's Age String has a unit too: nnnD, nnnW, nnnM, nnnY (PS3.5, 6.2). The docstring of format_gender
#   says "'M' for male, 'F' for female, 'O' for other/unknown".
# What happens: xml2dcm-ecg does not read AgeUnits and appends Y; any Gender but MALE becomes F ('O' is kept for a
#   missing element). ecg2dcm reads the same file as 012D and leaves the sex empty.
# Why it matters: a newborn's rate, axis and R in V1 are normal by other limits than an adult's, and cohorts are cut
#   at 18 years: infants of 18 to 52 weeks pass as adults. Sex decides the limits of QTc and of voltage.
# Packages: xml2dcm-ecg 1.1.10 (with its pydicom 2.4.4), ecg2dcm 1.3.1, numpy 2.4.6. Seen 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  xml2dcm-ecg==1.1.10 ecg2dcm==1.3.1 pydicom==2.4.4 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import base64
from importlib.metadata import version

import numpy as np
import pydicom
from ecg2dcm import writer
from ecg2dcm.adapters import muse
from xml2dcm.main import create_dicom_file

time = np.arange(5000) / 500
beat = np.round(120 * np.exp(-((((time % 1) - 0.4) / 0.012) ** 2))).astype("<i2")


def waveform(kind, samples):
    data = base64.b64encode(beat[:samples].tobytes()).decode()
    lead = ("<LeadData><LeadSampleCountTotal>{n}</LeadSampleCountTotal><LeadAmplitudeUnitsPerBit>4.88"
            "</LeadAmplitudeUnitsPerBit><LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits><LeadID>{lead}</LeadID>"
            "<LeadOffsetFirstSample>0</LeadOffsetFirstSample><LeadSampleSize>2</LeadSampleSize>"
            "<WaveFormData>{data}</WaveFormData></LeadData>")
    return (f"<Waveform><WaveformType>{kind}</WaveformType><NumberofLeads>8</NumberofLeads><SampleBase>500"
            "</SampleBase><SampleExponent>0</SampleExponent><HighPassFilter>16</HighPassFilter>"
            "<LowPassFilter>150</LowPassFilter><ACFilter>NONE</ACFilter>"
            + "".join(lead.format(n=samples, lead=name, data=data) for name in "I II V1 V2 V3 V4 V5 V6".split())
            + "</Waveform>")


def write(path, age, unit, sex):
    with open(path, "w") as file:
        file.write(f"<RestingECG><PatientDemographics><PatientID>synthetic</PatientID><PatientAge>{age}</PatientAge>"
                   f"<AgeUnits>{unit}</AgeUnits><Gender>{sex}</Gender><Race>UNKNOWN</Race></PatientDemographics>"
                   "<TestDemographics><AcquisitionDate>01-02-2020</AcquisitionDate><AcquisitionTime>10:20:30"
                   "</AcquisitionTime></TestDemographics><RestingECGMeasurements><VentricularRate>60"
                   "</VentricularRate></RestingECGMeasurements>" + waveform("Median", 600)
                   + waveform("Rhythm", 5000) + "</RestingECG>")


print({name: version(name) for name in ("xml2dcm-ecg", "ecg2dcm", "pydicom")})
CASES = [(12, "DAYS", "MALE", "012Y", "M", "012D", "M"), (30, "WEEKS", "UNKNOWN", "030Y", "F", "030W", ""),
         (50, "YEARS", "FEMALE", "050Y", "F", "050Y", "F")]
for number, (age, unit, sex, *expected) in enumerate(CASES):
    write("ecg.xml", age, unit, sex)
    path, _, _ = create_dicom_file("ecg.xml", "out", "{date}_{seq}", {"date": "20200102", "seq": number}, 0, {})
    one = pydicom.dcmread(path)
    writer.write(muse.parse("ecg.xml"), "other.dcm")
    other = pydicom.dcmread("other.dcm")
    seen = [one.PatientAge, one.PatientSex, other.PatientAge, other.PatientSex]
    print(f"{age} {unit} {sex}: xml2dcm-ecg {seen[:2]}, ecg2dcm {seen[2:]}")
    assert seen == expected, seen
print("as described: the unit of the age is dropped, and unknown is female")
PY
