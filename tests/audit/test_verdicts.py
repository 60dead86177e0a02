"""Verdicts of readers: what is read back, and what is refused."""

import csv
from pathlib import Path

import pytest
from tests.audit.judged_sample import ANN, Row, save

from rarebeat.audit.precision import SampleItem
from rarebeat.audit.verdicts import read_verdicts
from rarebeat.core.errors import RarebeatError


def test_notes_with_commas_quotes_and_line_breaks_come_back(
    tmp_path: Path, sample: dict[str, SampleItem]
) -> None:
    note = 'says "flutter", but\nolder; see r9\r\n'
    path = save(tmp_path / "ann.csv", [("h1", "flutter", "hit", "wrong", note, "Ann, MD")])
    (verdict,) = read_verdicts([path], sample)
    assert (verdict.note, verdict.reader, verdict.word) == (note, "Ann, MD", "wrong")


def test_a_sheet_that_a_person_saved_is_read_too(tmp_path: Path, sample: dict[str, SampleItem]) -> None:
    path = tmp_path / "ann.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([["reader", "item", "kind", "class", "note", "verdict"]])
        writer.writerows([["Ann", "h1", "hit", "flutter", "", " Right "]])
    assert [verdict.word for verdict in read_verdicts([path], sample)] == ["right"]


def test_a_row_without_a_verdict_is_left_out(tmp_path: Path, sample: dict[str, SampleItem]) -> None:
    path = save(tmp_path / "ann.csv", [("h1", "flutter", "hit", "", "look again", "Ann")])
    assert read_verdicts([path], sample) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("h9", "flutter", "hit", "right", "", "Ann"), "item 'h9' is not in the sample"),
        (("h2", "sinus", "hit", "right", "", "Ann"), "item h2 is hit flutter, found 'hit' with"),
        (("h2", "flutter", "near_miss", "right", "", "Ann"), "item h2 is hit flutter, found 'near_miss'"),
        (("s1", "pacing", "unmatched", "wrong", "", "Ann"), "item s1 is unmatched, found .* 'pacing'"),
        (("h2", "flutter", "hit", "rigth", "", "Ann"), "unknown verdict 'rigth': expected right, wr"),
        (("h2", "flutter", "hit", "right", "", " "), "no reader"),
        (
            ("s1", "block", "unmatched", "right", "", "Ann"),
            "a statement with the classes it should .* must be 'wrong'",
        ),
        (("h1", "flutter", "hit", "wrong", "", "Ann"), r"Ann judged item h1 before, in .*, line 2"),
    ],
)
def test_what_cannot_be_a_verdict_is_told_with_its_line(
    row: Row, message: str, tmp_path: Path, sample: dict[str, SampleItem]
) -> None:
    path = save(tmp_path / "ann.csv", [ANN[0], row])
    with pytest.raises(RarebeatError, match=rf"ann\.csv, line 3: {message}"):
        read_verdicts([path], sample)


def test_one_reader_may_not_judge_an_item_in_two_files(tmp_path: Path, sample: dict[str, SampleItem]) -> None:
    one, two = save(tmp_path / "one.csv", ANN[:1]), save(tmp_path / "two.csv", ANN[:1])
    with pytest.raises(RarebeatError, match=r"two\.csv, line 2: Ann judged item h1 before, in .*one\.csv"):
        read_verdicts([one, two], sample)
