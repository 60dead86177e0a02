"""What else in an archive tells that a record is not as it was: written apart from the readers, to judge them.

Fields of which there is one copy (an age in a table, the sampling rate of a hospital's export) have no such witness.
"""

import base64
import csv
import io
import re
import zlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
from tests.format_files import WRITERS
from tests.fuzz.archives import Archive
from tests.fuzz.byte_mutations import header_lines
from tests.fuzz.format_oracles import of_format
from tests.fuzz.table_mutations import cells_of

Row = Mapping[str, Any]

_ONCE = {
    "RestingECG": ("PatientDemographics", "TestDemographics", "Diagnosis", "OriginalDiagnosis"),
    "PatientDemographics": ("PatientID", "PatientAge", "AgeUnits", "Gender", "DateofBirth"),
    "Waveform": ("WaveformType", "NumberofLeads", "SampleBase", "SampleExponent", "SampleType"),
    "LeadData": (
        *("LeadByteCountTotal", "LeadSampleCountTotal", "LeadAmplitudeUnitsPerBit", "LeadAmplitudeUnits"),
        *("LeadID", "LeadSampleSize", "WaveFormData", "LeadTimeOffset", "LeadOff"),
    ),
    "DiagnosisStatement": ("StmtText",),
}
_SEXES = ("", "MALE", "FEMALE", "UNKNOWN", "NAN", "M", "F")
_UNITS = ("", "YEARS", "MONTHS", "WEEKS", "DAYS", "HOURS")
_KNOWN_RATES = {"ptb-xl": 500.0, "challenge": 500.0, "ludb": 500.0}
_LIMB_ERROR, _CONSTANT = 0.08, 50.0


def limb_error(record: Row) -> float:
    """How far limb leads are from Einthoven's and Goldberger's equations, relative to the leads.

    A constant below 50 microvolts does not count: leads that were centred one by one are apart by as much.
    """
    x = np.frombuffer(record["signal"], "<i2").reshape(12, -1).astype(float)
    rest = [x[0] + x[2] - x[1], x[3] + (x[0] + x[1]) / 2, x[4] - (x[0] - x[2]) / 2, x[5] - (x[1] + x[2]) / 2]
    rest = [r - r.mean() if abs(r.mean()) < _CONSTANT else r for r in rest]
    return max(
        float(np.sqrt(np.mean(r**2)) / max(np.std(y), 20.0))
        for r, y in zip(rest, (x[1], x[3], x[4], x[5]), strict=True)
    )


def contradictions(archive: Archive, path: str, new: bytes, before: Row, after: Row | None) -> set[str]:
    """What tells that an accepted record is not as it was (and did not tell so of the archive as it was).

    Args:
        archive: as it was.
        path: the file that was mutated.
        new: its content now.
        before: the record as it was read.
        after: the record as it is read now; None where it is lost.
    """
    untouched = _contradictions(archive, path, archive.files[path], before, before)
    return set(_contradictions(archive, path, new, before, after)) - set(untouched)


def _contradictions(archive: Archive, path: str, new: bytes, before: Row, after: Row | None) -> list[str]:
    found = []
    if after is not None and after["calibrated"] and limb_error(before) < _LIMB_ERROR < limb_error(after):
        found.append("limb leads contradict Einthoven's equations")
    if after is not None and after["rate"] != before["rate"] == _KNOWN_RATES.get(archive.kind):
        found.append("the database was recorded at another rate")
    if path.endswith(".hea"):
        found += _of_header(archive, path, new)
    if path.endswith((".dat", ".mat")):
        found += _of_initial_values(archive.files[Path(path).with_suffix(".hea").as_posix()], new)
    if path.endswith(".csv"):
        found += _of_table(archive.kind, new, archive.files[path])
    if archive.kind == "muse-xml":
        found += _of_xml(new)
    if archive.kind in WRITERS:
        found += of_format(archive.kind, archive.files[path], new, before, after)
    return found


# --------------------------------------------------------------------- headers


