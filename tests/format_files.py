"""Files of every format with one ECG and a patient to be forgotten, written after the layouts, to be read and mutated.

Whatever in them names a person or a place stands in :data:`SECRETS`.
"""

import base64
import binascii
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from xml.sax.saxutils import escape

import edfio
import numpy as np
import numpy.typing as npt
import pydicom

from rarebeat.core.records import LEADS
from rarebeat.simulator.archives.aecg import aecg_xml
from rarebeat.simulator.archives.dicom import dicom_bytes
from rarebeat.simulator.archives.edf import edf_bytes
from rarebeat.simulator.archives.export import Export

Steps = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Planted:
    """What a file tells beside its signal.

    Attributes:
        patient: id of the patient.
        family: name.
        given: name.
        technician: name of another person.
        physician: name of a third.
        place: name of the hospital.
        serial: number of the device.
        born: date of birth.
        recorded: time of the recording.
        sex: "F" or "M".
        statements: lines of the report.
    """

    patient: str = "00123456"
    family: str = "Doefamily"
    given: str = "Janegiven"
    technician: str = "Techname"
    physician: str = "Readername"
    place: str = "Nowhereville"
    serial: str = "SN47110815"
    born: date = date(1950, 5, 1)
    recorded: datetime = datetime(2013, 5, 17, 10, 11, 12)
    sex: str = "F"
    statements: Sequence[str] = (
        "Sinus rhythm in Mrs Doefamily",
        "When compared with ECG of 12-JAN-2010 09:15,",
        "Seen by Techname at Nowhereville, SN47110815",
        "Confirmed by READERNAME MD on 5/17/2011",
    )

    @property
    def age(self) -> int:
        """Whole years at the recording."""
        return int((self.recorded.date() - self.born).days / 365.25)


SECRETS = (
    *("123456", "doefamily", "janegiven", "techname", "readername", "nowhereville", "sn47110815"),
    *("1950", "2010", "2011", "2013"),
)
"""What may stand nowhere behind ingest, in small letters."""

STEPS = {
    **dict.fromkeys(("aecg", "dicom", "edf", "mfer"), 1.0),
    **{"cardiosoft-xml": 5.0, "eli-xml": 2.5, "ishne": 2.0, "philips-xml": 5.0, "scp": 5.0},
}
"""Microvolts per step in the files of each format."""

ENDINGS = {
    **dict.fromkeys(("aecg", "cardiosoft-xml", "eli-xml", "philips-xml"), ".xml"),
    **{"dicom": ".dcm", "edf": ".edf", "ishne": ".ecg", "mfer": ".mwf", "scp": ".scp"},
}
"""How the files of each format end."""


def _steps(signal: Steps, kind: str) -> Steps:
    return np.rint(signal / STEPS[kind]).astype(np.int16)


def _export(signal: Steps, who: Planted) -> Export:
    sex = "female" if who.sex == "F" else "male"
    text = "\n".join(who.statements)
    return Export("one", signal, 500.0, int(who.patient), who.age, sex, who.recorded, text, text, frozenset())


def aecg(signal: Steps, who: Planted) -> bytes:
    """HL7 aECG."""
    name = f"<name><family>{who.family}</family><given>{who.given}</given></name>"
    place = f"<componentOf><clinicalTrial><location><name>{who.place}</name></location></clinicalTrial></componentOf>"
    device = f"<manufacturedSeriesDevice><id extension='{who.serial}'/></manufacturedSeriesDevice>"
    author = f"<author><seriesAuthor>{device}"
    author += f"<assignedPerson><name>{who.technician} {who.physician}</name></assignedPerson></seriesAuthor></author>"
    text = aecg_xml(_export(signal, who)).decode()
    text = text.replace("<subjectDemographicPerson>", f"<subjectDemographicPerson>{name}")
    text = text.replace("</AnnotatedECG>", f"{place}</AnnotatedECG>")
    return text.replace("</series>", f"{author}</series>").encode()


