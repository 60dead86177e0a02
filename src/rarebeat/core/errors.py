"""The errors that a user sees: one clear message each, no traceback."""

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from typing import Any


class RarebeatError(Exception):
    """Something the user can mend. The message names the file or key, what was expected, and what to do."""


class MissingSourceError(RarebeatError):
    """The archive to ingest is not where the user said; the message tells how to get it."""


class ParamsError(RarebeatError):
    """A value in ``params.yaml`` (or on the command line) that cannot be used."""


class BadRecordError(Exception):
    """One recording that cannot be trusted. Ingest turns it into a quarantine row, prediction into an error entry.

    Args:
        reason: one of :data:`rarebeat.core.records.REASONS`.
        detail: what was found and what was expected, for a person.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Find the known name that comes nearest to an unknown one, whatever the case of letters.

    Args:
        name: what was found.
        known: what there is.

    Returns:
        One of ``known``; None where nothing comes near.

    Example:
        >>> nearest("PTBXL", ["simulated", "ptb-xl"]), nearest("hl7", ["simulated", "ptb-xl"])
        ('ptb-xl', None)
    """
    spelt = {entry.lower(): entry for entry in known}
    return next((spelt[near] for near in get_close_matches(name.lower(), spelt, n=1)), None)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """End a message about an unknown name with the known one that comes nearest.

    Args:
        name: what was found.
        known: what there is.

    Returns:
        A clause that starts with "; "; "" where nothing comes near.

    Example:
        >>> "no class 'avntr'" + did_you_mean("avntr", ["avnrt", "bigeminy"])
        "no class 'avntr'; did you mean 'avnrt'?"
    """
    near = nearest(name, known)
    return f"; did you mean {near!r}?" if near else ""


def need(module: str, purpose: str, extra: str = "formats") -> Any:
    """Import a library that only some users need, or one of its modules.

    Args:
        module: its name.
        purpose: what it is needed for, for the message.
        extra: of this package that installs it.

    Returns:
        The module.

    Raises:
        RarebeatError: when the library is not installed; the message tells what to install.
    """
    try:
        return import_module(module)
    except ImportError as error:
        library = module.partition(".")[0]
        raise RarebeatError(
            f"{purpose} needs {library}, which is not installed: pip install rarebeat[{extra}]"
        ) from error
