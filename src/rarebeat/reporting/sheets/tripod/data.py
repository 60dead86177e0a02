"""What a run knows of the data: the items of TRIPOD+AI on sources, people, labels, predictors and their numbers."""

from collections.abc import Sequence

from rarebeat.core.records import LEADS, REASONS
from rarebeat.core.tables import people_text
from rarebeat.inference.handover.card_text import chosen_at_site, input_text
from rarebeat.reporting.page.findings import SIMULATED, CohortFacts
from rarebeat.reporting.sheets.facts import RunFacts
from rarebeat.reporting.sheets.model_card import LABEL_RULES, data_parts, label_parts


def data_answers(facts: RunFacts) -> dict[str, str]:
    """Answer what is asked of data, outcome and predictors.

    Args:
        facts: all that is known.

    Returns:
        Markdown by the number of the item.
    """
    findings, card = facts.findings, facts.findings.card
    steps = card.preprocessing
    return {
        "5a": _sources(findings.cohorts),
        "5b": "No dates are stored: ingest keeps ages and drops dates.",
        "6b": _eligible(facts),
        "7": f"{input_text(card)} Recordings were resampled with an anti-aliasing filter. Each was checked when it was "
        "read (header, units, leads, limb-lead relations, amplitude, clipping), and refused where a check failed; item "
        "20a counts them. The same was done to all records, whatever their group or split.",
        "8a": f"{', '.join(card.classes)}. They are findings of the same ECG, so that there is no time between "
        f"prediction and outcome. {LABEL_RULES} {_origins(findings.cohorts)}",
        "8b": _readers(findings.cohorts),
        "8c": "The model sees the signal"
        + (", age and sex" if card.uses_person else "")
        + " and never the report or the codes that labels are made from. Labels are made without a prediction at hand.",
        "9a": f"The signal of all {len(LEADS)} leads"
        + (", age and sex" if card.uses_person else "; neither age nor sex")
        + ". Nothing was selected: the network finds its features itself.",
        "9b": f"{len(LEADS)} leads ({', '.join(LEADS)}) in {card.units} at {steps.rate:g} Hz, "
        f"{card.window.of(steps.samples):,} samples at a time, recorded when the outcome was.",
        "9c": "No predictor is judged by a person: leads are recorded"
        + (", age and sex are taken from the archive." if card.uses_person else "."),
        "10": _size(facts),
        "11": _missing(facts),
    }


def _sources(cohorts: Sequence[CohortFacts]) -> str:
    lines = [
        f"{one.name}"
        + (f" (archive of kind {one.kind})" if one.kind else "")
        + f": {one.records:,} ECGs read, {one.quarantined:,} refused"
        for one in cohorts
    ]
    made_up = [one.name for one in cohorts if one.kind == SIMULATED]
    note = f" {', '.join(made_up)} is simulated and stands for no population." if made_up else ""
    return "; ".join(lines) + "." + note


def _eligible(facts: RunFacts) -> str:
    reasons = sorted({reason for one in facts.findings.cohorts for reason in one.reasons})
    why = "; ".join(REASONS.get(reason, reason) for reason in reasons)
    count = sum(one.quarantined for one in facts.findings.cohorts)
    refused = f" Refused were ECGs because of: {why}." if why else " None was refused."
    if count and not why:  # the summaries of ingest are not at hand
        refused = f" {count:,} were refused; for which reasons is not told here."
    return (
        "Every ECG of the archives with twelve leads (or eight of which the others follow), known units and at least a "
        f"second of signal.{refused} Copies of the same recording count once, and ECGs of which no class is known are "
        "left out."
    )


def _origins(cohorts: Sequence[CohortFacts]) -> str:
    texts = [one.name for one in cohorts if one.labels == "text"]
    codes = [one.name for one in cohorts if one.labels == "codes"]
    parts = [
        f"Labels of {', '.join(texts)} are read from reports by the patterns of the vocabulary."
        if texts
        else "",
        f"Labels of {', '.join(codes)} come from codes." if codes else "",
    ]
    return " ".join(filter(None, parts))


def _readers(cohorts: Sequence[CohortFacts]) -> str:
    if all(one.kind == SIMULATED for one in cohorts):
        return "Nobody: the reports are simulated."
    return "The archives' own reports and codes; Rarebeat does not know who wrote them."


def _size(facts: RunFacts) -> str:
    findings, scored = facts.findings, facts.findings.evaluation
    training = findings.card.training
    tested = people_text(scored.records, scored.patients, scored.without_patient, ",")
    fewer = [
        f"the training was told to use a share of {training['fraction']:g} of the patients"
        if training.get("fraction", 1) != 1
        else "",
        "positive records of some classes were limited on purpose" if training.get("limit_positives") else "",
    ]
    notes = "; ".join(filter(None, fewer))
    site = chosen_at_site(findings.card)
    purpose = f"the training's thresholds on (those of the model were {site})" if site else "thresholds on"
    return (
        f"What the archives hold, less what item 20a leaves out: {findings.learnt_from:,} ECGs to learn from, "
        f"{findings.validated_on:,} to choose {purpose}, and {tested} to test on. Item 21 has the positive ECGs of "
        f"each class. Macro averages leave out classes with fewer than {scored.at_least} positive patients."
        + (f" {notes[:1].upper()}{notes[1:]}." if notes else "")
    )


def _missing(facts: RunFacts) -> str:
    people = facts.people[0]
    uses = facts.findings.card.uses_person
    return (
        "Labels: a class that is not known, or uncertain, is left out of the loss (unless `prepare.uncertain` says "
        "otherwise), of the choice of its threshold and of its scores; the ECG stays for its other classes. Signal: an "
        "ECG without one of the leads is refused; a shorter one is padded with zeros that the network is told of. "
        f"Of {people.records:,} training ECGs {people.age_unknown:,} have no age and {people.sex_unknown:,} no sex"
        + ("; the network is told that it is not known." if uses else ", which the network does not use.")
    )


def tables_of_data(facts: RunFacts) -> dict[str, str]:
    """Answer the items on participants and events, which are tables.

    Args:
        facts: all that is known.

    Returns:
        Markdown by the number of the item.
    """
    *flow, _, people = data_parts(facts)
    compared = "Item 20b has the people and item 21 the classes of all parts side by side."
    if share := facts.findings.evaluation.unlike:
        compared += (
            f" Unlike the training data, as the model itself warns, are {100 * share.value:.1f} % of the test ECGs "
            f"({100 * share.low:.1f} to {100 * share.high:.1f} %)."
        )
    return {
        "20a": "\n\n".join(flow),
        "20b": people,
        "20c": compared,
        "21": "\n\n".join(label_parts(facts)[1:]),
    }
