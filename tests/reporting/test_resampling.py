"""Counts before and after class re-sampling, from what prepare counted."""

import csv
from pathlib import Path

import pyarrow as pa
import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import write_json
from rarebeat.core.parquet import write_table
from rarebeat.reporting.resampling import read_summary, resampling_rows, write_resampling

COUNTS = {"rare": (20, 20), "common": (300, 120), "absent": (0, 0)}
SUMMARY = {
    "left_out": {"balance": 230, "unlabelled": 3},
    "splits": {
        "train": {
            "records": 140,
            "classes": {
                name: {"before": {"positive": before}, "after": {"positive": after}}
                for name, (before, after) in COUNTS.items()
            },
        }
    },
}


def test_the_most_common_class_stands_first_with_the_share_that_was_kept() -> None:
    assert resampling_rows(SUMMARY) == [
        {"class": "common", "before": 300, "after": 120, "kept": 0.4},
        {"class": "rare", "before": 20, "after": 20, "kept": 1.0},
        {"class": "absent", "before": 0, "after": 0, "kept": None},
    ]


def test_table_and_figure_are_written_and_the_text_has_the_share_left_out(tmp_path: Path) -> None:
    write_json(tmp_path / "shards" / "summary.json", SUMMARY)
    left_out = [("train", None)] * 140 + [("train", "balance")] * 180 + [("train", "unlabelled")] * 3
    other_split = [("validation", "balance")] * 50  # with prepare.balance.splits: [train, validation]
    rows = [{"split": split, "reason": reason} for split, reason in left_out + other_split]
    write_table(tmp_path / "shards" / "splits.parquet", pa.Table.from_pylist(rows))
    parts, path = write_resampling(tmp_path, tmp_path / "shards")
    with path.open() as file:
        assert [row["after"] for row in csv.DictReader(file)] == ["120", "20", "0"]
    assert (tmp_path / "figures" / "resampling.png").read_bytes().startswith(b"\x89PNG")
    assert "of 320 training records 140 were kept (56 % left out)" in " ".join(parts)


def test_where_nothing_was_left_out_the_page_says_nothing_and_the_table_is_there(tmp_path: Path) -> None:
    write_json(tmp_path / "shards" / "summary.json", SUMMARY)
    rows = [{"split": split, "reason": reason} for split, reason in [("train", None), ("test", "balance")]]
    write_table(tmp_path / "shards" / "splits.parquet", pa.Table.from_pylist(rows))
    parts, path = write_resampling(tmp_path, tmp_path / "shards")
    assert parts == []
    assert path.read_text().startswith("class,before,after,kept\ncommon,300,120")


def test_a_folder_of_shards_without_counts_is_named(tmp_path: Path) -> None:
    with pytest.raises(RarebeatError, match="run prepare again"):
        read_summary(tmp_path)
    write_json(tmp_path / "summary.json", SUMMARY)
    assert read_summary(tmp_path) == SUMMARY
