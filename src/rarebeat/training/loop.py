"""The training loop.

Everything random comes from the seed and the number of the epoch: a training that is killed and started again
ends, on a CPU, with the same weights as one that was left alone.
"""

import copy
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Never

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from rarebeat.core.errors import RarebeatError
from rarebeat.dataset.split import Split
from rarebeat.inference.examples import (
    Examples,
    batch_shape,
    load_examples,
)
from rarebeat.metrics.arrays import FloatArray
from rarebeat.models.layers import Standardise, heads_of
from rarebeat.models.registry import build
from rarebeat.training.augment import random_batch
from rarebeat.training.checkpoint import Checkpoint, fingerprint
from rarebeat.training.controls import check_splits
from rarebeat.training.distributed.batch_norm import synchronised
from rarebeat.training.distributed.world import ALONE, World
from rarebeat.training.layers_in_bf16 import wrong_layers
from rarebeat.training.losses import Loss, make_loss
from rarebeat.training.measured import measured_labels, with_measured, without_measured
from rarebeat.training.precision import (
    autocast,
    backends,
    choose_device,
    choose_precision,
    compiled,
    doubts_about_bf16,
)
from rarebeat.training.schedule import Stage, make_optimiser, set_learning_rate, stages_of, train_mode
from rarebeat.training.settings import ModelSettings, TrainSettings
from rarebeat.training.validation import validate

STEPS_UNREAD_ON_GPU = 25
"""Reading the loss makes the CPU wait for the GPU: there it is done once in so many steps."""


@dataclass(frozen=True)
class EpochReport:
    """One finished epoch.

    Attributes:
        epoch: counted from one.
        train_loss: mean over the epoch's examples, measured while the weights changed.
        validation_loss: at the end of the epoch; None without a known label in the validation split.
        validation_auroc: mean over the classes that have both outcomes; None where none has.
        seconds: training and validation.
        examples_per_second: of training alone.
        learning_rate: of the last step; the heads' where layers have their own.
    """

    epoch: int
    train_loss: float
    validation_loss: float | None
    validation_auroc: float | None
    seconds: float
    examples_per_second: float
    learning_rate: float

    def metrics(self) -> dict[str, float | None]:
        """The numbers by the names that they have in tracking: what chooses a model stands apart."""
        return {
            "train/loss": self.train_loss,
            "train/learning_rate": self.learning_rate,
            "train/examples_per_second": self.examples_per_second,
            "train/seconds": self.seconds,
            "validation/loss": self.validation_loss,
            "validation/auroc": self.validation_auroc,
        }

    def __str__(self) -> str:
        parts = [f"epoch {self.epoch}: loss {self.train_loss:.4f}"]
        if self.validation_loss is not None:
            parts.append(f"validation loss {self.validation_loss:.4f}")
        if self.validation_auroc is not None:
            parts.append(f"validation AUROC {self.validation_auroc:.4f}")
        parts.append(f"{self.examples_per_second:.0f} examples/s, {self.seconds:.1f} s")
        return ", ".join(parts)


