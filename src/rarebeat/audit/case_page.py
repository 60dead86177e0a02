"""One class of a model audit as an HTML page: ECGs on which model and label disagree, for a clinician to decide.

Its frame is that of :mod:`rarebeat.audit.page`: no network, decisions stay in the browser.
What label, model and signal say stands below each ECG; on a blind page it is hidden until a decision is made.
"""

import hashlib
from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import Any

from tqdm import tqdm

from rarebeat.audit.adjudication import DECISIONS, WORDS
from rarebeat.audit.evidence import Reading
from rarebeat.audit.model_disagreement import Case
from rarebeat.audit.page import Page, asset, highlighted, render, verdict_buttons
from rarebeat.core.errors import RarebeatError
from rarebeat.core.record_files import iterate_rows
from rarebeat.core.records import Record
from rarebeat.labels.signal_rules import REGULAR, RULES
from rarebeat.labels.states import STATE_NAMES
from rarebeat.measure.measurements import Measurements
from rarebeat.reporting.ecg_page import draw_ecg

_COLUMNS = ["record_id", "source", "age", "sex", "rate", "calibrated", "text", "signal"]
_ORIGINS = {"codes": "codes", "text": "report"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn record.

    Attributes:
        png: bytes of the picture; it bears neither report nor codes.
        age: years, or None.
        sex: "female", "male" or None.
        text: the report, or None.
    """

    png: bytes
    age: float | None
    sex: str | None
    text: str | None


def draw_records(folder: Path, record_ids: Collection[str]) -> Mapping[str, Picture]:
    """Draw some records of a cohort.

    Args:
        folder: cohort folder written by ingest.
        record_ids: what to draw.

    Returns:
        By record id.

    Raises:
        RarebeatError: when the cohort cannot be read, or lacks a record.
    """
    wanted = set(record_ids)
    pictures: dict[str, Picture] = {}
    with (
        TemporaryDirectory() as temporary,
        tqdm(total=len(wanted), desc=f"draw {folder.name}", unit="record", disable=None, delay=2) as progress,
    ):
        for row in iterate_rows(folder, _COLUMNS):
            if row["record_id"] in wanted:
                pictures[row["record_id"]] = _draw(row, Path(temporary) / "ecg.png")
                progress.update()
    if missing := wanted - set(pictures):
        raise RarebeatError(f"{folder} has no record {min(missing)}")
    return pictures


def _draw(row: dict[str, Any], path: Path) -> Picture:
    facts = {name: row[name] for name in ("age", "sex", "calibrated")}
    draw_ecg(path, Record(row["record_id"], row["signal"], row["rate"], row["source"], **facts))
    return Picture(path.read_bytes(), row["age"], row["sex"], row["text"])


def class_words(class_id: str) -> str:
    """A class id for people.

    Example:
        >>> class_words("left_axis_deviation")
        'left axis deviation'
    """
    return class_id.replace("_", " ")


def page_file(class_id: str) -> str:
    """Name of the page of a class; predictions may name classes as they like.

    Example:
        >>> page_file("left_axis_deviation"), page_file("../x")
        ('left_axis_deviation.html', '---x.html')
    """
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
    guide = Template(asset("case_guide.html")).substitute(title=escape(class_words(class_id)), hidden=hidden)
    title = f"Model and label: {class_words(class_id)}"
    return render(
        Page(
            title=title,
            heading=title,
            sample=hashlib.sha256(" ".join(case.name for case in order).encode()).hexdigest()[:12],
            count=len(cards),
            guide=guide,
            navigation=[_link(name, count, name == class_id) for name, count in counts.items()],
            content="\n".join(['<section id="cases">', *cards, "</section>"]),
            settings={
                "page": class_id,
                "words": ",".join(DECISIONS),
                "opinions": "blind" if blind else "open",
            },
            styles=("style.css", "ecg.css"),
            pictures=True,
        )
    )


def _by_label(case: Case) -> tuple[bool, int]:
    return not case.label, case.rank


def _link(class_id: str, count: int, here: bool) -> str:
    name = escape(class_words(class_id))
    if not here:
        return f'<a href="{escape(page_file(class_id))}"><span>{name}</span><span>{count}</span></a>'
    progress = f'<span data-count="all" data-of="{count}">0</span> / {count}'
    return f'<a href="#cases" aria-current="page"><span>{name}</span><span>{progress}</span></a>'


def _card(case: Case, readings: Sequence[Reading], picture: Picture) -> str:
    age = "age unknown" if picture.age is None else f"{picture.age:.0f} years"
    asked = class_words(case.class_id)
    heading = f"{case.cohort} {case.record_id}, {age}, {picture.sex or 'sex unknown'}"
    opinions = {
        "Label": _label(case, readings),
        "Model": _model(case),
        "Signal": _signal(case),
        "Measured": escape(measured(case.measurements)),
        **({"Warning": escape(case.warning)} if case.warning else {}),
        "Report": f'<p class="report">{escape(picture.text)}</p>' if picture.text else "none",
    }
    answers = "\n".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in opinions.items())
    return (
        f'<article class="item" tabindex="-1" data-item="{case.name}" data-class="{escape(case.class_id)}" '
        'data-kind="disagreement">\n'
        f'<p class="statement">{escape(heading)}</p>\n'
        f'<img class="ecg" alt="12-lead ECG of {escape(case.record_id)}" '
        f'src="data:image/png;base64,{b64encode(picture.png).decode()}">\n'
        f"{verdict_buttons({word: word for word in DECISIONS}, asked, f'{asked}?')}\n"
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
    why = f"called present from {case.threshold:.3g}; calibrated probability {case.calibrated:.2g}"
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
