"""The pages on which a person ticks through items: their common frame, and the page of a label sample.

A page needs no network, and verdicts stay in the browser until they are exported. It is put together from the files
of ``page_files``. All text from reports and vocabularies is escaped.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from string import Template

from rarebeat.audit.sample import KINDS, Audit, Item, Kind, write_sample
from rarebeat.core.files import atomic, check_replaceable
from rarebeat.labels.states import STATE_NAMES, Evidence
from rarebeat.labels.vocabulary import LabelClass
from rarebeat.reporting.page.html import base_style

_FOLDER = Path(__file__).parent / "page_files"
_VERDICTS = {"right": "right", "wrong": "wrong", "cannot say": "cannot say"}
_STATEMENT_VERDICTS = {"right": "says nothing", "wrong": "should have matched", "cannot say": "cannot say"}
_KIND_TEXTS: dict[Kind, tuple[str, str]] = {
    "hit": ("Taken as said", "Right if the report says that this recording shows it."),
    "uncertain": (
        "Taken as left open",
        "Right if the report mentions it, but does not commit itself.",
    ),
    "near_miss": (
        "Mentioned, taken as not said",
        "Right if the report does not say it: denied, past, or something else that reads like it.",
    ),
}


@dataclass(frozen=True)
class Page:
    """What a page is filled with; all but ``title`` and ``heading`` is HTML.

    Attributes:
        title: of the window.
        heading: of the page.
        sample: name under which the browser keeps the verdicts.
        count: number of items.
        guide: what to do.
        navigation: links, one a line.
        content: sections with the items.
        settings: attributes ``data-...`` of the body, for the script.
        styles: style sheets of ``page_files``, in order; before them comes what all pages share.
        pictures: whether the page holds pictures.
        templates: elements that the script copies.
    """

    title: str
    heading: str
    sample: str
    count: int
    guide: str
    navigation: Sequence[str]
    content: str
    settings: Mapping[str, str] = field(default_factory=dict)
    styles: Sequence[str] = ("style.css",)
    pictures: bool = False
    templates: str = ""


def render(page: Page) -> str:
    """A page as HTML."""
    return Template(asset("page.html")).substitute(
        title=escape(page.title),
        heading=escape(page.heading),
        sample=page.sample,
        count=page.count,
        guide=page.guide,
        navigation="\n".join(page.navigation),
        sections=page.content,
        settings="".join(f' data-{name}="{escape(value)}"' for name, value in page.settings.items()),
        style="\n".join([base_style(), *map(asset, page.styles)]),
        pictures="img-src data:; " if page.pictures else "",
        templates=page.templates,
        script=asset("script.js"),
    )


def asset(name: str) -> str:
    """The text of a file of ``page_files``, without blanks at its end."""
    return (_FOLDER / name).read_text(encoding="utf-8").rstrip()


def verdict_buttons(labels: Mapping[str, str], about: str = "Verdict", question: str = "") -> str:
    """The buttons of an item, numbered by their keys, and the field for a note.

    Args:
        labels: what stands on the button of each verdict.
        about: what they decide, for screen readers.
        question: what stands before them.
    """
    buttons = "".join(
        f'<button type="button" value="{word}" aria-pressed="false"><kbd>{key}</kbd> {label}</button>'
        for key, (word, label) in enumerate(labels.items(), start=1)
    )
    asked = f'<span class="asked">{escape(question)}</span>' if question else ""
    return (
        f'<div class="verdict" role="group" aria-label="{escape(about)}">{asked}{buttons}'
        '<textarea class="note" rows="1" placeholder="note" aria-label="Note"></textarea></div>'
    )


def write_audit(out: Path, audit: Audit) -> None:
    """Write the folder of an audit, whole or not at all: ``audit.html`` and ``sample.csv``.

    Args:
        out: folder to write; an earlier audit is replaced.
        audit: the sample.

    Raises:
        RarebeatError: when ``out`` holds something else, or cannot be written.
    """
    check_replaceable(out, "sample.csv", ["audit.html"])
    with atomic(out) as folder:
        folder.mkdir()
        write_sample(folder / "sample.csv", audit)
        (folder / "audit.html").write_text(audit_page(audit), encoding="utf-8")


def audit_page(audit: Audit) -> str:
    """The page of an audit as HTML."""
    statements = audit.of("", "unmatched")
    grouped = {(entry.id, kind): audit.of(entry.id, kind) for entry in audit.classes for kind in KINDS}
    cohorts = dict.fromkeys(item.cohort for item in audit.items)
    links = [
        _link(entry.id, entry.name, sum(len(grouped[entry.id, kind]) for kind in KINDS))
        for entry in audit.classes
    ]
    links.append(_link("unmatched", "Statements without a class", len(statements)))
    sections = [_class_section(entry, audit, grouped) for entry in audit.classes]
    sections.append(_statement_section(statements))
    choices = [
        f'<button type="button" value="{escape(entry.id)}" title="{escape(entry.name)}">{escape(entry.code)}</button>'
        for entry in audit.choices
    ]
    guide = Template(asset("sample_guide.html")).substitute(
        vocabulary=escape(audit.vocabulary),
        records=f"{audit.records:,}",
        cohorts=escape(", ".join(cohorts)) or "no cohort",
        count=len(audit.items),
    )
    return render(
        Page(
            title=f"Label audit: {audit.vocabulary}",
            heading="Label audit",
            sample=audit.name,
            count=len(audit.items),
            guide=guide,
            navigation=links,
            content="\n".join(sections),
            templates=Template(asset("missed_template.html")).substitute(choices="\n".join(choices)) + "\n",
        )
    )


def _link(name: str, title: str, count: int) -> str:
    progress = f'<span data-count="{escape(name)}" data-of="{count}">0</span> / {count}' if count else "–"
    empty = "" if count else ' class="empty"'
    return f'<a href="#{escape(name)}"{empty}><span>{escape(title)}</span><span>{progress}</span></a>'


def _class_section(entry: LabelClass, audit: Audit, grouped: dict[tuple[str, Kind], list[Item]]) -> str:
    parts = [
        f'<section id="{escape(entry.id)}">',
        f"<h2>{escape(entry.name)} <small>{escape(entry.code)}</small></h2>",
    ]
    if not any(audit.totals[entry.id, kind] for kind in KINDS):
        parts.append('<p class="nothing">Nothing to audit: no report mentions it.</p>')
    else:
        for kind in KINDS:
            items, total = grouped[entry.id, kind], audit.totals[entry.id, kind]
            parts += [_kind_heading(kind, len(items), total), *map(_class_item, items)]
    return "\n".join([*parts, "</section>"])


def _kind_heading(kind: Kind, shown: int, total: int) -> str:
    title, hint = _KIND_TEXTS[kind]
    if not total:
        return f'<h3>{title}</h3>\n<p class="nothing">Nothing to audit: no record.</p>'
    count = f"{shown} of {total:,} records"
    return f'<h3>{title} <small>{count}</small></h3>\n<p class="hint">{hint}</p>'


def _class_item(item: Item) -> str:
    evidence = item.evidence
    if evidence is None:
        raise ValueError(f"item {item.name} has no evidence")
    facts = [
        f"taken as {STATE_NAMES[evidence.state]}",
        f"<code>{escape(evidence.pattern)}</code>",
        escape(f"{item.cohort} {item.record_id}"),
    ]
    return _card(item, item.class_id, highlighted(evidence), facts, _VERDICTS)


def _statement_section(items: list[Item]) -> str:
    parts = [
        '<section id="unmatched">',
        "<h2>Statements without a class</h2>",
        '<p class="hint">The most frequent statements in which nothing was recognised (# is any number). Right if the '
        "statement says nothing of any class; if it should have matched, choose the classes.</p>",
    ]
    if not items:
        parts.append('<p class="nothing">Nothing to audit: every statement mentions a class.</p>')
    for item in items:
        facts = [f"{item.weight:,.0f} records", "for example " + escape(f"{item.cohort} {item.record_id}")]
        parts.append(_card(item, "unmatched", escape(item.statement), facts, _STATEMENT_VERDICTS))
    return "\n".join([*parts, "</section>"])


def _card(item: Item, section: str, statement: str, facts: list[str], verdicts: dict[str, str]) -> str:
    if item.report.strip() == item.statement:
        report = '<p class="whole">This is the whole report.</p>'
    else:
        report = f'<details><summary>whole report</summary><p class="report">{_report(item)}</p></details>'
    return (
        f'<article class="item" tabindex="-1" data-item="{item.name}" data-class="{escape(section)}" '
        f'data-kind="{item.kind}">\n'
        f'<p class="statement">{statement}</p>\n'
        f'<p class="facts">{" · ".join(facts)}</p>\n'
        f"{report}\n"
        f"{verdict_buttons(verdicts)}\n"
        "</article>"
    )


def _report(item: Item) -> str:
    """The whole report, with the statement underlined where it stands as it is written."""
    before, found, after = item.report.partition(item.statement)
    return f"{escape(before)}<u>{escape(found)}</u>{escape(after)}" if found else escape(item.report)


def highlighted(evidence: Evidence) -> str:
    """A statement as HTML, its mention and its cue marked."""
    marks = [(evidence.start, evidence.end, "mention")]
    if cue := _cue_span(evidence):
        marks.append((*cue, "cue"))
    parts, done = [], 0
    for start, end, name in sorted(marks):
        parts.append(escape(evidence.statement[done:start]))
        parts.append(f'<mark class="{name}">{escape(evidence.statement[start:end])}</mark>')
        done = end
    return "".join([*parts, escape(evidence.statement[done:])])


def _cue_span(evidence: Evidence) -> tuple[int, int] | None:
    """Where the cue stands: evidence keeps its words only, so the place nearest to the mention is taken."""
    if not evidence.cue:
        return None
    words = re.escape(evidence.cue)
    whole = rf"\b{words}(?!\w)" if evidence.cue[0].isalnum() else words
    for pattern in (whole, words):
        spans = [match.span() for match in re.finditer(pattern, evidence.statement)]
        apart = [span for span in spans if span[1] <= evidence.start or span[0] >= evidence.end]
        if apart:
            return min(apart, key=lambda span: max(evidence.start - span[1], span[0] - evidence.end))
    return None