def train(
    train: Split,
    validation: Split,
    classes: tuple[str, ...],
    model: ModelSettings,
    settings: TrainSettings,
    checkpoints: Path,
    on_epoch: Callable[[EpochReport], None] = lambda report: None,
    rewards: FloatArray | None = None,
    initialise: Callable[[nn.Module], None] = lambda network: None,
    key: str | None = None,
    world: World = ALONE,
) -> nn.Module:
    """Train one network for one label set.

    Args:
        train: the split to learn from.
        validation: measured after each epoch; may be empty.
        classes: the label set, among the classes of the splits.
        model: which network.
        settings: how it is trained.
        checkpoints: folder; a training with the same data, label set and settings goes on from what it
            finds there.
        on_epoch: called for every epoch in order, in the first process alone. A training that is resumed first reports
            the epochs before again, so that whoever listens gets the whole history.
        rewards: shape (classes, classes), what the challenge pays; needed for its loss alone.
        initialise: changes the new network before its first epoch (``settings.init``).
        key: the :func:`rarebeat.training.checkpoint.fingerprint` of all this, from whoever has computed it already.
        world: the processes that train together, each of which calls this with the same.

    Returns:
        The trained network, in evaluation mode, on the device it was trained on; equal in all processes.

    Raises:
        RarebeatError: when there is nothing to learn from, the loss stops being a number, or a checkpoint
            cannot be written.
        ParamsError: for settings that cannot be used.
    """
    check_splits(train, validation, classes, settings, world)
    device = world.device(choose_device(settings.device))
    bf16 = world.all(choose_precision(settings.precision, device) == torch.bfloat16)
    with backends(device, settings.threads):
        window = settings.window.of(train.signals.shape[2])
        examples = load_examples(train, classes, device, window, learning=True)
        held_out = load_examples(validation, classes, device, window)
        if settings.measured.weight:
            examples = examples.with_labels(measured_labels(train, settings.measured))
        network = _new_network(train, examples.labels.shape[1], model, settings)
        if settings.measured.weight:
            heads_of(network)  # heads of one's own could not be cut at the end
        initialise(network)
        network.to(device)
        optimiser = make_optimiser(network, settings)
        stages, labels = stages_of(settings), examples.labels[:, : len(classes)].to(device)
        losses = {stage: make_loss(stage.settings.loss, labels, rewards) for stage in stages}
        key = key or fingerprint([train, validation], classes, model, settings)
        checkpoint = Checkpoint(checkpoints, key)
        progress = checkpoint.resume(network, optimiser, world)
        if bf16:
            of_steps = with_measured(losses[stages[0]], len(classes), settings.measured)
            right = not world.first or _bf16_is_right(network, examples, of_steps, settings, world)
            bf16 = world.all(right)
        precision = torch.bfloat16 if bf16 else torch.float32
        reports = [EpochReport(**past) for past in progress.history]
        for past in reports if world.first else ():
            on_epoch(past)
        passes = _passes(len(examples), settings)
        shown = passes * math.prod(batch_shape(len(examples), settings.batch))
        bar = _progress_bar(shown, stages[-1].end, progress.epoch, world.first)
        with bar, synchronised(network, world):
            steps = compiled(network, settings, device, shown * stages[-1].end)
            for epoch in range(first := progress.epoch, stages[-1].end):
                stage = next(stage for stage in stages if epoch < stage.end)
                loss = losses[stage]
                of_steps = with_measured(loss, len(classes), settings.measured)
                if epoch == stage.first:
                    optimiser.state.clear()  # each stage starts as a training of its own does
                if epoch in (first, stage.first):
                    train_mode(network, stage.heads_only)
                    forward = world.wrap(steps)
                bar.set_description_str(f"epoch {epoch + 1}/{stages[-1].end}")
                start = time.perf_counter()
                train_loss = _train_epoch(
                    forward, optimiser, examples, stage, of_steps, precision, epoch, bar, world
                )
                seconds = time.perf_counter() - start
                validation_loss, validation_auroc = validate(
                    network, held_out, settings.batch, precision, loss, settings.window, world
                )
                report = EpochReport(
                    epoch=epoch + 1,
                    train_loss=train_loss,
                    validation_loss=validation_loss,
                    validation_auroc=validation_auroc,
                    seconds=time.perf_counter() - start,
                    examples_per_second=passes * len(examples) / seconds,
                    learning_rate=max(group["lr"] for group in optimiser.param_groups),
                )
                reports.append(report)
                if settings.keep == "best" and best_epoch(reports, stages[-1].first) is report:
                    progress.best = {name: value.clone() for name, value in network.state_dict().items()}
                progress.history.append(asdict(report))
                if world.first:
                    checkpoint.save(network, optimiser, progress)
                    bar.write(str(report), file=sys.stderr)
                    on_epoch(report)

    if progress.best is not None:
        network.load_state_dict(progress.best)
    if settings.measured.weight:
        without_measured(network, len(classes))
    return network.eval()


def best_epoch(reports: Sequence[EpochReport], first: int) -> EpochReport | None:
    """Find the epoch that ``train.keep: best`` keeps.

    Args:
        reports: in the order of the epochs.
        first: first epoch of the last stage, counted from zero; those before had another loss and do not count.

    Returns:
        The first one with the lowest validation loss; None where none has a finite one.
    """
    losses = [
        (report.validation_loss, report.epoch, report)
        for report in reports
        if report.epoch > first
        and report.validation_loss is not None
        and math.isfinite(report.validation_loss)
    ]
    return min(losses)[2] if losses else None


