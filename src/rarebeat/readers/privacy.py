"""What keeps persons out of records: keyed hashes in place of their numbers, and reports without their names.

One patient has one pseudonym, and nobody reads it back. Public databases carry pseudonyms already, so their key is
public and fixed: splits repeat on every machine. Hospital exports carry real numbers, so their key is a secret that
stays in a file of the user.
"""

import hashlib
import hmac
import logging
import os
import re
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rarebeat.core.errors import RarebeatError

PUBLIC_KEY = b"rarebeat: ids of public databases"
"""The fixed key for databases whose ids are pseudonyms already."""

_MIN_KEY_BYTES = 16
_LOG = logging.getLogger(__name__)

_SIGNATURE = re.compile(
    r"\b(?:re-?)?(?:confirmed|signed|reviewed|over-?read|edited|interpreted|read|verified|ordered|requested"
    r"|referred|performed|recorded|acquired|dictated|transcribed)\s*(?:by\b|:)"
    r"|\belectronically\s+(?:signed|confirmed|verified)\b"
    r"|\b(?:technician|technologist|attending|physician|cardiologist|referring\s+md|tech(?:nician)?\s+id"
    r"|patient\s+(?:name|id)|name|mrn|d\.?o\.?b\.?|date\s+of\s+birth)\s*:",
    re.IGNORECASE,
)
"""From here to the end of its line, a person is named."""

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DATE = re.compile(
    r"\b(?:"
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}"  # 2010-01-12
    r"|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})"  # 1/12/2010
    r"|\d{1,2}/\d{4}"  # 1/2010
    rf"|\d{{1,2}}(?:st|nd|rd|th)?[-/. ]+(?:of\s+)?{_MONTH}[-/, ]*(?:\d{{4}}|\d{{2}})"  # 12-JAN-2010
    rf"|{_MONTH}[ -]*(?:\d{{1,2}}(?:st|nd|rd|th)?[, ]+)?\d{{4}}"  # January 12, 2010; Jan 2010
    r")(?:\b|(?=T\d))(?:[ ,T]*(?:at\s+)?\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:\s*[ap]\.?m\b\.?)?)?",
    re.IGNORECASE,
)
_LONG_NUMBER = re.compile(r"\b\d{6,}\b")
_TITLED = re.compile(r"\b(?:[Dd][Rr]|[Pp][Rr][Oo][Ff])\b\.?\s+[A-Z][\w'-]*(?:,?\s+[A-Z][a-z'-]+)?")

_MIN_NAME = 3
_MIN_NUMBER = 5
_ECG_WORDS = frozenset(
    re.findall(
        r"\w+",
        """abnormal acute age atrial axis beat beats block branch bundle complete degree ectopic fast first
        flutter fusion high inferior junctional lateral lead left long low lower marked mild minor moderate
        normal old other pace paced pacer pause poor posterior rapid rate rhythm right second septal short
        sinus slow strain third upper variant wave waves wide with young""",
    )
)
"""Words that stay although they may be a name: without them statements would change their meaning."""


@dataclass(frozen=True, slots=True)
class Pseudonym:
    """Turns raw ids into pseudonyms.

    Attributes:
        key: the key of the hash (never printed).
        private: True where raw ids may identify a person. Record ids are then hashed as well.
    """

    key: bytes = field(default=PUBLIC_KEY, repr=False)
    private: bool = False

    def of(self, namespace: str, raw: str) -> str:
        """Make the pseudonym of one id.

        Args:
            namespace: the database that the id belongs to, or what it is an id of.
            raw: the id.

        Returns:
            16 hexadecimal digits of HMAC-SHA256 over namespace and id.

        Example:
            >>> Pseudonym().of("ptb-xl", "15709") == Pseudonym().of("ludb", "15709")
            False
        """
        message = f"{namespace}\0{raw}".encode()
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()[:16]

    def record_id(self, raw: str) -> str:
        """Make the id under which a record is stored.

        Args:
            raw: the archive's own id.

        Returns:
            The same where it is public, else a keyed hash.
        """
        return self.of("record", raw) if self.private else raw


def default_key_file() -> Path:
    """Say where the user's secret key lies.

    Returns:
        ``rarebeat/pseudonym.key`` in the user's configuration folder (XDG_CONFIG_HOME, or ``~/.config``).
    """
    base = os.environ.get("XDG_CONFIG_HOME")
    folder = Path(base) if base else Path.home() / ".config"
    return folder / "rarebeat" / "pseudonym.key"


def private_pseudonym(key_file: Path | None = None) -> Pseudonym:
    """Take pseudonyms under the user's secret key, which is made on first use (readable by the user alone).

    Args:
        key_file: where it lies; None takes :func:`default_key_file`.

    Returns:
        Pseudonyms of a private archive.

    Raises:
        RarebeatError: when the key file cannot be created or read, or holds no key.
    """
    path = (key_file or default_key_file()).expanduser()
    try:
        if not path.exists():
            _create_key(path)
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise RarebeatError(
            f"cannot use the pseudonym key {path}: {error.strerror or error}. Name another place with the "
            "option key_file, for example `--option key_file=/safe/place/pseudonym.key`"
        ) from error
    except ValueError as error:
        raise RarebeatError(f"{path} is not a pseudonym key: expected hexadecimal digits") from error
    if len(key) < _MIN_KEY_BYTES:
        raise RarebeatError(f"{path} is not a pseudonym key: expected at least {2 * _MIN_KEY_BYTES} digits")
    return Pseudonym(key, private=True)


def _create_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{uuid.uuid4().hex[:8]}.tmp"
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32) + "\n")
        # A link, unlike a rename, does not replace the key of a process that was faster.
        path.hardlink_to(temporary)
    except FileExistsError:
        return
    finally:
        temporary.unlink(missing_ok=True)
    _LOG.warning(
        "created the secret key %s: the pseudonyms of patients and records depend on it. "
        "Keep it (without it new exports get other pseudonyms), and keep it to yourself.",
        path,
    )


def redact(text: str, names: Iterable[str] = ()) -> str:
    """Take signature lines, dates, record numbers and names out of a report.

    Dates become ``[date]``, long numbers ``[number]``, names ``[name]``; what follows "Confirmed by" and its
    like is cut to the end of the line.

    Args:
        text: lines of a report.
        names: names and ids known to belong to persons, such as the patient's.

    Returns:
        The lines that are left.

    Example:
        >>> redact("Sinus rhythm\\nWhen compared with ECG of 12-JAN-2010 09:15,\\nConfirmed by J DOE on 1/2/11")
        'Sinus rhythm\\nWhen compared with ECG of [date],'
        >>> redact("2:1 block, discussed with Dr. Roe", names=["Block"])
        '2:1 block, discussed with [name]'
    """
    known = _known_names(names)
    lines = []
    for line in text.splitlines():
        signature = _SIGNATURE.search(line)
        line = line[: signature.start()] if signature else line
        line = _DATE.sub("[date]", line)
        line = _LONG_NUMBER.sub("[number]", _TITLED.sub("[name]", line))
        line = known.sub("[name]", line) if known else line
        if line := line.strip():
            lines.append(line)
    return "\n".join(lines)


def _known_names(names: Iterable[str]) -> re.Pattern[str] | None:
    words = {word for name in names for word in re.findall(r"\w[\w'-]*", name)}
    secret = sorted(
        word
        for word in words
        if len(word) >= (_MIN_NUMBER if word.isdigit() else _MIN_NAME) and word.lower() not in _ECG_WORDS
    )
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, secret))})\b", re.IGNORECASE) if secret else None
