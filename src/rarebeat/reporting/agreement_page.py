"""The agreement of text and codes as a page of Markdown: one table per cohort, and disagreements to read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rarebeat.labels.agreement import ClassAgreement, Counts, Disagreement, per_class, read_agreement

GOOD = 0.9
"""Classes below this positive agreement are shown with examples."""

_LONGEST = 160


def agreement_page(folders: Mapping[str, Path], examples: int) -> str:
    """Agreement per class in each cohort, and in all of them where there are several.

    Args:
        folders: label folder of each cohort.
        examples: how many disagreements of each kind are shown for a class below :data:`GOOD`.

    Raises:
        RarebeatError: when a folder holds no agreement.
    """
    found = {name: read_agreement(folder) for name, folder in folders.items()}
    found = {name: (counts, samples) for name, (counts, samples) in found.items() if counts}
    if not found:
        return "# Agreement of text and codes\n\nNo cohort has both text and codes.\n"
    if len(found) > 1:
        total: Counts = sum((counts for counts, _ in found.values()), Counts())
        found["all cohorts"] = (total, [])
    sections = [_section(name, *entry, examples) for name, entry in found.items()]
    return "\n".join([_HEAD, *sections])


def agreement_table(counts: Counts) -> list[dict[str, object]]:
    """The same table as rows for a program."""
    return [
        {
            "class": entry.class_id,
            "both": entry.both,
            "text_only": entry.text_only,
            "codes_only": entry.codes_only,
            "neither": entry.neither,
            "open": entry.open,
            "positive_agreement": entry.positive,
        }
        for entry in per_class(counts)
    ]


_HEAD = """# Agreement of text and codes

Records that have both a report and codes. *Agreement* is 2 both / (2 both + text only + codes only); *open* are records
where one of the two is uncertain or unknown. Neither side is the truth.
"""


def _section(name: str, counts: Counts, samples: Sequence[Disagreement], examples: int) -> str:
    classes = per_class(counts)
    silent = [entry.class_id for entry in classes if entry.positive is None]
    lines = [
        f"## {name}",
        "",
        "| class | agreement | both | text only | codes only | neither | open |",
        "|---|--:|--:|--:|--:|--:|--:|",
        *(_row(entry) for entry in classes if entry.positive is not None),
        "",
        *(
            [f"No record is positive in one and decided in the other: {', '.join(silent)}.", ""]
            if silent
            else []
        ),
    ]
    for entry in classes:
        if entry.positive is not None and entry.positive < GOOD:
            lines += _examples(entry, samples, examples)
    return "\n".join(lines)


def _row(entry: ClassAgreement) -> str:
    numbers = (entry.both, entry.text_only, entry.codes_only, entry.neither, entry.open)
    return f"| {entry.class_id} | {entry.positive:.2f} | {' | '.join(map(str, numbers))} |"


def _examples(entry: ClassAgreement, samples: Sequence[Disagreement], examples: int) -> list[str]:
    lines = []
    for kind in ("text only", "codes only"):
        chosen = [one for one in samples if (one.class_id, one.kind) == (entry.class_id, kind)][:examples]
        lines += [
            f"- {entry.class_id}, {kind}: `{_short(one.statements or one.report)}` — {one.codes} ({one.record_id})"
            for one in chosen
        ]
    return [*lines, ""] if lines else []


def _short(text: str) -> str:
    text = " ".join(text.replace("`", "'").split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
