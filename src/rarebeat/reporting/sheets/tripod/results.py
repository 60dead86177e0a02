"""What a run knows of the items on results and use: the model, its performance, its limits."""

from rarebeat.core.tables import interval_text
from rarebeat.evaluation.evaluate import Evaluation
from rarebeat.evaluation.scores import MACRO
from rarebeat.reporting.results import results_table
from rarebeat.reporting.sheets.facts import RunFacts
from rarebeat.reporting.sheets.markdown import bullets
from rarebeat.reporting.sheets.model_card import calibration_parts, cohort_parts, group_parts, limits


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