def _train_epoch(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    examples: Examples,
    stage: Stage,
    loss_of: Loss,
    precision: torch.dtype,
    epoch: int,
    bar: "tqdm[Never]",
    world: World,
) -> float:
    """Train for one epoch and return its mean loss."""
    settings = stage.settings
    train_mode(network, stage.heads_only)
    own = [world.rank] if world.rank else []  # processes that draw the same would drop out the same
    torch.manual_seed(int(np.random.SeedSequence([settings.seed, epoch, *own]).generate_state(1)[0]))
    passes = _passes(len(examples), settings)
    batches = [
        batch
        for number in range(passes)
        for batch in examples.order(settings.batch, settings.seed, epoch * passes + number)
    ]
    unread = 1 if examples.device.type == "cpu" else STEPS_UNREAD_ON_GPU
    total = torch.zeros((), device=examples.device)
    seen = 0
    part = world.part(len(batches[0]))  # they are of one size
    for step, indices in enumerate(examples.following(batches, part)):
        set_learning_rate(optimiser, settings, stage.progress(epoch, step / len(batches)))
        random = np.random.default_rng([settings.seed, epoch, step + 1])  # with a 0 it would be the order's
        signals, context, labels = random_batch(examples, indices, settings.augment, random, part)
        with autocast(examples.device, precision):
            logits = network(signals, context)
        loss = loss_of(logits.float(), labels)
        optimiser.zero_grad()
        world.backward(loss, len(labels), len(indices))
        optimiser.step()

        total += loss.detach() * len(labels)
        seen += len(indices)
        if step % unread == 0 or step + 1 == len(batches):
            mean = world.sum(total).item() / seen
            if not math.isfinite(mean):
                raise RarebeatError(
                    f"the loss is no longer a number in epoch {epoch + 1}, step {step + 1}: the training has "
                    f"diverged; lower train.learning_rate (it is {settings.learning_rate})"
                )
            bar.set_postfix_str(f"loss {mean:.4f}", refresh=False)
        bar.update(len(indices))
    return mean


def _passes(examples: int, settings: TrainSettings) -> int:
    """How many times the training split is passed over in an epoch."""
    batches, _ = batch_shape(examples, settings.batch)
    return -(-settings.epoch_steps // batches)


def _bf16_is_right(
    network: nn.Module, examples: Examples, loss_of: Loss, settings: TrainSettings, world: World
) -> bool:
    """Whether bf16 can be trusted on the first batch; where it was chosen by itself, say what is wrong or slow."""
    indices = examples.order(settings.batch, settings.seed, 0)[0]
    indices = indices[: max(2, world.part(len(indices)).stop)]  # what a process takes; batch norm needs two
    signals, context, labels = random_batch(examples, indices, settings.augment, np.random.default_rng(0))
    trial = copy.deepcopy(network).train()
    wrong = wrong_layers(trial, lambda own: own(signals, context), examples.device)
    if wrong:
        what = f"{len(wrong)} convolutions, such as {wrong[0]}, compute something else in bf16 than in fp32"
        if settings.precision == "bf16":
            raise RarebeatError(f"{what} on this processor: set train.precision to auto or fp32")
        print(f"{what} on this processor: training in fp32", file=sys.stderr)
    elif settings.precision == "auto":
        for doubt in doubts_about_bf16(
            network, lambda own: loss_of(own(signals, context).float(), labels), examples.device
        ):
            print(f"{doubt}: train.precision=fp32 avoids bf16", file=sys.stderr)
    return not wrong


def _new_network(train: Split, classes: int, model: ModelSettings, settings: TrainSettings) -> nn.Module:
    """A network with weights from the seed and standardisation from the training split."""
    torch.manual_seed(settings.seed)
    samples = settings.window.of(train.signals.shape[2])
    network = build(model.name, classes, samples, model.settings)
    entrance = network.standardise
    assert isinstance(entrance, Standardise)
    mean, deviation = map(torch.from_numpy, train.lead_statistics())
    entrance.set(mean, deviation)
    return network


def _progress_bar(examples: int, epochs: int, finished: int, shown: bool) -> "tqdm[Never]":
    """Examples of all epochs on standard error, where that is a terminal; ``examples`` are those of one epoch."""
    bar: tqdm[Never] = tqdm(
        total=examples * epochs,
        initial=examples * finished,
        unit="ex",
        unit_scale=True,
        disable=None if shown else True,
        dynamic_ncols=True,
        leave=False,
        file=sys.stderr,
    )
    return bar
