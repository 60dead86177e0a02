"""The stages of a training: pre-training, where there is one, and the training itself."""

from dataclasses import dataclass, replace

from rarebeat.training.settings import Pretrain, TrainSettings


@dataclass(frozen=True)
class Stage:
    """Consecutive epochs with one loss and one learning-rate schedule.

    Attributes:
        first: its first epoch, counted from zero over the whole training.
        settings: as if the stage were a training of its own.
    """

    first: int
    settings: TrainSettings

    @property
    def end(self) -> int:
        """The epoch after its last."""
        return self.first + self.settings.epochs

    def done(self, epoch: int, share: float = 0.0) -> float:
        """Which share of the stage lies behind, in an epoch of which a share does."""
        return (epoch - self.first + share) / self.settings.epochs


def stages_of(settings: TrainSettings) -> tuple[Stage, ...]:
    """The stages of a training, in order; the last is the training itself."""
    pretrain = settings.pretrain
    if not pretrain.epochs:
        return (Stage(0, settings),)
    first = replace(
        settings,
        epochs=pretrain.epochs,
        loss=pretrain.loss,
        learning_rate=pretrain.learning_rate or settings.learning_rate,
        steps=pretrain.steps,
        pretrain=Pretrain(),
    )
    return Stage(0, first), Stage(first.epochs, settings)
