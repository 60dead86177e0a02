"""``python pipeline/prepare.py``: settings from the params file, and what is printed."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.dataset.workspace import (
    Workspace,
)

from rarebeat.core.errors import ParamsError


def load_stage() -> Callable[..., None]:
    """The function behind ``python pipeline/prepare.py``."""
    path = Path(__file__).parents[2] / "pipeline" / "prepare.py"
    spec = importlib.util.spec_from_file_location("prepare_stage", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    stage: Callable[..., None] = module.prepare
    return stage


def test_the_stage_takes_its_settings_from_the_params_file(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = tmp_path / "params.yaml"
    params.write_text(
        "use: [a, b]\n"
        "prepare:\n  signal: {rate: 100, samples: 200, crop: center, bandpass: null}\n"
        "  balance: {target: 20}\n  shard_size: 16\n"
    )
    load_stage()(workspace.records, workspace.labels, workspace.out, params)
    digest = json.loads((workspace.out / "summary.json").read_text())["digest"]
    assert digest == workspace.prepare("a", "b")["digest"]
    printed = capsys.readouterr()
    assert "train: " in printed.out
    assert "'duplicate': 9" in printed.out
    assert "warning: no positive record to train on for" in printed.err


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("prepare: {}", "use: Input should be a valid list"),
        ("use: [a]\nlabel: {vocabulary: hughes24}", "no group 'prepare'"),
        ("use: [a]\nprepare: {balanced: {}}", "prepare.balanced"),
        ("use: [a]\nprepare: {labels: {a: speech}}", "prepare.labels.a"),
        ("use: [a]\nprepare: {shard_size: 0}", "prepare.shard_size"),
        (
            "use: [a]\nprepare: {balance: {splits: [dev]}}",
            "prepare.balance.splits",
        ),
    ],
)
def test_params_that_cannot_be_are_refused_by_name(
    workspace: Workspace, tmp_path: Path, params: str, message: str
) -> None:
    (tmp_path / "params.yaml").write_text(params)
    with pytest.raises(ParamsError, match=message):
        load_stage()(workspace.records, workspace.labels, workspace.out, tmp_path / "params.yaml")
