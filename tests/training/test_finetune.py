"""Going on from a trained model: what each protocol changes, and what it leaves as it was, to the byte."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from tests.training.toy import PARAMS, equal, read, run
from torch import Tensor, nn

from rarebeat.core.errors import ParamsError
from rarebeat.inference.model_folder import (
    load_detector,
    load_model,
    load_scores,
    read_card,
    save_model,
    weights_digest,
)
from rarebeat.inference.splits import predict_split
from rarebeat.metrics.offsets import fit_offsets
from rarebeat.models.registry import build
from rarebeat.training.checkpoint import Checkpoint
from rarebeat.training.experiment import Experiment
from rarebeat.training.finetune import start_from
from rarebeat.training.loop import EpochReport
from rarebeat.training.run import run_experiment
from rarebeat.training.schedule import layer_shares, make_optimiser, set_learning_rate, stages_of, train_mode
from rarebeat.training.settings import FineTune, TrainSettings

TUNED = {"epochs": 1, "learning_rate": 0.01, "precision": "fp32"}
HEADS = ["sinus_rhythm", "av_block_1st_degree", "atrial_fibrillation"]


@pytest.fixture(scope="module")
def source(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows sinus rhythm, atrial fibrillation and right bundle branch block."""
    folder = tmp_path_factory.mktemp("source")
    classes = ["sinus_rhythm", "atrial_fibrillation", "right_bundle_branch_block"]
    run(read(folder, shards, label_sets={"some": classes}, train=PARAMS["train"] | TUNED), folder)  # type: ignore[operator]
    return folder / "model"


def tuned(
    shards: Path, folder: Path, source: Path, protocol: str, heads: list[str] = HEADS, **changes: Any
) -> Experiment:
    settings = {
        "init": str(source),
        "finetune": {"protocol": protocol, "head_epochs": 1} | changes.pop("finetune", {}),
    }
    return read(
        folder,
        shards,
        label_sets={"some": heads},
        train=PARAMS["train"] | TUNED | settings | changes,  # type: ignore[operator]
    )


def state(folder: Path) -> dict[str, Tensor]:
    return load_model(folder)[0].state_dict()


def body(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value for name, value in weights.items() if not name.startswith("heads.")}


def changed(one: dict[str, Tensor], other: dict[str, Tensor]) -> set[str]:
    return {name for name, value in one.items() if not torch.equal(value, other[name])}


def test_a_frozen_body_stays_as_it_was_with_its_batch_norm_while_the_heads_learn(
    shards: Path, source: Path, tmp_path: Path
) -> None:
    experiment = tuned(shards, tmp_path, source, "frozen_body")
    run(experiment, tmp_path)
    before, after = state(source), state(tmp_path / "model")
    assert any(name.endswith("running_mean") for name in body(before))
    assert {name: value.numpy().tobytes() for name, value in body(after).items()} == {
        name: value.numpy().tobytes() for name, value in body(before).items()
    }
    rows = [read_card(source).classes.index(name) for name in ("sinus_rhythm", "atrial_fibrillation")]
    kept = [experiment.classes.index(name) for name in ("sinus_rhythm", "atrial_fibrillation")]
    name = "heads.regressions.weight"
    assert not torch.equal(after[name][kept], before[name][rows])


def test_all_layers_and_the_statistics_of_batch_norm_move_but_not_the_standardisation(
    shards: Path, source: Path, tmp_path: Path
) -> None:
    run(tuned(shards, tmp_path, source, "all_layers"), tmp_path)
    before, after = body(state(source)), body(state(tmp_path / "model"))
    assert before.keys() - changed(before, after) == {"standardise.mean", "standardise.deviation"}


