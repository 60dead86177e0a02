"""What calibration and certain answers are worth, as Markdown for people and as plain numbers."""

import numpy as np

from rarebeat.core.tables import Row, interval_text, markdown_table, tidy
from rarebeat.evaluation.certainty.measures import BINS, CertaintyScores, ClassAnswers, ClassCalibration, Ends

_OF_SITE = "the labelled records of one site"

Tree = dict[str, "float | Tree | None"]
"""As :data:`rarebeat.evaluation.metrics_file.MetricTree`."""


def calibration_rows(scores: CertaintyScores) -> list[Row]:
    """Each class's calibration before and after the stored map, for a table.

    Args:
        scores: of any number of classes.

    Returns:
        A row for each class.
    """
    return [
        {
            "Class": name,
            "Brier score": _digits(one.brier_before[0]),
            "Brier, calibrated": _digits(one.brier[0]),
            "Gained": _signed(one.brier_gain),
            "Error": interval_text(*one.error_before),
            "Error, calibrated": interval_text(*one.error),
            "Slope": interval_text(one.slope_before, np.nan, np.nan),
            "Slope, calibrated": interval_text(one.slope, np.nan, np.nan),
        }
        for name, one in scores.calibration.items()
    ]


def answer_rows(scores: CertaintyScores) -> list[Row]:
    """How often each class's answers keep their promise, and how often they are "unsure", for a table.

    Args:
        scores: of any number of classes.

    Returns:
        A row for each class.
    """
    return [
        {
            "Class": name,
            "Calibrated on": one.patients,
            'With it: not "no"': interval_text(*one.kept_present),
            'Without it: not "yes"': interval_text(*one.kept_absent),
            "With it: unsure": interval_text(*one.unsure_present),
            "Without it: unsure": interval_text(*one.unsure_absent),
            "Never": _never(one),
        }
        for name, one in scores.answers.items()
    ]


def certainty_section(scores: CertaintyScores | None) -> list[str]:
    """The paragraphs on calibration and certain answers for ``results.md``.

    Args:
        scores: of the test split; None where the model tells nothing.

    Returns:
        Paragraphs; none without scores.
    """
    if scores is None or not scores.calibration:
        return []
    return [
        "## Calibration",
        markdown_table(calibration_rows(scores)),
        how_calibrated(scores),
        "## Yes, no or unsure",
        markdown_table(answer_rows(scores)),
        what_is_promised(scores),
    ]


def how_calibrated(scores: CertaintyScores) -> str:
    """What the columns on calibration are, and their means.

    Args:
        scores: of one class or more.

    Returns:
        A paragraph.
    """
    averages = calibration_averages(scores)
    fitted_on = _OF_SITE if scores.at_site else "the validation split"
    return (
        f"Mean over these classes: Brier score {_digits(averages['brier_before'])}, calibrated "
        f"{_digits(averages['brier'])}; calibration error {_digits(averages['error_before'], 3)}, calibrated "
        f"{_digits(averages['error'], 3)}. "
        f'"Calibrated" is after the map that was fitted on {fitted_on} and is stored with the model; it '
        "changes no decision and no ranking. The Brier score is the mean squared distance of probability and truth; "
        f"the error is the distance of mean probability and share of positives in {BINS} steps of probability; a slope "
        "below 1 says that probabilities are too sure of themselves. In brackets: "
        f"{100 * scores.confidence:g} % intervals over patients."
    )


def what_is_promised(scores: CertaintyScores) -> str:
    """What the columns on answers are, and what answers promise.

    Args:
        scores: of one class or more.

    Returns:
        A paragraph.
    """
    promise = f"{scores.coverage:g}"
    like, others = (
        (_OF_SITE, "set of labelled records")
        if scores.at_site
        else ("those of the validation split", "validation split")
    )
    first = (
        f"The answers of the members are voted on, each of which keeps the true label in a share of {promise} of new "
        f"records like those of its fold; of the vote, {max(0.0, 2 * scores.coverage - 1):g} is certain, and about "
        f"{promise} is usual."
        if scores.together
        else f"Of new records like {like}, a share of {promise} of those with a class is not "
        f'answered "no", and of those without it not "yes" (`train.certainty.coverage`).'
    )
    return (
        f"{first} The first two shares in the table are these, on the test split. A record is answered as the model "
        'decides where the other answer could be excluded, and "unsure" otherwise. '
        '"Calibrated on" is how many patients with the class there were in calibration: with few, these shares vary '
        f'around the promise from one {others} to the next, and below 1 / (1 - coverage) - 1 "no" is never '
        "answered."
    )


def _never(one: ClassAnswers) -> str:
    words = [word for word, never in (('"no"', one.never_no), ('"yes"', one.never_yes)) if never]
    return " or ".join(words)


def _digits(value: float, digits: int = 4) -> str:
    """A dash for a class without a known test record."""
    return "–" if np.isnan(value) else f"{value:.{digits}f}"


def _signed(ends: Ends) -> str:
    value, low, high = ends
    if np.isnan(value):
        return "–"
    return f"{value:+.4f}" + ("" if np.isnan(low) else f" ({low:+.4f} to {high:+.4f})")


def calibration_averages(scores: CertaintyScores) -> dict[str, float]:
    """Means over the classes that have a value.

    Args:
        scores: of any number of classes.

    Returns:
        ``brier_before``, ``brier``, ``error_before`` and ``error``; NaN where no class has a value.
    """
    names = ("brier_before", "brier", "error_before", "error")
    columns = {
        name: np.array([getattr(one, name)[0] for one in scores.calibration.values()]) for name in names
    }
    return {
        name: float(np.nanmean(values)) if (~np.isnan(values)).any() else np.nan
        for name, values in columns.items()
    }


def mean_content(scores: CertaintyScores | None) -> Tree:
    """The part of ``metrics.json`` on all classes.

    Args:
        scores: of the test split; None where the model tells nothing.

    Returns:
        ``calibration`` (means over the classes, before and after the map) and ``coverage`` (what answers promise);
        nothing without scores.
    """
    if scores is None:
        return {}
    averages = {name: tidy(value) for name, value in calibration_averages(scores).items()}
    return {"calibration": {**averages}, "coverage": scores.coverage}


def class_content(scores: CertaintyScores | None, name: str) -> Tree:
    """The part of ``metrics.json`` on one class: values and ends of intervals, with five significant digits.

    Args:
        scores: of the test split; None where the model tells nothing.
        name: class id.

    Returns:
        ``calibration`` and ``certain``, see :mod:`rarebeat.evaluation.certainty.measures`; nothing of a class of which
        nothing is stored.
    """
    if scores is None or name not in scores.calibration:
        return {}
    return {"calibration": _plain(scores.calibration[name]), "certain": _plain(scores.answers[name])}


def _plain(one: ClassCalibration | ClassAnswers) -> Tree:
    content: Tree = {}
    for name, value in vars(one).items():
        if isinstance(value, tuple):
            ends = map(tidy, value)
            content |= dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))
        else:
            content[name] = int(value) if isinstance(value, bool) else tidy(value)
    return content
