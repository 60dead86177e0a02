"""Which kinds of archive can be read, and by which module. A reader is imported when it is asked for."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from rarebeat.core.errors import ParamsError
from rarebeat.core.records import Record
from rarebeat.readers.entry import Entry
from rarebeat.readers.privacy import Pseudonym

Options = Mapping[str, Any]


def _public(_: Options) -> bool:
    return False


@dataclass(frozen=True)
class Source:
    """A reader of one kind of archive.

    Attributes:
        kind: its name in ``params.yaml`` and on the command line.
        discover: ``(root, options)`` to the entries of an archive; raises MissingSourceError, which tells how
            to get the data, and ParamsError for a wrong option.
        read: ``(entry, pseudonym, options)`` to a record; raises BadRecordError for one that cannot be
            trusted.
        about: one line for people.
        is_private: ``options`` to whether ids may identify a person, so that they need the user's secret key.
    """

    kind: str
    discover: Callable[[Path, Options], Iterable[Entry]]
    read: Callable[[Entry, Pseudonym, Options], Record]
    about: str
    is_private: Callable[[Options], bool] = _public


_MODULES = {
    "simulated": ("rarebeat.readers.simulated", "a simulated clinic: nothing to download"),
    "ptb-xl": ("rarebeat.readers.ptb_xl", "PTB-XL as published: ptbxl_database.csv and records500/"),
    "challenge": ("rarebeat.readers.challenge", "PhysioNet/CinC Challenge 2020 or 2021: .hea and .mat files"),
    "ludb": ("rarebeat.readers.ludb", "Lobachevsky University database as published"),
    "muse-xml": ("rarebeat.readers.muse_xml", "a folder of GE MUSE RestingECG XML exports"),
    "wfdb": ("rarebeat.readers.wfdb_folder", "any folder of WFDB records with a CSV"),
}


def kinds() -> tuple[str, ...]:
    """The kinds of archive that can be read."""
    return tuple(_MODULES)


def get_source(kind: str) -> Source:
    """The reader of a kind of archive.

    Raises:
        ParamsError: for an unknown kind; the message lists all.
    """
    if kind not in _MODULES:
        raise ParamsError(f"unknown kind of archive {kind!r}; expected one of: {', '.join(_MODULES)}")
    name, about = _MODULES[kind]
    module = import_module(name)
    return Source(kind, module.discover, module.read, about, getattr(module, "is_private", _public))
