"""What clinicians decided on disagreements, from CSV files to numbers."""

from pathlib import Path

import pytest

from rarebeat.audit.adjudication import (
    ALL,
    DECISIONS,
    SAMPLE_COLUMNS,
    Disputed,
    outcomes,
    read_decisions,
    read_disputed,
)
from rarebeat.audit.verdicts import VERDICT_COLUMNS, reader_agreement
from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import write_csv

LAD, RAD = "left_axis_deviation", "right_axis_deviation"

# item, class, label, model, signal
ITEMS = [
    ("a", LAD, "present", "absent", "absent"),
    ("b", LAD, "present", "absent", "present"),
    ("c", LAD, "absent", "present", "present"),
    ("d", LAD, "absent", "present", ""),
    ("e", RAD, "present", "absent", "absent"),
]
ANN = {"a": "absent", "b": "present", "c": "present", "d": "Cannot say", "e": "absent"}
BOB = {"a": "absent", "b": "absent", "d": "absent", "e": ""}


@pytest.fixture
def items(tmp_path: Path) -> dict[str, Disputed]:
    rows = [(name, class_id, "ward", f"r-{name}", *words) for name, class_id, *words in ITEMS]
    write_csv(tmp_path / "to_judge.csv", SAMPLE_COLUMNS, rows)
    return read_disputed(tmp_path / "to_judge.csv")


def export(path: Path, reader: str, said: dict[str, str], changes: dict[str, str] | None = None) -> Path:
    """A file as the page exports it."""
    classes = {name: class_id for name, class_id, *_ in ITEMS}
    cells = [
        {"item": name, "class": classes.get(name, LAD), "kind": "disagreement", "verdict": word, "note": ""}
        for name, word in said.items()
    ]
    rows = [{**row, "reader": reader, **(changes or {})} for row in cells]
    write_csv(path, VERDICT_COLUMNS, [[row[name] for name in VERDICT_COLUMNS] for row in rows])
    return path


def test_who_was_wrong_is_counted_by_reader_and_class(tmp_path: Path, items: dict[str, Disputed]) -> None:
    files = [export(tmp_path / "ann.csv", "Ann", ANN), export(tmp_path / "bob.csv", "Bob", BOB)]
    found = outcomes(read_decisions(files, items), replicates=0)
    told = [(o.reader, o.class_id, o.judged, o.cannot_say, o.label_wrong) for o in found]
    assert told == [
        ("Ann", LAD, 3, 1, 2),
        ("Ann", RAD, 1, 0, 1),
        ("Ann", ALL, 4, 1, 3),
        ("Bob", LAD, 3, 0, 2),
    ]
    ann = found[0]
    assert ann.share is not None
    assert ann.share[0] == pytest.approx(2 / 3)
    # Ann says absent, present, present; the label present, present, absent; the signal as Ann does
    assert ann.kappas["signal"].value[0] == 1
    assert ann.kappas["label"].value[0] == pytest.approx(-0.5)
    assert ann.kappas["model"].value[0] == pytest.approx(0.4)
    assert found[-1].kappas["signal"].records[0] == 2  # it does not tell in d


def test_readers_are_compared_on_what_both_judged(tmp_path: Path, items: dict[str, Disputed]) -> None:
    files = [export(tmp_path / "ann.csv", "Ann", ANN), export(tmp_path / "bob.csv", "Bob", BOB)]
    (pair,) = reader_agreement(read_decisions(files, items), DECISIONS)
    assert (pair["readers"], pair["items"]) == (["Ann", "Bob"], 3)
    assert pair["agreement"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("said", "changes", "message"),
    [
        ({"x": "present"}, {}, "item 'x' is not in the sample"),
        ({"a": "present"}, {"class": RAD}, "item a is disagreement left_axis_deviation, found"),
        ({"a": "right"}, {}, "unknown verdict 'right'"),
        ({"a": "present"}, {"reader": " "}, "no reader"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_with_its_line(
    tmp_path: Path,
    items: dict[str, Disputed],
    said: dict[str, str],
    changes: dict[str, str],
    message: str,
) -> None:
    path = export(tmp_path / "ann.csv", "Ann", said, changes)
    with pytest.raises(RarebeatError, match=f"ann.csv, line 2: .*{message}"):
        read_decisions([path], items)


def test_nobody_judges_an_item_twice(tmp_path: Path, items: dict[str, Disputed]) -> None:
    files = [export(tmp_path / f"{number}.csv", "Ann", {"a": "present"}) for number in (1, 2)]
    with pytest.raises(RarebeatError, match="Ann judged item a before"):
        read_decisions(files, items)


def test_a_file_that_holds_no_disagreements_is_refused(tmp_path: Path) -> None:
    write_csv(tmp_path / "to_judge.csv", SAMPLE_COLUMNS, [("a", LAD, "ward", "r", "present", "present", "")])
    with pytest.raises(RarebeatError, match="not a disagreement"):
        read_disputed(tmp_path / "to_judge.csv")


def test_a_sheet_without_the_kind_is_read_too(tmp_path: Path, items: dict[str, Disputed]) -> None:
    columns = [name for name in VERDICT_COLUMNS if name != "kind"]
    write_csv(tmp_path / "ann.csv", columns, [("a", LAD, "present", "", "Ann")])
    (decision,) = read_decisions([tmp_path / "ann.csv"], items)
    assert (decision.item.name, decision.word, decision.reader) == ("a", "present", "Ann")


def test_predictions_may_name_a_class_in_words(tmp_path: Path) -> None:
    row = ("a", "left axis deviation", "ward", "r", "present", "absent", "")
    write_csv(tmp_path / "to_judge.csv", SAMPLE_COLUMNS, [row])
    items = read_disputed(tmp_path / "to_judge.csv")
    path = export(tmp_path / "ann.csv", "Ann", {"a": "absent"}, {"class": "left axis deviation"})
    assert [decision.word for decision in read_decisions([path], items)] == ["absent"]
