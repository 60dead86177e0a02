"""What verdicts say of the labels: shares of records, agreement, and the table for people."""

from pathlib import Path

import pytest
from tests.audit.judged_sample import ANN, SAMPLE_ROWS, Row, save

from rarebeat.audit.precision import (
    AuditResult,
    SampleItem,
    format_verdicts,
    read_sample,
    summarise_verdicts,
)
from rarebeat.audit.sample import SAMPLE_COLUMNS
from rarebeat.audit.verdicts import Verdict, read_verdicts
from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import write_csv

JUDGED = {
    name: SampleItem(name, classes, kind, weight, "ward", name, "", "")
    for name, classes, kind, weight in [
        ("h1", ("flutter",), "hit", 1.0),
        ("h2", ("flutter",), "hit", 1.0),
        ("n1", ("flutter",), "near_miss", 3.0),
        ("h3", ("sinus",), "hit", 5.0),
        ("s1", ("flutter", "sinus", "block"), "unmatched", 7.0),
    ]
}


def said(name: str, reader: str, word: str, *missed: str) -> Verdict[SampleItem]:
    return Verdict(JUDGED[name], reader, word, missed, "", "")


def test_a_line_per_class_that_was_judged() -> None:
    verdicts = [
        said("h1", "Ann", "right"),
        said("h2", "Ann", "wrong"),
        said("h1", "Bob", "right"),
        said("h2", "Bob", "wrong"),
        said("n1", "Bob", "cannot say"),
        said("s1", "Bob", "wrong", "block"),
    ]
    lines = format_verdicts(summarise_verdicts(JUDGED, verdicts)).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert rows[0] == ["Class", "Hits", "Uncertain", "Near misses", "Cannot say", "Missed", "Kappa"]
    assert rows[2:] == [
        ["flutter", "0.50 (0.09–0.91) [2/2]", "–", "[0/1]", "1", "0", "1.00"],
        ["block", "–", "–", "–", "0", "7", "–"],
    ]
    assert "Readers (verdicts): Ann (2), Bob (4)." in lines
    assert "Ann and Bob: equal on 100 % of 2 items, kappa 1.00." in lines
    assert "Frequent statements that rightly matched nothing: 0.00 [1/1]." in lines


def test_no_verdicts_are_said_to_be_none() -> None:
    text = format_verdicts(summarise_verdicts(JUDGED, []))
    assert text.startswith("No verdicts on any class.")
    assert text.endswith("Readers (verdicts): none.")


def summary(folder: Path, sample: dict[str, SampleItem], *readers: list[Row]) -> AuditResult:
    paths = [save(folder / f"{number}.csv", rows) for number, rows in enumerate(readers)]
    return summarise_verdicts(sample, read_verdicts(paths, sample))


def test_a_sample_is_read_as_it_was_written(sample: dict[str, SampleItem]) -> None:
    assert list(sample) == [row[0] for row in SAMPLE_ROWS]
    assert sample["h3"].statement == 'F waves "coarse"\nin V1'
    assert (sample["h3"].classes, sample["h3"].weight) == (("flutter",), 1.0)


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
