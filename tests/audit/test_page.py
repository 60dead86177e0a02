"""The audit page: nothing in a report becomes markup, and what is clicked comes back as a CSV file."""

import json
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from rarebeat.audit.page import audit_page, highlighted, write_audit
from rarebeat.audit.precision import read_sample
from rarebeat.audit.sample import KINDS, Audit, Item, Kind
from rarebeat.audit.verdicts import read_verdicts
from rarebeat.core.errors import RarebeatError
from rarebeat.labels.states import Evidence
from rarebeat.labels.vocabulary import load_vocabulary

AF = "atrial_fibrillation"
HOSTILE = """</p><script>alert(1)</script><img src=x onerror="alert(2)"> & 'AF' $style"""


def item(name: str, statement: str, words: str, state: int = 1, cue: str | None = None) -> Item:
    start = statement.index(words)
    evidence = Evidence(AF, state, statement, start, start + len(words), f"{AF}.include.1", cue)
    kind: Kind = "hit" if state == 1 else "uncertain"
    report = f"Normal axis. {statement}. Old report"
    return Item(name, kind, 2.5, "ward <b>", "r1", evidence, statement, report)


ITEMS = (
    item("hit1", "AF", "AF"),
    item("hit2", "AF", "AF"),
    item("hit3", HOSTILE, "AF"),
    item("maybe", "or flutter, possibly AF", "AF", -1, "possibly"),
    Item("s1", "unmatched", 4.0, "ward", "r2", None, "low <voltage>", "low <voltage>"),
    Item("s2", "unmatched", 3.0, "ward", "r3", None, "poor quality", "Poor  quality"),
)


@pytest.fixture(scope="module")
def audit() -> Audit:
    classes = load_vocabulary("hughes24").classes
    totals = dict.fromkeys(((entry.id, kind) for entry in classes for kind in KINDS), 0)
    totals |= {(AF, "hit"): 3, (AF, "uncertain"): 1}
    return Audit("hughes24", classes, classes, totals, ITEMS, 12)


