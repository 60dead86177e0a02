"""Archives whose ids and words may identify a person: their options, and what of them may be stored."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic.dataclasses import dataclass

from rarebeat.core.params import STRICT
from rarebeat.readers.free_text.recognised import recognised_words
from rarebeat.readers.free_text.redaction import redact
from rarebeat.readers.privacy import Pseudonym, patient_number

FreeText = Literal["recognised", "keep"]


@dataclass(frozen=True, config=STRICT)
class PrivateOptions:
    """Options of the kinds of archive that are private unless a public database is named.

    Attributes:
        patient_namespace: name of the public database that the patients belong to. Its ids are pseudonyms already, and
            stay the same wherever it is named. Without it the archive is private: record and patient ids become hashes
            under the user's secret key, and text and codes are cut (``free_text``).
        source: name of the database in the records; None takes the usual one of the kind.
        key_file: the user's secret key, for a private archive; None takes the default place.
        free_text: of a private archive: "recognised" keeps of text and codes what
            :mod:`rarebeat.readers.free_text.recognised` knows; "keep" all codes, and all text but the names, dates and
            numbers that :mod:`rarebeat.readers.free_text.redaction` finds.
        words: a file of further words and codes that are recognised, as ``rarebeat labels words`` writes it.
    """

    patient_namespace: str | None = None
    source: str | None = None
    key_file: str | None = None
    free_text: FreeText = "recognised"
    words: str | None = None


def is_private(options: Mapping[str, Any]) -> bool:
    """Find out whether ids may identify a person: they do unless a public database is named.

    Args:
        options: of a reader, see :class:`PrivateOptions`.

    Returns:
        True where the user's secret key is needed.

    Example:
        >>> is_private({}), is_private({"patient_namespace": "ptb-xl"})
        (True, False)
    """
    return not options.get("patient_namespace")


def patient_id(pseudonym: Pseudonym, namespace: str | None, patient: str | None) -> str | None:
    """Make the id of a patient that is stored.

    Args:
        pseudonym: of the archive.
        namespace: the public database that the patients belong to; None for a private archive.
        patient: the raw id.

    Returns:
        Its pseudonym; None where there is none.

    Example:
        >>> patient_id(Pseudonym(), "ptb-xl", "15709") == Pseudonym().of("ptb-xl", "15709")
        True
    """
    if patient and pseudonym.private:
        patient = patient_number(patient)
    return pseudonym.of(namespace or "patient", patient) if patient else None


def storable(
    text: str, codes: tuple[str, ...], pseudonym: Pseudonym, free_text: FreeText, words: str | None
) -> tuple[str, tuple[str, ...]]:
    """Cut a report and codes to what may be stored of them.

    Args:
        text: the report, "" where there is none.
        codes: as ``system:code``.
        pseudonym: of the archive: of a public one everything is stored.
        free_text: see :class:`PrivateOptions`.
        words: see :class:`PrivateOptions`.

    Returns:
        Text and codes.

    Example:
        >>> secret = Pseudonym(b"key", private=True)
        >>> storable("Sinus rhythm, seen by Dr. Smith", ("scp:SR", "scp:Smith"), secret, "recognised", None)
        ('Sinus rhythm, seen by [name]', ('scp:SR', 'scp:other'))
    """
    if not pseudonym.private:
        return text, codes
    text = redact(text) if text else text
    if free_text == "keep":
        return text, codes
    known = recognised_words(words)
    return known.keep(text), known.codes(codes)
