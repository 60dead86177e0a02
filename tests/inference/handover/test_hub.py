"""A folder for a hub: a model folder with a card, thresholds and a licence, and nothing sent."""

import json
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from rarebeat.cli.main import app
from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.files import write_json
from rarebeat.inference.handover.card_text import thresholds_text
from rarebeat.inference.handover.hub import write_hub_folder
from rarebeat.inference.handover.site import write_site_model
from rarebeat.inference.model_folder import (
    card_digest,
    load_model,
    load_scores,
    read_card,
    save_adapted,
    save_model,
)
from rarebeat.inference.predict import predict_files
from rarebeat.metrics.known_scores import known_scores


def head_of(folder: Path) -> dict[str, Any]:
    """The hub's metadata at the top of the card."""
    _, head, _ = (folder / "README.md").read_text(encoding="utf-8").split("---\n", maxsplit=2)
    return dict(yaml.safe_load(head))


def scores(model: Path, **changed: Any) -> dict[str, Any]:
    thresholds = read_card(model).thresholds
    one = {"positives": 7, "f1": 0.5, "auroc": None, "auprc": 0.25}
    return {"classes": {name: one | {"threshold": value} | changed for name, value in thresholds.items()}}


def test_the_folder_is_a_model_that_answers_alike(
    model_folder: Path, wfdb_record: Path, tmp_path: Path
) -> None:
    names = write_hub_folder(model_folder, tmp_path / "hub", "cc-by-4.0")
    assert names == ["README.md", "config.json", "model.yaml", "thresholds.json", "weights.safetensors"]
    assert card_digest(tmp_path / "hub") == card_digest(model_folder)
    assert predict_files([wfdb_record], tmp_path / "hub") == predict_files([wfdb_record], model_folder)
    thresholds = json.loads((tmp_path / "hub" / "thresholds.json").read_text())
    assert thresholds == read_card(model_folder).thresholds
    config = json.loads((tmp_path / "hub" / "config.json").read_text())
    assert (config["rate"], config["units"], config["leads"][3]) == (250, "mV", "aVR")


def test_a_trained_model_is_whole_where_it_is_downloaded(
    model_folder: Path, wfdb_record: Path, tmp_path: Path
) -> None:
    module, card = load_model(model_folder)
    scores_seen = known_scores(np.full((4, len(card.classes)), 0.5), patients=4, unlike=0.0)
    save_model(tmp_path / "trained", module, card, scores=scores_seen)
    assert "scores.safetensors" in write_hub_folder(tmp_path / "trained", tmp_path / "hub")
    assert load_scores(tmp_path / "hub") is not None
    assert predict_files([wfdb_record], tmp_path / "hub") == predict_files([wfdb_record], model_folder)


def test_the_card_tells_that_a_model_was_adapted(model_folder: Path, tmp_path: Path) -> None:
    card = replace(read_card(model_folder), offsets={"sinus_rhythm": -1.0}, adapted={"records": 40})
    save_adapted(tmp_path / "ward", model_folder, card)
    write_hub_folder(tmp_path / "ward", tmp_path / "hub")
    text = (tmp_path / "hub" / "README.md").read_text()
    assert "Thresholds were fitted to 40 labelled records of one site;" in text
    assert "with the offsets of `model.yaml` added" in text
    assert "no calibration is stored" not in text
    write_site_model(tmp_path / "ward", tmp_path / "set", {"sinus_rhythm": 0.25})
    told = thresholds_text(read_card(tmp_path / "set"))
    assert told.startswith("Thresholds were fitted to 40 labelled records of one site, or set by one;")


def test_the_card_bears_the_licence_and_the_scores(model_folder: Path, tmp_path: Path) -> None:
    write_json(tmp_path / "metrics.json", scores(model_folder))
    write_hub_folder(model_folder, tmp_path / "hub", "cc-by-4.0", tmp_path / "metrics.json")
    head, text = head_of(tmp_path / "hub"), (tmp_path / "hub" / "README.md").read_text()
    assert head["license"] == "cc-by-4.0"
    assert {"ecg", "safetensors"} <= set(head["tags"])
    assert "simulated ECGs alone" in text
    (row,) = (line for line in text.splitlines() if line.startswith("| sinus_rhythm"))
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "sinus_rhythm",
        "",
        "0.5",
        "7",
        "0.5",
        "",
        "0.25",
    ]


def test_a_licence_that_was_not_stated_is_not_made_up(model_folder: Path, tmp_path: Path) -> None:
    write_hub_folder(model_folder, tmp_path / "hub")
    head = head_of(tmp_path / "hub")
    assert (head["license"], head["license_name"]) == ("other", "not-stated")
    assert "No licence was stated" in (tmp_path / "hub" / "README.md").read_text()


@pytest.mark.parametrize(
    "changed", [{"threshold": 0.123}, {"threshold": None}, {"threshold": "0.5"}, None, [{"name": "avnrt"}]]
)
def test_scores_of_another_model_are_refused(
    model_folder: Path, tmp_path: Path, changed: dict[str, Any] | list[Any] | None
) -> None:
    content = {"classes": changed or {"avnrt": {}}}
    if isinstance(changed, dict):
        content = scores(model_folder, **changed)
    write_json(tmp_path / "metrics.json", content)
    with pytest.raises(RarebeatError, match="does not hold the scores of this model"):
        write_hub_folder(model_folder, tmp_path / "hub", metrics=tmp_path / "metrics.json")
    assert not (tmp_path / "hub").exists()


def test_the_command_sends_nothing(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    arguments = ["publish", str(model_folder), "--out", str(tmp_path / "hub")]
    done = CliRunner().invoke(app, arguments)
    assert "this command sends nothing: say --dry-run" in str(done.exception)
    done = CliRunner().invoke(app, [*arguments, "--dry-run"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "hub" / "README.md").is_file()
    done = CliRunner().invoke(app, [*arguments, "--dry-run"])  # replaces what it has written
    assert done.exit_code == 0, done.output


def test_the_model_itself_is_not_replaced_by_its_folder(model_folder: Path) -> None:
    before = sorted(path.name for path in model_folder.iterdir())
    with pytest.raises(ParamsError, match="is the model itself"):
        write_hub_folder(model_folder, model_folder)
    assert sorted(path.name for path in model_folder.iterdir()) == before
