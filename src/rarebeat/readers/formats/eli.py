"""Mortara (Hillrom, Welch Allyn) ELI XML, by ecgdatakit: base64 samples for each channel, units per millivolt."""

import re
from pathlib import Path

from rarebeat.readers.files.ecg import FileEcg, FileOptions
from rarebeat.readers.formats.ecg import Format
from rarebeat.readers.formats.kit import kit_ecg, leads_of, parse_with_kit, person_of
from rarebeat.readers.formats.person import NOBODY
from rarebeat.readers.formats.xml_head import check_once, safe_root, starts_with_root
from rarebeat.readers.private import is_private

Options = FileOptions
TAKES = (".xml",)

_ONCE = ("SUBJECT", "SOURCE", "AUTOMATIC_INTERPRETATION", "SITE", "TYPICAL_CYCLE")
_NAMES = re.compile(
    r"NAME|ID$|TECHNICIAN|PHYSICIAN|LOCATION|ROOM|DEPARTMENT|INSTITUTION|SERIAL", re.IGNORECASE
)


def looks_like(head: bytes) -> bool:
    """Tell an ELI file by its first bytes.

    Args:
        head: some thousand bytes.

    Returns:
        True where the root is ``ECG`` and an attribute or an element of Mortara's stands near it.
    """
    return (
        starts_with_root(head, "ECG")
        and re.search(rb"UNITS_PER_MV|ACQUISITION_TIME|<CHANNEL|Mortara", head) is not None
    )


def read_file(path: Path) -> FileEcg:
    """Read one file.

    Args:
        path: the file.

    Returns:
        What is kept of it.

    Raises:
        BadRecordError: when it is no ELI file, or one that cannot be trusted.
        RarebeatError: when ecgdatakit is not installed.
    """
    found = parse_with_kit(path, "eli-xml", "mortara_el250", "MortaraEL250Parser")
    root = safe_root(found.content, "ECG", "a Mortara ELI XML")
    check_once(root, _ONCE)
    names = [
        value
        for element in root.iter()
        if element.tag != "CHANNEL"
        for key, value in element.attrib.items()
        if _NAMES.search(key)
    ]
    subject = root.find("SUBJECT")
    if subject is None and root.find("DEMOGRAPHIC_FIELDS") is None:
        person = NOBODY
    else:
        given = {} if subject is None else subject.attrib
        told, sex = given.get("DOB_XML", "") or given.get("DOB", ""), given.get("GENDER", "")
        # The library takes any word that begins with M for a man.
        person = person_of(found.record, root.get("AGE", ""), root.get("AGE_UNITS", "years"), told, sex)
    return kit_ecg(found.record, *leads_of(found.record), person=person, names=names)


_FORMAT = Format("eli-xml", TAKES, read_file, "Mortara ELI XML (files with the root ECG)")
discover, read = _FORMAT.discover, _FORMAT.read
__all__ = ["TAKES", "Options", "discover", "is_private", "looks_like", "read", "read_file"]
