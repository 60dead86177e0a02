"""The page of a hyper-parameter search: all trials from the best to the worst, and the line that runs the best."""

from collections.abc import Sequence
from pathlib import Path

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic
from rarebeat.core.tables import Row, markdown_table, write_rows
from rarebeat.training.search.results import TrialResult, best_trial
from rarebeat.training.search.settings import SearchSettings, override_text


def write_search(page: Path, results: Sequence[TrialResult], about: str, settings: SearchSettings) -> None:
    """Write the page and its table (CSV) side by side.

    Args:
        page: Markdown to write.
        results: of all trials.
        about: Markdown that the page begins with.
        settings: of the search.

    Raises:
        RarebeatError: when there are no trials, trials of several searches, or a file cannot be written.
    """
    if not results:
        raise RarebeatError("the search has no trial: cells.trial must name one or more")
    if len({one.search for one in results}) > 1:
        raise RarebeatError("the trials are of several searches: run the study again")
    ranked = sorted(results, key=lambda one: (not one.feasible, -one.auprc, one.cell))
    text = [about.strip(), _summary(results, settings), markdown_table([_row(one) for one in ranked])]
    rows: list[Row] = [
        {
            "trial": one.cell,
            **one.values,
            "auprc": round(one.auprc, 5),
            "sensitivity": round(one.sensitivity, 5),
            "feasible": int(one.feasible),
        }
        for one in ranked
    ]
    write_rows(page.with_suffix(".csv"), rows, list(rows[0]))
    with atomic(page) as temporary:
        temporary.write_text("\n\n".join(text) + "\n", encoding="utf-8")


def _row(one: TrialResult) -> Row:
    values: Row = {name: override_text(name, value).partition("=")[2] for name, value in one.values.items()}
    return {
        "Trial": one.cell,
        **values,
        "AUPRC": f"{one.auprc:.3f}",
        "Sensitivity": f"{one.sensitivity:.3f}",
        "Feasible": "yes" if one.feasible else "no",
    }


def _summary(results: Sequence[TrialResult], settings: SearchSettings) -> str:
    """What the trials are judged by, which is the best, and the line that runs it."""
    feasible, classes = sum(one.feasible for one in results), results[0].classes
    about = (
        f"{len(results)} trials, each judged by the validation split alone: the macro AUPRC of the {classes} classes "
        f"with at least {settings.at_least} positive patients there. Feasible are the {feasible} trials whose macro "
        "sensitivity over these classes, at the thresholds chosen there, reaches "
        f"{settings.least_sensitivity:g}. Test records play no part. The highest of many numbers is too high: what the "
        "best trial is worth, the line below tells on the test split."
    )
    best = best_trial(results)
    if best is None:
        return (
            f"{about}\n\n**No trial is feasible**: lower `search.least_sensitivity`, or widen `search.space`."
        )
    overrides = " ".join(f"-S {override_text(*item)}" for item in best.values.items())
    return f"{about}\n\nThe best is trial {best.cell}:\n\n```sh\ndvc exp run {overrides}\n```"
