"""What clinicians decided on disagreements of model and label: as a table for people, and for a program."""

from collections.abc import Sequence
from typing import Any

from rarebeat.audit.adjudication import (
    ALL,
    CANNOT_SAY,
    SIDES,
    Decision,
    Outcome,
    outcomes,
    reader_agreement,
)
from rarebeat.audit.tables import kappa_cell, kappa_content
from rarebeat.core.tables import Row, interval_text, markdown_table, tidy


def verdict_table(decisions: Sequence[Decision], replicates: int = 1000) -> str:
    """A Markdown table with a line per reader and class, and below it how far readers agree."""
    lines = [
        markdown_table([_row(outcome) for outcome in outcomes(decisions, replicates)]) or "No decisions.",
        "",
        "ECGs on which label and model disagree, so that one of them is wrong. Shares with 95 % Wilson intervals, "
        "kappas with 95 % bootstrap intervals [ECGs]. They hold for the ECGs judged, which were chosen for "
        "disagreement.",
    ]
    for pair in reader_agreement(decisions):
        kappa = "undefined" if pair["kappa"] is None else f"{pair['kappa']:.2f}"
        lines.append(
            f"{pair['readers'][0]} and {pair['readers'][1]}: equal on {100 * pair['agreement']:.0f} % of "
            f"{pair['items']} ECGs, kappa {kappa}."
        )
    return "\n".join(lines)


def _row(outcome: Outcome) -> Row:
    return {
        "Reader": outcome.reader,
        "Class": f"**{ALL}**" if outcome.class_id == ALL else outcome.class_id,
        "Decided": outcome.judged,
        CANNOT_SAY.capitalize(): outcome.cannot_say,
        "Label wrong": outcome.label_wrong,
        "Model wrong": outcome.judged - outcome.label_wrong,
        "Share of wrong labels": interval_text(*outcome.share) if outcome.share else None,
        **{f"Kappa with {side}": kappa_cell(outcome.kappas[side], 0) for side in SIDES},
    }


def verdict_content(decisions: Sequence[Decision], replicates: int = 1000) -> dict[str, Any]:
    """The same for a program, with every decision against the label."""
    return {
        "outcomes": [_outcome_content(outcome) for outcome in outcomes(decisions, replicates)],
        "agreement": reader_agreement(decisions),
        "wrong_labels": [
            {
                "item": decision.item.name,
                "class": decision.item.class_id,
                "record": decision.item.record,
                "reader": decision.reader,
                "note": decision.note,
            }
            for decision in decisions
            if decision.present is not None and decision.present != decision.item.opinions["label"]
        ],
    }


def _outcome_content(outcome: Outcome) -> dict[str, Any]:
    share, low, high = outcome.share or (None, None, None)
    ends = {"share": share, "low": low, "high": high}
    return {
        "reader": outcome.reader,
        "class": outcome.class_id,
        "decided": outcome.judged,
        "cannot_say": outcome.cannot_say,
        "label_wrong": outcome.label_wrong,
        "model_wrong": outcome.judged - outcome.label_wrong,
        **{name: None if value is None else tidy(value) for name, value in ends.items()},
        "kappa": {side: kappa_content(outcome.kappas[side], 0) for side in SIDES},
    }