def dicom(signal: Steps, who: Planted) -> bytes:
    """DICOM 12-lead ECG."""
    dataset = pydicom.dcmread(BytesIO(dicom_bytes(_export(signal, who))))
    dataset.PatientName, dataset.PatientID = f"{who.family}^{who.given}", who.patient
    dataset.PatientBirthDate = f"{who.born:%Y%m%d}"
    dataset.OperatorsName, dataset.ReferringPhysicianName = who.technician, who.physician
    dataset.InstitutionName, dataset.DeviceSerialNumber = who.place, who.serial
    content = BytesIO()
    dataset.save_as(content)
    return content.getvalue()


def edf(signal: Steps, who: Planted) -> bytes:
    """EDF+."""
    file = edfio.read_edf(edf_bytes(_export(signal, who)))
    file.patient = edfio.Patient(
        code=who.patient,
        sex="F" if who.sex == "F" else "M",
        birthdate=who.born,
        name=f"{who.family}_{who.given}",
    )
    file.recording = edfio.Recording(
        startdate=who.recorded.date(),
        hospital_administration_code=who.place,
        investigator_technician_code=f"{who.technician}_{who.physician}",
        equipment_code=who.serial,
    )
    return bytes(file.to_bytes())


def _base64(steps: Steps) -> str:
    return base64.b64encode(steps.astype("<i2").tobytes()).decode()


def philips(signal: Steps, who: Planted, compressed: bool = False, tail: bool = True) -> bytes:
    """Philips Sierra XML 1.04, with the zeros, the pulse and the zeros at its end."""
    steps = _steps(signal, "philips-xml")
    if tail:
        pulse = np.concatenate([np.zeros(50), np.full(100, 200), np.zeros(50)]).astype(np.int16)
        steps = np.hstack([steps, np.tile(pulse, (12, 1))])
    data = base64.b64encode(_xli(steps)).decode() if compressed else _base64(steps)
    method = 'compressflag="True" compressmethod="XLI"' if compressed else 'compressflag="False"'
    statements = "".join(
        f"<statement><leftstatement>{escape(line)}</leftstatement><rightstatement>rate 60</rightstatement></statement>"
        for line in who.statements
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><restingecgdata '
        'xmlns="http://www3.medical.philips.com" status="Confirmed">'
        "<documentinfo><documenttype>PhilipsECG</documenttype><documentversion>1.04</documentversion></documentinfo>"
        f'<dataacquisition date="{who.recorded:%Y-%m-%d}" time="{who.recorded:%H:%M:%S}">'
        f'<machine machineid="{who.serial}">PageWriter</machine><acquirer><operator id="{who.technician}"/>'
        f"<institutionname>{who.place}</institutionname>"
        f"<facilityname>{who.place} {who.serial}</facilityname></acquirer>"
        "<signalcharacteristics><samplingrate>500</samplingrate><resolution>5</resolution>"
        "<acquisitiontype>STD-12</acquisitiontype><bitspersample>16</bitspersample><signaloffset>0</signaloffset>"
        "<signalsigned>True</signalsigned><numberchannelsallocated>12</numberchannelsallocated>"
        "<numberchannelsvalid>12</numberchannelsvalid></signalcharacteristics></dataacquisition>"
        f"<patient><generalpatientdata><patientid>{who.patient}</patientid><name><lastname>{who.family}</lastname>"
        f"<firstname>{who.given}</firstname></name><age><dateofbirth>{who.born:%Y-%m-%d}</dateofbirth>"
        f"<years>{who.age}</years></age><sex>{'Female' if who.sex == 'F' else 'Male'}</sex>"
        "</generalpatientdata></patient>"
        f"<interpretations><interpretation><confirmingclinician>{who.physician}</confirmingclinician>{statements}"
        "</interpretation></interpretations><waveforms>"
        f'<parsedwaveforms dataencoding="Base64" {method} numberofleads="12" leadlabels="{" ".join(LEADS)}" '
        f'durationperchannel="{2 * steps.shape[1]}" samplespersecond="500" resolution="5">{data}</parsedwaveforms>'
        "</waveforms></restingecgdata>"
    ).encode()


