"""The model card: what the model is, how it came to be, what it is for and what it is not for."""

from collections.abc import Mapping
from typing import Any

from rarebeat.core.tables import Cell
from rarebeat.models.registry import NETWORKS, uses_person
from rarebeat.reporting.page.findings import Findings
from rarebeat.reporting.page.html import Html, Section, facts, folded, heading, paragraph

INTENDED = (
    "Research on whether rare diagnoses are learnt better beside common ones, and on pipelines for 12-lead ECGs. It is "
    "to be tested again on ECGs of the place where it is to be used."
)
NOT_INTENDED = (
    "Decisions about people. It knows the classes of its label set and no others: what it does not call may be there "
    "all the same. It has been tested on ECGs of the cohorts named here, and a warning tells where an ECG is unlike "
    "those that it learnt from."
)


def card_section(findings: Findings) -> Section:
    """Write the model card.

    Args:
        findings: all that is known.

    Returns:
        The section.
    """
    card = findings.card
    training = {name: value for name, value in card.training.items() if not isinstance(value, Mapping)}
    nested = {
        f"{name}, {key}": value
        for name, own in card.training.items()
        if isinstance(own, Mapping)
        for key, value in own.items()
    }
    parts = [
        facts(_about(findings)),
        heading("What it is for"),
        paragraph(INTENDED),
        heading("What it is not for"),
        paragraph(NOT_INTENDED),
        folded("How it was trained", [_listed(training | nested)]),
        folded(
            "Thresholds, chosen on the validation split",
            [_listed({name: f"{card.thresholds[name]:.4g}" for name in card.classes})],
        ),
    ]
    return Section("card", "Model card", parts)


def _about(findings: Findings) -> dict[str, Cell]:
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
        "Learnt from": f"{findings.of_split('train')['records']:,} records of "
        f"{findings.of_split('train')['patients']:,} patients: {', '.join(card.cohorts)}",
        "Tested on": f"{findings.evaluation.records:,} records of "
        f"{', '.join(dict.fromkeys(map(str, findings.test.cohorts.tolist())))}",
        "Digest": findings.digest,
    }


def _settings(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def _listed(rows: Mapping[str, Any]) -> Html:
    return facts({name.replace("_", " "): _text(value) for name, value in rows.items()})


def _text(value: Any) -> Cell:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or None
    return None if value is None or value == {} else str(value)
