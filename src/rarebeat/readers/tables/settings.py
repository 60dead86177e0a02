"""Options that every kind of archive has: tables that are joined to its recordings, and ready-made labels."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal

from pydantic.dataclasses import dataclass

from rarebeat.core.errors import ParamsError
from rarebeat.core.params import STRICT, parse
from rarebeat.readers.fields import HIGHEST_FOLD


@dataclass(frozen=True, config=STRICT)
class Table:
    """A CSV that tells something of the recordings.

    Attributes:
        csv: the file, relative to the folder of the archive.
        key: its column that names the recording: by the id, the path or the name of the file, with or without its
            ending; of an ECG in a stack of them by its number.
        rows: "one" row for each recording; or "many", of which each holds a statement or a code more.
        text_column: the column with the report, or the columns, one a line; ``report_*`` is all that begin so.
        codes_column: the column with codes: a dictionary, a list, or words.
        code_system: what the codes belong to: scp, snomed, icd10, aha, 12sl, cpsc, chapman, ...
        complete_column: the column that tells whether the codes are all that apply (true or false).
        patient_column: the column with the patient.
        age_column: the column with the age in years.
        sex_column: the column with the sex (F, M, female, male, or see ``sex_values``).
        sex_values: the meaning of other values of sex, such as ``{0: male, 1: female}``.
        fold_column: the column with the database's own fold.
        highest_fold: the largest number that a fold can have.
    """

    csv: str
    key: str
    rows: Literal["one", "many"] = "one"
    text_column: str | tuple[str, ...] | None = None
    codes_column: str | None = None
    code_system: str = "scp"
    complete_column: str | None = None
    patient_column: str | None = None
    age_column: str | None = None
    sex_column: str | None = None
    sex_values: dict[str | int, Literal["female", "male"]] | None = None
    fold_column: str | None = None
    highest_fold: int = HIGHEST_FOLD

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns with the report, in order."""
        columns = self.text_column or ()
        return (columns,) if isinstance(columns, str) else columns

    @property
    def single_columns(self) -> tuple[str, ...]:
        """The columns of which a recording has one cell."""
        named = (
            self.patient_column,
            self.age_column,
            self.sex_column,
            self.fold_column,
            self.complete_column,
        )
        return tuple(name for name in named if name)


@dataclass(frozen=True, config=STRICT)
class TableOptions:
    """Options beside those of the reader.

    Attributes:
        tables: CSV files with reports, codes, patients, ages, sexes.
        labels_csv: a CSV with a column for each class that holds 1, 0 or nothing (unknown). Where there is one, it
            alone says the labels: the recordings' own codes are left out, and nothing is matched.
        labels_key: its column that names the recording, as for ``tables``; None takes the first.
        labels_columns: its columns that are classes (by id, short or full name); None takes all but the key.
    """

    tables: tuple[Table, ...] = ()
    labels_csv: str | None = None
    labels_key: str | None = None
    labels_columns: tuple[str, ...] | None = None


_KEYS = tuple(field.name for field in fields(TableOptions))
_NO_TABLES = TableOptions()


def split_options(options: Mapping[str, Any]) -> tuple[TableOptions, dict[str, Any]]:
    """Part the options that every kind has from those of the reader.

    Args:
        options: of a cohort.

    Returns:
        The former, checked, and the latter as they are.

    Raises:
        ParamsError: for a key of a table that there is not, and for keys of labels without a table of them.

    Example:
        >>> split_options({"rate": 100, "labels_csv": "labels.csv"})[1]
        {'rate': 100}
    """
    if options.keys().isdisjoint(_KEYS):
        return _NO_TABLES, dict(options)  # as for most cohorts, and asked for every recording
    shared = parse(TableOptions, {key: options[key] for key in _KEYS if key in options}, "options")
    if shared.labels_csv is None and (shared.labels_key or shared.labels_columns):
        raise ParamsError("options: labels_key and labels_columns go with labels_csv, the table of labels")
    return shared, {key: value for key, value in options.items() if key not in _KEYS}
