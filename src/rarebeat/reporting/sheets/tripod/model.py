"""What a run knows of the model: the items of TRIPOD+AI on aims, training, measures, performance and use."""

from importlib.metadata import version

from rarebeat.core.tables import interval_text, people_text
from rarebeat.evaluation.evaluate import Evaluation
from rarebeat.evaluation.groups import FEWEST
from rarebeat.evaluation.scores import MACRO
from rarebeat.inference.handover.card_text import (
    INTENDED,
    NOT_INTENDED,
    calibrated_on,
    chosen_at_site,
    thresholds_text,
)
from rarebeat.inference.model_card import ModelCard
from rarebeat.models.registry import NETWORKS
from rarebeat.reporting.page.card import training_of
from rarebeat.reporting.results import results_table
from rarebeat.reporting.sheets.facts import RunFacts
from rarebeat.reporting.sheets.markdown import bullets, facts_table
from rarebeat.reporting.sheets.model_card import (
    calibration_parts,
    cohort_parts,
    group_parts,
    limits,
)


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
    chosen = chosen_at_site(card) or f"chosen on {findings.validated_on:,} others"
    return {
        "1": f"Suggested: {what.capitalize()} of a neural network ({card.architecture}) that tells "
        f"{_classes(facts)} on 12-lead ECGs of {', '.join(card.cohorts)}",
        "2": f"Objective: {what} of a model that tells {_classes(facts)}. Methods: {card.architecture}, "
        f"{findings.parameters:,} parameters, learnt from {findings.learnt_from:,} ECGs of {', '.join(card.cohorts)}; "
        f"thresholds were {chosen}, and the model was tested on {tested}. "
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


def macro_text(scored: Evaluation) -> str:
    """The macro averages in a sentence.

    Args:
        scored: of any number of classes.

    Returns:
        A sentence; it says so where there is no average.
    """
    count = int(scored.averaged.sum())
    if not count:
        return f"no class has {scored.at_least} positive patients, so that there is no macro average."
    names = {"auroc": "AUROC", "auprc": "AUPRC", "f1": "F1"}
    found = ", ".join(
        f"{title} {interval_text(*scored.tuned.with_interval(name, MACRO))}" for name, title in names.items()
    )
    return f"macro averages over {count} classes, with {100 * scored.confidence:g} % intervals: {found}."


def analysis_answers(facts: RunFacts) -> dict[str, str]:
    """Answer what is asked of the analysis, the output and the openness of a study.

    Args:
        facts: all that is known.

    Returns:
        Markdown by the number of the item.
    """
    findings, card = facts.findings, facts.findings.card
    scored = findings.evaluation
    chosen = "the training's thresholds" if chosen_at_site(card) else "thresholds"
    return {
        "12a": "Split by patient, by a keyed hash or by the folds of the database: one part to learn from, one to "
        f"choose {chosen} on (and the epoch, where `train.keep` is `best`), one to test on. ECGs of one patient, and "
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
        f"`prepare.balance.splits` names them{_frequencies(findings.card)}: item 23a has their calibration."
        if findings.left_out
        else "Classes were not re-sampled."
    )
    part = calibrated_on(findings.card, "the validation part")
    calibrated = f" `calibrated` beside a probability is fitted to {part}."
    return f"{resampled}{calibrated if findings.card.certainty else ''} The loss is {loss}."


def _frequencies(card: ModelCard) -> str:
    """End of a sentence on how frequent classes are: of the thresholds, and what probabilities reflect."""
    site = chosen_at_site(card)
    thresholds = f". Thresholds were {site}" if site else "; so thresholds were chosen at natural frequencies"
    reflected = "the frequencies of training" + (
        ", moved by offsets that were fitted to the records of the site" if card.adapted else ""
    )
    return f"{thresholds}. Probabilities reflect {reflected}"


def _differences(facts: RunFacts) -> str:
    outside = (
        f"{', '.join(facts.external)} was not learnt from. "
        if facts.external
        else "All parts are of the same cohorts. "
    )
    resampled = "Class re-sampling changed the training part alone. " if facts.findings.left_out else ""
    return f"{outside}{resampled}Eligibility, outcome and predictors are defined alike. Item 20c compares the people."


def result_answers(facts: RunFacts) -> dict[str, str]:
    """Answer what is asked of the model, its performance and its use.

    Args:
        facts: all that is known.

    Returns:
        Markdown by the number of the item.
    """
    findings, card = facts.findings, facts.findings.card
    scored = findings.evaluation
    return {
        "22": "The model folder holds the weights, the preprocessing, the thresholds and a digest over all of them: "
        f"`{findings.digest}`. `rarebeat predict` runs it, `rarebeat export` makes ONNX of it, and `rarebeat publish` "
        "a repository.",
        "23a": "\n\n".join([results_table(scored), *group_parts(findings), *calibration_parts(findings)]),
        "23b": "\n\n".join(cohort_parts(findings)),
        "24": _updated(facts),
        "26": bullets(limits(findings)),
        "27a": "An ECG that fails a check of ingest is refused with the reason, not answered. One that is shorter or "
        "longer than the input, or unlike the training data, is answered with a warning."
        + (" Where age or sex is missing, the answer says so." if card.uses_person else ""),
        "27b": "Nothing is measured or typed in: the file of the recorder is the input"
        + (", with age and sex where the file lacks them" if card.uses_person else "")
        + ". Users must know that a class outside the label set is never called, and that thresholds belong to the "
        "place where they were chosen.",
    }


def _updated(facts: RunFacts) -> str:
    card = facts.findings.card
    if card.origin or card.adapted or card.offsets:
        return "The performance of item 23a is that of the updated model; the earlier one was not tested in this run."
    return "There was no updating."
