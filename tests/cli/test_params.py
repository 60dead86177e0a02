"""All of a params file is checked at once, and every fault has its line."""

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from rarebeat.cli.params import check_params
from rarebeat.core.errors import ParamsError
from rarebeat.core.params import read_params

ROOT = Path(__file__).resolve().parents[2]
OWN = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
STUDIES = sorted(path.parent for path in ROOT.glob("studies/*/overrides.yaml"))


def changed(key: str, value: Any) -> dict[str, Any]:
    """The params of the project with one value set, or left out where it is None."""
    content = copy.deepcopy(OWN)
    *groups, last = key.split("/")
    place = content
    for name in groups:
        place = place[name]
    place[last] = value
    return content


def fault(key: str, value: Any) -> str:
    """What is said of the params with one value changed."""
    with pytest.raises(ParamsError) as caught:
        check_params(changed(key, value))
    return str(caught.value)


def test_the_params_of_the_project_can_be_used() -> None:
    check_params(OWN)


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.name)
def test_the_params_of_every_study_can_be_used(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # a vocabulary of its own is named by its path in the project
    check_params(read_params([ROOT / "params.yaml", study / "overrides.yaml"]))


@pytest.mark.parametrize("vocabulary", ["cinc2020", "cinc2020_official"])
def test_another_vocabulary_may_be_chosen_while_label_sets_are_those_of_the_first(vocabulary: str) -> None:
    check_params(changed("label/vocabulary", vocabulary))


@pytest.mark.parametrize(
    ("key", "value", "near"),
    [
        ("trian", {}, "there is no group 'trian'; did you mean 'train'?"),
        ("use", ["simulatd"], "use: there is no cohort 'simulatd'; did you mean 'simulated'?"),
        (
            "cohorts/muse/kind",
            "muse",
            "cohorts.muse.kind: unknown kind of archive 'muse'; did you mean 'muse-xml'?",
        ),
        (
            "cohorts/simulated/options/record",
            5,
            "cohorts.simulated.options.record: Unexpected keyword argument",
        ),
        ("cohorts/ptb-xl/options/rates", 5, "did you mean 'rate'?"),
        ("cohorts/ptb-xl/roots", "", "did you mean 'root'?"),
        ("label/vocabulary", "hughes42", "label.vocabulary: "),
        ("label/signal_check", True, "did you mean 'signal_checks'?"),
        ("prepare/signal/rat", 250, "did you mean 'rate'?"),
        (
            "prepare/labels/ptbxl",
            "codes",
            "prepare.labels: there is no cohort 'ptbxl'; did you mean 'ptb-xl'?",
        ),
        (
            "prepare/split/folds/simulatd",
            {"test": [1], "validation": [2]},
            "prepare.split.folds: there is no cohort 'simulatd'; did you mean 'simulated'?",
        ),
        ("heads", "rare_onyl", "no label set 'rare_onyl' in label_sets; did you mean rare_only"),
        ("label_sets/avnrt", ["avntr"], "label_sets.avnrt: no class 'avntr'; did you mean avnrt"),
        ("model/name", "hughes43", "model.name: there is no network 'hughes43'; did you mean 'hughes34'?"),
        ("model/hughes34/widht", 16, "did you mean 'width'?"),
        ("model/se_resnet/widht", 16, "did you mean 'width'?"),
        (
            "model/se_resent",
            {"width": 4},
            "there is no network 'se_resent'; did you mean 'se_resnet'?",
        ),
        ("train/epoch", 2, "train.epoch: Unexpected keyword argument (found 2); did you mean 'epochs'?"),
        ("train/augment/gian", 2, "did you mean 'gain'?"),
        ("train/window/sample", 2, "did you mean 'samples'?"),
        ("evaluate/replicate", 5, "did you mean 'replicates'?"),
        ("compare/rules", ["max_f2"], "no rule max_f2"),
        ("folds/number", [0, 1], "did you mean 'numbers'?"),
        ("ensemble/votes", "mean", "did you mean 'vote'?"),
        ("tracking/experimant", "a", "did you mean 'experiment'?"),
    ],
)
def test_a_misspelt_name_is_met_by_the_nearest_one(key: str, value: Any, near: str) -> None:
    assert near in fault(key, value)


def study(**compare: Any) -> dict[str, Any]:
    """The params of a study that compares classes."""
    right = {
        "classes": ["avnrt", "atrial_fibrillation"],
        "columns": {"one head": {"heads": ["avnrt"], "rate": [0.003]}, "all heads": {"heads": ["all"]}},
        "published": {"avnrt": {"one head": 0.39}},
    }
    cells = {"single": {"heads": ["avnrt"], "rate": [0.003]}, "together": {"heads": ["all"], "rate": [0.003]}}
    return OWN | {"compare": OWN["compare"] | right | compare, "cells": cells}


@pytest.mark.parametrize(
    ("compare", "near"),
    [
        ({"classes": ["avntr"], "published": {}}, "compare.classes: no class 'avntr'; did you mean 'avnrt'?"),
        (
            {"columns": {"one head": {"head": ["avnrt"]}}},
            "compare.columns.one head: no factor 'head' in cells; did you mean 'heads'?",
        ),
        (
            {"columns": {"one head": {"heads": ["avntr"]}}},
            "compare.columns.one head.heads: no value avntr in cells; did you mean 'avnrt'?",
        ),
        (
            {"columns": {"one head": {"rate": [0.03]}}},
            "compare.columns.one head.rate: no value 0.03 in cells",
        ),
        (
            {"published": {"avnrt": {"one heads": 0.4}}},
            "compare.published.avnrt: no column 'one heads'; did you mean 'one head'?",
        ),
        (
            {"published": {"sinus_rhythm": {"one head": 0.4}}},
            "compare.published: 'sinus_rhythm' is not in compare.classes",
        ),
    ],
)
def test_a_study_that_compares_what_is_not_there_is_told_before_its_first_training(
    compare: dict[str, Any], near: str
) -> None:
    check_params(study())
    with pytest.raises(ParamsError) as caught:
        check_params(study(**compare))
    assert near in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("prepare/signal/rate", 0.001),
        ("prepare/signal/rate", 1e12),
        ("prepare/signal/samples", 10**15),
        ("prepare/balance/seed", 2**64),
        ("cohorts/simulated/options/seed", 2**64),
        ("cohorts/simulated/options/records", -1),
        ("train/seed", 2**70),
        ("train/seed", -1),
        ("train/augment/gain", 1e30),
        ("train/augment/gain", float("inf")),
        ("train/learning_rate", float("nan")),
        ("train/learning_rate", float("inf")),
        ("train/epochs", 10**12),
        ("model/hughes34/width", 10**9),
        ("evaluate/replicates", 10**12),
        ("evaluate/confidence", 95),
        ("folds/seed", 2**64),
    ],
)
def test_an_absurd_value_is_named_with_its_place(key: str, value: Any) -> None:
    assert fault(key, value).startswith(key.replace("/", "."))


