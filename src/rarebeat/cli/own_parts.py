"""Parts of one's own that params name, as files that DVC compares: what changed in them makes stages stale.

The params name a vocabulary, a network or a model folder to start from; DVC compares params, so that another content of
the same file would go unnoticed. The folder ``own`` is watched whole instead, and what of it a stage needs is written
down by its digest: a network that is edited makes the training stale, and the labels not.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rarebeat.core.errors import ParamsError
from rarebeat.core.files import digest, write_json
from rarebeat.core.params import group
from rarebeat.core.project import project_root
from rarebeat.labels.definitions import definition_files
from rarebeat.labels.extract import LabelSettings
from rarebeat.models.own import is_own, own_file
from rarebeat.training.settings import TrainSettings, is_mlflow_model

OWN = Path("own")
"""The folder that DVC watches."""

LABELS, TRAINING = "labels.json", "training.json"


def write_own_parts(folder: Path, content: Mapping[str, Any], watched: Sequence[Path] = (OWN,)) -> None:
    """Write down which parts of one's own labels and training need.

    Args:
        folder: to write ``labels.json`` and ``training.json`` to.
        content: the params, checked (:func:`rarebeat.cli.params.check_params`).
        watched: the folders where they may lie: what DVC watches, or what is written down before every run anyway.

    Raises:
        ParamsError: when a part lies elsewhere.
    """
    vocabulary = group(content, "label", LabelSettings).vocabulary
    files = definition_files(Path(vocabulary)) if vocabulary.endswith(".yaml") else []
    model = group(content, "model", dict[str, Any])
    networks = sorted({name for name in (str(model.get("name")), *map(str, model)) if is_own(name)})
    settings = group(content, "train", TrainSettings)
    fetched = settings.init is not None and is_mlflow_model(
        settings.init
    )  # MLflow keeps it, not a folder here
    start = None if fetched else settings.start
    weights = sorted(path for path in start.rglob("*") if path.is_file()) if start else []
    write_json(folder / LABELS, {"vocabulary": _digests("label.vocabulary", files, watched)})
    code = _digests("model.name", [own_file(name) for name in networks], watched)
    write_json(folder / TRAINING, {"networks": code, "init": _digests("train.init", weights, watched)})


def _digests(key: str, files: Sequence[Path], watched: Sequence[Path]) -> dict[str, str]:
    """Each file's digest by its path in the watched folder of this copy of the project, or of the project around it."""
    places = [place for folder in watched for place in (folder, project_root() / folder)]
    found = {}
    for file in files:
        place = next((place for place in places if _lies_in(file, place)), None)
        if place is None:
            raise ParamsError(
                f"{key}: {file} is not in {watched[0]}/: DVC would not see that it changed; move it there (a copy will "
                "do)"
            )
        found[file.resolve().relative_to(place.resolve()).as_posix()] = digest(file)
    return found


def _lies_in(file: Path, folder: Path) -> bool:
    return file.resolve().is_relative_to(folder.resolve())
