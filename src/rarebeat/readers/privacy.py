"""What keeps persons out of records: keyed hashes in place of their numbers, and a table for the owner alone.

One patient has one pseudonym, and nobody reads it back. Public databases carry pseudonyms already, so their key is
public and fixed: splits repeat on every machine. Hospital exports carry real numbers, so their key is a secret that
stays in a file of the user.
"""

import csv
import hashlib
import hmac
import logging
import os
import re
import secrets
import stat
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic
from rarebeat.core.tables import for_people

PUBLIC_KEY = b"rarebeat: ids of public databases"
"""The fixed key for databases whose ids are pseudonyms already."""

_KEY_BYTES = 32
_OTHERS = stat.S_IRWXO
_LOG = logging.getLogger(__name__)


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


def key_path(key_file: Path | None = None) -> Path:
    """Say where the key lies that an option names.

    Args:
        key_file: as the option has it; None takes :func:`default_key_file`.

    Returns:
        Its path, with ``~`` written out.
    """
    return (key_file or default_key_file()).expanduser()


def patient_number(raw: str) -> str:
    """Write the id of a patient in one way: typed in another case, or with zeros before it, it is the same patient.

    Args:
        raw: the id as a hospital has it.

    Returns:
        The id in capitals, without blanks around it, and without leading zeros where it holds digits alone.

    Example:
        >>> patient_number(" ab-12 "), patient_number("00123"), patient_number("A001"), patient_number("000")
        ('AB-12', '123', 'A001', '0')
    """
    text = raw.strip().upper()
    return text.lstrip("0") or "0" if text.isascii() and text.isdigit() else text


def private_pseudonym(key_file: Path | None = None) -> Pseudonym:
    """Take pseudonyms under the user's secret key, which is made on first use (readable by the user alone).

    Args:
        key_file: where it lies; None takes :func:`default_key_file`.

    Returns:
        Pseudonyms of a private archive.

    Raises:
        RarebeatError: when the key file cannot be created or read, holds no whole key, or is open to everyone.
    """
    path = key_path(key_file)
    try:
        if not path.exists():
            _create_key(path)
        mode = stat.S_IMODE(path.stat().st_mode)
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise RarebeatError(
            f"cannot use the pseudonym key {path}: {error.strerror or error}. Name another place with the "
            "option key_file, for example `--option key_file=/safe/place/pseudonym.key`"
        ) from error
    except ValueError as error:
        raise RarebeatError(f"{path} is not a pseudonym key: expected hexadecimal digits") from error
    if len(key) < _KEY_BYTES:
        raise RarebeatError(
            f"{path} is not a pseudonym key: expected at least {2 * _KEY_BYTES} hexadecimal digits, found "
            f"{2 * len(key)}. Was it cut short? Take the whole one from a backup: with another key, patients and "
            "records get other pseudonyms"
        )
    if mode & _OTHERS:
        raise RarebeatError(
            f"{path} can be read by everyone on this machine, and whoever has it can turn pseudonyms back: "
            f"`chmod 600 {path}`"
        )
    return Pseudonym(key, private=True)


def _create_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{uuid.uuid4().hex[:8]}.tmp"
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
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


def owner_table_path(root: Path, key_file: Path | None = None) -> Path:
    """Say where the owner of a private archive finds which file a quarantined record was.

    Args:
        root: folder of the archive.
        key_file: see :func:`key_path`.

    Returns:
        A CSV file beside the secret key, named after the archive's folder.
    """
    place = root.absolute()
    name = re.sub(r"[^A-Za-z0-9_-]", "_", place.name) or "archive"
    digest = hashlib.sha256(os.fsencode(place)).hexdigest()[:8]
    return key_path(key_file).with_name(f"quarantine-{name}-{digest}.csv")


def write_owner_table(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    """Write the owner's table, for the owner alone to read. Where it cannot be written, a warning says so.

    Args:
        path: see :func:`owner_table_path`.
        rows: the id under which a record is quarantined, its path, the reason, and the detail with all that it quotes.
    """
    try:
        with atomic(path) as temporary:
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            with temporary.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(("record_id", "path", "reason", "detail"))
                writer.writerows([for_people(cell) for cell in row] for row in rows)
    except RarebeatError as error:
        _LOG.warning("which files were quarantined is not kept: %s", error)
