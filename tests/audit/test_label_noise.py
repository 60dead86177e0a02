"""Labels go wrong at the writer or at the extractor; the table tells which."""

import numpy as np
import pytest

from rarebeat.audit.label_noise import (
    ALL,
    COLUMNS,
    STEPS,
    Readings,
    disagreements,
    format_label_noise,
    noise_rows,
    read_reports,
)
from rarebeat.core.tables import Row
from rarebeat.simulator.reports.findings import Style
from rarebeat.simulator.settings import SimulatorSettings

SETTINGS = SimulatorSettings(seed=3, preset="balanced", label_noise=0.1)


def readings(*records: tuple[int, int, int]) -> Readings:
    """Records of one class: truth, meant by the writer, label."""
    truth, meant, labels = np.array(records, np.int8).T[:, :, None]
    return Readings(("af",), truth, meant, labels, tuple(f"report {n}" for n in range(len(records))))


def row(rows: list[Row], step: str, name: str = "af") -> Row:
    return next(row for row in rows if row["step"] == step and row["class"] == name)


@pytest.fixture(scope="module")
def simulated() -> Readings:
    return read_reports(SETTINGS, 600)


def test_what_the_writer_leaves_out_counts_against_the_writer_alone() -> None:
    rows = noise_rows(readings((1, 1, 1), (1, 0, 0), (0, 1, 1), (0, 0, 0)))
    writer, extractor = row(rows, "truth to report"), row(rows, "report to label")
    assert (writer["given"], writer["kept"], writer["lost"], writer["added"]) == (2, 1, 1, 1)
    assert (writer["sensitivity"], writer["precision"]) == (0.5, 0.5)
    assert (extractor["given"], extractor["kept"], extractor["lost"], extractor["added"]) == (2, 2, 0, 0)
    assert (extractor["sensitivity"], extractor["precision"]) == (1, 1)


def test_what_the_extractor_misses_counts_against_the_extractor_alone() -> None:
    rows = noise_rows(readings((1, 1, 0), (1, 1, 1), (0, 0, 1)))
    assert row(rows, "truth to report")["sensitivity"] == 1
    assert row(rows, "report to label")["lost"] == 1
    assert row(rows, "report to label")["added"] == 1
    assert row(rows, "truth to label")["sensitivity"] == 0.5


def test_uncertain_and_unknown_are_shown_apart() -> None:
    rows = noise_rows(readings((1, 1, -1), (1, 1, -2), (1, 1, 1), (0, 0, -1), (1, -1, -1), (1, -1, 0)))
    extractor = row(rows, "report to label")
    assert (extractor["given"], extractor["kept"], extractor["lost"]) == (3, 1, 0)
    assert (extractor["uncertain"], extractor["unknown"], extractor["added_uncertain"]) == (1, 1, 1)
    assert (extractor["hedged"], extractor["hedged_uncertain"]) == (2, 1)
    assert row(rows, "truth to report")["uncertain"] == 2


def test_a_class_that_never_occurs_has_no_sensitivity() -> None:
    rows = noise_rows(readings((0, 0, 0), (0, 0, -2)))
    assert row(rows, "truth to label")["sensitivity"] is None
    assert row(rows, "truth to label")["precision"] is None


def test_simulated_reports_are_measured_for_each_step_and_class(simulated: Readings) -> None:
    rows = noise_rows(simulated)
    assert len(rows) == len(STEPS) * (len(simulated.classes) + 1)
    assert all(tuple(one) == COLUMNS for one in rows)
    for one in rows:
        assert one["given"] == one["kept"] + one["uncertain"] + one["lost"] + one["unknown"]
    for step in STEPS:
        total = sum(one["given"] for one in rows if one["step"] == step and one["class"] != ALL)
        assert row(rows, step, ALL)["given"] == total


def test_a_writer_who_errs_more_loses_more() -> None:
    def lost(label_noise: float) -> int:
        settings = SimulatorSettings(seed=3, preset="balanced", label_noise=label_noise)
        return int(row(noise_rows(read_reports(settings, 300)), "truth to report", ALL)["lost"] or 0)

    assert lost(0.0) == 0
    assert 20 < lost(0.2) < lost(0.8)


def test_most_of_what_is_written_is_extracted(simulated: Readings) -> None:
    total = row(noise_rows(simulated), "report to label", ALL)
    assert total["sensitivity"] > 0.9
    assert total["precision"] > 0.9


def test_names_and_dates_are_gone_as_after_ingest(simulated: Readings) -> None:
    texts = "\n".join(simulated.texts)
    assert "When compared with ECG of [date]," in texts
    assert "onfirmed by" not in texts


def test_the_same_settings_give_the_same_texts(simulated: Readings) -> None:
    assert read_reports(SETTINGS, 50).texts == simulated.texts[:50]
    assert read_reports(SETTINGS, 50, Style(held_out=1.0)).texts != simulated.texts[:50]


def test_disagreements_are_listed_by_frequency_with_short_examples() -> None:
    rows = disagreements(readings((1, 1, 0), (0, 0, 1), (1, 1, 0), (1, -1, -1), (0, 0, -2), (1, -1, 1)))
    found = [(one["writer"], one["label"], one["count"]) for one in rows]
    assert found == [("stated", "negative", 2), ("suspected", "positive", 1), ("not stated", "positive", 1)]
    assert rows[0]["examples"] == "report 0 || report 2"


def test_the_table_for_people_has_a_part_for_each_step(simulated: Readings) -> None:
    text = format_label_noise(noise_rows(simulated))
    assert text.count("| class ") == len(STEPS)
    for step in STEPS:
        assert f"Simulated reports, {step}:" in text
