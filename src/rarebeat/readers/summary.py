"""What an ingest came to: counted recording by recording, summed over the parts, written down, and told."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rarebeat.core.errors import BadRecordError
from rarebeat.core.record_files import WARNINGS
from rarebeat.core.records import Record, Signal
from rarebeat.measure.amplitude import Amplitude, gain_warnings, smallest_step, typical_span
from rarebeat.measure.sampling_rate import SECONDS, Pace, pace, rate_warnings
from rarebeat.readers.contract.observed import Observed, contract_of
from rarebeat.readers.discovery import readable
from rarebeat.readers.privacy import Pseudonym, owner_table_path
from rarebeat.readers.registry import Entry, get_source, suggest_kind
from rarebeat.readers.tables.joined import is_private

_EXAMPLES = 5
_FREE_TEXT = {False: "recognised", True: "kept"}  # of private archives: what is stored of their reports
_COUNTED = ("records", "calibrated", "without_patient", "with_text", "with_codes")
_QUOTATION = re.compile(r"'.*'|\".*\"")


@dataclass(frozen=True)
class Job:
    """What every chunk of an archive shares; small, for it travels to the workers.

    Attributes:
        kind: of archive.
        root: its folder.
        folder: to which the parts are written.
        cohort: its name.
        options: of the reader.
        pseudonym: makes the ids.
    """

    kind: str
    root: Path
    folder: Path
    cohort: str
    options: Mapping[str, Any]
    pseudonym: Pseudonym


@dataclass
class Tally:
    """What one chunk came to; tallies add up.

    Attributes:
        records: that were stored.
        calibrated: records whose amplitude means anything.
        with_text: records with a report.
        with_codes: records with codes.
        withheld: records whose report no person has confirmed, and which have no text for that.
        without_patient: records of which no patient is known.
        statuses: records by the status of their report.
        not_understood: records by the field of which nothing was understood.
        sources: records by database.
        rates: records by samples per second.
        patients: pseudonyms.
        quarantine: rows of the quarantine table.
        amplitudes: of the calibrated records.
        observed: for the contract.
        paces: of the records that were measured.
        to_measure: signal, rate and source of the first records of each source and rate, :attr:`measured` of each. They
            are measured when tallies add up, in one process: each would spend half a second on the import of SciPy.
        rated: records by source and rate.
        measured: records of each source and rate that are measured.
        owner: rows of the owner's table, see :func:`rarebeat.readers.privacy.write_owner_table`.
    """

    records: int = 0
    calibrated: int = 0
    with_text: int = 0
    with_codes: int = 0
    withheld: int = 0
    without_patient: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    not_understood: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    rates: Counter[str] = field(default_factory=Counter)
    patients: set[str] = field(default_factory=set)
    quarantine: list[dict[str, str]] = field(default_factory=list)
    amplitudes: list[Amplitude] = field(default_factory=list)
    paces: list[Pace] = field(default_factory=list)
    to_measure: list[tuple[Signal, float, str]] = field(default_factory=list)
    rated: dict[tuple[str, float], list[str]] = field(default_factory=dict)
    measured: int = 0
    owner: list[tuple[str, ...]] = field(default_factory=list)
    observed: Observed = field(default_factory=Observed)

    def refuse(self, job: Job, entry: Entry, error: BadRecordError) -> None:
        """Add a row to the quarantine table, and to the owner's what a private archive leaves out of it."""
        private = job.pseudonym.private
        row = {
            "record_id": job.pseudonym.record_id(entry.record_id),
            "cohort": job.cohort,
            "source": entry.source or job.kind,
            "reason": error.reason,
            "detail": _QUOTATION.sub("'…'", error.detail) if private else error.detail,
        }
        self.quarantine.append(row)
        if private:
            path = entry.record_id if entry.path is None else str(entry.path.absolute())
            self.owner.append((row["record_id"], readable(path), error.reason, error.detail))

    def count(self, record: Record) -> None:
        """Count a record that is stored."""
        self.records += 1
        self.calibrated += record.calibrated
        self.with_text += record.text is not None
        self.with_codes += bool(record.codes)
        if record.report_status is not None:
            self.statuses[record.report_status] += 1
            self.withheld += record.report_status != "confirmed" and record.text is None
        if record.calibrated:
            span, step = typical_span(record.signal, record.rate), smallest_step(record.signal)
            self.amplitudes.append(Amplitude(record.record_id, record.source, span, step))
        alike = self.rated.setdefault((record.source, record.rate), [])
        if len(alike) < self.measured:
            beginning = record.signal[:, : int(SECONDS * record.rate)].copy()
            self.to_measure.append((beginning, record.rate, record.source))
        alike.append(record.record_id)
        self.not_understood.update(record.not_understood)
        self.observed.count(record)
        self.sources[record.source] += 1
        self.rates[f"{record.rate:g}"] += 1
        if record.patient_id is None:
            self.without_patient += 1
        else:
            self.patients.add(record.patient_id)

    def add(self, other: "Tally") -> None:
        """Add what another chunk came to."""
        self.records += other.records
        self.calibrated += other.calibrated
        self.with_text += other.with_text
        self.with_codes += other.with_codes
        self.withheld += other.withheld
        self.without_patient += other.without_patient
        self.statuses.update(other.statuses)
        self.not_understood.update(other.not_understood)
        self.sources.update(other.sources)
        self.rates.update(other.rates)
        self.patients |= other.patients
        self.quarantine += other.quarantine
        self.owner += other.owner
        self.amplitudes += other.amplitudes
        self.observed.add(other.observed)
        self.paces += other.paces + [pace(*measurable) for measurable in other.to_measure]
        for key, ids in other.rated.items():
            self.rated.setdefault(key, []).extend(ids)

    def warnings(self) -> tuple[dict[str, str], dict[str, str]]:
        """What is doubtful of the gains and of the sampling rates, each by record id."""
        rates = {
            record_id: text
            for key, text in rate_warnings(self.paces).items()
            for record_id in self.rated[key]
        }
        return gain_warnings(self.amplitudes), rates


