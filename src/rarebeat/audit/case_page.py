"""One class of a model audit as an HTML page: ECGs on which model and label disagree, for a clinician to decide.

It looks and works like the page of :mod:`rarebeat.audit.page`: no network, decisions stay in the browser.
What label, model and signal say stands below each ECG; on a blind page it is hidden until a decision is made.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

from rarebeat.audit.adjudication import DECISIONS, WORDS
from rarebeat.audit.case_pictures import Picture
from rarebeat.audit.evidence import Reading
from rarebeat.audit.model_disagreement import Case
from rarebeat.audit.page import highlighted
from rarebeat.labels.signal_rules import REGULAR, RULES
from rarebeat.labels.states import STATE_NAMES
from rarebeat.measure.measurements import Measurements

_FOLDER = Path(__file__).parent / "page_files"
_ORIGINS = {"codes": "codes", "text": "report"}


def words_of(class_id: str) -> str:
    """A class id for people: ``left axis deviation``."""
    return class_id.replace("_", " ")


def file_of(class_id: str) -> str:
    """Name of the page of a class."""
    return "".join(letter if letter.isalnum() or letter in "_-" else "-" for letter in class_id) + ".html"


def case_page(
    class_id: str,
    cases: Sequence[Case],
    evidence: Mapping[str, Sequence[Reading]],
    pictures: Mapping[str, Picture],
    counts: Mapping[str, int],
    blind: bool,
) -> str:
    """The page of a class.

    Args:
        class_id: the class.
        cases: what to decide on. A blind page shows them in an order that tells nothing.
        evidence: what codes and text say, by name of the case.
        pictures: by name of the case.
        counts: how many cases each page of the audit has, by class.
        blind: whether opinions are hidden until a decision is made.
    """
    order = sorted(cases, key=lambda case: case.name) if blind else sorted(cases, key=_by_label)
    cards = [_card(case, evidence[case.name], pictures[case.name]) for case in order]
    hidden = (
        "What label, model and signal say is hidden until you decide; <kbd>k</kbd> goes back to see it."
        if blind
        else "Below each ECG stands what label, model and signal say."
    )
    return Template(_asset("model_page.html")).substitute(
        title=escape(words_of(class_id)),
        page=escape(class_id),
        sample=hashlib.sha256(" ".join(case.name for case in order).encode()).hexdigest()[:12],
        decisions=",".join(DECISIONS),
        blind="blind" if blind else "open",
        count=len(cards),
        hidden=hidden,
        navigation="\n".join(_link(name, count, name == class_id) for name, count in counts.items()),
        cards="\n".join(cards),
        style=_asset("style.css") + "\n" + _asset("ecg.css"),
        script=_asset("script.js"),
    )


def _by_label(case: Case) -> tuple[bool, int]:
    return not case.label, case.rank


def _asset(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8").rstrip()


def _link(class_id: str, count: int, here: bool) -> str:
    name = escape(words_of(class_id))
    if not here:
        return f'<a href="{escape(file_of(class_id))}"><span>{name}</span><span>{count}</span></a>'
    progress = f'<span data-count="all" data-of="{count}">0</span> / {count}'
    return f'<a href="#cases" aria-current="page"><span>{name}</span><span>{progress}</span></a>'


def _card(case: Case, readings: Sequence[Reading], picture: Picture) -> str:
    buttons = "".join(
        f'<button type="button" value="{word}" aria-pressed="false"><kbd>{key}</kbd> {word}</button>'
        for key, word in enumerate(DECISIONS, start=1)
    )
    age = "age unknown" if picture.age is None else f"{picture.age:.0f} years"
    heading = f"{case.cohort} {case.record_id}, {age}, {picture.sex or 'sex unknown'}"
    opinions = {
        "Label": _label(case, readings),
        "Model": _model(case),
        "Signal": _signal(case),
        "Measured": escape(measured(case.measurements)),
        "Report": f'<p class="report">{escape(picture.text)}</p>' if picture.text else "none",
    }
    answers = "\n".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in opinions.items())
    return (
        f'<article class="item" tabindex="-1" data-item="{case.name}" data-class="{escape(case.class_id)}" '
        'data-kind="disagreement">\n'
        f'<p class="statement">{escape(heading)}</p>\n'
        f'<img class="ecg" alt="12-lead ECG of {escape(case.record_id)}" '
        f'src="data:image/png;base64,{b64encode(picture.png).decode()}">\n'
        f'<div class="verdict" role="group" aria-label="{escape(words_of(case.class_id))}">'
        f'<span class="asked">{escape(words_of(case.class_id))}?</span>{buttons}'
        '<textarea class="note" rows="1" placeholder="note" aria-label="Note"></textarea></div>\n'
        f'<dl class="answer">\n{answers}\n</dl>\n'
        "</article>"
    )


def _label(case: Case, readings: Sequence[Reading]) -> str:
    parts = [f"<b>{WORDS[case.label]}</b>"]
    for reading in readings:
        mentions = ", ".join(highlighted(mention) for mention in reading.mentions) or "no mention"
        parts.append(f"{_ORIGINS[reading.origin]}: {STATE_NAMES[reading.state]} ({mentions})")
    return "; ".join(parts)


def _model(case: Case) -> str:
    said = f"<b>{WORDS[not case.label]}</b>; probability {case.probability:.3g}"
    why = f"called present from {case.threshold:.3g}; {case.surprise:.1f} log odds from it"
    if not case.explained:
        why = f"decided against the mean threshold of {case.threshold:.3g}"
    return f"{said}, {why} ({escape(case.split)})"


def _signal(case: Case) -> str:
    rule = RULES.get(case.class_id)
    if rule is None:
        return "no rule for this class"
    word = WORDS[case.signal] or "cannot tell"
    return f"<b>{word}</b>; {escape(str(rule))} <small>({escape(rule.source)})</small>"


def measured(measurements: Measurements) -> str:
    """What was measured, in words."""
    regular = {True: " (regular)", False: " (irregular)", None: ""}[REGULAR.holds(measurements)]
    found = {
        "rate {:.0f} per minute": measurements.rate,
        f"RR intervals differ by {{:.0%}} from one to the next{regular}": measurements.variation,
        "QRS {:.0f} ms": measurements.qrs,
        "axis {:.0f}°": measurements.axis,
        "tallest QRS of the limb leads {:.1f} mV": measurements.limb_voltage,
        "tallest QRS of the chest leads {:.1f} mV": measurements.chest_voltage,
    }
    return ", ".join(text.format(value) for text, value in found.items() if value is not None) or "nothing"