@pytest.mark.parametrize("name", ["ward 7", "ward.7", "a/b", "$(touch x)", "-ward", "wärd", "a;b", ""])
def test_a_cohort_whose_name_is_no_plain_word_is_refused(name: str) -> None:
    content = OWN | {"use": [name], "cohorts": {name: OWN["cohorts"]["simulated"]}}
    with pytest.raises(ParamsError, match="the name of a cohort is letters, digits, - and _") as caught:
        check_params(content)
    assert str(caught.value).startswith(f"cohorts.{name}: ")


def test_a_vocabulary_may_lie_in_a_folder_of_any_name(tmp_path: Path) -> None:
    path = tmp_path / "my words; $(touch x), größe" / "own.yaml"
    path.parent.mkdir()
    shutil.copy(ROOT / "src/rarebeat/labels/vocabularies/hughes24.yaml", path)
    check_params(changed("label/vocabulary", str(path)))
    assert "label.vocabulary" in fault("label/vocabulary", str(path.with_suffix(".yml")))


def test_settings_that_exclude_each_other_are_found_before_anything_runs(tmp_path: Path) -> None:
    assert "the loss challenge needs a vocabulary" in fault("train/loss", "challenge")
    assert "challenge_coordinate" in fault("train/threshold", "challenge_coordinate")
    assert "is not a model folder" in fault("train/init", str(tmp_path))
    check_params(changed("label/vocabulary", "cinc2020") | {"train": {**OWN["train"], "loss": "challenge"}})


