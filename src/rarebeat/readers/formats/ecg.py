"""What every format has in common: finding its files, checking what is in them, and from a file to a record."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rarebeat.core.errors import BadRecordError, MissingSourceError
from rarebeat.core.limb_leads import check_stray_samples
from rarebeat.core.params import parse
from rarebeat.core.records import Record
from rarebeat.readers.contract.stored import stored_as
from rarebeat.readers.discovery import readable, require_folder, walk
from rarebeat.readers.fields import clean_text, is_placeholder
from rarebeat.readers.files.ecg import FileEcg, FileOptions, FilePerson, stored_record
from rarebeat.readers.free_text.redaction import redact
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.quality import MICROVOLTS, RawLeads, lead_index, stored_leads, trusted_signal
from rarebeat.readers.registry import Entry

MAX_BYTES = 1 << 26
"""Size above which a file is no resting ECG."""


def file_ecg(
    raw: RawLeads,
    rate: float,
    person: FilePerson,
    statements: Iterable[str] = (),
    names: Iterable[str] = (),
    status: str | None = "unknown",
    filters: str = "",
    device: str = "",
    cut: float = 0.0,
) -> FileEcg:
    """Check what a format's reader found, and redact its statements.

    Args:
        raw: the leads.
        rate: samples per second.
        person: patient, age and sex.
        statements: lines of the report.
        names: names and ids that belong to persons.
        status: of the report: "confirmed" where a person has confirmed it, "unconfirmed" where it is that of the
            machine, "unknown" where the file does not tell; None for a format that holds no report.
        filters: limits of the recorder's filters in Hz.
        device: model of the recorder.
        cut: seconds of fillers that were cut off.

    Returns:
        What is kept of the file.

    Raises:
        BadRecordError: for a signal that cannot be trusted.
    """
    signal, calibrated = trusted_signal(raw, rate)
    if calibrated:
        check_stray_samples(signal, _coarsest_step(raw), stored_leads(raw.names))
    lines = [" ".join(line.split()) for line in statements]
    if any(map(is_placeholder, lines)):  # a report that is not whole gives no label, and is counted
        lines, person = [], person._replace(not_understood=(*person.not_understood, "statements"))
    text = clean_text(lines)
    text = redact(text, names) or None if text else None
    return FileEcg(
        signal, rate, calibrated, person, text, status, stored=stored_as(raw, filters, device, cut)
    )


def _coarsest_step(raw: RawLeads) -> float:
    """Microvolts per step of the coarsest of the twelve leads."""
    return max(
        MICROVOLTS[unit.strip().lower()] / gain
        for name, gain, unit in zip(raw.names, raw.gains, raw.units, strict=True)
        if gain and lead_index(name) is not None
    )


def read_content(path: Path) -> bytes:
    """Read a file that is no larger than an ECG can be.

    Args:
        path: the file.

    Returns:
        Its bytes.

    Raises:
        BadRecordError: when it cannot be opened, is empty, or is larger than :data:`MAX_BYTES`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadRecordError("unreadable", f"the file cannot be opened: {error.strerror}") from error
    if not content:
        raise BadRecordError("unreadable", "the file is empty")
    if len(content) > MAX_BYTES:
        raise BadRecordError("unreadable", f"the file is larger than {MAX_BYTES >> 20} MB")
    return content


@dataclass(frozen=True)
class Format:
    """A kind of archive that is a folder of files, each of one ECG.

    Attributes:
        kind: its name.
        takes: endings of its files, in small letters.
        read_file: reads one.
        about: what such files are and where they come from, for messages.
    """

    kind: str
    takes: tuple[str, ...]
    read_file: Callable[[Path], FileEcg]
    about: str

    def discover(self, root: Path, options: Mapping[str, Any]) -> list[Entry]:
        """Find every file under a folder.

        Args:
            root: folder of the archive.
            options: see :class:`rarebeat.readers.files.ecg.FileOptions`.

        Returns:
            An entry for each, known by its path.

        Raises:
            MissingSourceError: when there is none.
            ParamsError: for an unknown option.
        """
        settings = parse(FileOptions, dict(options), "options")
        advice = (
            f"Kind {self.kind} reads {self.about}: put the files under this folder, in sub-folders or not."
        )
        require_folder(root, advice)
        source = settings.source or settings.patient_namespace or self.kind
        paths = walk(root, self.takes)
        entries = [Entry(readable(path.relative_to(root).as_posix()), path, source=source) for path in paths]
        if not entries:
            endings = " or ".join(self.takes)
            raise MissingSourceError(f"there are no files that end in {endings} under {root}. {advice}")
        return entries

    def read(self, entry: Entry, pseudonym: Pseudonym, options: Mapping[str, Any]) -> Record:
        """Read one file.

        Args:
            entry: from :meth:`discover`.
            pseudonym: makes the ids of record and patient.
            options: see :class:`rarebeat.readers.files.ecg.FileOptions`.

        Returns:
            The record, at its native rate.

        Raises:
            BadRecordError: when it cannot be trusted.
            RarebeatError: when the library that reads the format is not installed.
        """
        assert entry.path is not None
        settings = parse(FileOptions, dict(options), "options")
        return stored_record(self.read_file(entry.path), entry, pseudonym, settings)
