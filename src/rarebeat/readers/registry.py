"""Which kinds of archive can be read, and by which module. A reader is imported when it is asked for."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pydantic.dataclasses

from rarebeat.core.errors import ParamsError, did_you_mean
from rarebeat.core.params import STRICT, parse, read_params
from rarebeat.core.records import Record
from rarebeat.readers.privacy import Pseudonym

Options = Mapping[str, Any]


class _Kind(NamedTuple):
    """A row of the table of kinds: the reader's module, what it reads, and a file that gives such a folder away."""

    module: str
    about: str
    sign: str | None = None


_KINDS = {
    "simulated": _Kind("rarebeat.readers.simulated", "a simulated clinic: nothing to download"),
    "ptb-xl": _Kind("rarebeat.readers.ptb_xl", "PTB-XL as published", "ptbxl_database.csv"),
    "challenge": _Kind("rarebeat.readers.challenge", "PhysioNet/CinC Challenge 2020 or 2021", "**/*.mat"),
    "ludb": _Kind(
        "rarebeat.readers.databases.ludb", "Lobachevsky University database as published", "ludb.csv"
    ),
    "ecg-arrhythmia": _Kind(
        "rarebeat.readers.databases.ecg_arrhythmia", "ecg-arrhythmia as published", "WFDBRecords"
    ),
    "mimic-iv-ecg": _Kind(
        "rarebeat.readers.databases.mimic_iv_ecg", "MIMIC-IV-ECG as published", "record_list.csv"
    ),
    "code15": _Kind("rarebeat.readers.databases.code15", "CODE-15% or CODE-test as published", "exams.csv"),
    "sph": _Kind("rarebeat.readers.databases.sph", "SPH as published", "records/*.h5"),
    "muse-xml": _Kind("rarebeat.readers.muse.reader", "GE MUSE RestingECG exports", "**/*.xml"),
    "arrays": _Kind(
        "rarebeat.readers.arrays.reader", "NPY, CSV or Parquet with a YAML side file", "arrays.yaml"
    ),
    "files": _Kind("rarebeat.readers.files.reader", "a folder with files of many formats"),
    "wfdb": _Kind("rarebeat.readers.wfdb.folder", "any folder of WFDB records with a CSV", "*.csv"),
    "aecg": _Kind("rarebeat.readers.formats.aecg", "HL7 annotated ECGs"),
    "cardiosoft-xml": _Kind("rarebeat.readers.formats.cardiosoft", "GE CardioSoft XML (UK Biobank)"),
    "dicom": _Kind("rarebeat.readers.formats.dicom", "DICOM ECG waveforms", "**/*.dcm"),
    "edf": _Kind("rarebeat.readers.formats.edf", "EDF and EDF+ files of 12 leads", "**/*.edf"),
    "eli-xml": _Kind("rarebeat.readers.formats.eli", "Mortara ELI XML"),
    "ishne": _Kind("rarebeat.readers.formats.ishne", "ISHNE Holter files of 12 leads", "**/*.ecg"),
    "mfer": _Kind("rarebeat.readers.formats.mfer", "MFER files of 12 leads", "**/*.mwf"),
    "philips-xml": _Kind("rarebeat.readers.formats.philips", "Philips Sierra XML"),
    "scp": _Kind("rarebeat.readers.formats.scp", "SCP-ECG files", "**/*.scp"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One recording that an archive offers; picklable, so that a worker process can read it.

    Attributes:
        record_id: the archive's own id (it may identify a person: see :meth:`Pseudonym.record_id`).
        path: where to read it; None for what is generated.
        details: whatever the reader needs besides (cells of a CSV row, a seed).
        source: the database, or the part of it, that the recording comes from; "" for the kind of archive.
        listed: False for a recording that the table of its archive does not name: it is counted, not read.
        member: where ``path`` holds several recordings, which of them it is: the path in an archive of files, a number,
            or a name; None for a file of its own.
        is_ecg: False for what is known to be no ECG, as the document beside one: it is refused, and takes no row of a
            table.
    """

    record_id: str
    path: Path | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    listed: bool = True
    member: str | None = None
    is_ecg: bool = True


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
        options: settings dataclass of the options.
        takes: endings of files that belong to recordings, where recordings are found by walking through the folder.
    """

    kind: str
    discover: Callable[[Path, Options], Iterable[Entry]]
    read: Callable[[Entry, Pseudonym, Options], Record]
    about: str
    is_private: Callable[[Options], bool] = _public
    options: type[Any] = dict
    takes: tuple[str, ...] = ()


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT)
class CohortSettings:
    """A cohort of ``params.yaml``.

    Attributes:
        kind: of archive.
        root: its folder, see :func:`rarebeat.core.project.resolve_root`; None for what is generated.
        options: of its reader.
    """

    kind: str
    root: str | None = None
    options: dict[str, Any] | None = None


def kinds() -> tuple[str, ...]:
    """List the kinds of archive that can be read.

    Returns:
        Their names in ``params.yaml`` and on the command line.

    Example:
        >>> kinds()[:4]
        ('simulated', 'ptb-xl', 'challenge', 'ludb')
    """
    return tuple(_KINDS)


def get_source(kind: str) -> Source:
    """Import the reader of a kind of archive.

    Args:
        kind: one of :func:`kinds`.

    Returns:
        The reader.

    Raises:
        ParamsError: for an unknown kind; the message names the nearest and lists all.
    """
    if kind not in _KINDS:
        listed = "".join(f"\n  {name:14} {row.about}" for name, row in _KINDS.items())
        raise ParamsError(
            f"unknown kind of archive {kind!r}{did_you_mean(kind, _KINDS)}\nThe kinds are:{listed}"
        )
    row = _KINDS[kind]
    module = import_module(row.module)
    private = getattr(module, "is_private", _public)
    takes = getattr(module, "TAKES", ())
    return Source(kind, module.discover, module.read, row.about, private, module.Options, takes)


def suggest_kind(root: Path, kind: str) -> str:
    """End a message about a folder in which a reader found nothing with the kind that it looks like.

    Args:
        root: the folder.
        kind: the kind of archive that was looked for.

    Returns:
        A sentence; "" where the folder looks like no other kind.
    """
    for name, row in _KINDS.items():
        found = next(root.glob(row.sign), None) if row.sign and name != kind and root.is_dir() else None
        if found:
            return (
                f"The folder holds {found.relative_to(root).as_posix()}: is it of kind {name}? ({row.about})"
            )
    return ""


def read_cohort_settings(params: Path, name: str) -> CohortSettings:
    """Look up a cohort in a params file.

    Args:
        params: the file.
        name: of the cohort, under ``cohorts``.

    Returns:
        Its kind, root and options.

    Raises:
        ParamsError: when there is no such cohort, or a key of it is wrong.
    """
    cohorts = parse(dict[str, Any], read_params(params).get("cohorts") or {}, f"{params}: cohorts")
    if name not in cohorts:
        hint = did_you_mean(name, cohorts) or f"; there are: {', '.join(cohorts)}"
        raise ParamsError(f"{params}: no cohort {name!r} under `cohorts`{hint}")
    return parse(CohortSettings, cohorts[name] or {}, f"{params}: cohorts.{name}")
