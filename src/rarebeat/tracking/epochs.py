"""The epochs of a training in MLflow."""

from collections.abc import Callable

from rarebeat.tracking.runs import step_log
from rarebeat.tracking.server import Tracker
from rarebeat.training.loop import EpochReport, best_epoch
from rarebeat.training.schedule import stages_of
from rarebeat.training.settings import TrainSettings


def epoch_log(tracker: Tracker, run_id: str, settings: TrainSettings) -> Callable[[EpochReport], None]:
    """Log the epochs of a training, each once: one that goes on first reports what it did before.

    MLflow shows and compares the last values. Where ``train.keep`` is ``best`` and keeps another epoch than the last,
    the ``validation/`` numbers of that epoch are therefore logged once more, as those of a step after the last.

    Args:
        tracker: the experiment.
        run_id: of the run.
        settings: of the training.

    Returns:
        What takes the epochs in order, from the first.
    """
    log, again = (step_log(tracker, run_id, metric) for metric in ("train/loss", "validation/loss"))
    stages = stages_of(settings)
    epochs: list[EpochReport] = []

    def take(report: EpochReport) -> None:
        log(report.epoch, report.metrics())
        epochs.append(report)
        if settings.keep != "best" or report.epoch < stages[-1].end:
            return
        kept = best_epoch(epochs, stages[-1].first)
        if kept is not None and kept is not report:
            numbers = kept.metrics()
            again(
                report.epoch + 1, {name: numbers[name] for name in numbers if name.startswith("validation/")}
            )

    return take
