"""The challenge's classes and rewards against its own tables."""

import csv
from pathlib import Path

import numpy as np
import pytest

from rarebeat.labels.vocabulary import load_vocabulary
from rarebeat.metrics.challenge_classes import (
    CLASSES,
    VOCABULARIES,
    challenge_columns,
    challenge_places,
    place_of,
    rewards,
)


@pytest.fixture
def tables(real_ecg: Path) -> Path:
    folder = real_ecg / "cinc2020"
    if not folder.is_dir():
        pytest.skip(f"no scoring tables in {folder}")
    return folder


def test_the_rewards_are_the_official_weights(tables: Path) -> None:
    with (tables / "weights.csv").open(newline="") as file:
        header, *lines = csv.reader(file)
    codes = header[1:]
    assert [line[0] for line in lines] == codes
    official = np.array([[float(cell) for cell in line[1:]] for line in lines])
    places = [place_of(code) for code in codes]
    assert None not in places
    assert len(codes) == 27
    np.testing.assert_array_equal(rewards()[np.ix_(places, places)], official)
    # The order of the 24 is that of the table, each pair at the place of its first code.
    assert list(dict.fromkeys(places)) == list(range(len(CLASSES)))


def test_every_scored_diagnosis_is_known_by_code_and_abbreviation(tables: Path) -> None:
    with (tables / "dx_mapping_scored.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert {row["SNOMED CT Code"] for row in rows} == {code for entry in CLASSES for code in entry.codes}
    for row in rows:
        assert place_of(row["SNOMED CT Code"]) == place_of(row["Abbreviation"]), row["Dx"]
        other = row["Notes"].removeprefix("We score ").removesuffix(" as the same diagnosis.").split(" and ")
        assert all(place_of(code) == place_of(row["Abbreviation"]) for code in other if code)


def test_no_unscored_diagnosis_is_taken_for_a_scored_one(tables: Path) -> None:
    with (tables / "dx_mapping_unscored.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert not [row for row in rows if place_of(row["SNOMED CT Code"]) is not None]


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_the_codes_of_the_vocabularies_are_those_of_the_same_classes(vocabulary: str) -> None:
    classes = load_vocabulary(vocabulary).classes
    columns = challenge_columns(
        [entry.id for entry in classes],
        challenge_places(vocabulary, {entry.id: entry.code for entry in classes}),
    )
    assert columns is not None
    for entry, column in zip(CLASSES, columns, strict=True):
        codes = classes[column].codes["snomed"].positive
        assert set(entry.codes) <= set(codes), classes[column].id