def summarise(job: Job, total: Tally, passed: Mapping[str, int], not_listed: int) -> dict[str, Any]:
    """Put into numbers what an ingest came to.

    Args:
        job: what was read.
        total: of all its chunks.
        passed: files that were passed over by their ending, see :func:`rarebeat.readers.discovery.passed_over`.
        not_listed: recordings that the table of the archive does not name.

    Returns:
        The content of ``summary.json``, but for the warnings.
    """
    reasons = Counter(row["reason"] for row in total.quarantine)
    statuses = {
        "report_statuses": dict(sorted(total.statuses.items())),
        "without_confirmed_report": total.withheld,
    }
    rates = dict(sorted(total.rates.items(), key=lambda item: float(item[0])))
    counts = {name: getattr(total, name) for name in _COUNTED} | {"quarantined": len(total.quarantine)}
    return {
        "cohort": job.cohort,
        "kind": job.kind,
        "records": total.records,
        "quarantined": len(total.quarantine),
        "patients": len(total.patients),
        **({"without_patient": total.without_patient} if total.without_patient else {}),
        "calibrated": total.calibrated,
        "with_text": total.with_text,
        "with_codes": total.with_codes,
        **(statuses if total.statuses else {}),  # of archives that tell them
        **({"not_listed": not_listed} if not_listed else {}),
        **({"not_understood": dict(sorted(total.not_understood.items()))} if total.not_understood else {}),
        **({"cut": cut} if (cut := total.observed.cut.total()) else {}),
        **({"free_text": _FREE_TEXT[_keeps_text(job.options)]} if job.pseudonym.private else {}),
        **({"passed_over": passed} if passed else {}),
        "reasons": dict(sorted(reasons.items())),
        "sources": dict(sorted(total.sources.items())),
        "rates": rates,
        "contract": contract_of(total.observed, total.amplitudes, counts, rates),
    }


def _keeps_text(options: Mapping[str, Any]) -> bool:
    return options.get("free_text") == "keep"