class Tags(HTMLParser):
    """Collects the tags of a page and its text outside of them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_hostile_text_stays_text(audit: Audit) -> None:
    page = Tags(audit_page(audit))
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert "img" not in {tag for tag, _ in page.tags}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert HOSTILE in page.text
    assert "ward <b> r1" in page.text
    assert "low <voltage>" in page.text


def test_the_page_needs_no_network(audit: Audit) -> None:
    page = Tags(audit_page(audit))
    loaded = [
        attributes[name] for _, attributes in page.tags for name in attributes if name in ("src", "href")
    ]
    assert all(str(place).startswith("#") for place in loaded)
    policies = [attributes["content"] for tag, attributes in page.tags if "http-equiv" in attributes]
    assert str(policies[0]).startswith("default-src 'none'")


def test_mention_and_cue_are_marked_where_they_stand() -> None:
    statement = "Impossible to tell? possible AF & flutter"
    evidence = Evidence(AF, -1, statement, 29, 31, "p", "possible")
    assert highlighted(evidence) == (
        'Impossible to tell? <mark class="cue">possible</mark> <mark class="mention">AF</mark> &amp; flutter'
    )
    question = Evidence(AF, -1, "? block. AF?", 9, 11, "p", "?")
    assert highlighted(question) == '? block. <mark class="mention">AF</mark><mark class="cue">?</mark>'


def test_the_statement_is_underlined_in_its_report_and_not_repeated_where_it_is_all(audit: Audit) -> None:
    page = audit_page(audit)
    assert "Normal axis. <u>AF</u>. Old report" in page
    assert page.count("This is the whole report.") == 1


def test_what_has_nothing_to_audit_says_so(audit: Audit) -> None:
    page = audit_page(audit)
    assert page.count("Nothing to audit: no report mentions it.") == 23
    assert page.count("Nothing to audit: no record.") == 1  # near misses of fibrillation
    empty = Audit("hughes24", audit.choices, audit.classes[:1], dict.fromkeys(audit.totals, 0), (), 0)
    assert "Nothing to audit: every statement mentions a class." in audit_page(empty)


def test_the_folder_holds_page_and_sample_and_replaces_only_its_like(audit: Audit, tmp_path: Path) -> None:
    for _ in range(2):
        write_audit(tmp_path / "audit", audit)
    assert sorted(path.name for path in (tmp_path / "audit").iterdir()) == ["audit.html", "sample.csv"]
    assert list(read_sample(tmp_path / "audit" / "sample.csv")) == [entry.name for entry in ITEMS]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(RarebeatError, match="is not empty"):
        write_audit(tmp_path / "mine", audit)


def test_verdicts_that_were_saved_beside_the_page_are_not_lost(audit: Audit, tmp_path: Path) -> None:
    write_audit(tmp_path / "audit", audit)
    (tmp_path / "audit" / "verdicts.csv").write_text("item,class,verdict,reader\n")
    with pytest.raises(RarebeatError, match=r"holds verdicts\.csv, which this command does not write"):
        write_audit(tmp_path / "audit", audit)
    assert (tmp_path / "audit" / "verdicts.csv").is_file()


# A reader at work: keys, clicks, notes, export; then everything is forgotten and imported again.
READER = """
<script>
(async () => {
  const files = [];
  URL.createObjectURL = (blob) => { files.push(blob); return "#"; };
  const key = (code, name, shiftKey = false) => (document.activeElement ?? document.body).dispatchEvent(
    new KeyboardEvent("keydown", { code, key: name, shiftKey, bubbles: true, cancelable: true }));
  const find = (item, rest) => document.querySelector(`[data-item=${item}] ${rest}`);
  const type = (field, text) => { field.value = text; field.dispatchEvent(new Event("input", { bubbles: true })); };
  const show = (id, text) => { const place = document.createElement("pre"); place.id = id;
    place.textContent = text; document.body.append(place); };
  const status = () => document.getElementById("status").textContent;

  document.getElementById("export").click();
  show("unnamed", status());
  type(document.getElementById("reader"), "Ann, MD");
  key("Digit1", "1");                    // belongs to the name, in its field
  key("Escape", "Escape");
  key("Digit1", "!", true);              // both items "AF", then to the third
  key("KeyJ", "j"); key("KeyJ", "j");
  key("Digit2", "2");                    // wrong, and on to the fourth
  type(find("hit3", ".note"), 'says "AF",\\nbut = $old');
  key("Digit3", "3");
  key("Digit2", "2");                    // s1 should have matched: stays for the classes
  find("s1", ".missed button[value=avnrt]").click();
  find("s1", ".missed button[value=bigeminy]").click();
  find("s1", ".missed button[value=avnrt]").click();
  key("KeyJ", "j");
  find("s2", "button[value=right]").click();
  document.getElementById("export").click();
  const first = await files[0].text();
  show("first", JSON.stringify(first));
  show("counts", [...document.querySelectorAll("[data-count]")].map((place) => place.textContent).join(" "));
  show("kept", localStorage.length);
  for (const button of document.querySelectorAll(".verdict [aria-pressed=true]")) button.click();
  type(find("hit3", ".note"), "");
  show("emptied", document.querySelectorAll(".verdict [aria-pressed=true]").length);
  const transfer = new DataTransfer();
  const file = new File([first + "gone,x,hit,right,,\\"Ann, MD\\"\\n"], "verdicts.csv");
  transfer.items.add(file);
  const input = document.getElementById("import");
  input.files = transfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
  for (let reads = 0; reads < 200 && !status().startsWith("Imported"); reads += 1) {
    await file.text();                   // takes real time; the browser's clock is virtual
  }
  show("imported", status());
  document.getElementById("export").click();
  show("same", String((await files[1].text()) === first));
})();
</script>
</body>
"""


@pytest.mark.slow
def test_verdicts_given_in_a_browser_are_exported_and_imported(audit: Audit, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium or google-chrome on the path")
    write_audit(tmp_path / "audit", audit)
    page = tmp_path / "page.html"
    page.write_text(audit_page(audit).replace("</body>", READER), encoding="utf-8")
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
        [*command, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=300
    )
    shown = dict(re.findall(r'<pre id="(\w+)">(.*?)</pre>', done.stdout, re.DOTALL))
    assert shown["unnamed"].startswith("Type your name or initials first")
    # all six; 24 classes of which only one has items; statements
    assert shown["counts"] == "6 4 2"
    assert (shown["kept"], shown["emptied"]) == ("1", "0")
    assert shown["imported"] == "Imported 6 verdicts; 1 are of another sample."
    assert shown["same"] == "true"

    exported = tmp_path / "verdicts.csv"
    exported.write_text(json.loads(unescape(shown["first"])), encoding="utf-8")
    verdicts = read_verdicts([exported], read_sample(tmp_path / "audit" / "sample.csv"))
    assert [(verdict.item.name, verdict.word, verdict.missed) for verdict in verdicts] == [
        ("hit1", "right", ()),
        ("hit2", "right", ()),
        ("hit3", "wrong", ()),
        ("maybe", "cannot say", ()),
        ("s1", "wrong", ("bigeminy",)),
        ("s2", "right", ()),
    ]
    assert {verdict.reader for verdict in verdicts} == {"Ann, MD"}
    assert verdicts[2].note == 'says "AF",\nbut = $old'