def _xli(steps: Steps) -> bytes:
    """Leads in XLI: limb leads as what they are off Einthoven's equations, second differences, LZW of single bytes."""
    leads = steps.astype(np.int64)
    one, two, three = leads[:3]
    stored = leads.copy()
    stored[2] = two - one - three
    stored[3] = -leads[3] - (one + two) // 2
    stored[4] = (one - three) // 2 - leads[4]
    stored[5] = (two + three) // 2 - leads[5]
    return b"".join(_xli_lead(lead) for lead in stored)


def _xli_lead(lead: npt.NDArray[np.int64]) -> bytes:
    bends = 2 * lead[1:-1] - lead[:-2] - lead[2:]
    words = np.concatenate([lead[:2], bends[1:] + 64, [64]]).astype(">i2").tobytes()
    bits = "".join(f"{byte:010b}" for byte in words[::2] + words[1::2])
    bits += f"{1023:010b}"
    packed = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    return struct.pack("<ihh", len(packed), 0, int(bends[0])) + packed


def cardiosoft(signal: Steps, who: Planted) -> bytes:
    """GE CardioSoft XML."""
    waves = "".join(
        f'<WaveformData lead="{name}">{",".join(map(str, lead.tolist()))},</WaveformData>'
        for name, lead in zip(LEADS, _steps(signal, "cardiosoft-xml"), strict=True)
    )
    strip = (
        '<NumberOfLeads>12</NumberOfLeads><SampleRate units="Hz">500</SampleRate><ChannelSampleCountTotal>'
        f'{signal.shape[1]}</ChannelSampleCountTotal><Resolution units="uVperLsb">5</Resolution>'
    )
    lines = "".join(f"<DiagnosisText>{escape(line)}</DiagnosisText>" for line in who.statements)
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?><CardiologyXML><ObservationType>RestECG</ObservationType>'
        f"<ObservationDateTime>{_parts(who.recorded)}</ObservationDateTime><ClinicalInfo><Technician><FamilyName>"
        f"{who.technician}</FamilyName></Technician><DeviceInfo><SerialNumber>{who.serial}</SerialNumber></DeviceInfo>"
        f"</ClinicalInfo><PatientVisit><Facility>{who.place}</Facility><AttendingDoctor><FamilyName>{who.physician}"
        f"</FamilyName></AttendingDoctor></PatientVisit><PatientInfo><PID>{who.patient}</PID><Name><FamilyName>"
        f'{who.family}</FamilyName><GivenName>{who.given}</GivenName></Name><Age units="years">{who.age}</Age>'
        f"<BirthDateTime>{_parts(who.born)}</BirthDateTime><Gender>{'FEMALE' if who.sex == 'F' else 'MALE'}</Gender>"
        f"</PatientInfo><Interpretation><Diagnosis>{lines}</Diagnosis></Interpretation><RestingECGMeasurements>"
        '<MedianSamples><WaveformData lead="I">1,2,3</WaveformData></MedianSamples></RestingECGMeasurements>'
        f"<StripData>{strip}{waves}</StripData></CardiologyXML>"
    ).encode("latin-1")


def _parts(day: date) -> str:
    return f"<Day>{day.day}</Day><Month>{day.month}</Month><Year>{day.year}</Year>"


