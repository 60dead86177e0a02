"""The real recordings: how their archives are read, and what their tables and headers say."""

import ast
import csv
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from rarebeat.core.params import read_params
from rarebeat.labels.states import State
from rarebeat.readers.ingest import ingest_cohort

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"
COHORTS = {
    "ptb-xl": "ptb-xl",
    "challenge": "challenge",
    "ludb": "ludb",
    "ptb-xl-filtered": "ptb-xl-normalised",
}
"""Folder of each archive, and the cohort of params.yaml that says how it is read."""

_OUTCOMES: Mapping[tuple[State, State], str] = {
    (1, 1): "both",
    (1, 0): "text only",
    (0, 1): "codes only",
    (0, 0): "neither",
}


def ingest(name: str, real_ecg: Path, out: Path) -> None:
    """Read one of :data:`COHORTS` into the cohort folder ``out``."""
    entry = read_params(PARAMS)["cohorts"][COHORTS[name]]
    ingest_cohort(entry["kind"], real_ecg / name, out, name, entry["options"], workers=1)


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a table."""
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def scp_codes(cell: str) -> list[str]:
    """The codes of a cell of PTB-XL, as ``scp:code``."""
    return [f"scp:{key}" for key in ast.literal_eval(cell.replace("null", "None"))]


def ptb_xl(root: Path, folds: Collection[int] = range(1, 11)) -> dict[str, tuple[str, list[str]]]:
    """Report and codes of each PTB-XL record of some folds whose code list is complete, by its number."""
    tables = [root / "ptb-xl" / "ptbxl_database.csv", root / "ptb-xl-filtered" / "ptbxl_filtered.csv"]
    return {
        row["ecg_id"]: (row["report"], scp_codes(row["scp_codes"]))
        for table in tables
        for row in rows(table)
        if row.get("scp_codes_complete", "True") == "True" and int(row["strat_fold"]) in folds
    }


def ludb_diagnoses(header: Path) -> list[str]:
    """The lines behind ``#<diagnoses>:`` of a LUDB header."""
    lines = [line[1:].strip() for line in header.read_text(encoding="utf-8").splitlines() if line[:1] == "#"]
    return lines[lines.index("<diagnoses>:") + 1 :]


def challenge_headers(root: Path) -> list[Path]:
    """The headers of all records of the challenge, each in the folder of its database."""
    return sorted((root / "challenge").glob("*/*.hea"))


def challenge_codes(header: Path) -> list[str]:
    """The codes of a challenge record as its header gives them: numbers or short names."""
    lines = header.read_text(encoding="utf-8").splitlines()
    line = next(line for line in lines if line.lstrip("# ").startswith("Dx"))
    return [code.strip() for code in line.partition(":")[2].split(",")]


def with_system(codes: Iterable[str]) -> list[str]:
    """Codes of the challenge as ``system:code``."""
    return [f"{'snomed' if code.isdigit() else 'cpsc'}:{code}" for code in codes]


def agreement(
    pairs: Iterable[tuple[Mapping[str, State], Mapping[str, State]]], short: Mapping[str, str]
) -> dict[str, Counter[str]]:
    """Records by what text and codes say of a class: both, text only, codes only, neither, or open; and print it.

    Args:
        pairs: states in the text and in the codes of each record.
        short: short name by class id.

    Returns:
        Counts by short name.
    """
    table: dict[str, Counter[str]] = {code: Counter() for code in short.values()}
    for text, codes in pairs:
        for name, code in short.items():
            table[code][_OUTCOMES.get((text[name], codes[name]), "open")] += 1
    for code, counts in table.items():
        shown = (f"{outcome} {counts[outcome]}" for outcome in (*_OUTCOMES.values(), "open"))
        print(f"{code:7}", "  ".join(shown))
    return table


def positive_agreement(counts: Counter[str]) -> float:
    """2 both / (2 both + text only + codes only)."""
    return 2 * counts["both"] / (2 * counts["both"] + counts["text only"] + counts["codes only"])