def nothing_read(root: Path, kind: str, total: Tally, entries: int) -> str:
    """Say why there is no record.

    Args:
        root: folder of the archive.
        kind: of archive.
        total: of all its chunks.
        entries: recordings that were found.

    Returns:
        A message with the reasons and examples.
    """
    if not entries:
        return f"no recordings of kind {kind} in {root}"
    reasons = Counter(row["reason"] for row in total.quarantine).most_common()
    examples = {
        row["reason"]: f"  {row['record_id']}: {row['reason']}: {row['detail']}" for row in total.quarantine
    }
    counts = ", ".join(f"{reason} {count}" for reason, count in reasons)
    shown = "\n".join(examples[reason] for reason, _ in reasons[:_EXAMPLES])
    return f"0 of {entries} records in {root} could be read ({counts}), for example:\n{shown}"


def summary_lines(
    cohort: str, kind: str, root: Path, summary: Mapping[str, Any], options: Mapping[str, Any] | None = None
) -> list[str]:
    """What a person wants to know of an ingest.

    Args:
        cohort: its name.
        kind: of the archive.
        root: of the archive.
        summary: as :func:`rarebeat.readers.ingest.ingest_cohort` returns it.
        options: of its reader.
    """
    lines = [f"{cohort}: {summary['records']} records, {summary['quarantined']} quarantined"]
    table = owner_table(kind, root, options or {}) if summary["quarantined"] else None
    if table and table.is_file():
        lines.append(f"which files were quarantined, for you alone: {table}")
    if alone := summary.get("without_patient"):
        lines.append(
            f"the patient of {alone} records is not known: they are split by record, so that one patient may be in "
            "several splits"
        )
    if passed := summary.get("passed_over"):
        lines.append("passed over: " + ", ".join(f"{count} x {name}" for name, count in passed.items()))
    if warned := summary["warned"]:
        of = f"{warned} of {summary['records']} records"
        lines.append(f"the gain is probably wrong in {of}: {WARNINGS} says where and why")
    if doubted := summary.get("rate_warned"):
        of = f"{doubted} of {summary['records']} records"
        lines.append(f"the sampling rate is probably wrong in {of}: {WARNINGS} says where and why")
    if withheld := summary.get("without_confirmed_report"):
        lines.append(
            f"{withheld} records have no text, for no person has confirmed their reports: the option "
            "statements=all takes them too"
        )
    for name, counts in summary.get("tables", {}).items():
        if counts["rows_without_recording"] or counts["recordings_without_row"]:
            lines.append(
                f"{name}: {counts['rows_without_recording']} of {counts['rows']} rows name no recording, and "
                f"{counts['recordings_without_row']} recordings have no row"
            )
    if missed := summary.get("not_listed"):
        lines.append(f"{missed} recordings lie in the archive's folders and are in no row of its table")
    if unread := summary.get("not_understood"):
        counts = ", ".join(f"{name} of {count}" for name, count in unread.items())
        lines.append(f"not understood, and so unknown: {counts} records")
    if cut := summary.get("cut"):
        lines.append(f"fillers or calibration pulses were cut off the ends of {cut} records")
    if summary.get("free_text") == _FREE_TEXT[True]:
        lines.append(
            "free text is kept, without the names, dates and numbers that were found: read it before it is shared, "
            "and before data/ goes to a remote"
        )
    if not summary["with_text"] and not summary["with_codes"]:
        hint = suggest_kind(root, kind)
        lines.append(f"no record has a report or codes, so there is nothing to label. {hint}".strip())
    return lines


def owner_table(kind: str, root: Path, options: Mapping[str, Any]) -> Path | None:
    """Say where the owner of a private archive finds which file a quarantined record was.

    Args:
        kind: of archive.
        root: its folder.
        options: of its reader.

    Returns:
        See :func:`rarebeat.readers.privacy.owner_table_path`; None for a public archive.
    """
    private = is_private(get_source(kind), options)
    return owner_table_path(root, key_file_of(options)) if private else None


def key_file_of(options: Mapping[str, Any]) -> Path | None:
    """Take the key file from the options of a reader.

    Args:
        options: of any reader.

    Returns:
        What the option ``key_file`` names; None where it stands for the default place.
    """
    name = options.get("key_file")
    return Path(str(name)) if name else None
