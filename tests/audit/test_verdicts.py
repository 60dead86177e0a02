"""Verdicts of readers: what is read back, what is refused, and what it says of the labels."""

import csv
from collections.abc import Iterable
from pathlib import Path

import pytest

from rarebeat.audit.sample import SAMPLE_COLUMNS
from rarebeat.audit.verdicts import (
    VERDICT_COLUMNS,
    AuditResult,
    SampleItem,
    read_sample,
    read_verdicts,
    summarise_verdicts,
)
from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import write_csv

Row = tuple[str, str, str, str, str, str]

SAMPLE = [
    # item, class, kind, weight, cohort, record_id, pattern, cue, statement
    ("h1", "flutter", "hit", 90.0, "ward", "r1", "flutter.include.1", "", "Atrial flutter"),
    ("h2", "flutter", "hit", 9.0, "ward", "r2", "flutter.include.1", "", "flutter, typical"),
    ("h3", "flutter", "hit", 1.0, "ward", "r3", "flutter.include.2", "", 'F waves "coarse"\nin V1'),
    ("u1", "flutter", "uncertain", 4.0, "ward", "r4", "flutter.include.1", "possible", "possible flutter"),
    ("n1", "sinus", "near_miss", 2.0, "ward", "r5", "sinus.mask.1", "", "not sinus rhythm"),
    ("s1", "flutter sinus block", "unmatched", 30.0, "ward", "r6", "", "", "av-block"),
    ("s2", "flutter sinus block", "unmatched", 10.0, "ward", "r7", "", "", "normal axis"),
]


@pytest.fixture
def sample(tmp_path: Path) -> dict[str, SampleItem]:
    write_csv(tmp_path / "sample.csv", SAMPLE_COLUMNS, SAMPLE)
    return read_sample(tmp_path / "sample.csv")


def save(path: Path, rows: Iterable[Row]) -> Path:
    write_csv(path, VERDICT_COLUMNS, rows)
    return path


def summary(folder: Path, sample: dict[str, SampleItem], *readers: list[Row]) -> AuditResult:
    paths = [save(folder / f"{number}.csv", rows) for number, rows in enumerate(readers)]
    return summarise_verdicts(sample, read_verdicts(paths, sample))


ANN: list[Row] = [
    ("h1", "flutter", "hit", "right", "", "Ann"),
    ("h2", "flutter", "hit", "wrong", "a pacemaker, said so", "Ann"),
    ("h3", "flutter", "hit", "cannot say", "", "Ann"),
    ("u1", "flutter", "uncertain", "right", "", "Ann"),
    ("s1", "flutter block", "unmatched", "wrong", "", "Ann"),
    ("s2", "", "unmatched", "right", "", "Ann"),
]


def test_a_sample_is_read_as_it_was_written(sample: dict[str, SampleItem]) -> None:
    assert list(sample) == [row[0] for row in SAMPLE]
    assert sample["h3"].statement == 'F waves "coarse"\nin V1'
    assert (sample["h3"].classes, sample["h3"].weight) == (("flutter",), 1.0)


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


@pytest.mark.parametrize(
    "row", [("h1", "a", "hit", "none"), ("h1", "a", "hit", "-1"), ("h1", "a", "odd", "1")]
)
def test_a_damaged_sample_is_told(tmp_path: Path, row: tuple[str, ...]) -> None:
    write_csv(tmp_path / "sample.csv", SAMPLE_COLUMNS, [(*row, "", "", "", "", "")])
    with pytest.raises(RarebeatError, match=r"sample\.csv, line 2: not an item of a sample"):
        read_sample(tmp_path / "sample.csv")


def test_precision_is_of_records_not_of_items(tmp_path: Path, sample: dict[str, SampleItem]) -> None:
    hits = summary(tmp_path, sample, ANN)["classes"]["flutter"]["hit"]
    assert (hits["items"], hits["records"], hits["judged"], hits["cannot_say"]) == (3, 100, 2, 1)
    assert hits["right"] == pytest.approx(90 / 99)
    assert hits["low"] is not None
    assert hits["high"] is not None
    assert 0 < hits["low"] < 90 / 99 < hits["high"] < 1


def test_what_was_not_judged_has_no_share(tmp_path: Path, sample: dict[str, SampleItem]) -> None:
    near = summary(tmp_path, sample, ANN)["classes"]["sinus"]["near_miss"]
    assert (near["items"], near["judged"], near["right"], near["low"]) == (1, 0, None, None)


def test_missed_statements_count_for_each_class_they_should_have_matched(
    tmp_path: Path, sample: dict[str, SampleItem]
) -> None:
    result = summary(tmp_path, sample, ANN)
    missed = {
        name: (entry["missed_statements"], entry["missed_records"])
        for name, entry in result["classes"].items()
    }
    assert missed == {"flutter": (1, 30), "sinus": (0, 0), "block": (1, 30)}
    assert result["unmatched"]["right"] == pytest.approx(10 / 40)


def test_readers_are_compared_and_averaged_where_they_read_the_same(
    tmp_path: Path, sample: dict[str, SampleItem]
) -> None:
    bob: list[Row] = [
        ("h1", "flutter", "hit", "wrong", "", "Bob"),
        ("h2", "flutter", "hit", "wrong", "it is noise", "Bob"),
        ("h3", "flutter", "hit", "right", "", "Bob"),
        ("n1", "sinus", "near_miss", "right", "", "Bob"),
    ]
    result = summary(tmp_path, sample, ANN, bob)
    assert result["readers"] == {"Ann": 6, "Bob": 4}
    hits = result["classes"]["flutter"]["hit"]
    assert hits["right"] == pytest.approx((90 * 0.5 + 1) / 100)
    (pair,) = result["agreement"]
    assert (pair["readers"], pair["items"], pair["agreement"]) == (["Ann", "Bob"], 3, pytest.approx(1 / 3))
    # Ann: right, wrong, cannot say; Bob: wrong, wrong, right. By chance: 1/3 * 1/3 + 1/3 * 2/3 = 1/3.
    assert pair["kappa"] == pytest.approx(0)
    assert result["classes"]["sinus"]["agreement"] == []


def test_what_was_wrong_leads_back_to_the_record_and_the_pattern(
    tmp_path: Path, sample: dict[str, SampleItem]
) -> None:
    wrong = summary(tmp_path, sample, ANN)["wrong"]
    assert [(entry["item"], entry["record_id"], entry["pattern"]) for entry in wrong] == [
        ("h2", "r2", "flutter.include.1"),
        ("s1", "r6", ""),
    ]
    assert wrong[0]["notes"] == ["Ann: a pacemaker, said so"]
    assert wrong[1]["classes"] == ["flutter", "block"]
