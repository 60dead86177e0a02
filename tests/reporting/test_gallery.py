"""One picture of each class and a page that shows them."""

from pathlib import Path

import pytest

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.reporting import gallery
from rarebeat.reporting.gallery import SIGNS, draw_example, write_gallery
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import CLASSES

PROJECT = Path(__file__).parents[2]


def test_every_class_has_a_title_and_a_sign() -> None:
    assert list(SIGNS) == list(CLASSES)


@pytest.mark.slow
def test_galleries_whose_names_differ_behind_a_point_have_pages_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "SIGNS", {"sinus_rhythm": ("Sinus rhythm", "P before each QRS.")})
    pages = [write_gallery(tmp_path / name) for name in ("clinic.1", "clinic.2")]
    assert [page.name for page in pages] == ["clinic.1.md", "clinic.2.md"]


def test_a_gallery_has_a_modest_picture_of_each_class(tmp_path: Path) -> None:
    page = write_gallery(tmp_path / "gallery", seed=1)
    text = page.read_text(encoding="utf-8")
    pictures = sorted((tmp_path / "gallery").iterdir())
    assert page == tmp_path / "gallery.md"
    assert [picture.name for picture in pictures] == sorted(f"{name}.png" for name in CLASSES)
    assert all(f"(gallery/{picture.name})" in text for picture in pictures)
    assert sum(picture.stat().st_size for picture in pictures) < 4_000_000


def test_the_gallery_of_the_project_is_complete() -> None:
    text = (PROJECT / "docs" / "gallery.md").read_text(encoding="utf-8")
    for name in CLASSES:
        assert f"(gallery/{name}.png)" in text
        assert (PROJECT / "docs" / "gallery" / f"{name}.png").is_file()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.png").write_text("sea")
    with pytest.raises(RarebeatError, match="not empty"):
        write_gallery(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.png"]


def test_a_page_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("precious")
    with pytest.raises(RarebeatError, match="was not written by this command"):
        write_gallery(tmp_path / "notes")
    assert (tmp_path / "notes.md").read_text() == "precious"


def test_an_example_is_drawn_with_its_title(tmp_path: Path) -> None:
    record_id = draw_example(tmp_path / "page.svg", "avnrt", SimulatorSettings(preset="balanced"))
    text = (tmp_path / "page.svg").read_text(encoding="utf-8")
    assert record_id in text
    assert "AV nodal reentrant tachycardia" in text


def test_an_unknown_class_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="hiccups"):
        draw_example(tmp_path / "page.png", "hiccups", SimulatorSettings())