def eli(signal: Steps, who: Planted) -> bytes:
    """Mortara ELI XML."""
    channels = "".join(
        f'<CHANNEL NAME="{name}" UNITS_PER_MV="400" BITS="16" FORMAT="SIGNED" ENCODING="BASE64" SAMPLE_FREQ="500" '
        f'DURATION="{signal.shape[1]}" OFFSET="0" DATA="{_base64(lead)}"/>'
        for name, lead in zip(LEADS, _steps(signal, "eli-xml"), strict=True)
    )
    lines = "".join(f'<STATEMENT TEXT="{escape(line)}" REASON="rate"/>' for line in who.statements)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><ECG ACQUISITION_TIME="{who.recorded:%Y%m%d%H%M%S}" '
        f'AGE="{who.age}" AGE_UNITS="YEARS"><SOURCE MANUFACTURER="Mortara" TYPE="WFMS" '
        f'ACQUIRING_DEVICE_SERIAL_NUMBER="{who.serial}" ACQUIRING_DEVICE_SITE_NAME="{who.place}"/>'
        f'<SITE NAME="{who.place}" TECHNICIAN="{who.technician}" ATTENDING_PHYSICIAN="{who.physician}"/>'
        f'<SUBJECT ID="{who.patient}" LAST_NAME="{who.family}" FIRST_NAME="{who.given}" '
        f'GENDER="{"Female" if who.sex == "F" else "Male"}" DOB="{who.born:%Y%m%d}"/>'
        f"<AUTOMATIC_INTERPRETATION>{lines}</AUTOMATIC_INTERPRETATION>{channels}</ECG>"
    ).encode()


def ishne(signal: Steps, who: Planted) -> bytes:
    """ISHNE Holter: a header of 522 bytes, a comment, and interleaved samples."""
    comment = "; ".join(who.statements).encode("latin-1")

    def text(value: str, size: int) -> bytes:
        return value.encode("latin-1").ljust(size, b"\0")

    def three(*values: int) -> bytes:
        return struct.pack("<3h", *values)

    day, time = who.recorded.date(), who.recorded.time()
    header = struct.pack("<4i", len(comment), signal.shape[1], 522, 522 + len(comment)) + struct.pack("<h", 1)
    header += text(who.given, 40) + text(who.family, 40) + text(who.patient, 20)
    header += struct.pack("<2h", {"M": 1, "F": 2}[who.sex], 0) + three(
        who.born.day, who.born.month, who.born.year
    )
    header += three(day.day, day.month, day.year) * 2 + three(time.hour, time.minute, time.second)
    header += struct.pack("<h12h12h12h", 12, *range(5, 17), *[1] * 12, *[int(1000 * STEPS["ishne"])] * 12)
    header += struct.pack("<h", 0) + text("digital", 40) + struct.pack("<h", 500)
    header += text(who.place, 80) + text(f"{who.technician} {who.physician} {who.serial}", 80) + bytes(88)
    assert len(header) == 512
    block = header + comment
    samples = _steps(signal, "ishne").T.astype("<i2").tobytes()
    return b"ISHNE1.0" + struct.pack("<H", binascii.crc_hqx(block, 0xFFFF)) + block + samples


def scp(signal: Steps, who: Planted) -> bytes:
    """SCP-ECG without compression: sections 0, 1, 3, 6 and 8."""

    def text(tag: int, value: str) -> bytes:
        return struct.pack("<BH", tag, len(value) + 1) + value.encode("latin-1") + b"\0"

    def day(tag: int, value: date) -> bytes:
        return struct.pack("<BHHBB", tag, 4, value.year, value.month, value.day)

    sex = {"M": 1, "F": 2}[who.sex]
    device = struct.pack("<3HBB", 1, 1, 1, 0, 0) + b"RB1\0\0\0" + bytes([20, 0xA0, 0, 0, 1]) + bytes(16)
    device += b"\0" + b"program\0" + who.serial.encode() + b"\0" + b"1\0scp\0" + b"maker\0"
    time = who.recorded.time()
    one = (
        text(0, who.family)
        + text(1, who.given)
        + text(2, who.patient)
        + struct.pack("<BHHB", 4, 3, who.age, 1)
    )
    one += day(5, who.born) + struct.pack("<BHB", 8, 1, sex) + struct.pack("<BH", 14, len(device)) + device
    one += (
        text(16, who.place)
        + text(20, who.physician)
        + text(22, who.technician)
        + day(25, who.recorded.date())
    )
    one += struct.pack("<BH3B", 26, 3, time.hour, time.minute, time.second) + struct.pack("<BH", 255, 0)
    codes = (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8)
    three = struct.pack("<BB", 12, 4 | 12 << 3)
    three += b"".join(struct.pack("<IIB", 1, signal.shape[1], code) for code in codes)
    steps = _steps(signal, "scp").astype("<i2")
    size = 2 * signal.shape[1]
    six = struct.pack("<HHBB12H", int(1000 * STEPS["scp"]), 2000, 0, 0, *[size] * 12) + steps.tobytes()
    eight = struct.pack("<BHBB3BB", 1, 2013, 5, 17, 1, 2, 3, len(who.statements))
    for number, line in enumerate(who.statements):
        eight += struct.pack("<BH", number + 1, len(line) + 1) + line.encode("latin-1") + b"\0"
    return _scp_record({1: one, 3: three, 6: six, 8: eight})


