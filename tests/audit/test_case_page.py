"""The page of a disputed class: what it shows, what it hides, and what a clinician's clicks give."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from rarebeat.audit.adjudication import SAMPLE_COLUMNS, read_decisions, read_disputed
from rarebeat.audit.case_page import Picture, case_page, draw_records, measured, page_file
from rarebeat.audit.evidence import Reading
from rarebeat.audit.model_disagreement import Case
from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import write_csv
from rarebeat.core.record_files import write_part
from rarebeat.core.records import Record
from rarebeat.labels.states import Evidence
from rarebeat.measure.measurements import Measurements

LAD = "left_axis_deviation"
HOSTILE = "</p><script>alert(1)</script>$style"
MEASURED = Measurements((), rate=72.4, variation=0.021, entropy=-2.3, qrs=92.0, axis=12.2)
CASE = Case("c0", LAD, "ward", "south", "r0", "fold-2", True, 0.02, 0.31, 0.04, 3.2, 1, False, MEASURED)
CASES = (
    replace(CASE, name="c2"),
    replace(CASE, name="c1", record_id="r1", label=False, probability=0.9, signal=None),
    replace(CASE, name="c3", record_id="r3", rank=2),
)
TEXT = Reading("text", 1, (Evidence(LAD, 1, "Left axis", 0, 9, "p"),))
CODES = Reading("codes", None, ())


def page(blind: bool, text: str | None = "Left axis") -> str:
    evidence = {case.name: (CODES, TEXT) for case in CASES}
    pictures = {case.name: Picture(b"png", 67.0, "female", text) for case in CASES}
    return case_page(LAD, CASES, evidence, pictures, {LAD: 3, "sinus_rhythm": 1}, blind)


def test_a_card_says_what_label_model_and_signal_say() -> None:
    shown = unescape(page(blind=False))
    assert "ward r0, 67 years, female" in shown
    assert "<b>present</b>; codes: unknown (no mention); report: positive (" in shown
    assert '<mark class="mention">Left axis</mark>' in shown
    assert (
        "<b>absent</b>; probability 0.02, called present from 0.31; calibrated probability 0.04 (fold-2)"
        in shown
    )
    assert "<b>absent</b>; defined by QRS axis between -90 and -30°" in shown
    assert "<b>cannot tell</b>; defined by" in shown
    assert "rate 72 per minute, RR intervals differ by 2% from one to the next (regular), QRS 92 ms" in shown
    assert '<a href="sinus_rhythm.html">' in shown


def test_a_warning_of_ingest_is_shown() -> None:
    doubtful = replace(CASE, warning="the gain is <probably> wrong")
    evidence, pictures = {"c0": (CODES, TEXT)}, {"c0": Picture(b"png", 67.0, "female", None)}
    shown = case_page(LAD, [doubtful], evidence, pictures, {LAD: 1}, blind=False)
    assert "<dt>Warning</dt><dd>the gain is &lt;probably&gt; wrong</dd>" in shown
    assert "Warning" not in page(blind=False)


def test_a_vote_that_the_mean_threshold_does_not_explain_is_named() -> None:
    voted = replace(CASE, probability=0.4, surprise=0.0)
    evidence, pictures = {"c0": (CODES, TEXT)}, {"c0": Picture(b"png", 67.0, "female", None)}
    shown = case_page(LAD, [voted], evidence, pictures, {LAD: 1}, blind=False)
    assert "<b>absent</b>; probability 0.4, decided against the mean threshold of 0.31 (fold-2)" in shown


def test_an_open_page_is_sorted_by_label_and_a_blind_one_by_what_tells_nothing() -> None:
    names = re.compile(r'data-item="(\w+)"')
    assert names.findall(page(blind=False)) == ["c2", "c3", "c1"]
    assert names.findall(page(blind=True)) == ["c1", "c2", "c3"]
    assert '<body data-sample="' in page(blind=True)
    assert 'data-opinions="blind">' in page(blind=True)
    assert 'data-opinions="open">' in page(blind=False)


def test_hostile_text_stays_text_and_nothing_is_loaded() -> None:
    shown = page(blind=True, text=HOSTILE)
    assert shown.count("<script>") == 1
    assert HOSTILE in unescape(shown)
    assert "default-src 'none'; img-src data:" in shown
    sources = re.findall(r'(?:src|href)="([^"]*)"', shown)
    assert {source.split(",")[0] for source in sources} == {
        "#cases",
        "sinus_rhythm.html",
        "data:image/png;base64",
    }


def test_what_was_not_measured_is_left_out_and_file_names_are_plain() -> None:
    assert measured(Measurements(())) == "nothing"
    assert measured(Measurements((), rate=50.0, qrs=120.0)) == "rate 50 per minute, QRS 120 ms"
    assert page_file("../a b") == "---a-b.html"


def test_records_are_drawn_without_their_report(tmp_path: Path) -> None:
    signal = np.zeros((12, 5000), np.int16)
    told = Record("r1", signal, 500.0, "s", age=50.0, sex="male", text="Left axis deviation")
    write_part(tmp_path / "part-00000.parquet", "c", [told, replace(told, record_id="r2", text=None)])
    pictures = draw_records(tmp_path, ["r1"])
    assert list(pictures) == ["r1"]
    picture = pictures["r1"]
    assert (picture.age, picture.sex, picture.text) == (50.0, "male", "Left axis deviation")
    assert picture.png.startswith(b"\x89PNG")
    write_part(tmp_path / "part-00000.parquet", "c", [replace(told, text=None)])
    assert draw_records(tmp_path, ["r1"])["r1"].png == picture.png
    with pytest.raises(RarebeatError, match="has no record r9"):
        draw_records(tmp_path, ["r1", "r9"])


# A clinician at work: what is seen before and after a decision, and what is exported.
READER = """
<script>
(async () => {
  const files = [], names = [];
  URL.createObjectURL = (blob) => { files.push(blob); return "#"; };
  HTMLAnchorElement.prototype.click = function () { names.push(this.download); };
  const key = (code, name, shiftKey = false) => (document.activeElement ?? document.body).dispatchEvent(
    new KeyboardEvent("keydown", { code, key: name, shiftKey, bubbles: true, cancelable: true }));
  const show = (id, text) => { const place = document.createElement("pre"); place.id = id;
    place.textContent = text; document.body.append(place); };
  const seen = () => [...document.querySelectorAll(".answer")].map(
    (place) => (getComputedStyle(place).display === "none" ? "hidden" : "seen")).join(" ");
  show("before", seen());
  key("Digit1", "1");                    // c1 is present, and on to c2
  key("Digit2", "@", true);              // c2 alone is absent
  show("after", seen());
  const reader = document.getElementById("reader");
  reader.value = "Ann"; reader.dispatchEvent(new Event("input", { bubbles: true }));
  document.querySelector("[data-item=c3] button[value='cannot say']").click();
  document.getElementById("export").click();
  show("name", names[0]);
  show("csv", JSON.stringify(await files[0].text()));
})();
</script>
</body>
"""


@pytest.mark.slow
def test_opinions_are_hidden_until_a_decision_is_made_in_a_browser(tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium or google-chrome on the path")
    path = tmp_path / "page.html"
    path.write_text(page(blind=True).replace("</body>", READER), encoding="utf-8")
    flags = (
        "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
    )
    command = [
        browser,
        *flags.split(),
        f"--user-data-dir={tmp_path / 'profile'}",
        "--virtual-time-budget=5000",
    ]
    done = subprocess.run(
        [*command, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=300
    )
    shown = dict(re.findall(r'<pre id="(\w+)">(.*?)</pre>', done.stdout, re.DOTALL))
    assert shown["before"] == "hidden hidden hidden"
    assert shown["after"] == "seen seen hidden"
    assert shown["name"] == f"verdicts-{LAD}-Ann.csv"

    exported = tmp_path / "verdicts.csv"
    exported.write_text(json.loads(unescape(shown["csv"])), encoding="utf-8")
    rows = [(f"c{number}", LAD, "ward", "r", "present", "absent", "") for number in (1, 2, 3)]
    write_csv(tmp_path / "to_judge.csv", SAMPLE_COLUMNS, rows)
    decisions = read_decisions([exported], read_disputed(tmp_path / "to_judge.csv"))
    assert [(one.item.name, one.word) for one in decisions] == [
        ("c1", "present"),
        ("c2", "absent"),
        ("c3", "cannot say"),
    ]
