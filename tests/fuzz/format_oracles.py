"""What in a file of a format tells that its record is not as it was: fields that are there twice, sizes, checksums."""

import binascii
import re
import struct
from collections import Counter
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from tests.format_files import ENDINGS

Row = Mapping[str, Any]

_ONCE = {
    "aecg": (
        "birthTime",
        "administrativeGenderCode",
        "trialSubject",
        "sequenceSet",
        "digits",
        "scale",
        "origin",
    ),
    "cardiosoft-xml": ("PID", "Age", "Gender", "BirthDateTime", "StripData", "Resolution", "SampleRate"),
    "eli-xml": ("SUBJECT", "SOURCE", "AUTOMATIC_INTERPRETATION"),
    "philips-xml": (
        "patientid",
        "sex",
        "dateofbirth",
        "years",
        "samplingrate",
        "resolution",
        "parsedwaveforms",
    ),
}
_SEXES = ("", "F", "M", "FEMALE", "MALE", "UNKNOWN", "U", "N/A", "NAN", "-", "--", "---")
_SEX = {
    "aecg": re.compile(r'<\w*:?administrativeGenderCode[^>]*\bcode="([^"]*)"'),
    "cardiosoft-xml": re.compile(r"<Gender>([^<]*)<"),
    "eli-xml": re.compile(r'GENDER="([^"]*)"'),
    "philips-xml": re.compile(r"<\w*:?sex>([^<]*)<"),
}


def of_format(kind: str, old: bytes, new: bytes, before: Row, after: Row | None) -> list[str]:
    """What tells that an accepted record is not as it was.

    Args:
        kind: of archive.
        old: the file as it was.
        new: the file now.
        before: the record as it was read.
        after: the record as it is read now; None where it is lost.
    """
    found = []
    if after is not None and after["samples"] != before["samples"] and len(new) >= len(old) > len(new) - 50:
        found.append("there are as many bytes as before, and another number of samples")
    if kind in ("ishne", "scp") and not _checksum_is_right(kind, new):
        found.append("the checksum is wrong")
    if ENDINGS[kind] == ".xml":
        found += _of_xml(kind, new)
    return found


def _checksum_is_right(kind: str, data: bytes) -> bool:
    if kind == "scp":
        return struct.unpack_from("<H", data)[0] == binascii.crc_hqx(data[2:], 0xFFFF)
    size = struct.unpack_from("<i", data, 10)[0]
    told = struct.unpack_from("<H", data, 8)[0]
    return told in (0, binascii.crc_hqx(data[10 : 522 + max(size, 0)], 0xFFFF))


def _of_xml(kind: str, data: bytes) -> list[str]:
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, LookupError, ValueError):
        return []
    found = [f"{tag} is there twice" for tag in _ONCE[kind] if _is_twice(root, tag)]
    sexes = _SEX[kind].findall(data.decode("utf-8", "replace"))
    if any(sex.strip().upper() not in _SEXES for sex in sexes):
        found.append("a sex that is neither")
    return found


def _is_twice(root: Element, tag: str) -> bool:
    """Whether an element has two children of one name: leads have one scale each."""
    return any(Counter(child.tag.rpartition("}")[2] for child in parent)[tag] > 1 for parent in root.iter())
