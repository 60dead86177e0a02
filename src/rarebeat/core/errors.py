"""The errors that a user sees: one clear message each, no traceback."""


class RarebeatError(Exception):
    """Something the user can mend. The message names the file or key, what was expected, and what to do."""


class MissingSourceError(RarebeatError):
    """The archive to ingest is not where the user said; the message tells how to get it."""


class ParamsError(RarebeatError):
    """A value in ``params.yaml`` (or on the command line) that cannot be used."""


class BadRecordError(Exception):
    """One recording that cannot be trusted. Ingest turns it into a quarantine row, prediction into an error entry.

    Args:
        reason: one of :data:`rarebeat.core.record_files.REASONS`.
        detail: what was found and what was expected, for a person.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"
