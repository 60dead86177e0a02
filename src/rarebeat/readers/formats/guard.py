"""What libraries raise and warn of when a file is damaged."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from rarebeat.core.errors import BadRecordError, RarebeatError


@contextmanager
def guarded(library: str) -> Iterator[list[warnings.WarningMessage]]:
    """Take whatever a library raises on a damaged file for a file that cannot be read.

    Args:
        library: its name, for the message; what it says is left out, for it may quote the file.

    Yields:
        The list of the warnings that it gives; nothing is printed.

    Raises:
        BadRecordError: "unreadable", for any exception but those of this package.
    """
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield caught
    except (BadRecordError, RarebeatError):
        raise
    except Exception as error:  # libraries raise what they meet, such as struct.error or AttributeError
        raise BadRecordError("unreadable", f"{library} cannot read it ({type(error).__name__})") from error