def test_every_fault_has_its_line() -> None:
    content = changed("train/epoch", 2) | {"use": ["simulatd"], "heads": "al"}
    content["model"] = {**OWN["model"], "name": "hughes"}
    with pytest.raises(ParamsError) as caught:
        check_params(content)
    lines = str(caught.value).splitlines()
    for start in ("use:", "train.epoch:", "model.name:"):
        assert sum(line.startswith(start) for line in lines) == 1, lines


def test_the_values_of_a_studys_factors_are_plain_words() -> None:
    check_params(OWN | {"cells": {"seed": [0, 1], "rate": [0.5], "model": ["se_resnet"]}})
    check_params(OWN | {"cells": {"one": {"seed": [0]}, "two": {"seed": [1]}}})
    with pytest.raises(ParamsError, match="several cells have the name se_resnet-0 "):
        check_params(OWN | {"cells": {"model": ["se_resnet"], "seed": [0, 1, 0]}})
    with pytest.raises(ParamsError, match=r"cells\.one\.seed: 'a b' must be letters"):
        check_params(OWN | {"cells": {"one": {"seed": ["a b"]}}})
    with pytest.raises(ParamsError, match=r"cells\.data: '\$\(id\)' must be letters"):
        check_params(OWN | {"cells": {"data": ["$(id)"]}})


@pytest.mark.parametrize("group", [name for name in OWN if name not in ("tracking", "heads", "workers")])
def test_a_missing_group_is_named(group: str) -> None:
    with pytest.raises(ParamsError, match=group):
        check_params({name: value for name, value in OWN.items() if name != group})


@pytest.mark.parametrize("workers", [0, "many", "ray:"])
def test_workers_are_processes_or_a_cluster(workers: object) -> None:
    check_params(OWN | {"workers": "ray:auto"})
    with pytest.raises(ParamsError, match="workers must be"):
        check_params(OWN | {"workers": workers})


@pytest.mark.parametrize(
    ("key", "value"), [("train/shuffle_except", ["avnrtt"]), ("train/limit_positives", {"avnrtt": 3})]
)
def test_the_classes_of_a_control_are_known(key: str, value: Any) -> None:
    assert "no class 'avnrtt'; did you mean 'avnrt'?" in fault(key, value)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("train/steps", [2, 4], "train.steps: they are of train.schedule steps, and the schedule is cosine"),
        ("train/pretrain/steps", [2], "train.steps: they are of train.schedule steps"),
        ("train/schedule", "steps", "train.schedule: steps needs the epochs at which the rate falls"),
        ("train/shuffle_except", ["avnrt"], "train.shuffle_except: no labels are shuffled"),
    ],
)
def test_what_would_change_nothing_is_told(key: str, value: Any, message: str) -> None:
    assert message in fault(key, value)


def test_steps_and_their_schedule_go_together() -> None:
    content = changed("train/schedule", "steps")
    content["train"]["steps"] = [2, 4]
    check_params(content)


@pytest.mark.parametrize("key", ["train/train_on", "train/validate_on", "evaluate/test_on"])
def test_the_cohorts_of_a_role_are_known_and_take_part(key: str) -> None:
    place = key.replace("/", ".")
    assert f"{place}: there is no cohort 'ludbb'; did you mean 'ludb'?" in fault(key, ["ludb", "ludbb"])
    assert f"{place}: name one cohort at least" in fault(key, [])
    assert f"{place}: ludb is not in `use` (simulated): nothing of it is" in fault(key, ["ludb"])
    check_params(changed(key, ["ludb"]) | {"use": ["simulated", "ludb"]})


def test_a_model_in_mlflow_is_fetched_by_the_training_and_a_folder_must_be_there(tmp_path: Path) -> None:
    check_params(changed("train/init", "models:/rarebeat/3"))
    assert "is not a model folder" in fault("train/init", str(tmp_path))
