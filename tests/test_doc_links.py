"""Links between the pages of the documentation lead somewhere, and every page can be reached from the index."""

from pathlib import Path

import pytest
from tests.pages import PAGES, ROOT, anchors, links, text_of

INDEX = "docs/README.md"


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file_and_a_heading(page: str) -> None:
    for path, anchor in links(page):
        assert path.exists(), f"{page}: no {path.relative_to(ROOT)}"
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path.read_text(encoding="utf-8")), f"{page}: no #{anchor} in {path.name}"


def test_every_page_of_the_documentation_is_named_in_the_index() -> None:
    named = {path for path, _ in links(INDEX)}
    pages = {ROOT / page for page in PAGES if page.startswith("docs/") and page != INDEX}
    assert len(pages) > 15
    assert sorted(str(path.relative_to(ROOT)) for path in pages - named) == []


def test_the_readme_leads_to_the_index() -> None:
    assert ROOT / INDEX in {path for path, _ in links("README.md")}


def test_anchors_are_those_of_github() -> None:
    text = "# Fit: a `model`, twice\n## One\n```sh\n# no heading\n```\n## One\n## [Linked](x.md) A_b\n"
    assert anchors(text) == {"fit-a-model-twice", "one", "one-1", "linked-a_b"}


def test_a_link_to_a_missing_page_would_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "page.md").write_text("[here](there.md#part) and [out](https://example.org)")
    monkeypatch.setattr("tests.pages.ROOT", tmp_path)
    assert list(links("page.md")) == [(tmp_path / "there.md", "part")]
    assert not (tmp_path / "there.md").exists()
    assert text_of("page.md").startswith("[here]")
