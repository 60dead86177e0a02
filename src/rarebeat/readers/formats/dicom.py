"""DICOM ECG waveforms (12-lead, general and ambulatory), by pydicom: a file per recording.

A voltage is sample x sensitivity x correction factor + baseline, the baseline in the unit of the sensitivity (DICOM
PS3.3, C.10.9). Of several multiplex groups that one is read that was recorded and holds all leads: median beats are
derived, and leads that were recorded one after another are no 12-lead ECG. Signals that are no lead are not judged.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import BadRecordError, need
from rarebeat.readers.files.ecg import FileEcg, FileOptions, FilePerson
from rarebeat.readers.formats.ecg import Format, file_ecg, read_content
from rarebeat.readers.formats.guard import guarded
from rarebeat.readers.formats.person import parse_date, read_person
from rarebeat.readers.private import is_private
from rarebeat.readers.quality import RawLeads, lead_index

Options = FileOptions
TAKES = (".dcm",)

_DEFLATED = "1.2.840.10008.1.2.1.99"
_LINEAR = ("SB", "UB", "SS", "US", "SL", "UL", "SV", "UV")  # MB and AB are companded
_LEAD_CODE = re.compile(r"(?:5\.6\.3-9-|2:)(\d+)")  # SCP-ECG and MDC, DICOM PS3.16 CID 3001
_LEADS = {
    **{"1": "I", "2": "II", "61": "III", "62": "aVR", "63": "aVL", "64": "aVF"},
    **{str(2 + number): f"V{number}" for number in range(1, 7)},
}
_UNUSABLE = ("DISCONNECTED", "INVALID", "TEST DATA", "UNCALIBRATED")
_SECRETS = tuple(
    re.findall(
        r"\w+",
        """PatientID OtherPatientIDs IssuerOfPatientID AccessionNumber AdmissionID InstitutionName StationName
        InstitutionalDepartmentName DeviceSerialNumber CurrentPatientLocation PatientInstitutionResidence StudyID
        PatientAddress PatientTelephoneNumbers""",
    )
)


def looks_like(head: bytes) -> bool:
    """Tell a DICOM file by its first bytes.

    Args:
        head: at least 132 bytes.

    Returns:
        True for a file with the preamble of DICOM part 10.
    """
    return head[128:132] == b"DICM"


def read_file(path: Path) -> FileEcg:
    """Read one file.

    Args:
        path: the file.

    Returns:
        What is kept of it.

    Raises:
        BadRecordError: when it is no DICOM ECG, or one that cannot be trusted.
        RarebeatError: when pydicom is not installed.
    """
    pydicom, reader = need("pydicom", "kind dicom"), need("pydicom.filereader", "kind dicom")
    content = read_content(path)
    with guarded("pydicom"):
        if not looks_like(content[:132]):
            raise BadRecordError("unreadable", "not a DICOM file: the preamble is missing")
        # A deflated file is unpacked whole, however large it becomes.
        if reader.read_file_meta_info(path).get("TransferSyntaxUID") == _DEFLATED:
            raise BadRecordError("unreadable", "the DICOM file is deflated; store it uncompressed")
        dataset = pydicom.dcmread(BytesIO(content))
        raw, rate = _waveform(dataset)
        statements = list(_statements(dataset))
        device = str(dataset.get("ManufacturerModelName") or "")
        return file_ecg(raw, rate, _person(dataset), statements, _names(dataset), device=device)


_FORMAT = Format("dicom", TAKES, read_file, "DICOM ECG waveforms (.dcm), as a PACS exports them")
discover, read = _FORMAT.discover, _FORMAT.read
__all__ = ["TAKES", "Options", "discover", "is_private", "looks_like", "read", "read_file"]


def _waveform(dataset: Any) -> tuple[RawLeads, float]:
    """The leads of the recorded multiplex groups, and their rate."""
    if not dataset.get("WaveformSequence"):
        raise BadRecordError("missing_leads", "the DICOM file has no waveform")
    bundles = defaultdict(list)
    for index, group in enumerate(dataset.WaveformSequence):
        if str(group.get("WaveformOriginality", "ORIGINAL")) == "ORIGINAL" and _leads_of(group):
            time = (float(group.SamplingFrequency), int(group.NumberOfWaveformSamples))
            bundles[(*time, float(group.get("MultiplexGroupTimeOffset") or 0))].append(index)
    read = [(time[0], _bundle(dataset, _whole(dataset, indices))) for time, indices in bundles.items()]
    most = max((_count(raw) for _, raw in read), default=0)
    best = [(raw, rate) for rate, raw in read if _count(raw) == most]
    if not most:
        raise BadRecordError("missing_leads", "no multiplex group holds a recorded lead of the twelve")
    if len(best) > 1:
        raise BadRecordError(
            "header_mismatch",
            f"{len(best)} multiplex groups of other times or rates hold {most} leads each: they are parts of a "
            "sheet, or two recordings",
        )
    return best[0]


def _count(raw: RawLeads) -> int:
    return len({lead_index(name) for name in raw.names} - {None})


def _leads_of(group: Any) -> set[int | None]:
    """The leads of a group; of one that holds other signals alone, such as respiration, none."""
    return {lead_index(_lead_name(channel)) for channel in group.ChannelDefinitionSequence} - {None}


def _whole(dataset: Any, indices: Sequence[int]) -> Sequence[int]:
    """Of groups that were recorded at the same time the one that holds all their leads, where others repeat some of
    them, as a rhythm strip does; else all. Of two whole ones nobody knows which is the ECG."""
    leads = {index: _leads_of(dataset.WaveformSequence[index]) for index in indices}
    everything = set().union(*leads.values())
    whole = [index for index, own in leads.items() if own == everything]
    return whole if len(whole) == 1 else indices


def _bundle(dataset: Any, indices: Sequence[int]) -> RawLeads:
    """The leads of groups that were recorded at the same time."""
    samples, names, gains, baselines, units = (
        [],
        list[str](),
        list[float | None](),
        list[float](),
        list[str](),
    )
    for index in indices:
        group = dataset.WaveformSequence[index]
        channels = _channels(group)
        samples += list(_samples(dataset, index).T)
        for channel in channels:
            step = float(channel.get("ChannelSensitivity") or "nan")
            step *= float(channel.get("ChannelSensitivityCorrectionFactor") or 1.0)
            usable = 0 < abs(step) < np.inf
            names.append(_lead_name(channel))
            gains.append(1 / step if usable else None)
            baselines.append(-float(channel.get("ChannelBaseline") or 0.0) / step if usable else 0.0)
            units.append(_unit(channel))
    return RawLeads(np.stack(samples), names, gains, baselines, units)


def _channels(group: Any) -> list[Any]:
    channels = list(group.ChannelDefinitionSequence)
    if len(channels) != group.NumberOfWaveformChannels:
        raise BadRecordError(
            "header_mismatch",
            f"a multiplex group has {group.NumberOfWaveformChannels} channels and defines {len(channels)}",
        )
    leads = [channel for channel in channels if lead_index(_lead_name(channel)) is not None]
    late = [float(channel.get("ChannelTimeSkew") or 0.0) for channel in leads]
    late += [
        float(channel.get("ChannelSampleSkew") or 0.0) / float(group.SamplingFrequency) for channel in leads
    ]
    late += [float(channel.get("ChannelOffset") or 0.0) for channel in leads]
    if max(map(abs, late)) * float(group.SamplingFrequency) >= 1:
        raise BadRecordError(
            "header_mismatch", "the leads were not recorded at the same time: a channel is skewed"
        )
    for channel in leads:
        if str(channel.get("ChannelStatus") or "").upper() in _UNUSABLE:
            raise BadRecordError(
                "missing_leads", f"a channel is marked as {str(channel.ChannelStatus).lower()}"
            )
    return channels


def _samples(dataset: Any, index: int) -> npt.NDArray[np.float64]:
    """The samples of a group, shape (samples, channels), NaN where they are padding."""
    group = dataset.WaveformSequence[index]
    kind, bits = str(group.WaveformSampleInterpretation), int(group.WaveformBitsAllocated)
    if kind not in _LINEAR:
        raise BadRecordError("unreadable", f"samples of type {kind[:4]!r} are not read")
    expected = int(group.NumberOfWaveformSamples) * int(group.NumberOfWaveformChannels) * bits // 8
    found = len(group.WaveformData)
    if found < expected:
        raise BadRecordError("truncated", f"the waveform holds {found} bytes, expected {expected}")
    if found > expected + expected % 2:
        raise BadRecordError("header_mismatch", f"the waveform holds {found} bytes, expected {expected}")
    handler = need("pydicom.waveforms.numpy_handler", "kind dicom")
    stored = handler.multiplex_array(dataset, index, as_raw=True)
    samples: npt.NDArray[np.float64] = stored.astype(np.float64)
    padding = group.get("WaveformPaddingValue")
    if padding is not None:
        value = np.frombuffer(padding, stored.dtype)[0] if isinstance(padding, bytes) else padding
        samples[_is_padding(stored, value)] = np.nan
    return samples


def _is_padding(stored: npt.NDArray[Any], value: Any) -> npt.NDArray[np.bool_]:
    """Where samples are padding. Exporters write 0, which is a voltage, too: then it takes two samples of all leads."""
    padded = np.asarray(stored == value)
    if value != 0:
        return padded
    whole = np.asarray(padded.all(axis=1))
    beside = np.zeros_like(whole)
    beside[1:] |= whole[:-1]
    beside[:-1] |= whole[1:]
    return np.broadcast_to((whole & beside)[:, None], stored.shape)


def _lead_name(channel: Any) -> str:
    """The lead of a channel: by its code, or by its label where it has none that is known."""
    sources = channel.get("ChannelSourceSequence") or []
    code = _LEAD_CODE.fullmatch(str(sources[0].get("CodeValue") or "")) if sources else None
    by_code = _LEADS.get(code[1]) if code else None
    meaning = str(sources[0].get("CodeMeaning") or "") if sources else ""
    labels = [
        re.sub(r"\(.*?\)", "", label).strip() for label in (meaning, str(channel.get("ChannelLabel") or ""))
    ]
    by_label = [label for label in labels if lead_index(label) is not None]
    named = {lead_index(name) for name in [*by_label, *([by_code] if by_code else [])]}
    if len(named) > 1:
        raise BadRecordError("header_mismatch", "the code and the label of a channel name two leads")
    return by_code or (by_label[0] if by_label else (labels[1] or labels[0] or "?"))


def _unit(channel: Any) -> str:
    units = channel.get("ChannelSensitivityUnitsSequence") or []
    return str(units[0].get("CodeValue") or "") if units else ""


def _person(dataset: Any) -> FilePerson:
    text = str(dataset.get("PatientAge") or "").strip()
    when = (
        dataset.get(name) for name in ("AcquisitionDateTime", "AcquisitionDate", "ContentDate", "StudyDate")
    )
    recorded = next((day for value in when if (day := parse_date(str(value or "")))), None)
    return read_person(
        patient=str(dataset.get("PatientID") or ""),
        sex=str(dataset.get("PatientSex") or "").replace("O", ""),
        age=text[:-1] if text[-1:].isalpha() else text,
        unit=text[-1:] if text[-1:].isalpha() else "years",
        birth=str(dataset.get("PatientBirthDate") or ""),
        recorded=recorded,
    )


def _statements(dataset: Any) -> Iterator[str]:
    """Texts that are no measurement."""
    for note in dataset.get("WaveformAnnotationSequence") or []:
        if "NumericValue" not in note and note.get("UnformattedTextValue"):
            yield from str(note.UnformattedTextValue).splitlines()


def _names(dataset: Any) -> Iterator[str]:
    """Names of persons wherever they stand, and the ids of the patient and the place."""
    for element in dataset.iterall():
        if element.VR == "PN" or element.keyword in _SECRETS:
            yield str(element.value).replace("^", " ")