def _of_initial_values(header: bytes, samples: bytes) -> list[str]:
    lines, told = header_lines(header)
    try:
        tokens = [lines[place].split() for place in told[1:13]]
        offset = int(tokens[0][1].partition("+")[2] or 0)
        first = np.frombuffer(samples[offset : offset + 24], "<i2").tolist()
        wrong = [t for t, value in zip(tokens, first, strict=False) if len(t) > 5 and int(t[5]) != value]
    except (ValueError, IndexError):
        return []
    return ["initial value in the header is not the first sample"] if wrong else []


def _of_header(archive: Archive, path: str, new: bytes) -> list[str]:
    found = []
    lines, told = header_lines(new)
    place = Path(path)
    if told and lines[told[0]].split()[0].removesuffix(".mat").split("/")[0] != place.stem:
        found.append("record name in the header is not the name of the file")
    if any(Path(lines[row].split()[0]).stem != place.stem for row in told[1:13]):
        found.append("header names the signal file of another record")
    for suffix in (".mat", ".dat"):
        if samples := archive.files.get(place.with_suffix(suffix).as_posix()):
            found += _of_initial_values(new, samples)
    if len(told) > 13:
        found.append("more signal lines than the header announces")
    fields = [lines[row].split() for row in told[1:13]]
    if archive.kind != "ludb" and len({tuple(entry[1:3]) for entry in fields if len(entry) > 2}) > 1:
        found.append("one lead has another gain, baseline, unit or format than the others")
    comments = [line[1:].strip() for line in lines if line.startswith("#")]
    if archive.kind == "challenge":
        found += _of_comments(comments, ("age", "sex", "dx"))
    if archive.kind == "ludb":
        found += _of_comments(comments, ("<age>", "<sex>", "<diagnoses>"))
        found += _of_ludb_table(archive, place.stem, comments)
    return found


def _of_comments(comments: list[str], expected: tuple[str, ...]) -> list[str]:
    keys = Counter(line.partition(":")[0].strip().lower() for line in comments if ":" in line)
    values = {line.partition(":")[0].strip().lower(): line.partition(":")[2].strip() for line in comments}
    found = []
    if any(keys[key] > 1 for key in expected):
        found.append("a comment is there twice")
    if any(not keys[key] for key in expected):
        found.append("a comment that every header has is missing or misspelt")
    if values.get(expected[1], "").upper() not in _SEXES:
        found.append("a sex that is neither")
    if not re.fullmatch(r"(>?\d{1,3}(\.\d+)?|nan|unknown|)", values.get(expected[0], "").lower()):
        found.append("an age that is no number")
    return found


def _of_ludb_table(archive: Archive, name: str, comments: list[str]) -> list[str]:
    table = io.StringIO(archive.files["ludb.csv"].decode("utf-8-sig"), newline="")
    row = {row["ID"].strip(): row for row in csv.DictReader(table)}.get(name)
    if row is None:
        return []
    tags = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in comments}
    same = tags.get("<age>", "") == row["Age"].strip() and tags.get("<sex>", "") == row["Sex"].strip()
    rhythm = any(row["Rhythms"].strip().rstrip(".").lower() in line.lower() for line in comments)
    return [] if same and rhythm else ["ludb.csv says another age, sex or rhythm"]


# ---------------------------------------------------------------------- tables


