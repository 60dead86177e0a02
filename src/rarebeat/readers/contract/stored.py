"""How an archive holds a signal: units, leads and filters, in words that identify nobody."""

import re
from functools import lru_cache

from rarebeat.core.records import LEADS, Stored
from rarebeat.readers.quality import MICROVOLTS, NORMALISED, RawLeads, lead_index
from rarebeat.readers.wfdb.header import Header

_SPELT = {"nv": "nV", "uv": "uV", "µv": "uV", "μv": "uV", "mv": "mV", "v": "V", NORMALISED: "NU"}
_LONG = {"nanovolts": "nV", "microvolts": "uV", "millivolts": "mV", "volts": "V"}
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def stored_as(raw: RawLeads, filters: str = "", device: str = "", cut: float = 0.0) -> Stored:
    """Describe leads as a file holds them.

    Args:
        raw: the leads.
        filters: of the recorder, as the file tells them.
        device: the model of the recorder.
        cut: seconds of fillers that were cut off both ends.

    Returns:
        Units, and leads in their order.
    """
    return Stored(_units(tuple(raw.units)), _leads(tuple(raw.names)), filters, device, cut)


def stored_in(header: Header) -> Stored:
    """Describe the leads of a WFDB record.

    Args:
        header: of the record.

    Returns:
        Units, and leads in their order; WFDB tells no filter.
    """
    names, units = tuple(lead.name for lead in header.leads), tuple(lead.units for lead in header.leads)
    return Stored(_units(units), _leads(names))


def numbers_alone(text: str) -> str:
    """Keep the numbers of a field, so that nothing else passes.

    Args:
        text: such as "0.05-150 Hz".

    Returns:
        The numbers, with "-" between them.

    Example:
        >>> numbers_alone("0.05 to 150 Hz"), numbers_alone("NONE")
        ('0.05-150', '')
    """
    return "-".join(_NUMBER.findall(text)[:3])


@lru_cache(maxsize=256)
def _units(units: tuple[str, ...]) -> str:
    plain = [unit.strip().lower() for unit in units]
    found = [_SPELT.get(unit) or _LONG[unit] for unit in plain if unit in MICROVOLTS or unit == NORMALISED]
    return ", ".join(dict.fromkeys(found))


@lru_cache(maxsize=256)
def _leads(names: tuple[str, ...]) -> str:
    """The leads in their order, and how many other signals; the name of those can be any word."""
    found = [index for name in names if (index := lead_index(name)) is not None]
    others = len(names) - len(found)
    named = " ".join(LEADS[index] for index in found)
    return f"{named} and {others} others" if others else named
