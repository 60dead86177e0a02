"""Pages of studies: what is shown is what is listed, without links, pictures from elsewhere or HTML of their own."""

from pathlib import Path

import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.reporting.page.studies import StudyPage, list_studies, markdown, read_studies, study_section

TEXT = """# Table 1

Asked of <b>all</b>, see [the paper](https://example.org).

## Scores

| class | F1 |
| --- | --: |
| a&b | **0.91** |

![figure](https://example.org/x.png)
"""
PNG = b"\x89PNG of a figure"


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    (tmp_path / "table1.md").write_text(TEXT, encoding="utf-8")
    (tmp_path / "table1.png").write_bytes(PNG)
    (tmp_path / "results.md").write_text("# No study\n", encoding="utf-8")
    list_studies(tmp_path / "studies.yaml", ["table1", "never_run"])
    return tmp_path


def test_studies_that_have_a_page_are_listed(reports: Path) -> None:
    assert read_studies(reports / "studies.yaml") == [StudyPage("table1", TEXT, PNG)]


def test_the_list_changes_only_where_a_page_has_changed(reports: Path) -> None:
    before = (reports / "studies.yaml").read_bytes()
    assert not list_studies(reports / "studies.yaml", ["never_run", "table1"])
    assert (reports / "studies.yaml").read_bytes() == before
    (reports / "table1.md").write_text(f"{TEXT}\nMore.\n", encoding="utf-8")
    assert list_studies(reports / "studies.yaml", ["table1"])
    assert (reports / "studies.yaml").read_bytes() != before


def test_a_page_that_is_not_the_listed_one_is_not_shown(reports: Path) -> None:
    (reports / "table1.md").write_text("# Changed by hand\n", encoding="utf-8")
    pages = read_studies(reports / "studies.yaml")
    assert pages == [StudyPage("table1", "", PNG)]
    (_, said) = study_section(pages).parts
    assert said == "<p>The page of table1 has changed since it was listed: make study STUDY=table1.</p>"


def test_a_page_is_folded_under_its_title_with_its_figure(reports: Path) -> None:
    (_, shown) = study_section(read_studies(reports / "studies.yaml")).parts
    assert "<summary>Table 1</summary>" in shown
    assert 'src="data:image/png;base64,' in shown
    assert "<strong>0.91</strong>" in shown
    assert "http" not in shown


def test_markdown_keeps_words_and_tables_and_nothing_that_leads_elsewhere() -> None:
    shown = markdown(TEXT)
    assert "&lt;b&gt;all&lt;/b&gt;, see the paper." in shown
    assert "<h4>Scores</h4>" in shown
    assert "Table 1" not in shown  # it is the title
    assert shown.count("<table>") == shown.count("</table>\n</div>") == 1
    assert "a&amp;b" in shown


def test_a_list_that_leads_out_of_the_folder_shows_nothing(reports: Path) -> None:
    (reports.parent / "secret.md").write_text("# Secret\n", encoding="utf-8")
    (reports / "studies.yaml").write_text("../secret: {../secret.md: 00}\n", encoding="utf-8")
    assert read_studies(reports / "studies.yaml") == [StudyPage("../secret", "", None)]


def test_a_damaged_list_is_named(reports: Path) -> None:
    (reports / "studies.yaml").write_text("- not a mapping\n", encoding="utf-8")
    with pytest.raises(RarebeatError, match=r"studies\.yaml"):
        read_studies(reports / "studies.yaml")
