"""Vocabulary files: what is in ours, and what is said when one is wrong."""

from pathlib import Path

import pytest

from rarebeat.errors import ParamsError
from rarebeat.labels.vocabulary import FOLDER, load_vocabulary

NAMED_IN_THE_PAPER = ["SR", "AF", "AFL", "EAR", "1AVB", "MOBI", "CHB", "AVNRT", "PAC", "PVC", "FUS", "BIG"]

SMALL = """\
about: a test
abbreviations: {}
spellings: {}
dotted: []
sections: []
cues: []
scope_breaks: [with]
joins: {either: [or], both: [and]}
classes:
  - id: flutter
    code: AFL
    name: Flutter
    group: rhythm
    include:
      - flutter
    codes: {scp: [AFLT]}
"""


def write(folder: Path, text: str) -> str:
    path = folder / "small.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_hughes24_has_24_classes_and_those_of_the_paper_come_first() -> None:
    vocabulary = load_vocabulary("hughes24")
    assert vocabulary.name == "hughes24"
    assert len(set(vocabulary.class_ids)) == len({entry.code for entry in vocabulary.classes}) == 24
    assert [entry.code for entry in vocabulary.classes[:12]] == NAMED_IN_THE_PAPER


def test_every_class_can_be_told_by_text_and_by_some_code() -> None:
    for entry in load_vocabulary("hughes24").classes:
        assert entry.include
        assert any(codes.positive for codes in entry.codes.values()), entry.id


def test_a_file_of_ones_own_is_loaded_by_its_path(tmp_path: Path) -> None:
    assert load_vocabulary(write(tmp_path, SMALL)).class_ids == ("flutter",)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ParamsError, match=r"no vocabulary 'hughes'.*hughes24"):
        load_vocabulary("hughes")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("      - flutter", "      - (flutter", ["line 15", "flutter.include.0", "closing bracket"]),
        ("      - flutter", "      - Flutter", ["line 15", "flutter.include.0", "patterns do not use"]),
        ("[AFLT]", "[5]", ["line 16", "flutter.codes.scp", "valid string"]),
        ("group: rhythm", "group: rythm", ["line 13", "flutter.group", "rythm"]),
        ("    name: Flutter", "    nome: Flutter", ["flutter.nome", "Unexpected"]),
        ("      - flutter", "      - {pattern: flutter, unless: [af]}", ["line 15", "unless: no class 'af'"]),
        ("about: a test", "about: a test\nabout: again", ["about", "a second key"]),
        (
            "scope_breaks: [with]",
            "implications: [{having: af, needs_any: []}]\nscope_breaks: []",
            ["no class 'af'"],
        ),
        ("scope_breaks: [with]", "exclusions: [[flutter, af]]\nscope_breaks: []", ["no class 'af'"]),
        (
            "scope_breaks: [with]",
            "sources: {ptb: scip}\nscope_breaks: []",
            ["line 7", "no class has codes of 'scip'"],
        ),
        ("about: a test", "about: [", ["is not YAML"]),
        (SMALL, "[]", ["must be a mapping"]),
        (
            SMALL,
            SMALL + SMALL[SMALL.index("  - id") :],
            ["line 17", "flutter.id", "a second class 'flutter'"],
        ),
    ],
)
def test_a_fault_is_named_with_file_line_and_class(
    tmp_path: Path, old: str, new: str, expected: list[str]
) -> None:
    path = write(tmp_path, SMALL.replace(old, new))
    with pytest.raises(ParamsError) as error:
        load_vocabulary(path)
    for words in [path, *expected]:
        assert words in str(error.value)


def test_the_package_ships_its_vocabularies() -> None:
    assert [path.stem for path in FOLDER.glob("*.yaml")] == ["hughes24"]
