from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import rarebeat.readers.free_text
from rarebeat.audit.label_noise import read_reports
from rarebeat.labels.statement_words import statement_words
from rarebeat.labels.text.language import FOLDER as LANGUAGES
from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.vocabulary import FOLDER, load_vocabulary
from rarebeat.readers.free_text.recognised import recognised_words
from rarebeat.readers.free_text.redaction import redact
from rarebeat.simulator.reports.findings import Style
from rarebeat.simulator.settings import SimulatorSettings

WORDS = Path(rarebeat.readers.free_text.__file__).with_name("statement_words.txt")
REPORTS = sorted(Path(__file__).parent.glob("*.yaml"))


def test_ingest_knows_every_word_of_the_package() -> None:
    needed = statement_words(load_vocabulary(path.stem) for path in sorted(FOLDER.glob("*.yaml")))
    missing = set(needed) - set(WORDS.read_text(encoding="ascii").split("\n"))
    assert not missing, (
        "write the list anew: rarebeat labels words > src/rarebeat/readers/free_text/statement_words.txt"
    )


def test_patterns_are_spelled_out(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "about: test\nlanguage: reports\nclasses:\n"
        "  - id: brugada\n    code: B\n    name: Brugada\n    group: morphology\n"
        "    include: ['brugada([- ]?(typ|syndrom)(us|es)?)?', 'coved[a-z]* st']\n"
        "    codes: {ward: [B1]}\n",
        encoding="utf-8",
    )
    words = set(statement_words([load_vocabulary(str(path))]))
    assert {"brugada", "brugadatyp", "brugadasyndromes", "coved*", "syndrom", "ward:B1", "norm~"} <= words
    assert not {"brugada", "coved*", "ward:B1"} & set(WORDS.read_text(encoding="ascii").split("\n"))


def test_letters_of_a_language_of_ones_own_are_written_as_ingest_writes_them(tmp_path: Path) -> None:
    """Else a private cohort would lose just those words, and the labels with them."""
    language = (LANGUAGES / "reports.yaml").read_text(encoding="utf-8")
    own = language.replace(
        "\nspellings:\n", '\nspellings:\n  "hjerteflimmer på ærø|arrêt": atrial fibrillation\n', 1
    )
    (tmp_path / "nordic.yaml").write_text(own, encoding="utf-8")
    vocabulary = (FOLDER / "hughes24.yaml").read_text(encoding="utf-8")
    path = tmp_path / "own.yaml"
    path.write_text(vocabulary.replace("language: reports", "language: nordic.yaml", 1), encoding="utf-8")
    loaded = load_vocabulary(str(path))
    (tmp_path / "words.txt").write_text("\n".join(statement_words([loaded])), encoding="utf-8")
    kept = recognised_words(str(tmp_path / "words.txt")).keep("Hjerteflimmer på Ærø. Arrêt. Ødegård")
    assert kept == "Hjerteflimmer på Ærø. Arrêt. XXX"
    assert Matcher(loaded).label(kept).states["atrial_fibrillation"] == 1


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield from [value] if key == "text" and isinstance(value, str) else _texts(value)
    elif isinstance(content, list):
        for value in content:
            yield from _texts(value)


def _changed(texts: list[str], vocabulary: str) -> list[str]:
    """The reports that are labelled otherwise once they are cut to what is recognised."""
    matcher, words = Matcher(load_vocabulary(vocabulary)), recognised_words()
    changed = []
    for text in map(redact, texts):
        whole, cut = matcher.label(text), matcher.label(words.keep(text))
        same = (whole.states, whole.warnings, whole.parts, whole.understood)
        if same != (cut.states, cut.warnings, cut.parts, cut.understood):
            changed.append(text)
    return changed


@pytest.mark.parametrize("vocabulary", ["hughes24", "cinc2020"])
def test_reports_in_all_languages_are_labelled_as_before_the_cut(vocabulary: str) -> None:
    texts = [
        text for path in REPORTS for text in _texts(yaml.safe_load(path.read_text(encoding="utf-8"))) if text
    ]
    assert len(texts) > 1500
    assert _changed(texts, vocabulary) == []


@pytest.mark.parametrize("held_out", [0.0, 1.0])
def test_simulated_reports_are_labelled_as_before_the_cut(held_out: float) -> None:
    texts = read_reports(SimulatorSettings(), 400, Style(held_out=held_out)).texts
    assert _changed(list(texts), "hughes24") == []
