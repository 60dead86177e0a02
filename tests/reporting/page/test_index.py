"""The page holds what the run found, in HTML that is well formed, escaped, and needs nothing from elsewhere."""

import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.dataset.workspace import SMALL, Workspace, make_records, make_states

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import write_json
from rarebeat.core.tables import interval_text
from rarebeat.evaluation.evaluate import EvaluateSettings, evaluate
from rarebeat.evaluation.metrics_file import metrics_content
from rarebeat.inference.model_folder import ModelCard, save_model
from rarebeat.inference.novelty import UNLIKE
from rarebeat.inference.splits import predict_splits
from rarebeat.models.registry import build
from rarebeat.reporting.page.asked import warnings_of
from rarebeat.reporting.page.errors import NOT_DRAWN
from rarebeat.reporting.page.findings import Findings
from rarebeat.reporting.page.index import Sources, gather, write_index

CLASSES = ("sinus_rhythm", "atrial_fibrillation")
HOSTILE = """a"><script>alert(1)<b>&'"""
SETTINGS = EvaluateSettings(replicates=20, at_least=2)
SECTIONS = ("asked", "cohort", "classes", "curves", "confusion", "groups", "errors", "card")
VOID = ("meta", "img", "br")


@dataclass
class Page(HTMLParser):
    """What a browser would see of a page: its elements, and the text of its table rows."""

    text: str
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"{tag} is closed and was not open"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """Shards of a public and of a private cohort, with names that are HTML, and a model that knows nothing."""
    root = tmp_path_factory.mktemp("page")
    work = Workspace(root)
    for seed, (name, more) in enumerate({HOSTILE: {}, "closed": {"free_text": "recognised"}}.items()):
        records = [
            replace(one, record_id=f"{HOSTILE}{one.record_id}", sex=("female", "male")[index % 2])
            for index, one in enumerate(make_records(240, seed))
        ]
        work.add(name, records, make_states(240, seed))
        summary = {"kind": "challenge", "reasons": {"truncated": 1}, "calibrated": 240, "records": 240}
        write_json(work.records / name / "summary.json", summary | more)
    work.prepare(HOSTILE, "closed")
    torch.manual_seed(0)
    card = ModelCard(
        architecture="hughes34",
        settings={"width": 2, "kernel": 5},
        classes=CLASSES,
        thresholds=dict.fromkeys(CLASSES, 0.5),
        preprocessing=SMALL,
        units="mV",
        heads="two",
        cohorts=(HOSTILE, "closed"),
        vocabulary="hughes24",
        codes={"sinus_rhythm": "SR", "atrial_fibrillation": "AF"},
        training={"epochs": 0, "records": 123, "not_learnt": ["avnrt"], "window": {"samples": None}},
    )
    save_model(root / "model", build("hughes34", 2, SMALL.samples, card.settings), card)
    return Sources(work.out, root / "model", work.records)


@pytest.fixture(scope="module")
def findings(sources: Sources) -> Findings:
    predictions, card = predict_splits(sources.shards, sources.model, ("validation", "test"))
    test = predictions.only("test")
    return gather(sources, test, evaluate(test, SETTINGS), card, SETTINGS, f"Trained on {HOSTILE}")


