"""Do text and codes say the same? Counts per class, and disagreements to read, for records that have both.

Files in the label folder of a cohort::

    agreement.csv       class, text, codes (each positive, uncertain, negative or unknown), records
    disagreements.csv   class, kind, record_id, statements of the text, codes, report: a sample per class and kind
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import read_csv, write_csv
from rarebeat.core.tables import for_people, from_people
from rarebeat.labels.states import NEGATIVE, POSITIVE, STATE_NAMES, Labels, State

KINDS: Mapping[tuple[State, State], str] = {
    (POSITIVE, NEGATIVE): "text only",
    (NEGATIVE, POSITIVE): "codes only",
}
"""Kinds of disagreement, by the states of text and codes."""

_COUNT_COLUMNS = ("class", "text", "codes", "records")
_SAMPLE_COLUMNS = ("class", "kind", "record_id", "statements", "codes", "report")
_KEPT = 50  # disagreements per class and kind

Counts = Counter[tuple[str, str, str]]
"""Records by class, state in the text and state in the codes."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One record and class on which text and codes differ.

    Attributes:
        class_id: the class.
        kind: "text only" or "codes only".
        record_id: the record.
        statements: the statements of the report that mention the class.
        codes: all codes of the record.
        report: the whole report.
    """

    class_id: str
    kind: str
    record_id: str
    statements: str
    codes: str
    report: str


class AgreementCounter:
    """Compares text with codes, record by record. A record without text or without codes does not take part."""

    def __init__(self) -> None:
        self._counts: Counts = Counter()
        self._samples: dict[tuple[str, str], dict[bytes, Disagreement]] = {}

    def add(
        self,
        record_id: str,
        report: str | None,
        codes: Sequence[str],
        text_labels: Labels,
        code_labels: Labels,
    ) -> None:
        """Count one record.

        Args:
            record_id: its id.
            report: its report, or None.
            codes: its codes.
            text_labels: labels from the report.
            code_labels: labels from the codes.
        """
        if not report or not codes:
            return
        for class_id, text_state in text_labels.states.items():
            code_state = code_labels.states[class_id]
            self._counts[class_id, STATE_NAMES[text_state], STATE_NAMES[code_state]] += 1
            if kind := KINDS.get((text_state, code_state)):
                statements = dict.fromkeys(
                    e.statement for e in text_labels.evidence if e.class_id == class_id
                )
                found = Disagreement(
                    class_id, kind, record_id, " | ".join(statements), " ".join(codes), report
                )
                self._keep(found)

    def _keep(self, found: Disagreement) -> None:
        """Keep a sample that does not depend on the order of the records: the smallest hashes."""
        sample = self._samples.setdefault((found.class_id, found.kind), {})
        sample[sha256(found.record_id.encode()).digest()] = found
        if len(sample) > _KEPT:
            del sample[max(sample)]

    def write(self, folder: Path) -> None:
        """Write ``agreement.csv`` and ``disagreements.csv``; classes stand in the order of the vocabulary."""
        order = {name: place for place, name in enumerate(dict.fromkeys(key[0] for key in self._counts))}
        counts = sorted(self._counts.items(), key=lambda item: (order[item[0][0]], item[0]))
        write_csv(folder / "agreement.csv", _COUNT_COLUMNS, [(*key, number) for key, number in counts])
        samples = (sample[key] for _, sample in sorted(self._samples.items()) for key in sorted(sample))
        texts = ((d, (d.statements, d.codes, d.report)) for d in samples)
        rows = ((d.class_id, d.kind, d.record_id, *map(for_people, said)) for d, said in texts)
        write_csv(folder / "disagreements.csv", _SAMPLE_COLUMNS, rows)


def read_agreement(folder: Path) -> tuple[Counts, list[Disagreement]]:
    """What :class:`AgreementCounter` wrote into a label folder.

    Args:
        folder: label folder of a cohort.

    Returns:
        Counts by class and states, and the sample of disagreements.

    Raises:
        RarebeatError: when the files are missing or not of that form.
    """
    if not (folder / "agreement.csv").is_file():
        raise RarebeatError(
            f"there are no labels in {folder}: expected agreement.csv, which the label stage writes for each cohort "
            "(data/labels/NAME)"
        )
    counts: Counts = Counter()
    for line, row in read_csv(folder / "agreement.csv", _COUNT_COLUMNS):
        if not row["records"].isdecimal():
            raise RarebeatError(f"{folder / 'agreement.csv'}, line {line}: {row['records']!r} is no count")
        counts[row["class"], row["text"], row["codes"]] += int(row["records"])
    samples = [
        Disagreement(row["class"], *(from_people(row[name]) for name in _SAMPLE_COLUMNS[1:]))
        for _, row in read_csv(folder / "disagreements.csv", _SAMPLE_COLUMNS)
    ]
    return counts, samples


@dataclass(frozen=True, slots=True)
class ClassAgreement:
    """Agreement on one class, over the records where both text and codes are positive or negative.

    Attributes:
        class_id: the class.
        both: records that both call positive.
        text_only: positive in the text, negative in the codes.
        codes_only: the other way round.
        neither: records that both call negative.
        open: records where one of them is uncertain or unknown.
    """

    class_id: str
    both: int
    text_only: int
    codes_only: int
    neither: int
    open: int

    @property
    def positive(self) -> float | None:
        """Positive agreement, 2 both / (2 both + text only + codes only); None without a positive record.

        Unlike the share of equal labels, it does not look good because a class is rare.

        Source:
            Cicchetti and Feinstein, J Clin Epidemiol 1990;43:551-558.

        Example:
            >>> ClassAgreement("avnrt", both=3, text_only=1, codes_only=1, neither=995, open=0).positive
            0.75
        """
        said = 2 * self.both + self.text_only + self.codes_only
        return 2 * self.both / said if said else None


def per_class(counts: Counts) -> list[ClassAgreement]:
    """Sum the counts up per class, in their order."""
    result = []
    for name in dict.fromkeys(class_id for class_id, _, _ in counts):
        both, text_only, codes_only, neither = (
            counts[name, text, codes]
            for text in ("positive", "negative")
            for codes in ("positive", "negative")
        )
        every = sum(n for (class_id, _, _), n in counts.items() if class_id == name)
        decided = both + text_only + codes_only + neither
        result.append(ClassAgreement(name, both, text_only, codes_only, neither, every - decided))
    return result