def _scp_record(bodies: dict[int, bytes]) -> bytes:
    """Sections behind section 0, with its pointers, sizes and checksums."""

    def section(number: int, body: bytes, reserved: bytes = bytes(6)) -> bytes:
        body += b"\0" * (len(body) % 2)
        head = struct.pack("<HIBB", number, len(body) + 16, 20, 20) + reserved
        return struct.pack("<H", binascii.crc_hqx(head + body, 0xFFFF)) + head + body

    sections = {number: section(number, body) for number, body in bodies.items()}
    size_of_zero = 16 + 10 * 12
    place, pointers = 7 + size_of_zero, struct.pack("<HII", 0, size_of_zero, 7)
    for number in range(1, 12):
        size = len(sections.get(number, b""))
        pointers += struct.pack("<HII", number, size, place if size else 0)
        place += size
    content = section(0, pointers, b"SCPECG") + b"".join(sections.values())
    record = struct.pack("<I", len(content) + 6) + content
    return struct.pack("<H", binascii.crc_hqx(record, 0xFFFF)) + record


def mfer(signal: Steps, who: Planted) -> bytes:
    """MFER: tags with lengths; 500 Hz and a microvolt per step are told."""

    def tag(code: int, value: bytes) -> bytes:
        size = len(value)
        length = bytes([size]) if size < 128 else b"\x84" + struct.pack(">I", size)
        return bytes([code]) + length + value

    day = who.recorded
    codes = (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8)
    content = b"\x40\x20" + b"MFR Standard 12 leads ECG".ljust(32) + tag(0x01, b"\1")
    content += tag(0x17, f"Maker^Model^1^{who.serial}".encode()) + tag(
        0x81, f"{who.family}^^{who.given}".encode()
    )
    content += tag(0x82, who.patient.encode()) + tag(0x84, bytes([{"M": 1, "F": 2}[who.sex]]))
    content += tag(0x83, struct.pack("<BHHBB", who.age, 0, who.born.year, who.born.month, who.born.day))
    content += tag(
        0x85, struct.pack("<H5BHH", day.year, day.month, day.day, day.hour, day.minute, day.second, 0, 0)
    )
    content += tag(0x16, "; ".join((*who.statements, who.technician, who.physician, who.place)).encode())
    content += tag(0x08, struct.pack("<H", 1)) + tag(0x0B, b"\1\xfd" + struct.pack("<h", 2))  # 2 x 10^-3 s
    content += tag(0x0C, b"\0\xfa" + struct.pack("<h", 1)) + tag(0x05, b"\x0c") + tag(0x0A, b"\0")
    content += tag(0x04, struct.pack("<I", signal.shape[1])) + tag(0x06, b"\1\0")
    for number, code in enumerate(codes):
        attribute = tag(0x09, struct.pack("<H", code))
        content += bytes([0x3F, number, len(attribute)]) + attribute
    return content + tag(0x1E, _steps(signal, "mfer").astype("<i2").tobytes()) + b"\x80\0"


WRITERS: dict[str, Callable[[Steps, Planted], bytes]] = {
    "aecg": aecg,
    "cardiosoft-xml": cardiosoft,
    "dicom": dicom,
    "edf": edf,
    "eli-xml": eli,
    "ishne": ishne,
    "mfer": mfer,
    "philips-xml": philips,
    "scp": scp,
}
"""By kind of archive, what writes a file."""
