"""What was asked and found, in a few sentences and numbers, and what to bear in mind."""

from html import escape

import numpy as np

from rarebeat.core.tables import interval_text, people_text
from rarebeat.evaluation.scores import MACRO, MICRO
from rarebeat.inference.handover.card_text import NOT_A_DEVICE, chosen_at_site
from rarebeat.inference.novelty import UNLIKE
from rarebeat.reporting.page.findings import SIMULATED, Findings
from rarebeat.reporting.page.html import Html, Section, paragraph
from rarebeat.reporting.results import macro_line

_TILES = (("Macro F1", "f1", MACRO), ("Macro AUROC", "auroc", MACRO), ("Macro AUPRC", "auprc", MACRO))
_MICRO = (("Micro F1", "f1", MICRO), ("Micro AUPRC", "auprc", MICRO))


def asked_section(findings: Findings) -> Section:
    """Write the first section.

    Args:
        findings: all that is known.

    Returns:
        The section.
    """
    parts = [paragraph(_question(findings)), _tiles(findings), paragraph(_answer(findings))]
    return Section("asked", "Asked and found", [*parts, _warnings(findings)])


def _question(findings: Findings) -> str:
    card, evaluation = findings.card, findings.evaluation
    all_kept = (
        findings.learnt_from == findings.of_split("train")["records"]
    )  # not some cohorts, nor a share of them
    left_out = (
        f" (class re-sampling left out {findings.left_out:,} more)" if findings.left_out and all_kept else ""
    )
    heads = f"{len(card.classes)} classes" if len(card.classes) > 1 else "one class"
    chosen = chosen_at_site(card) or f"chosen on {findings.validated_on:,} records"
    return (
        f"Can one network tell {heads} of the vocabulary {card.vocabulary} apart on ECGs of patients that it has "
        f"never seen? {card.architecture}, {findings.parameters:,} parameters, learnt the label set "
        f"{card.heads} from {findings.learnt_from:,} records of {', '.join(card.cohorts)}{left_out}; its thresholds "
        f"were {chosen}, and it was tested on "
        f"{people_text(evaluation.records, evaluation.patients, evaluation.without_patient, ',')}."
    )


def _tiles(findings: Findings) -> Html:
    point, half = findings.evaluation.tuned, findings.evaluation.at_half
    tiles = []
    for title, metric, column in (*_TILES, *_MICRO):
        value, low, high = point.with_interval(metric, column)
        ends = "" if np.isnan(low) else f"{low:.2f} to {high:.2f}"
        tiles.append(_tile(title, value, ends))
    tiles.append(_tile("Macro F1 at 0.5", half.with_interval("f1", MACRO)[0], "without chosen thresholds"))
    return Html('<dl class="tiles">\n' + "\n".join(tiles) + "\n</dl>")


def _tile(title: str, value: float, note: str) -> str:
    return (
        f"<div><dt>{escape(title)}</dt><dd>{interval_text(value, np.nan, np.nan)}"
        f"<small>{escape(note)}</small></dd></div>"
    )


def _answer(findings: Findings) -> str:
    evaluation = findings.evaluation
    values = evaluation.tuned.scores.values["auprc"][: len(evaluation.classes)]
    ranked = [index for index in np.argsort(-values, kind="stable").tolist() if evaluation.averaged[index]]
    averages = macro_line(evaluation).replace(" (`evaluate.at_least`)", "")
    intervals = (
        f"Below each number stands its {100 * evaluation.confidence:g} % interval over patients, which holds the "
        "model and its thresholds fixed. "
    )
    if len(ranked) < 2:
        return intervals + averages

    def named(index: int) -> str:
        name = evaluation.classes[index].replace("_", " ")
        return f"{name} ({interval_text(*evaluation.tuned.with_interval('auprc', index))})"

    return f"{intervals}Best told, by AUPRC, is {named(ranked[0])}, worst {named(ranked[-1])}. {averages}"


def _warnings(findings: Findings) -> Html:
    items = "\n".join(f"<li>{escape(text)}</li>" for text in warnings_of(findings))
    return Html(f'<h3>Bear in mind</h3>\n<ul class="warnings">\n{items}\n</ul>')


def warnings_of(findings: Findings) -> list[str]:
    """What makes the scores worth less than they look.

    Args:
        findings: all that is known.

    Returns:
        Sentences.
    """
    found = []
    simulated = [one.name for one in findings.cohorts if one.kind == SIMULATED]
    if simulated:
        found.append(
            f"The ECGs of {', '.join(simulated)} are simulated: scores on them say that the pipeline works, not how "
            "well it reads ECGs of people."
        )
    for origin, words in (("text", "reports"), ("codes", "codes")):
        if names := [one.name for one in findings.cohorts if one.labels == origin]:
            found.append(
                f"Labels of {', '.join(names)} come from {words}, which may be wrong: an error of the model may be one "
                "of the label."
            )
    # Prepare warns of classes of the whole vocabulary; which of its own the model has not learnt comes below.
    found += [
        _sentence(text) for text in findings.summary["warnings"] if not text.startswith("no positive record")
    ]
    if not_learnt := findings.card.training.get("not_learnt"):
        found.append(f"Not learnt, for want of positive records: {_listed(not_learnt)}.")
    found += _doubts(findings)
    found.append(NOT_A_DEVICE)
    return found


def _doubts(findings: Findings) -> list[str]:
    if findings.test.warnings is None:
        return []
    found, share = [], findings.evaluation.unlike
    if share is not None:
        found.append(
            f"{100 * share.value:.1f} % of the test records ({100 * share.low:.1f} to {100 * share.high:.1f} %) are "
            "warned of as unlike the training data."
        )
    texts = [text for text in findings.test.warnings.tolist() if text and UNLIKE not in text]
    if texts:
        more = (
            "more " if share is not None and share.value else ""
        )  # those warned of as unlike are not counted again
        found.append(f"Ingest found {len(texts):,} {more}test records doubtful for other reasons.")
    return found


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."


def _listed(names: list[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in names)
