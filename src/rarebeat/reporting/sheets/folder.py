"""The sheets as files: what people have answered is read, and the card and the sheet are written."""

from pathlib import Path

import yaml

from rarebeat.core.errors import ParamsError, RarebeatError, did_you_mean
from rarebeat.core.files import atomic
from rarebeat.core.yaml_text import load_yaml
from rarebeat.reporting.sheets.facts import RunFacts
from rarebeat.reporting.sheets.model_card import model_card
from rarebeat.reporting.sheets.tripod.sheet import NUMBERS, tripod_sheet

CARD, SHEET = "model-card.md", "tripod-ai.md"


def read_answers(path: Path) -> dict[str, str]:
    """Read what a person has answered, so that the next run keeps it.

    Args:
        path: YAML, a text for each number of an item.

    Returns:
        The texts by number; none for an empty file.

    Raises:
        ParamsError: for a number that there is not, or an answer that is no text.
        RarebeatError: when the file cannot be read.
    """
    try:
        content = load_yaml(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RarebeatError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict):
        raise ParamsError(f"{path} must hold `number: text` for items of TRIPOD+AI")
    for number, text in content.items():
        if str(number) not in NUMBERS:
            raise ParamsError(f"{path}: TRIPOD+AI has no item {number!r}{did_you_mean(str(number), NUMBERS)}")
        if not isinstance(text, str) or not text.strip():
            raise ParamsError(f"{path}: the answer to item {number} must be a text")
    return {str(number): text.strip() for number, text in content.items()}


def write_sheets(folder: Path, facts: RunFacts, answers: Path | None = None) -> list[Path]:
    """Write ``model-card.md`` and ``tripod-ai.md``, each whole or not at all.

    Args:
        folder: ``reports/``.
        facts: all that is known of the run.
        answers: YAML of what people have answered; None for nothing.

    Returns:
        The paths.

    Raises:
        ParamsError: as :func:`read_answers`.
        RarebeatError: when the answers cannot be read, or the sheets not be written.
    """
    told = {} if answers is None else read_answers(answers)
    texts = {CARD: model_card(facts), SHEET: tripod_sheet(facts, told)}
    for name, text in texts.items():
        with atomic(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return [folder / name for name in texts]
