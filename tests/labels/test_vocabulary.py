"""Vocabulary files: what is in ours, and what is said when one is wrong."""

from pathlib import Path

import pytest

from rarebeat.core.errors import ParamsError
from rarebeat.labels.vocabulary import FOLDER, load_vocabulary

NAMED_IN_THE_PAPER = ["SR", "AF", "AFL", "EAR", "1AVB", "MOBI", "CHB", "AVNRT", "PAC", "PVC", "FUS", "BIG"]

LANGUAGE = """\
abbreviations: {}
spellings: {}
dotted: []
wrapped: []
sections: []
corrections: []
cues: []
scope_breaks: [with]
breaks_before: []
joins: {either: [or], both: [and]}
"""

SMALL = """\
about: a test
language: small-language.yaml
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
    (folder / "small-language.yaml").write_text(LANGUAGE, encoding="utf-8")
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
        ("      - flutter", "      - (flutter", ["line 9", "flutter.include.0", "closing bracket"]),
        ("      - flutter", "      - Flutter", ["line 9", "flutter.include.0", "patterns do not use"]),
        ("[AFLT]", "[5]", ["line 10", "flutter.codes.scp", "valid string"]),
        ("group: rhythm", "group: rythm", ["line 7", "flutter.group", "rythm"]),
        ("    name: Flutter", "    nome: Flutter", ["flutter.nome", "Unexpected"]),
        ("      - flutter", "      - {pattern: flutter, unless: [af]}", ["line 9", "unless: no class 'af'"]),
        ("about: a test", "about: a test\nabout: again", ["about", "a second key"]),
        (
            "about: a test",
            "about: a test\nimplications: [{having: af, needs_any: []}]",
            ["no class 'af'"],
        ),
        ("about: a test", "about: a test\nexclusions: [[flutter, af]]", ["no class 'af'"]),
        (
            "about: a test",
            "about: a test\nsources: {ptb: scip}",
            ["line 2", "no class has codes of 'scip'"],
        ),
        ("about: a test", "about: [", ["is not YAML"]),
        (SMALL, "[]", ["must be a mapping"]),
        ("id: flutter", "id: record_id", ["line 4", "another column"]),
        (
            "id: flutter",
            "id: ../flutter",
            ["line 4", "../flutter.id", "small letters (a-z), digits and under"],
        ),
        ("id: flutter", "id: Flutter", ["line 4", "Flutter.id", "found 'Flutter'"]),
        ("id: flutter", "id: 'flutter '", ["line 4", "found 'flutter '"]),
        ("id: flutter", "id: vorhofflattern_ä", ["line 4", "found 'vorhofflattern_ä'"]),
        ("id: flutter", "id: ''", ["line 4", "found ''"]),
        (SMALL[SMALL.index("classes:") :], "classes: []", ["there is no class"]),
        ("small-language.yaml", "[reports]", ["`language` must be"]),
        (
            "  - id: flutter",
            "  - like: hughes24.flutter\n    id: flutter",
            ["hughes24.yaml has no class 'flutter'"],
        ),
        ("  - id: flutter", "  - like: flutter\n    id: flutter", ["must be <vocabulary>.<class>"]),
        (
            SMALL,
            SMALL + SMALL[SMALL.index("  - id") :],
            ["line 11", "flutter.id", "a second class 'flutter'"],
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


def test_a_fault_in_a_language_is_named_with_its_file_and_line(tmp_path: Path) -> None:
    path = write(tmp_path, SMALL)
    language = tmp_path / "small-language.yaml"
    language.write_text(LANGUAGE.replace("[with]", "[With]"), encoding="utf-8")
    with pytest.raises(
        ParamsError, match=r"small-language\.yaml, line 8: scope_breaks\.0: .*patterns do not use"
    ):
        load_vocabulary(path)


def test_a_class_takes_over_what_it_does_not_say_anew(tmp_path: Path) -> None:
    path = write(tmp_path, SMALL + "  - {like: hughes24.atrial_flutter, code: FLU, codes: {scp: [XYZ]}}\n")
    ours = load_vocabulary("hughes24").classes[2]
    taken = load_vocabulary(path).classes[1]
    assert (taken.id, taken.code, taken.name) == (ours.id, "FLU", ours.name)
    assert [phrase.pattern for phrase in taken.include] == [phrase.pattern for phrase in ours.include]
    assert list(taken.codes) == ["scp"]
    assert {name for phrase in ours.include for name in phrase.unless} > set(), "conditions on other classes"
    assert {name for phrase in taken.include for name in phrase.unless} == set(), "which are not there"


def test_the_package_ships_its_vocabularies() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} >= {"hughes24"}
