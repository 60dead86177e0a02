"""The TRIPOD+AI sheet: all items in their order, the run's numbers filled in, open questions left open."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.reporting.sheets.run import CLASSES, SETTINGS, card_of

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.tables import interval_text
from rarebeat.evaluation.evaluate import evaluate
from rarebeat.metrics.certainty import Certainty, ClassCertainty
from rarebeat.reporting.page.findings import CohortFacts
from rarebeat.reporting.sheets.facts import RunFacts
from rarebeat.reporting.sheets.folder import read_answers
from rarebeat.reporting.sheets.tripod.items import ITEMS
from rarebeat.reporting.sheets.tripod.sheet import NUMBERS, tripod_sheet

PEOPLE_ALONE = ("3c", "6a", "6c", "17", "18a", "18b", "18c", "18d", "19", "25", "27c")


@pytest.fixture(scope="module")
def text(facts: RunFacts) -> str:
    return tripod_sheet(facts, {})


def entry(text: str, number: str) -> str:
    """What stands under an item."""
    return re.split(rf"^### {number}\. .*$", text, flags=re.M)[1].split("\n##")[0].strip()


def changed_card(facts: RunFacts, **changed: object) -> RunFacts:
    return replace(facts, findings=replace(facts.findings, card=card_of(**changed)))


def test_there_are_27_items_in_52_parts() -> None:
    assert len(NUMBERS) == len(set(NUMBERS)) == 52
    assert sorted({int(re.sub("[a-g]", "", number)) for number in NUMBERS}) == list(range(1, 28))


def test_every_item_stands_once_in_the_order_of_the_checklist(text: str) -> None:
    assert tuple(re.findall(r"^### (\w+)\. ", text, re.M)) == NUMBERS
    assert tuple(re.findall(r"^## (.*)$", text, re.M)) == tuple(ITEMS)
    assert "BMJ 2024;385:e078378" in text


def test_what_only_people_know_is_open_and_nothing_is_made_up(text: str) -> None:
    states = dict(re.findall(r"^### (\w+)\. .* \((filled|filled in part|open)\)$", text, re.M))
    assert tuple(number for number, state in states.items() if state == "open") == PEOPLE_ALONE
    for number in PEOPLE_ALONE:
        assert re.fullmatch(r"\*\*Open:\*\* .*", entry(text, number)), number
    for number, state in states.items():
        assert ("**Open:**" in entry(text, number)) == (state != "filled"), number
    for state in ("filled", "filled in part", "open"):
        count, listed = re.findall(rf"^- (\d+) {state}: (.*)$", text, re.M)[0]
        assert int(count) == len(listed.split(", ")) == list(states.values()).count(state)


def test_nobody_is_said_not_to_be_refused_where_the_reasons_are_not_at_hand(facts: RunFacts) -> None:
    """Without the folder of records the counts of prepare are all that is known."""
    cohorts = [replace(one, reasons={}) for one in facts.findings.cohorts]
    refused = sum(one.quarantined for one in cohorts)

    def eligible(own: list[CohortFacts]) -> str:
        return entry(tripod_sheet(replace(facts, findings=replace(facts.findings, cohorts=own)), {}), "6b")

    assert f"{refused} were refused" in eligible(cohorts)
    assert "None was refused" not in eligible(cohorts)
    assert "None was refused" in eligible([replace(one, quarantined=0) for one in cohorts])


def test_the_numbers_are_those_of_the_run(text: str, facts: RunFacts) -> None:
    scored = facts.findings.evaluation
    auroc = interval_text(*scored.tuned.with_interval("auroc", -2))
    assert f"AUROC {auroc}" in entry(text, "2")
    assert "learnt from 123 ECGs of ward, simulated" in entry(text, "2")
    assert f"{scored.records} records of {scored.patients} patients" in entry(text, "10")
    assert "ward (archive of kind muse-xml): 240 ECGs read, 1 refused" in entry(text, "5a")
    kept, left_out = facts.findings.of_split("train")["records"], facts.findings.left_out
    assert f"kept {kept} of {kept + left_out} training ECGs" in entry(text, "13")
    people = facts.people[0]
    assert f"{people.age_unknown} have no age and 0 no sex" in entry(text, "11")
    assert people.age_unknown > 0
    assert "| female" in entry(text, "23a")
    assert "| ward" in entry(text, "23b")
    assert facts.findings.digest in entry(text, "22")


def test_a_cohort_that_was_not_learnt_from_makes_it_an_external_evaluation(
    text: str, facts: RunFacts
) -> None:
    assert entry(text, "4").startswith("Development and internal evaluation: ")
    outside = changed_card(facts, cohorts=("ward",))
    assert "and evaluation on other cohorts (simulated)" in entry(tripod_sheet(outside, {}), "4")
    assert "simulated was not learnt from" in entry(tripod_sheet(outside, {}), "16")
    ward = replace(facts.findings, test=facts.findings.test.rows(facts.findings.test.cohorts == "simulated"))
    alone = changed_card(replace(facts, findings=ward), cohorts=("ward",))
    assert entry(tripod_sheet(alone, {}), "4").startswith(
        "Development, and evaluation on other cohorts (simulated)"
    )


def test_age_and_sex_are_predictors_only_where_the_network_uses_them(text: str, facts: RunFacts) -> None:
    assert "neither age nor sex" in entry(text, "9a")
    asked = changed_card(
        facts, architecture="se_resnet", settings={"width": 4, "lead_gate": False, "person": True}
    )
    assert ", age and sex. Nothing was selected" in entry(tripod_sheet(asked, {}), "9a")
    assert "the network is told that it is not known" in entry(tripod_sheet(asked, {}), "11")


def test_a_model_that_was_updated_is_called_so(text: str, facts: RunFacts) -> None:
    assert entry(text, "12f") == "None: the model is new, and was not changed after its evaluation."
    updated = changed_card(facts, adapted={"records": 40}, offsets={"sinus_rhythm": -1.0})
    sheet = tripod_sheet(updated, {})
    assert "adapted to 40 labelled records of a site" in entry(sheet, "12f")
    assert "that of the updated model" in entry(sheet, "24")
    assert "fitted to 40 labelled records" in entry(sheet, "15")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"adapted": {"records": 40}}, "fitted to 40 labelled records of one site"),
        ({"training": {"site": {"thresholds": ["sinus_rhythm"]}}}, "set by one site"),
    ],
)
def test_thresholds_of_a_site_are_said_to_be_of_it_in_every_item(
    facts: RunFacts, changed: dict[str, object], said: str
) -> None:
    sheet = tripod_sheet(changed_card(facts, **changed), {})
    for number in ("2", "10", "13", "15"):
        assert said in entry(sheet, number), number
    validated = facts.findings.validated_on
    assert f"{validated} to choose the training's thresholds on" in entry(sheet, "10")
    assert "one to choose the training's thresholds on" in entry(sheet, "12a")
    for text in ("to choose thresholds on", "thresholds were chosen", "validation split"):
        assert text not in sheet, text


def test_calibration_of_a_site_is_said_to_be_of_it(facts: RunFacts) -> None:
    stored = Certainty(0.9, dict.fromkeys(CLASSES, ClassCertainty(1.0, 0.0, None, None, 9, 50)))
    assert "fitted to the validation part" in entry(
        tripod_sheet(changed_card(facts, certainty=stored), {}), "13"
    )
    sheet = tripod_sheet(changed_card(facts, certainty=stored, adapted={"records": 40}), {})
    assert "fitted to the labelled records of one site" in entry(sheet, "13")
    assert "moved by offsets that were fitted to the records of the site" in entry(sheet, "13")


def test_thresholds_of_the_training_are_said_to_be_of_the_validation_part(text: str, facts: RunFacts) -> None:
    validated = facts.findings.validated_on
    assert f"; thresholds were chosen on {validated} others, and the model" in entry(text, "2")
    assert f"{validated} to choose thresholds on, and" in entry(text, "10")
    assert "one to choose thresholds on (and the epoch," in entry(text, "12a")
    assert (
        "`prepare.balance.splits` names them; so thresholds were chosen at natural frequencies. Probabilities reflect "
        "the frequencies of training: item 23a has their calibration."
    ) in entry(text, "13")


def test_too_few_people_give_no_average_and_no_groups(facts: RunFacts) -> None:
    few = facts.findings.test.rows(np.arange(4))
    evaluation = evaluate(few, replace(SETTINGS, at_least=50))
    sheet = tripod_sheet(
        replace(facts, findings=replace(facts.findings, evaluation=evaluation, groups={}, test=few)), {}
    )
    assert "no class has 50 positive patients" in entry(sheet, "2")
    assert "all are alike in both" in entry(sheet, "23a")


def test_the_answers_of_people_are_taken_in(facts: RunFacts, answers: Path) -> None:
    sheet = tripod_sheet(facts, read_answers(answers))
    assert entry(sheet, "18a") == "Funded by nobody."
    assert entry(sheet, "1").endswith("A title of our own.")
    assert "**Open:**" not in entry(sheet, "1")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("18g: nothing\n", r"has no item '18g'.*did you mean '18"),
        ("18a: 3\n", "must be a text"),
        ("18a: ' '\n", "must be a text"),
        ("- 18a\n", "must hold `number: text`"),
    ],
)
def test_an_answer_to_an_item_that_there_is_not_is_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "answers.yaml").write_text(content)
    with pytest.raises(ParamsError, match=message):
        read_answers(tmp_path / "answers.yaml")


def test_the_file_of_the_project_and_the_example_of_the_documentation_are_taken(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[4]
    assert read_answers(root / "reports" / "answers.yaml") == {}
    page = (root / "docs" / "reporting.md").read_text(encoding="utf-8")
    (example,) = re.findall("```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "answers.yaml").write_text(example)
    assert set(read_answers(tmp_path / "answers.yaml")) == {"17", "18a"}


def test_a_file_of_answers_that_is_missing_or_empty(tmp_path: Path) -> None:
    with pytest.raises(RarebeatError, match="cannot read"):
        read_answers(tmp_path / "answers.yaml")
    (tmp_path / "answers.yaml").write_text("# nothing yet\n")
    assert read_answers(tmp_path / "answers.yaml") == {}


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"shuffle_labels": True}, "It is a control and no model of ECGs"),
        ({"fraction": 0.1}, "training records were left out on purpose"),
        ({"limit_positives": {"atrial_fibrillation": 5}}, "training records were left out on purpose"),
    ],
)
def test_a_model_of_an_experiment_says_so_and_nothing_says_otherwise(
    facts: RunFacts, training: dict[str, object], said: str
) -> None:
    card = card_of(training=facts.findings.card.training | training)
    findings = replace(facts.findings, card=card, left_out=0)
    text = tripod_sheet(replace(facts, findings=findings), {})
    assert said in entry(text, "26")
    assert "was left out" not in entry(text, "13")
