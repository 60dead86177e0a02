"""The reporting sheet: each item of TRIPOD+AI with what the run knows, what a person has answered, and what is open."""

from collections.abc import Mapping

from rarebeat.reporting.sheets.facts import RunFacts
from rarebeat.reporting.sheets.tripod.data import data_answers, tables_of_data
from rarebeat.reporting.sheets.tripod.items import ITEMS, SOURCE, Item
from rarebeat.reporting.sheets.tripod.model import analysis_answers, opening_answers, result_answers

FILLED, IN_PART, OPEN = "filled", "filled in part", "open"

NUMBERS = tuple(item.number for items in ITEMS.values() for item in items)


def tripod_sheet(facts: RunFacts, answers: Mapping[str, str]) -> str:
    """Write the sheet.

    Args:
        facts: all that is known.
        answers: of a person, by the number of the item.

    Returns:
        Markdown: every item in the order of the checklist. What the run does not know stands as an open question.
    """
    known = (
        opening_answers(facts)
        | data_answers(facts)
        | analysis_answers(facts)
        | tables_of_data(facts)
        | result_answers(facts)
    )
    states = {item.number: _state(item, known, answers) for items in ITEMS.values() for item in items}
    parts = ["# TRIPOD+AI sheet", _head(facts, states)]
    for section, items in ITEMS.items():
        parts.append(f"## {section}")
        parts += [_entry(item, states[item.number], known, answers) for item in items]
    return "\n\n".join(parts) + "\n"


def _state(item: Item, known: Mapping[str, str], answers: Mapping[str, str]) -> str:
    if item.number in answers or (item.number in known and not item.question):
        return FILLED
    return IN_PART if item.number in known else OPEN


def _head(facts: RunFacts, states: Mapping[str, str]) -> str:
    findings = facts.findings
    numbers = {state: [number for number, own in states.items() if own == state] for state in states.values()}
    lines = [
        f"{findings.title}. Model `{findings.digest}`. The items are those of TRIPOD+AI ({SOURCE}), named here in "
        "short words; read them there. What the run knows is filled in. **Open** marks what only people know: answer "
        "it in `reports/answers.yaml`, and the next run takes it in.",
        f"Of {len(states)} parts of the 27 items:",
        "\n".join(
            f"- {len(numbers[state])} {state}: {', '.join(numbers[state])}"
            for state in (FILLED, IN_PART, OPEN)
            if state in numbers
        ),
    ]
    return "\n\n".join(lines)


def _entry(item: Item, state: str, known: Mapping[str, str], answers: Mapping[str, str]) -> str:
    parts = [f"### {item.number}. {item.topic} ({state})"]
    if item.number in known:
        parts.append(known[item.number])
    if item.number in answers:
        parts.append(answers[item.number])
    elif item.question:
        parts.append(f"**Open:** {item.question}")
    return "\n\n".join(parts)
