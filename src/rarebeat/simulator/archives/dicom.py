"""Simulated records as DICOM 12-lead ECG waveforms, by pydicom."""

from io import BytesIO
from pathlib import Path
from typing import Any

from rarebeat.core.errors import need
from rarebeat.core.records import LEADS
from rarebeat.simulator.archives.export import Export

_TWELVE_LEADS = "1.2.840.10008.5.1.4.1.1.9.1.1"
_EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
_LEAD_NUMBERS = (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8)  # MDC codes of LEADS, DICOM PS3.16 CID 3001


def write_dicom(folder: Path, ecg: Export) -> None:
    """Write ``<name>.dcm``; the patient has a number and no name."""
    (folder / f"{ecg.name}.dcm").write_bytes(dicom_bytes(ecg))


def dicom_bytes(ecg: Export) -> bytes:
    """One DICOM file. Samples are whole microvolts, so that nothing is rounded; the statements are annotations."""
    pydicom = need("pydicom", "the format dicom")
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID = _TWELVE_LEADS
    meta.MediaStorageSOPInstanceUID = _uid(ecg, "instance")
    meta.TransferSyntaxUID = _EXPLICIT_LITTLE_ENDIAN
    dataset = _dataset(
        SpecificCharacterSet="ISO_IR 192",
        SOPClassUID=_TWELVE_LEADS,
        SOPInstanceUID=meta.MediaStorageSOPInstanceUID,
        StudyInstanceUID=_uid(ecg, "study"),
        SeriesInstanceUID=_uid(ecg, "series"),
        StudyID="1",
        SeriesNumber=1,
        InstanceNumber=1,
        Modality="ECG",
        Manufacturer="simulated",
        StudyDate=f"{ecg.time:%Y%m%d}",
        StudyTime=f"{ecg.time:%H%M%S}",
        ContentDate=f"{ecg.time:%Y%m%d}",
        ContentTime=f"{ecg.time:%H%M%S}",
        AcquisitionDateTime=f"{ecg.time:%Y%m%d%H%M%S}",
        AccessionNumber="",
        ReferringPhysicianName="",
        PatientName="",
        PatientID=str(ecg.patient),
        PatientBirthDate="",
        PatientAge=f"{ecg.age:03d}Y",
        PatientSex=ecg.sex[0].upper(),
        AcquisitionContextSequence=[],
        WaveformSequence=[_group(ecg)],
        WaveformAnnotationSequence=[
            _dataset(ReferencedWaveformChannels=[1, 0], AnnotationGroupNumber=0, UnformattedTextValue=line)
            for line in ecg.text.splitlines()
        ],
    )
    dataset.file_meta = meta
    content = BytesIO()
    pydicom.dcmwrite(content, dataset, enforce_file_format=True)
    return content.getvalue()


def _group(ecg: Export) -> Any:
    return _dataset(
        MultiplexGroupTimeOffset=0,
        WaveformOriginality="ORIGINAL",
        NumberOfWaveformChannels=len(LEADS),
        NumberOfWaveformSamples=ecg.signal.shape[1],
        SamplingFrequency=f"{ecg.rate:.10g}",
        MultiplexGroupLabel="RHYTHM",
        ChannelDefinitionSequence=[
            _channel(name, number) for name, number in zip(LEADS, _LEAD_NUMBERS, strict=True)
        ],
        WaveformBitsAllocated=16,
        WaveformSampleInterpretation="SS",
        WaveformPaddingValue=b"\x00\x80",  # -32768, which no simulated sample is
        WaveformData=ecg.signal.T.astype("<i2").tobytes(),
    )


def _channel(name: str, number: int) -> Any:
    return _dataset(
        ChannelSourceSequence=[_code(f"2:{number}", "MDC", f"Lead {name}")],
        ChannelSensitivity=1,
        ChannelSensitivityUnitsSequence=[_code("uV", "UCUM", "microvolt")],
        ChannelSensitivityCorrectionFactor=1,
        ChannelBaseline=0,
        ChannelSampleSkew=0,
        WaveformBitsStored=16,
    )


def _code(value: str, scheme: str, meaning: str) -> Any:
    return _dataset(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def _dataset(**elements: Any) -> Any:
    dataset = need("pydicom", "the format dicom").Dataset()
    for name, value in elements.items():
        setattr(dataset, name, value)
    return dataset


def _uid(ecg: Export, level: str) -> str:
    """A UID that depends on the record alone: the same bytes whenever it is written."""
    entropy = [ecg.name, str(ecg.patient), f"{ecg.time:%Y%m%d%H%M%S}", level]
    return str(need("pydicom.uid", "the format dicom").generate_uid(entropy_srcs=entropy))
