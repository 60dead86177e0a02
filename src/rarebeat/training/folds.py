"""Cross-validation: one training per fold, and what the fold models say of records they have not learnt from.

The folds divide the training and the validation split of the shards. The model of fold i learns from all other folds
and chooses its thresholds on fold i; nothing of it sees the test split. Where the training split was re-sampled
(``prepare.balance``), the folds are as enriched with rare classes as it is, and so are the records that thresholds are
chosen on: on records as they come, such thresholds call the rare classes too often.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rarebeat.core.errors import ParamsError
from rarebeat.dataset.folds import read_folds
from rarebeat.dataset.shards import load_split
from rarebeat.dataset.split import Split, join, take
from rarebeat.inference.model_folder import ModelCard, read_card
from rarebeat.inference.predictions import Predictions
from rarebeat.inference.splits import predict_loaded
from rarebeat.training.run import Experiment, make_experiment


def trainable(shards: Path) -> Split:
    """All records that may be trained on: the training and the validation split, in this order.

    Raises:
        RarebeatError: for a shard that cannot be read.
    """
    return join([load_split(shards, "train"), load_split(shards, "validation")])


def fold_experiment(params: Path, shards: Path, folds: Path, number: int) -> Experiment:
    """The training of one fold: on the other folds, with thresholds from this one.

    Raises:
        ParamsError: when there is no such fold; for params that cannot be used, see
            :func:`rarebeat.training.run.make_experiment`.
        RarebeatError: for shards or folds that cannot be read or do not belong together.
    """
    everything = trainable(shards)
    held_out = read_folds(folds, everything) == number
    if not held_out.any():
        raise ParamsError(f"{folds} has no fold {number}: is it in folds.numbers?")
    return make_experiment(params, take(everything, ~held_out), take(everything, held_out))


def ensemble_classes(cards: Sequence[ModelCard], split: Split) -> tuple[str, ...]:
    """The classes that at least one model knows, in the order of the vocabulary."""
    known = {name for card in cards for name in card.classes}
    return tuple(name for name in split.meta.classes if name in known)


def predict_folds(
    shards: Path, folds: Path, models: Sequence[Path]
) -> tuple[list[Predictions], list[ModelCard]]:
    """Let each fold model predict its own fold, which it has not learnt from, and the test split.

    Args:
        shards: folder written by prepare.
        folds: folder of the folds.
        models: the model folder of each fold, in order.

    Returns:
        For each model the predictions of split ``fold-<number>`` and ``test``, with the columns of all classes that a
        model knows (NaN in those that this one does not know), and its card.

    Raises:
        RarebeatError: for shards, folds or models that cannot be read or do not belong together.
    """
    everything, test = trainable(shards), load_split(shards, "test")
    fold_of = read_folds(folds, everything)
    cards = [read_card(model) for model in models]
    classes = ensemble_classes(cards, everything)
    predictions = []
    for number, model in enumerate(models):
        splits = {f"fold-{number}": take(everything, fold_of == number), "test": test}
        predicted, _ = predict_loaded(model, splits)
        truth = np.concatenate([split.columns(classes) for split in splits.values()])
        predictions.append(predicted.spread(classes, truth))
    return predictions, cards