def test_heads_first_trains_the_heads_alone_and_then_all_layers(
    shards: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = tuned(shards, tmp_path, source, "heads_first", finetune={"head_epochs": 2})
    first, last = stages_of(experiment.settings)
    assert (first.heads_only, first.end, first.settings.learning_rate) == (True, 2, 0.01)
    assert (last.heads_only, last.first, last.end) == (False, 2, 3)

    seen: list[dict[str, Tensor]] = []
    save = Checkpoint.save

    def noting(own: Checkpoint, network: nn.Module, *rest: Any) -> None:
        seen.append({name: value.clone() for name, value in network.state_dict().items()})
        save(own, network, *rest)

    monkeypatch.setattr(Checkpoint, "save", noting)
    run(experiment, tmp_path)
    before = body(state(source))
    assert [bool(changed(before, body(weights))) for weights in seen] == [False, False, True]


@pytest.mark.parametrize("name", ["hughes34", "global_skip", "se_resnet"])
def test_learning_rates_rise_from_the_first_layer_to_the_heads(name: str) -> None:
    network = build(name, 2, 500, {"width": 2})
    settings = TrainSettings(
        init="x", learning_rate=0.1, finetune=FineTune("heads_first", first_layer_rate=0.01)
    )
    optimiser = make_optimiser(network, settings)
    set_learning_rate(optimiser, settings, progress=0)
    rates = {id(weight): group["lr"] for group in optimiser.param_groups for weight in group["params"]}
    assert len(rates) == len(list(network.parameters()))
    own = [rates[id(weight)] for weight in network.parameters()]
    assert own[0] == pytest.approx(0.001)
    assert own == sorted(own)
    assert {rates[id(weight)] for weight in network.heads.parameters()} == {0.1}  # type: ignore[union-attr]
    share = layer_shares(network, 0.01)
    assert own == pytest.approx([0.1 * entry for entry in share])
    decays = {
        id(weight): group["weight_decay"] for group in optimiser.param_groups for weight in group["params"]
    }
    assert all((decays[id(weight)] > 0) == (weight.ndim > 1) for weight in network.parameters())


def test_a_step_moves_the_first_layer_by_its_share_of_the_rate() -> None:
    """Adam's first step is its learning rate for every weight, whatever the gradient."""
    torch.manual_seed(0)
    network = build("hughes34", 2, 500, {"width": 2})
    settings = TrainSettings(
        init="x", learning_rate=0.1, l2=0, finetune=FineTune("heads_first", first_layer_rate=0.01)
    )
    optimiser = make_optimiser(network, settings)
    set_learning_rate(optimiser, settings, progress=0)
    before = {name: value.clone() for name, value in network.named_parameters()}
    network(torch.randn(8, 12, 500)).square().sum().backward()
    optimiser.step()
    moved = {name: (value - before[name]).abs().max().item() for name, value in network.named_parameters()}
    assert moved["trunk.0.weight"] == pytest.approx(0.001, rel=0.01)
    assert moved["heads.regressions.weight"] == pytest.approx(0.1, rel=0.01)


def test_with_the_heads_alone_nothing_else_has_gradients_or_is_in_training_mode() -> None:
    network = build("se_resnet", 2, 500, {"width": 2})
    train_mode(network, heads_only=True)
    assert {name for name, value in network.named_parameters() if value.requires_grad} == {
        "heads.regressions.weight",
        "heads.regressions.bias",
    }
    assert not any(module.training for module in network.modules())
    train_mode(network, heads_only=False)
    assert all(value.requires_grad for value in network.parameters())
    assert network.training


def test_zero_shot_keeps_the_weights_and_chooses_the_thresholds_anew(
    shards: Path, source: Path, tmp_path: Path
) -> None:
    experiment = tuned(shards, tmp_path, source, "zero_shot", list(reversed(HEADS)), threshold="max_f1")
    assert run(experiment, tmp_path) == []
    assert experiment.classes == ("sinus_rhythm", "atrial_fibrillation")
    assert experiment.not_learnt == ("av_block_1st_degree",)  # the source does not know it
    before, after = state(source), state(tmp_path / "model")
    assert changed(body(before), body(after)) == set()
    rows = [read_card(source).classes.index(name) for name in experiment.classes]
    for name in ("heads.regressions.weight", "heads.regressions.bias"):
        assert torch.equal(after[name], before[name][rows])
    card = read_card(tmp_path / "model")
    assert card.offsets == {}
    assert card.thresholds != {name: read_card(source).thresholds[name] for name in card.classes}
    assert (card.cohorts, card.training["epochs_run"]) == (read_card(source).cohorts, 0)
    assert card.training["records"] == read_card(source).training["records"]
    found, expected = load_detector(tmp_path / "model"), load_detector(source)
    assert repr(found) == repr(expected)  # of the data that the weights have learnt from
    assert (tmp_path / "curves.csv").read_text().startswith("epoch,train_loss,")


def test_an_offset_for_each_class_is_part_of_the_card_and_of_every_prediction(
    shards: Path, source: Path, tmp_path: Path
) -> None:
    heads = ["sinus_rhythm", "atrial_fibrillation", "right_bundle_branch_block"]
    experiment = tuned(shards, tmp_path, source, "zero_shot_offset", heads)
    run(experiment, tmp_path)
    assert weights_digest(tmp_path / "model") == weights_digest(source)
    module, card = load_model(tmp_path / "model")
    assert card.thresholds == read_card(source).thresholds
    split = experiment.validation
    plain = predict_split(load_model(source)[0], split)
    expected = fit_offsets(split.columns(card.classes), plain)
    assert list(card.offsets.values()) == pytest.approx(expected.tolist())
    assert np.abs(expected).max() > 0.1
    odds = np.log(plain / (1 - plain)) + expected
    np.testing.assert_allclose(predict_split(module, split), 1 / (1 + np.exp(-odds)), atol=1e-6)
    again = tmp_path / "again"
    run(tuned(shards, again, tmp_path / "model", "zero_shot", heads), again)
    assert read_card(again / "model").offsets == card.offsets  # what is adapted stays adapted
    assert read_card(again / "model").origin["origin"]["model"] == str(source)
    told = [read_card(folder / "model").certainty for folder in (tmp_path, again)]
    limits = [[(one.yes_above, one.no_below) for one in entry.classes.values()] for entry in told if entry]
    np.testing.assert_allclose(
        np.array(limits[1], float), np.array(limits[0], float), atol=1e-4
    )  # without offsets
    scores = [load_scores(folder / "model") for folder in (tmp_path, again)]
    assert scores[0] is not None
    assert scores[1] is not None  # scores are stored without offsets, which are added where they are read
    np.testing.assert_allclose(scores[1].quantiles, scores[0].quantiles, atol=1e-5)


def test_offsets_become_biases_where_the_training_goes_on(shards: Path, source: Path, tmp_path: Path) -> None:
    module, card = load_model(source)
    save_model(tmp_path / "shifted", module, replace(card, offsets={"atrial_fibrillation": 1.5}))
    experiment = tuned(shards, tmp_path, tmp_path / "shifted", "all_layers")
    network = build("hughes34", len(experiment.classes), 500, {"width": 2, "kernel": 5})
    assert experiment.source is not None
    start_from(experiment.source, experiment.classes, network)
    row = experiment.classes.index("atrial_fibrillation")
    bias = network.state_dict()["heads.regressions.bias"]
    old = module.state_dict()["heads.regressions.bias"][card.classes.index("atrial_fibrillation")]
    assert bias[row] == old + 1.5


def test_the_card_says_where_the_model_comes_from_and_which_heads_it_has_lost(
    shards: Path, source: Path, tmp_path: Path
) -> None:
    experiment = tuned(shards, tmp_path, source, "frozen_body")
    run(experiment, tmp_path)
    origin = read_card(tmp_path / "model").origin
    assert origin["model"] == str(source)
    assert origin["digest"] == yaml.safe_load((source / "model.yaml").read_text())["digest"]
    assert (origin["protocol"], origin["cohorts"]) == ("frozen_body", ["sim"])
    assert origin["heads_kept"] == ["sinus_rhythm", "atrial_fibrillation"]
    assert origin["heads_new"] == ["av_block_1st_degree"]
    assert origin["heads_lost"] == ["right_bundle_branch_block"]
    assert experiment.describe()["origin"] == origin
    assert experiment.source is not None
    assert "right_bundle_branch_block" in experiment.source.summary(experiment.classes)
    assert "origin" not in yaml.safe_load((source / "model.yaml").read_text())


def test_heads_can_all_be_drawn_anew(shards: Path, source: Path, tmp_path: Path) -> None:
    experiment = tuned(shards, tmp_path, source, "frozen_body", finetune={"fresh_heads": True})
    networks = []
    for _ in range(2):
        torch.manual_seed(3)
        networks.append(build("hughes34", len(experiment.classes), 500, {"width": 2, "kernel": 5}))
    experiment.initialise(networks[1])
    assert equal(networks[0].heads, networks[1].heads)  # type: ignore[arg-type]
    assert not equal(networks[0].trunk, networks[1].trunk)  # type: ignore[arg-type]
    assert experiment.origin["heads_kept"] == []


def test_a_head_that_the_source_brings_needs_no_positive_record(
    shards: Path, source: Path, tmp_path: Path
) -> None:
    module, card = load_model(source)
    classes = (
        "sinus_rhythm",
        "atrial_fibrillation",
        "fusion_complexes",
    )  # the last has no positive record here
    renamed = replace(
        card,
        classes=classes,
        thresholds=dict.fromkeys(classes, 0.5),
        codes={},
        training={"records": 7},
        certainty=None,
    )
    save_model(tmp_path / "renamed", module, renamed)
    experiment = tuned(shards, tmp_path, tmp_path / "renamed", "all_layers", list(classes))
    assert set(experiment.classes) == set(classes)
    assert experiment.not_learnt == ()


@pytest.mark.parametrize("protocol", ["heads_first", "frozen_body"])
def test_a_training_that_is_broken_off_and_goes_on_ends_with_the_same_weights(
    shards: Path, source: Path, tmp_path: Path, protocol: str
) -> None:
    changes = {"epochs": 2, "finetune": {"head_epochs": 2}}
    run(tuned(shards, tmp_path / "alone", source, protocol, **changes), tmp_path / "alone")
    stages = stages_of(tuned(shards, tmp_path, source, protocol, **changes).settings)
    for broken_off_after in range(1, stages[-1].end):
        folder = tmp_path / f"broken-{broken_off_after}"
        experiment = tuned(shards, folder, source, protocol, **changes)
        with pytest.raises(InterruptedError):
            break_off(experiment, folder, broken_off_after)
        reports = run(experiment, folder)
        assert len(reports) == stages[-1].end
        assert weights_digest(folder / "model") == weights_digest(tmp_path / "alone" / "model")


def break_off(experiment: Experiment, folder: Path, after: int) -> None:
    """Train so many epochs, as a training that is killed then does."""

    def stop(report: EpochReport) -> None:
        if report.epoch == after:
            raise InterruptedError

    run_experiment(experiment, folder / "model", folder / "curves.csv", folder / "checkpoints", stop)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"finetune": {"protocol": "zero_shot"}}, "protocol zero_shot needs a model to start from"),
        ({"finetune": {"protocol": "gradual"}}, "train.finetune.protocol"),
        ({"fraction": 0}, "train.fraction"),
    ],
)
def test_settings_that_mean_nothing_are_refused(
    shards: Path, tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ParamsError, match=complaint):
        read(tmp_path, shards, train=PARAMS["train"] | change)  # type: ignore[operator]


def test_all_that_does_not_fit_is_in_one_message(shards: Path, source: Path, tmp_path: Path) -> None:
    module, card = load_model(source)
    signal = replace(card.preprocessing, rate=250, normalise="zscore", bandpass=(0.5, 40))
    save_model(tmp_path / "other", module, replace(card, preprocessing=signal, units="z"))
    with pytest.raises(ParamsError) as refusal:
        tuned(shards, tmp_path, tmp_path / "other", "all_layers")
    for part in ("sampling rate", "is 250", "normalisation", "is zscore", "unit", "is z,", "band-pass"):
        assert part in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_drawn_heads_without_a_training_and_a_label_set_that_the_source_does_not_know_are_refused(
    shards: Path, source: Path, tmp_path: Path
) -> None:
    with pytest.raises(ParamsError, match="drawn heads would stay"):
        tuned(shards, tmp_path, source, "zero_shot", finetune={"fresh_heads": True})
    with pytest.raises(ParamsError, match="knows none of av_block_1st_degree"):
        tuned(shards, tmp_path, source, "zero_shot", ["av_block_1st_degree"])