@pytest.fixture(scope="module")
def text(findings: Findings, sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("reports") / "index.html"
    return write_index(path, findings, sources).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


@pytest.fixture
def written(findings: Findings, sources: Sources, tmp_path: Path) -> Callable[..., str]:
    """The page of findings and sources that are changed."""

    def write(changes: dict[str, object] | None = None, **other: object) -> str:
        changed = replace(findings, **(changes or {}))
        path = write_index(tmp_path / "index.html", changed, replace(sources, **other))
        return path.read_text(encoding="utf-8")

    return write


def test_every_section_is_there_and_the_navigation_leads_to_it(page: Page) -> None:
    assert [one["id"] for one in page.all("section")] == list(SECTIONS)
    assert [one["href"] for one in page.all("a")] == [f"#{name}" for name in SECTIONS]
    assert len(page.all("h1")) == 1
    assert len(page.all("h2")) == len(SECTIONS)


def test_a_browser_needs_nothing_from_elsewhere(text: str, page: Page) -> None:
    assert not re.search(r"https?:|//[a-z]+\.[a-z]|@import|url\(", text)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert all(str(one["src"]).startswith("data:image/png;base64,") for one in page.all("img"))
    assert len(text.encode()) < 3_000_000


def test_names_from_archives_are_text_and_never_elements(text: str, page: Page) -> None:
    assert "<script>" not in text
    assert not page.all("b")
    assert "a&quot;&gt;&lt;script&gt;alert(1)&lt;b&gt;&amp;&#x27;" in text


def test_numbers_are_those_of_metrics_json(findings: Findings, page: Page, text: str) -> None:
    metrics = metrics_content(findings.evaluation)
    rows = {row[0]: row for row in page.rows if len(row) == 10}  # of the table of classes
    for name in CLASSES:
        own = metrics["classes"][name]  # type: ignore[index]
        row = rows[name.replace("_", " ")]
        assert row[2] == str(own["positives"])  # type: ignore[index]
        columns = (("f1", 4), ("f1_at_0.5", 5), ("precision", 6), ("recall", 7), ("auroc", 8), ("auprc", 9))
        for metric, column in columns:
            assert row[column].startswith(f"{own[metric]:.2f}"), metric  # type: ignore[index]
    for metric, column in (("f1", 4), ("auroc", 8), ("auprc", 9)):
        macro = metrics["macro"]
        ends = (macro[metric], macro[f"{metric}_low"], macro[f"{metric}_high"])  # type: ignore[index]
        assert rows["macro"][column] == interval_text(*ends)
        assert f"<dd>{ends[0]:.2f}<small>{ends[1]:.2f} to {ends[2]:.2f}</small></dd>" in text


def test_counts_are_those_of_prepare(findings: Findings, page: Page) -> None:
    train = findings.summary["splits"]["train"]["classes"]["sinus_rhythm"]
    row = next(row for row in page.rows if row[:1] == ["sinus rhythm"])
    assert row[1:3] == [str(train["before"]["positive"]), str(train["after"]["positive"])]
    splits = {row[0]: row for row in page.rows if row[:1] in (["train"], ["test"])}
    assert splits["train"][1] == str(findings.summary["splits"]["train"]["records"])
    assert ["closed", "truncated", "fewer samples than the header promises", "1"] in page.rows


def test_a_record_whose_patient_is_not_known_is_no_patient_of_a_table(
    written: Callable[..., str], findings: Findings
) -> None:
    summary = deepcopy(dict(findings.summary))
    train, test = summary["splits"]["train"], summary["splits"]["test"]
    train["without_patient"], test["without_patient"] = train["patients"] - 2, test["patients"]
    female = findings.groups["Sex"].scored["female"]
    sexes = replace(
        findings.groups["Sex"],
        scored=findings.groups["Sex"].scored
        | {"female": replace(female, without_patient=female.patients - 1)},
    )
    rows = Page(written({"summary": summary, "groups": findings.groups | {"Sex": sexes}})).rows
    found = {row[0]: row[2] for row in rows if row[:1] in (["train"], ["test"], ["female"])}
    assert found == {"train": "2", "test": "–", "female": "1"}


def test_scores_by_sex_are_those_of_the_groups_alone(findings: Findings, page: Page) -> None:
    female = findings.split.sexes == "female"  # type: ignore[comparison-overlap]
    alone = evaluate(findings.test.rows(np.asarray(female)), SETTINGS, by_cohort=False)
    row = next(row for row in page.rows if row[0] == "female")
    assert row[1] == str(int(np.sum(female)))
    assert row[5] == interval_text(*alone.tuned.with_interval("f1", -2))


def test_tables_and_pictures_speak_to_those_who_do_not_see_them(page: Page) -> None:
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(one.get("scope") in ("row", "col") for one in page.all("th"))
    assert all(one["alt"] for one in page.all("img"))
    charts = [one for one in page.all("svg") if "aria-hidden" not in one]
    assert len(charts) == 2 * len(CLASSES)
    assert all(one["role"] == "img" and one["aria-label"] for one in charts)


def test_ecgs_of_a_private_cohort_are_not_drawn(written: Callable[..., str], findings: Findings) -> None:
    def only(cohort: str) -> dict[str, object]:
        others = findings.test.cohorts != cohort
        probability = findings.test.probability.copy()
        probability[others] = np.where(findings.test.truth[others] == 1, 1.0, 0.0)
        return {"test": replace(findings.test, probability=probability)}

    private, public = written(only("closed")), written(only(HOSTILE))
    assert NOT_DRAWN in private
    assert not Page(private).all("img")
    assert NOT_DRAWN not in public
    assert Page(public).all("img")


def test_nothing_is_drawn_where_it_is_not_known_whether_a_cohort_is_private(
    sources: Sources, findings: Findings, tmp_path: Path
) -> None:
    bare = replace(sources, records=None)
    again = gather(bare, findings.test, findings.evaluation, findings.card, SETTINGS, "Bare")
    text = write_index(tmp_path / "index.html", again, bare).read_text(encoding="utf-8")
    assert not Page(text).all("img")
    assert NOT_DRAWN in text


def test_without_an_error_and_without_people_the_page_says_so(
    written: Callable[..., str], findings: Findings
) -> None:
    right = replace(findings.test, probability=(findings.test.truth == 1).astype(np.float32))
    text = written({"test": right, "groups": {}})
    assert "No error on the test split." in text
    Page(text)


def test_the_page_warns_of_what_was_not_learnt_and_of_labels(text: str) -> None:
    assert "learnt the label set two from 123 records" in text
    assert "Not learnt, for want of positive records: avnrt." in text
    assert "come from codes, which may be wrong" in text
    assert "not a medical device" in text


def test_what_resampling_left_out_is_told_of_a_model_that_learnt_from_all_it_kept(
    written: Callable[..., str], findings: Findings
) -> None:
    """A model that learnt from some cohorts, or from a share of the records, was not left that many short."""
    told = "class re-sampling left out 77 more"
    assert told not in written({"left_out": 77})
    training = findings.card.training | {"records": findings.of_split("train")["records"]}
    assert told in written({"left_out": 77, "card": replace(findings.card, training=training)})


def test_records_that_are_doubtful_and_unlike_do_not_make_the_others_all_that_are_doubtful(
    findings: Findings,
) -> None:
    texts = np.full(len(findings.test), "", dtype=object)
    texts[:3] = f"{UNLIKE}: span; the amplitude does not fit the cohort"
    texts[3] = "the amplitude does not fit the cohort"
    test = replace(findings.test, warnings=texts)
    found = warnings_of(replace(findings, test=test, evaluation=evaluate(test, SETTINGS)))
    assert "Ingest found 1 more test records doubtful for other reasons." in found
    texts[:3] = ""
    found = warnings_of(replace(findings, test=test, evaluation=evaluate(test, SETTINGS)))
    assert "Ingest found 1 test records doubtful for other reasons." in found


def test_thresholds_of_a_site_are_not_said_to_be_of_the_validation_split(
    written: Callable[..., str], findings: Findings, text: str
) -> None:
    for trained in (
        f"its thresholds were chosen on {findings.validated_on} records, and it was tested",
        "it is chosen on the validation split, and F1",
        "Thresholds, chosen on the validation split<",
    ):
        assert trained in text
    adapted = written({"card": replace(findings.card, adapted={"records": 40})})
    for place in ("its thresholds were", "it is", "Thresholds,"):
        assert f"{place} fitted to 40 labelled records of one site" in adapted
    assert "validation split" not in adapted
    own = written({"card": replace(findings.card, training={"site": {}})})
    assert "its thresholds were set by one site, and it was tested" in own
    assert "Thresholds, set by one site<" in own


def test_writing_twice_gives_the_same_bytes(written: Callable[..., str], text: str) -> None:
    assert written() == text


def test_predictions_of_some_records_are_joined_with_theirs(sources: Sources, findings: Findings) -> None:
    order = np.flatnonzero(findings.test.cohorts == "closed")  # as `evaluate.test_on` chooses
    some = findings.test.rows(order)
    split = gather(sources, some, evaluate(some, SETTINGS), findings.card, SETTINGS, "Some").split
    assert np.array_equal(split.record_ids, some.record_ids)
    assert np.array_equal(split.signals, findings.split.signals[order])


def test_predictions_of_other_records_are_refused(sources: Sources, findings: Findings) -> None:
    other = replace(findings.test, record_ids=np.roll(findings.test.record_ids, 1) + "x")
    with pytest.raises(RarebeatError, match="which was predicted"):
        gather(sources, other, findings.evaluation, findings.card, SETTINGS, "Other")
