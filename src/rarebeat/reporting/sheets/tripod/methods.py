"""What a run knows of the items up to the open science: aims, data, labels, network, training, measures."""

from collections.abc import Sequence
from importlib.metadata import version

from rarebeat.core.records import LEADS, REASONS
from rarebeat.core.tables import people_text
from rarebeat.evaluation.groups import FEWEST
from rarebeat.inference.handover.card_text import INTENDED, NOT_INTENDED, input_text, thresholds_text
from rarebeat.models.registry import NETWORKS
from rarebeat.reporting.page.card import training_of
from rarebeat.reporting.page.findings import SIMULATED, CohortFacts
from rarebeat.reporting.sheets.facts import RunFacts
from rarebeat.reporting.sheets.markdown import facts_table
from rarebeat.reporting.sheets.model_card import LABEL_RULES, data_parts, label_parts
from rarebeat.reporting.sheets.tripod.results import macro_text


def opening_answers(facts: RunFacts) -> dict[str, str]:
    """Answer what is asked of title, abstract and introduction.

    Args:
        facts: all that is known.

    Returns:
        Markdown by the number of the item.
    """
    findings = facts.findings
    card, scored = findings.card, findings.evaluation
    tested = people_text(scored.records, scored.patients, scored.without_patient, ",")
    what = _kind_of_study(facts)
    return {
        "1": f"Suggested: {what.capitalize()} of a neural network ({card.architecture}) that tells "
        f"{_classes(facts)} on 12-lead ECGs of {', '.join(card.cohorts)}",
        "2": f"Objective: {what} of a model that tells {_classes(facts)}. Methods: {card.architecture}, "
        f"{findings.parameters:,} parameters, learnt from {findings.learnt_from:,} ECGs of {', '.join(card.cohorts)}; "
        f"thresholds were chosen on {findings.validated_on:,} others, and the model was tested on {tested}. "
        f"Results: {macro_text(scored)}",
        "3a": "Diagnostic: the classes are findings of the very ECG that the model sees.",
        "3b": f"For: {INTENDED} Not for: {NOT_INTENDED}",
        "4": f"{what.capitalize()}: to tell {_classes(facts)}, and to measure how well on patients whom the model has "
        "never seen.",
    }


def _kind_of_study(facts: RunFacts) -> str:
    if not facts.external:
        return "development and internal evaluation"
    tested = set(map(str, facts.findings.test.cohorts.tolist()))
    where = ", ".join(facts.external)
    if tested == set(facts.external):
        return f"development, and evaluation on other cohorts ({where})"
    return f"development and internal evaluation, and evaluation on other cohorts ({where})"


