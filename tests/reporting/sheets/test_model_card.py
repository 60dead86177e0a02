"""The card of a model says what the run knows, with the numbers of the run."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.reporting.sheets.run import CLASSES, SETTINGS, Run, card_of
from typer.testing import CliRunner

from rarebeat.cli.main import app
from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.tables import interval_text
from rarebeat.dataset.shards import load_split
from rarebeat.evaluation.certainty.measures import claims_of
from rarebeat.evaluation.evaluate import evaluate
from rarebeat.inference.handover.card_text import INTENDED
from rarebeat.inference.handover.hub import write_hub_folder
from rarebeat.inference.model_folder import card_digest, save_adapted
from rarebeat.metrics.certainty import Certainty, ClassCertainty
from rarebeat.reporting.sheets.facts import RunFacts, calibration_table, read_facts
from rarebeat.reporting.sheets.folder import write_sheets
from rarebeat.reporting.sheets.model_card import model_card


def section(text: str, title: str) -> str:
    """What stands under a heading."""
    return re.split(rf"^## {title}$", text, flags=re.M)[1].split("\n## ")[0]


def row(text: str, first: str) -> list[str]:
    """The cells of the first row of a table that begins with some text."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {first} "))
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.fixture(scope="module")
def text(facts: RunFacts) -> str:
    return model_card(facts)


def test_the_card_has_all_its_sections(text: str) -> None:
    assert text.startswith("# hughes34: 2 classes on 12-lead ECGs\n")
    assert re.findall("^## (.*)$", text, re.M) == [
        *("What it is for", "What it is not for", "Input", "Data", "Labels", "Scores on the test split"),
        *("Scores by sex, age and cohort", "Calibration", "Training", "Limits"),
    ]
    assert INTENDED in section(text, "What it is for")


def test_the_data_are_counted_cohort_by_cohort(text: str, facts: RunFacts) -> None:
    data = section(text, "Data")
    ward = facts.findings.cohorts[0]
    assert row(data, "ward")[1:4] == ["codes", "1", "240"]
    assert row(data, "ward")[-3:] == [str(ward.splits[name]) for name in ("train", "validation", "test")]
    assert "ward (muse-xml), simulated (simulated)" in data
    assert "fewer samples than the header promises" in data


def test_the_people_of_each_part_are_described(text: str, run: Run) -> None:
    split = load_split(run.work.out, "test")
    assert split.ages is not None
    assert split.sexes is not None
    known = split.ages[~np.isnan(split.ages)]
    cells = row(section(text, "Data"), "test")
    assert cells[:3] == ["test", str(len(split)), str(len(set(split.patients.tolist())))]
    assert cells[3] == f"{100 * np.mean(split.sexes == 'female'):.0f} %"  # type: ignore[comparison-overlap]
    assert cells[5].startswith(f"{np.median(known):.0f} (")
    assert cells[6] == str(len(split) - known.size)
    ward = row(section(text, "Data"), "test, ward")
    assert ward[1] == str(int((split.cohorts == "ward").sum()))


def test_the_coverage_of_labels_is_that_of_the_label_stage(text: str) -> None:
    labels = section(text, "Labels")
    assert row(labels, "ward")[1:4] == ["codes", "300", "90.0 %"]
    assert row(labels, "simulated")[1:4] == ["reports", "512", "75.0 %"]
    assert row(labels, "simulated")[-1] == "3 of 40"
    assert "negative only where the report was understood" in labels


def test_the_labels_of_each_class_are_counted_in_each_part(text: str, facts: RunFacts) -> None:
    cells = row(section(text, "Labels"), "atrial_fibrillation")
    after = facts.findings.of_split("train")["classes"]["atrial_fibrillation"]["after"]
    scored = facts.findings.evaluation
    assert cells[1:3] == ["AF", str(after["positive"])]
    assert cells[6] == str(int(scored.positives[1]))
    assert cells[7] == f"{100 * scored.known[1] / scored.records:.1f} %"


def test_every_class_has_its_scores_with_intervals_and_so_have_sexes_ages_and_cohorts(
    text: str, facts: RunFacts
) -> None:
    findings = facts.findings
    scores = section(text, "Scores on the test split")
    for index, name in enumerate(CLASSES):
        assert interval_text(*findings.evaluation.tuned.with_interval("auprc", index)) in row(scores, name)
    groups = section(text, "Scores by sex, age and cohort")
    female = findings.groups["Sex"].scored["female"]
    assert row(groups, "female")[-1] == interval_text(*female.tuned.with_interval("auprc", -2))
    assert "Not scored, with fewer than 30 patients: " in groups.partition("By age")[2]
    assert row(groups, "ward")[1] == str(findings.evaluation.cohorts["ward"].records)