def _of_table(kind: str, new: bytes, old: bytes) -> list[str]:
    try:
        rows = list(csv.reader(io.StringIO(new.decode("utf-8"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        return ["not a CSV in UTF-8 when read strictly"]
    if not rows:
        return []
    found = []
    if any(row and len(row) != len(rows[0]) for row in rows):
        found.append("a row has more or fewer cells than there are columns")
    if len(set(rows[0])) != len(rows[0]):
        found.append("two columns have one name")
    if any("\n" in cell for row in rows for cell in row) > any(
        "\n" in cell for row in cells_of(old) for cell in row
    ):
        found.append("a cell holds a line break: an open quotation mark swallowed rows")
    columns = {name: index for index, name in enumerate(rows[0])}
    whole = [row for row in rows[1:] if len(row) == len(rows[0])]
    for row in whole:
        found += _of_row(kind, {name: row[index].strip() for name, index in columns.items()})
    names = [row[columns["filename"]] for row in whole if "filename" in columns]
    return [*found, "two rows name one recording"] if len(set(names)) != len(names) else found


def _of_row(kind: str, cells: Mapping[str, str]) -> list[str]:
    found = []
    if not re.fullmatch(r"\d*(\.0)?", cells.get("patient_id", "")):
        found.append("patient that is no number")
    if not re.fullmatch(r"([0-9]|10)?(\.0)?|nan", cells.get("strat_fold", "").lower()):
        found.append("fold that is none")
    if kind != "ptb-xl":  # of a table that others made, the readers know the columns that the options name
        return found
    if not cells.get("patient_id") or not cells.get("strat_fold"):
        found.append("a cell that every row has is empty")
    age = cells.get("age", "")
    if not re.fullmatch(r"(\d{1,3}(\.\d+)?)?", age) or (age and 125 < float(age) != 300):
        found.append("an age that is no number")
    if cells.get("sex", "") not in ("", "0", "1", "0.0", "1.0"):
        found.append("a sex that is neither")
    if cells.get("scp_codes", "")[:1] not in ("", "{", "["):
        found.append("codes that are no dictionary")
    number, file = cells.get("ecg_id", ""), cells.get("filename_hr", "")
    if number and file and not (number.isdigit() and file.endswith(f"{int(number):05d}_hr")):
        found.append("ecg_id is not that of the file")
    return found


# ------------------------------------------------------------------------- XML


def _of_xml(new: bytes) -> list[str]:
    try:
        root = ElementTree.fromstring(new)
    except (ElementTree.ParseError, LookupError, ValueError):
        return []
    found = []
    for element in root.iter():
        counts = Counter(child.tag for child in element)
        found += [f"{tag} is there twice" for tag in _ONCE.get(element.tag, ()) if counts[tag] > 1]
    waves = [wave for wave in root.findall("Waveform") if _text(wave, "WaveformType").lower() == "rhythm"]
    if len(waves) > 1:
        found.append("two rhythm waveforms")
    for wave in waves[:1]:
        found += _of_waveform(wave)
    age, unit = _text(root, "PatientDemographics/PatientAge"), _text(root, "PatientDemographics/AgeUnits")
    if age and not age.isdigit() and age.lower() != "nan":
        found.append("an age that is no number")
    if unit.upper() not in _UNITS:
        found.append("an age in an unknown unit")
    if _text(root, "PatientDemographics/Gender").upper() not in _SEXES:
        found.append("a sex that is neither")
    birth, day = (
        _text(root, "PatientDemographics/DateofBirth"),
        _text(root, "TestDemographics/AcquisitionDate"),
    )
    years = [text[-4:] for text in (birth, day) if text[-4:].isdigit()]
    if len(years) == 2 and age.isdigit() and abs(int(years[1]) - int(years[0]) - int(age)) > 3:
        found.append("age contradicts the date of birth")
    if not {"PatientDemographics", "Diagnosis", "Waveform"} <= {child.tag for child in root}:
        found.append("a part that every export has is missing")
    return found


def _of_waveform(wave: Element) -> list[str]:
    found = []
    leads = wave.findall("LeadData")
    if _text(wave, "NumberofLeads") not in ("", str(len(leads))):
        found.append("NumberofLeads is not the number of leads")
    for field in ("LeadAmplitudeUnitsPerBit", "LeadAmplitudeUnits"):
        if len({_text(lead, field) for lead in leads}) > 1:
            found.append(f"leads of one recorder differ in {field}")
    if _text(wave, "SampleType") not in ("", "CONTINUOUS_SAMPLES"):
        found.append("SampleType is another")
    for lead in leads:
        data = "".join(_text(lead, "WaveFormData").split())
        told = _text(lead, "LeadByteCountTotal")
        if told.isdigit() and abs(int(told) - len(data) * 3 // 4) > 2:
            found.append("LeadByteCountTotal is not the number of bytes")
        if any((_text(lead, tag) or "0") != "0" for tag in ("FirstSampleBaseline", "LeadOffsetFirstSample")):
            found.append("FirstSampleBaseline or LeadOffsetFirstSample is not 0")
        found += _of_checksum(_text(lead, "LeadDataCRC32"), data)
    return found


def _of_checksum(told: str, data: str) -> list[str]:
    try:
        samples = base64.b64decode(data)
    except ValueError:
        return []
    return ["LeadDataCRC32 is not that of the samples"] if told and told != str(zlib.crc32(samples)) else []


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()