def _classes(facts: RunFacts) -> str:
    card = facts.findings.card
    count = f"{len(card.classes)} classes" if len(card.classes) > 1 else "one class"
    return f"{count} of the vocabulary {card.vocabulary}"


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
    refused = f" Refused were ECGs because of: {why}." if why else " None was refused."
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
    return (
        f"What the archives hold, less what item 20a leaves out: {findings.learnt_from:,} ECGs to learn from, "
        f"{findings.validated_on:,} to choose thresholds on, and {tested} to test on. Item 21 has the positive ECGs of "
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


def analysis_answers(facts: RunFacts) -> dict[str, str]:
    """Answer what is asked of the analysis, the output and the openness of a study.

    Args:
        facts: all that is known.

    Returns:
        Markdown by the number of the item.
    """
    findings, card = facts.findings, facts.findings.card
    scored = findings.evaluation
    return {
        "12a": "Split by patient, by a keyed hash or by the folds of the database: one part to learn from, one to "
        "choose thresholds on (and the epoch, where `train.keep` is `best`), one to test on. ECGs of one patient, and "
        "of patients who share a recording, are never in two parts.",
        "12b": "The signal enters as it is, each lead brought to mean 0 and deviation 1 by numbers of the training "
        f"part. {_augmented(facts)}",
        "12c": _network(facts),
        "12d": _clusters(facts),
        "12e": "Discrimination: AUROC, and AUPRC because most classes are rare. Decisions: F1, precision (positive "
        "predictive value) and recall (sensitivity) at the chosen thresholds, F1 also at 0.5. Calibration: mean "
        "probability, share of positives and the expected calibration error, class by class. Plots: precision over "
        f"recall, and calibration. Intervals of {100 * scored.confidence:g} % are over patients (bootstrap, and in "
        "closed form where it has none); they hold the model and its thresholds fixed. Clinical utility (net benefit) "
        "was not computed.",
        "12f": _updating(facts),
        "12g": "By the stored model folder, through the code that `rarebeat predict` runs: the same preprocessing, "
        "windows and thresholds. Nothing was fitted again.",
        "13": _imbalance(facts),
        "14": f"Scores of groups by sex and age, over the classes that every group has enough positive patients of, so "
        f"that they can be compared; groups of fewer than {FEWEST} patients are not scored. Item 23a has them. Nothing "
        "was done in training to make groups alike.",
        "15": f"A probability for each class, and a decision: it is there from a threshold on. {thresholds_text(card)} "
        f"Rule: {card.training.get('threshold', 'not told')}. Model folder and model card list them.",
        "16": _differences(facts),
        "18e": "`rarebeat croissant data/shards` describes the prepared data, with checksums; the licences of the "
        "archives say whether they may be passed on.",
        "18f": f"Rarebeat {version('rarebeat')}, MIT licence. `params.yaml` and `dvc.lock` fix all settings and the "
        "checksums of all data, so that `dvc repro` makes the run again.",
    }


def _augmented(facts: RunFacts) -> str:
    settings = facts.findings.card.training.get("augment", {})
    used = [
        f"{name.replace('_', ' ')} {value:g}"
        for name, value in settings.items()
        if value not in (0, 1) or (name != "gain" and value)
    ]
    return (
        f"Training ECGs were varied at random: {', '.join(used)}."
        if used
        else "Training ECGs were not varied."
    )


def _network(facts: RunFacts) -> str:
    card = facts.findings.card
    network = NETWORKS.get(card.architecture)
    source = f" after {network.paper.source}" if network else ", a network of the user's own"
    return (
        f"A convolutional network, {card.architecture}{source}: {facts.findings.parameters:,} parameters, settings "
        f"{card.settings}. One output for each class, all learnt at once. This run tuned no setting, and does not "
        "know what was tried before. Internal validation is the split of item 12a. How it was trained:\n\n"
        f"{facts_table(training_of(facts.findings))}"
    )


def _clusters(facts: RunFacts) -> str:
    if facts.findings.evaluation.cohorts:
        return "Each cohort is scored alone, too (item 23b). Centres within a cohort are not told apart."
    return "There is one cohort. Centres within it are not told apart, so that differences between them are not known."


def _updating(facts: RunFacts) -> str:
    card = facts.findings.card
    done = []
    if card.origin:
        protocol = card.training.get("finetune", {}).get("protocol", "all_layers")
        done.append(
            f"The weights start from another model ({facts.findings.card.origin.get('name', 'see the card')}), "
            f"by the protocol {protocol}."
        )
    if card.adapted:
        done.append(f"The model was adapted to {card.adapted['records']} labelled records of a site.")
    if card.offsets:
        done.append("A number is added to the logits of some classes.")
    return " ".join(done) or "None: the model is new, and was not changed after its evaluation."


def _imbalance(facts: RunFacts) -> str:
    findings = facts.findings
    loss = findings.card.training.get("loss", "not told")
    kept = findings.of_split("train")["records"]
    resampled = (
        f"Class re-sampling kept {kept:,} of {kept + findings.left_out:,} training ECGs, all of the rare classes and "
        "fewer of the common ones, without copies. Validation and test parts are as frequent as they come, unless "
        "`prepare.balance.splits` names them; so thresholds were chosen at natural frequencies. Probabilities reflect "
        "the frequencies of training: item 23a has their calibration."
        if findings.left_out
        else "No training ECG was left out or repeated."
    )
    calibrated = " `calibrated` beside a probability is fitted to the validation part."
    return f"{resampled}{calibrated if findings.card.certainty else ''} The loss is {loss}."


def _differences(facts: RunFacts) -> str:
    outside = (
        f"{', '.join(facts.external)} was not learnt from. "
        if facts.external
        else "All parts are of the same cohorts. "
    )
    resampled = "Class re-sampling changed the training part alone. " if facts.findings.left_out else ""
    return f"{outside}{resampled}Eligibility, outcome and predictors are defined alike. Item 20c compares the people."


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
