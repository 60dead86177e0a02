"""The model card: what the model is, how it came to be, what it is for and what it is not for."""

from collections.abc import Mapping
from typing import Any

from rarebeat.core.tables import Cell
from rarebeat.inference.handover.card_text import INTENDED, NOT_INTENDED, chosen_at_site
from rarebeat.models.registry import NETWORKS, uses_person
from rarebeat.reporting.page.findings import Findings
from rarebeat.reporting.page.html import Section, facts, folded, heading, paragraph

_ELSEWHERE = (
    "For handing on, model-card.md beside this page has the card with data, label coverage, scores by group and "
    "calibration; tripod-ai.md is the checklist TRIPOD+AI with what the run knows filled in."
)


def card_section(findings: Findings) -> Section:
    """Write the model card.

    Args:
        findings: all that is known.

    Returns:
        The section.
    """
    card = findings.card
    parts = [
        facts(about(findings)),
        paragraph(_ELSEWHERE, "note"),
        heading("What it is for"),
        paragraph(INTENDED),
        heading("What it is not for"),
        paragraph(NOT_INTENDED),
        folded("How it was trained", [facts(training_of(findings))]),
        folded(
            f"Thresholds, {chosen_at_site(card) or 'chosen on the validation split'}",
            [facts({name.replace("_", " "): f"{card.thresholds[name]:.4g}" for name in card.classes})],
        ),
    ]
    return Section("card", "Model card", parts)


def about(findings: Findings) -> dict[str, Cell]:
    """What the model is, in a few facts.

    Args:
        findings: all that is known.

    Returns:
        Facts by their names; None where there is nothing to say.
    """
    card = findings.card
    settings = card.preprocessing
    low, high = settings.bandpass or (0.0, 0.0)
    band = f"band-pass {low:g} to {high:g} Hz" if settings.bandpass else "no filter"
    window = card.window.of(settings.samples)
    person = uses_person(card.architecture, card.settings)
    network = NETWORKS.get(card.architecture)
    return {
        "Network": f"{card.architecture} ({_settings(card.settings)}), {findings.parameters:,} parameters",
        "From": network.paper.source if network else None,
        "Input": f"12 leads, {settings.samples:,} samples at {settings.rate:g} Hz, {card.units}, {band}"
        + (
            ""
            if window == settings.samples
            else f"; seen in windows of {window:,} samples ({card.window.combine})"
        )
        + ("; age and sex" if person else ""),
        "Classes": f"{len(card.classes)} of the vocabulary {card.vocabulary}, label set {card.heads}",
        "Learnt from": f"{findings.learnt_from:,} records of {', '.join(card.cohorts)}",
        "Tested on": f"{findings.evaluation.records:,} records of "
        f"{', '.join(dict.fromkeys(map(str, findings.test.cohorts.tolist())))}",
        "Digest": findings.digest,
    }


def _settings(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def training_of(findings: Findings) -> dict[str, Cell]:
    """How the model was trained, setting by setting.

    Args:
        findings: all that is known.

    Returns:
        Values by the names of their settings, those of a group after the name of the group; None where there is none.
    """
    training = findings.card.training
    flat = {name: value for name, value in training.items() if not isinstance(value, Mapping)}
    nested = {
        f"{name}, {key}": value
        for name, own in training.items()
        if isinstance(own, Mapping)
        for key, value in own.items()
    }
    return {name.replace("_", " "): _text(value) for name, value in (flat | nested).items()}


def _text(value: Any) -> Cell:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or None
    return None if value is None or value == {} else str(value)