def test_calibration_is_measured_on_the_test_split(facts: RunFacts) -> None:
    test = facts.findings.test
    half = np.full_like(test.probability, 0.5)
    half[:, 1] = (test.truth[:, 1] == 1) * 0.8 + 0.1  # 0.1 or 0.9, and always right
    rows = calibration_table(replace(facts.findings, test=replace(test, probability=half)))
    known, share = np.count_nonzero(test.truth[:, 0] >= 0), np.mean(test.truth[test.truth[:, 0] >= 0, 0] == 1)
    assert rows[0] == {
        "Class": "sinus_rhythm",
        "Records": known,
        "Mean probability": "0.500",
        "Share of positives": f"{share:.3f}",
        "Calibration error": f"{abs(share - 0.5):.3f}",
    }
    assert rows[1]["Calibration error"] == "0.100"


def test_limits_name_the_simulation_and_no_limit_stands_twice(text: str) -> None:
    points = section(text, "Limits").strip().splitlines()
    assert any("The ECGs of simulated are simulated" in point for point in points)
    assert any("Thresholds were chosen on the validation split" in point for point in points)
    assert sum("medical device" in point for point in points) == 1
    assert len(points) == len(set(points))


def test_an_adapted_model_is_said_to_be_calibrated_on_the_records_of_the_site(facts: RunFacts) -> None:
    stored = Certainty(0.9, dict.fromkeys(CLASSES, ClassCertainty(1.0, 0.0, None, None, 9, 50)))

    def words(**changed: object) -> str:
        card = card_of(certainty=stored, **changed)
        test = facts.findings.test
        evaluation = evaluate(test, SETTINGS, claims=claims_of(card, test))
        return model_card(replace(facts, findings=replace(facts.findings, card=card, evaluation=evaluation)))

    assert "validation split" in words()
    adapted = words(adapted={"records": 40})
    assert "validation split" not in adapted
    assert adapted.count("labelled records of one site") == 4


def test_without_the_labels_at_hand_their_coverage_is_left_out(facts: RunFacts, run: Run) -> None:
    bare = read_facts(facts.findings, run.work.out)
    assert "Understood" not in model_card(bare)
    with pytest.raises(RarebeatError, match=r"summary\.json is missing"):
        read_facts(facts.findings, run.work.out, run.work.out)


def test_the_sheets_have_the_same_bytes_every_time(facts: RunFacts, tmp_path: Path) -> None:
    first, again = (write_sheets(tmp_path / name, facts) for name in ("first", "again"))
    assert [path.name for path in first] == ["model-card.md", "tripod-ai.md"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def test_a_repository_bears_the_card_of_the_run(run: Run, facts: RunFacts, text: str, tmp_path: Path) -> None:
    write_sheets(tmp_path / "reports", facts)
    card = tmp_path / "reports" / "model-card.md"
    arguments = ["publish", str(run.model), "--dry-run", "--licence", "mit", "--card", str(card)]
    done = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "hub")])
    assert done.exit_code == 0, done.output
    readme = (tmp_path / "hub" / "README.md").read_text(encoding="utf-8")
    assert text in readme
    assert card_digest(tmp_path / "hub") in readme
    assert readme.startswith("---\nlicense: mit\n")
    assert "average_precision" in readme.split("---")[1]
    assert readme.count("\n# ") == 1


def test_the_card_of_another_model_is_refused(run: Run, facts: RunFacts, tmp_path: Path) -> None:
    card, _ = write_sheets(tmp_path / "reports", facts)
    save_adapted(tmp_path / "ward", run.model, card_of(thresholds=dict.fromkeys(CLASSES, 0.25)))
    with pytest.raises(RarebeatError, match="not the card of this model"):
        write_hub_folder(tmp_path / "ward", tmp_path / "hub", run_card=card)
    with pytest.raises(RarebeatError, match="cannot read"):
        write_hub_folder(run.model, tmp_path / "hub", run_card=tmp_path / "nothing.md")
    with pytest.raises(ParamsError, match="holds the scores already"):
        write_hub_folder(run.model, tmp_path / "hub", metrics=card, run_card=card)
    assert not (tmp_path / "hub").exists()
