"""The groups ``model``, ``train`` and ``label_sets`` of the params file."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

from rarebeat.core.errors import ParamsError
from rarebeat.core.params import STRICT, Seed
from rarebeat.core.project import project_root, resolve_root
from rarebeat.dataset.memory import Memory
from rarebeat.dataset.windows import WindowSettings
from rarebeat.metrics.certainty import CertaintySettings
from rarebeat.models.own import is_own
from rarebeat.models.registry import NETWORKS

Positive = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, config=STRICT)
class ModelSettings:
    """Which network, and its own settings.

    In a params file each network has a group under its name: ``{name: hughes34, hughes34: {width: 16}}``, so that
    changing the name is enough to train another one. Settings beside the name are those of the chosen network.

    Attributes:
        name: a network of :mod:`rarebeat.models.registry`, or ``my_module:MyNet`` (:mod:`rarebeat.models.own`).
        settings: what that network may vary; those left out take its defaults.
    """

    name: str = "hughes34"
    settings: dict[str, Any] = field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: Any) -> Any:
        """Take the group of the chosen network, and what stands beside the name, as ``settings``."""
        if not isinstance(value, dict) or "settings" in value:
            return value
        named = {"name": value["name"]} if "name" in value else {}
        chosen = value.get(named.get("name", cls.name)) or {}
        beside = {key: entry for key, entry in value.items() if key != "name" and not _is_network(key)}
        return named | {"settings": chosen | beside if isinstance(chosen, dict) else chosen}


def _is_network(key: object) -> bool:
    """Whether a key of the group ``model`` holds the settings of a network."""
    return key in NETWORKS or is_own(str(key))


ThresholdRule = Literal[
    "bagged_f1", "fixed", "max_f1", "challenge_bayesian", "challenge_coordinate", "constrained_grid"
]
LossName = Literal["bce", "weighted_bce", "challenge"]
Schedule = Literal["constant", "cosine", "steps"]
Precision = Literal["auto", "fp32", "bf16"]
Steps = tuple[Positive, ...]


@dataclass(frozen=True, config=STRICT)
class Pretrain:
    """A first stage of the training, with a loss and a learning rate of its own.

    It sees the training split and nothing else: pre-training on all records, as Vicar et al. 2020 did before
    they split them, makes the validation split part of the training.

    Attributes:
        epochs: passes over the training split before those of the training itself; 0 leaves the stage out.
        loss: as in :class:`TrainSettings`.
        learning_rate: at its start; None takes that of the training.
        steps: as in :class:`TrainSettings`, counted from the start of this stage.
    """

    epochs: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    loss: LossName = "weighted_bce"
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    steps: Steps = ()


Protocol = Literal["all_layers", "frozen_body", "heads_first", "zero_shot", "zero_shot_offset"]
_WITHOUT_TRAINING = ("zero_shot", "zero_shot_offset")


@dataclass(frozen=True, config=STRICT)
class FineTune:
    """How a training goes on from the weights that ``init`` names; docs/finetuning.md compares the ways.

    Attributes:
        protocol: "all_layers" trains all weights at one learning rate (without ``init``: from scratch);
            "frozen_body" trains the heads alone; "heads_first" trains the heads alone, then all layers with
            discriminative learning rates; "zero_shot" trains nothing and chooses the thresholds anew; and
            "zero_shot_offset" trains nothing, keeps the thresholds, and adds one number to the logits of each class.
        fresh_heads: draw every head anew, also those of classes that the model to start from knows.
        head_epochs: for "heads_first", the epochs of the heads alone, which come before ``train.epochs`` of all layers.
        head_learning_rate: of these epochs.
        first_layer_rate: for "heads_first", the learning rate of the first layer as a share of ``train.learning_rate``,
            which is that of the heads; those of the layers between rise geometrically.
    """

    protocol: Protocol = "all_layers"
    fresh_heads: bool = False
    head_epochs: Annotated[int, Field(ge=1, le=1_000_000)] = 5
    head_learning_rate: Annotated[float, Field(gt=0)] = 0.01
    first_layer_rate: Annotated[float, Field(gt=0, le=1)] = 0.01

    @property
    def without_training(self) -> bool:
        """Whether the weights stay as they are."""
        return self.protocol in _WITHOUT_TRAINING


@dataclass(frozen=True, config=STRICT)
class AugmentSettings:
    """How the recordings that are trained on change from epoch to epoch; as they stand, they do not.

    Attributes:
        gain: amplitudes are multiplied by a factor between ``1 / gain`` and ``gain`` (equally likely on a
            logarithmic scale), one for all leads of a recording.
        stretch: recordings become slower or faster by up to this share. Rates change with it: 0.1 makes a
            sinus rhythm of 92/min one of 101/min, whose label stays. A faster recording ends in zeros, which
            only some networks know for padding, unless there is more of it than the network's window.
        lead_dropout: probability of each lead to be zero; one lead at least is kept.
        hide_person: probability of age and sex to be hidden, for networks that use them and shall do without.
    """

    gain: Annotated[float, Field(ge=1, le=1000)] = 1.0
    stretch: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    lead_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    hide_person: Annotated[float, Field(ge=0, le=1)] = 0.0


@dataclass(frozen=True, config=STRICT)
class MeasuredSettings:
    """Rate, regularity and QRS width, measured on the signals and learnt beside the classes.

    Attributes:
        weight: what each measure counts in the loss beside one class; 0 measures nothing.
        levels: yes-or-no questions that each measure is asked in.
    """

    weight: Annotated[float, Field(ge=0, le=1000)] = 0.0
    levels: Annotated[int, Field(ge=1, le=99)] = 7


@dataclass(frozen=True, config=STRICT)
class TrainSettings:
    """How a network is trained.

    Attributes:
        epochs: passes over the training split.
        batch: examples per step, at most. All steps have one size; a few examples come twice in an epoch.
        epoch_steps: steps of an epoch, at least: a small training split is passed over several times in each, so that
            trainings on more and on fewer records can be compared. 1 passes once.
        optimiser: "adam" as in the paper (its constants are the defaults of Kingma and Ba 2014, arXiv 1412.6980), or
            "muon" (:mod:`rarebeat.training.muon`: fewer epochs), which leaves all but the convolutions to Adam.
        learning_rate: of the optimiser, at its highest.
        schedule: "constant" as in the paper, "cosine" (falls to zero along half a cosine; better where the
            epochs are few), or "steps".
        steps: for the schedule of that name, the epochs after which the rate falls to a tenth.
        loss: "bce" as in the paper; "weighted_bce" (the positives of a class weigh as much as its negatives);
            "challenge" (the soft metric of the CinC Challenge 2020, for its classes only).
        pretrain: epochs that come first. The optimiser starts afresh after them.
        measured: tasks that need no label, see :mod:`rarebeat.training.measured`.
        augment: how the recordings change from epoch to epoch.
        window: what of a recording the network sees at a time: in training one window, at random; in
            validation and prediction all.
        threshold: the rule that chooses thresholds on the validation split, a name in
            :data:`rarebeat.metrics.thresholds.RULES`.
        min_positives: for the rule "bagged_f1", see :mod:`rarebeat.metrics.bagged_thresholds`.
        certainty: calibration and conformal limits, see :mod:`rarebeat.metrics.certainty`.
        l2: the loss has ``l2 / 2`` times the sum of the squared weights of convolutions and heads added, with Muon of
            all but the convolutions that it takes.
            The paper says L2, so it is coupled: the optimiser scales its gradient with the loss's own. AdamW's decay,
            which bypasses that scaling, is another method (Loshchilov and Hutter 2019, arXiv 1711.05101).
        seed: of the first weights, the order of examples, and dropout.
        keep: "last" returns the network as the last epoch left it, as in the paper; "best" that of the epoch
            with the lowest validation loss (not counting those of ``pretrain``).
        precision: of the arithmetic. "fp32"; "bf16" (weights, sums and statistics stay in fp32); "auto": bf16
            where the processor computes in it, else fp32.
        device: "cpu", "cuda", or "auto" (CUDA where there is a GPU).
        compile: the network with torch.compile: "on", "off", or "auto" (on CUDA, for a training long enough to win back
            the time that compiling takes; on a CPU it is slower).
        memory: where signals are while a network learns from them: "whole" (in memory), "stream" (in their shards,
            which are read in every epoch), or "auto" (in memory where they take up to a third of what the process may
            use, see :mod:`rarebeat.dataset.memory`). A training that streams has its examples in another order, unless
            they fit into its buffer (:mod:`rarebeat.dataset.stream`). A model folder holds what "auto" came to.
        threads: of the CPU; None leaves it to torch. Weights repeat only with an equal number of threads.
        devices: processes on each machine, one for each GPU, or on CPUs as many as are wanted. Each takes its part of
            every batch (``batch`` counts the examples of all of them); see :mod:`rarebeat.training.distributed`.
        nodes: machines.
        init: a model whose weights the training starts from, see :func:`rarebeat.training.finetune.start_from`: a model
            folder (absolute, with ``~``, or relative to the root of the project) or a model in MLflow
            (``models:/name/version`` or ``runs:/id/model``); None starts from weights drawn by the seed.
        finetune: how the training goes on from there.
        train_on: cohorts of the shards that are learnt from; None: all.
        validate_on: cohorts of the shards that thresholds are chosen on; None: all.
        fraction: share of the training patients that is learnt from, see
            :func:`rarebeat.training.controls.fraction_of`.
        shuffle_labels: deal the rows of labels of the training and the validation split out at random, by the seed:
            what a network still scores then is what it scores without having learnt anything.
        shuffle_except: classes whose labels stay true when the others are shuffled: whether a head learns from the
            labels of the other heads, or only from there being more of them.
        limit_positives: class to the number of its positive training records that are kept, see
            :func:`rarebeat.training.controls.limited`.
    """

    epochs: Annotated[int, Field(ge=1, le=1_000_000)] = 96
    batch: Annotated[int, Field(ge=1, le=1_000_000)] = 128
    epoch_steps: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    optimiser: Literal["adam", "muon"] = "adam"
    learning_rate: Annotated[float, Field(gt=0)] = 0.001
    schedule: Schedule = "constant"
    steps: Steps = ()
    loss: LossName = "bce"
    pretrain: Pretrain = field(default_factory=Pretrain)
    measured: MeasuredSettings = field(default_factory=MeasuredSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    window: WindowSettings = field(default_factory=WindowSettings)
    threshold: ThresholdRule = "bagged_f1"
    min_positives: Positive = 10
    certainty: CertaintySettings = field(default_factory=CertaintySettings)
    l2: Annotated[float, Field(ge=0)] = 0.0001
    seed: Seed = 0
    keep: Literal["last", "best"] = "last"
    precision: Precision = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    compile: Literal["auto", "on", "off"] = "auto"
    memory: Memory = "auto"
    threads: Annotated[int, Field(ge=1, le=4096)] | None = None
    devices: Annotated[int, Field(ge=1, le=1024)] = 1
    nodes: Annotated[int, Field(ge=1, le=1024)] = 1
    init: str | None = None
    finetune: FineTune = field(default_factory=FineTune)
    train_on: tuple[str, ...] | None = None
    validate_on: tuple[str, ...] | None = None
    fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    shuffle_labels: bool = False
    shuffle_except: tuple[str, ...] = ()
    limit_positives: dict[str, Positive] = field(default_factory=dict, hash=False)

    @field_validator("compile", mode="before")
    @classmethod
    def _is_no_truth_value(cls, value: object) -> object:
        """YAML takes on and off, as people write them in a params file, for true and false."""
        return {True: "on", False: "off"}[value] if isinstance(value, bool) else value

    def __post_init__(self) -> None:
        if self.init is None and self.finetune.protocol != "all_layers":
            raise ValueError(
                f"finetune.protocol {self.finetune.protocol} needs a model to start from (train.init)"
            )
        if self.measured.weight and self.augment.stretch:
            raise ValueError(
                "augment.stretch changes the rates that measured.weight lets the network learn: set one of them to 0"
            )
        processes = self.devices * self.nodes
        if processes > self.batch:
            raise ValueError(
                f"devices {self.devices} times nodes {self.nodes} makes {processes} processes for batches of "
                f"{self.batch}: some would have no example; take fewer processes or a larger batch"
            )
        if processes > 1 and self.compile == "on":
            raise ValueError(
                "compile is on, which several processes (devices, nodes) do not take: set it to auto"
            )

    @property
    def start(self) -> Path | None:
        """The folder that ``init`` names, also from inside a temporary DVC experiment; where a model of MLflow goes."""
        if self.init is None:
            return None
        if is_mlflow_model(self.init):
            return project_root() / FETCHED / hashlib.sha256(self.init.encode()).hexdigest()[:16]
        return resolve_root(self.init, project_root() / "params.yaml")


FETCHED = Path("models/fetched")
"""Where models of MLflow that trainings start from are kept, in the project."""


def is_mlflow_model(init: str) -> bool:
    """Whether ``train.init`` names a model in MLflow, and not a folder.

    Args:
        init: what the params say.

    Example:
        >>> is_mlflow_model("models:/rarebeat/3"), is_mlflow_model("models/trained")
        (True, False)
    """
    return re.match(r"(models|runs|mlflow-artifacts):", init) is not None


LabelSet = str | list[str]
"""``"all"``, or class ids: which classes one model is trained on."""


def resolve_label_set(
    label_sets: Mapping[str, LabelSet], heads: str, classes: Sequence[str]
) -> tuple[str, ...]:
    """Find the classes that one model is trained on.

    Args:
        label_sets: the group ``label_sets`` of the params.
        heads: the name of a label set.
        classes: the class ids of the vocabulary.

    Returns:
        The class ids of that label set, in the order of the vocabulary.

    Raises:
        ParamsError: for a name or class that is unknown (with the closest ones), a class that stands twice,
            or an empty set.

    Example:
        >>> resolve_label_set({"common": ["sinus_rhythm"]}, "common", ["atrial_flutter", "sinus_rhythm"])
        ('sinus_rhythm',)
    """
    if heads not in label_sets:
        raise ParamsError(f"heads: no label set {heads!r} in label_sets{near_or_all(heads, label_sets)}")
    chosen = label_sets[heads]
    if chosen == "all":
        return tuple(classes)
    where = f"label_sets.{heads}"
    if not isinstance(chosen, list) or not all(isinstance(name, str) for name in chosen):
        raise ParamsError(f"{where} must be 'all' or a list of class ids, found {chosen!r}")
    unknown = [name for name in chosen if name not in classes]
    if unknown:
        raise ParamsError(
            "\n".join(f"{where}: no class {name!r}{near_or_all(name, classes)}" for name in unknown)
        )
    repeated = [name for name, times in Counter(chosen).items() if times > 1]
    if repeated:
        raise ParamsError(f"{where} names {', '.join(repeated)} more than once")
    if not chosen:
        raise ParamsError(f"{where} is empty: a model needs at least one class")
    return tuple(name for name in classes if name in chosen)


def near_or_all(name: str, known: Iterable[str]) -> str:
    """End a message about an unknown name: with the known ones that come close, or with all.

    Args:
        name: what was found.
        known: what there is.

    Example:
        >>> "no class 'avntr'" + near_or_all("avntr", ["avnrt", "bigeminy"])
        "no class 'avntr'; did you mean avnrt?"
    """
    known = list(known)
    close = get_close_matches(name, known, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else f"; there are: {', '.join(known)}"
