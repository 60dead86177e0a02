"""Philips Sierra XML (restingecgdata 1.03 to 1.04.02), plain or XLI-compressed, by ecgdatakit.

Samples are steps of 5 microvolts. Files of 11 s hold 10.5 s of recording, zeros, a calibration pulse in all leads, and
zeros again: these are cut off.
"""

import base64
import binascii
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.files.ecg import FileEcg, FileOptions
from rarebeat.readers.formats.ecg import Format
from rarebeat.readers.formats.guard import guarded
from rarebeat.readers.formats.kit import kit_ecg, leads_of, parse_with_kit, person_of
from rarebeat.readers.formats.person import NOBODY
from rarebeat.readers.formats.xml_head import check_once, safe_root, starts_with_root
from rarebeat.readers.private import is_private

Options = FileOptions
TAKES = (".xml",)

_ACQUIRED, _PATIENT, _WAVES = "dataacquisition", "patient/generalpatientdata", "waveforms/parsedwaveforms"
_AGES = ("age/dateofbirth", "age/years", "dateofbirth")
_SIGNAL = f"{_ACQUIRED}/signalcharacteristics"
_ONCE = (
    *(_ACQUIRED, _SIGNAL, "patient", _PATIENT, "waveforms", _WAVES, "interpretations"),
    *(
        f"{_SIGNAL}/{name}"
        for name in ("samplingrate", "resolution", "signalresolution", "signaloffset", "signalsigned")
    ),
    *(
        f"{_PATIENT}/{name}"
        for name in ("patientid", "sex", "age", "age/dateofbirth", "age/years", "dateofbirth")
    ),
)
_NAMES = (
    "name",
    "facility",
    "institution",
    "department",
    "clinician",
    "operator",
    "room",
    "bed",
    "encounter",
    "MRN",
)
_SAMPLE_BYTES = 2
_TOLERANCE = 1e-6


def looks_like(head: bytes) -> bool:
    """Tell a Philips file by its first bytes.

    Args:
        head: some hundred bytes.

    Returns:
        True where the root is ``restingecgdata``, in UTF-8 or UTF-16.
    """
    return starts_with_root(head, "restingecgdata")


def read_file(path: Path) -> FileEcg:
    """Read one file.

    Args:
        path: the file.

    Returns:
        What is kept of it.

    Raises:
        BadRecordError: when it is no Philips file, or one that cannot be trusted.
        RarebeatError: when ecgdatakit is not installed.
    """
    found = parse_with_kit(path, "philips-xml", "sierra_xml", "SierraXMLParser")
    root = safe_root(found.content, "restingecgdata", "a Philips Sierra XML")
    check_once(root, _ONCE)
    raw, rate = leads_of(found.record)
    with guarded("rarebeat"):
        _check_signal(root, len(raw.names), raw.samples.shape[1])
    data = root.find(_PATIENT)
    told = [] if data is None else [data.findtext(tag) or "" for tag in _AGES]
    person = NOBODY if data is None else person_of(found.record, told="".join(told).strip(" -"))
    return kit_ecg(found.record, raw, rate, person, _names(root))


_FORMAT = Format("philips-xml", TAKES, read_file, "Philips Sierra XML (files with the root restingecgdata)")
discover, read = _FORMAT.discover, _FORMAT.read
__all__ = ["TAKES", "Options", "discover", "is_private", "looks_like", "read", "read_file"]


def _check_signal(root: Element, leads: int, samples: int) -> None:
    """Hold against each other what the file says twice: rate and resolution, and the number of samples."""
    waves = root.find(_WAVES)
    told: dict[str, Any] = {} if waves is None else dict(waves.attrib)
    for attribute, tags in (
        ("samplespersecond", ("samplingrate",)),
        ("resolution", ("resolution", "signalresolution")),
    ):
        texts = [told.get(attribute), *(root.findtext(f"{_SIGNAL}/{tag}") for tag in tags)]
        numbers = [float(text) for text in texts if text and text.strip()]
        if max(numbers) - min(numbers) > _TOLERANCE:
            raise BadRecordError("header_mismatch", f"the file tells two values of {attribute}")
    if told.get("dataencoding") != "Base64":
        return
    try:
        content = base64.b64decode(
            "".join((waves.text or "").split()) if waves is not None else "", validate=True
        )
    except binascii.Error as error:
        raise BadRecordError("unreadable", "the waveforms are not base64") from error
    method = (told.get("compressmethod") or told.get("compression") or "").lower()
    if told.get("compressflag", "").lower() == "false" or method == "uncompressed":
        if len(content) != leads * samples * _SAMPLE_BYTES:
            raise BadRecordError(
                "header_mismatch",
                f"the waveforms hold {len(content)} bytes, expected {leads * samples * _SAMPLE_BYTES}",
            )
    elif method == "xli":
        _check_compressed(content, samples)


def _check_compressed(content: bytes, samples: int) -> None:
    """Refuse leads of another length: ecgdatakit drops what is beyond the last sample of a damaged lead."""
    from ecgdatakit.parsing.codecs.xli import xli_decode

    lengths = {len(lead) for lead in xli_decode(content)}
    if lengths != {samples}:
        raise BadRecordError(
            "header_mismatch", f"leads of {sorted(lengths)} samples are stored, expected {samples}"
        )


def _names(root: Element) -> list[str]:
    """Texts and ids of elements that name a person or a place."""
    named = [element for element in root.iter() if any(part in element.tag for part in _NAMES)]
    texts = [element.text or "" for element in named]
    return [text for text in [*texts, *(element.get("id") or "" for element in named)] if text.strip(" -")]
