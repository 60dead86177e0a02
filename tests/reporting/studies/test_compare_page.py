"""The page of a study, its table and its figure, from the predictions and the models of its cells."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.evaluation.evaluate import EvaluateSettings
from rarebeat.evaluation.studies.cells import Cell, CompareSettings, sections, with_ensembles
from rarebeat.evaluation.studies.compare import rule_rows
from rarebeat.inference.model_folder import load_model, save_model
from rarebeat.inference.predictions import Predictions
from rarebeat.reporting.studies import compare_page
from rarebeat.reporting.studies.compare_page import model_folders, network_table, write_comparison

CLASSES = ("sinus_rhythm", "atrial_fibrillation", "av_block_1st_degree")
QUICK = EvaluateSettings(replicates=20)


def predictions(seed: int, test_of: int = 0, records: int = 60) -> Predictions:
    truth = np.random.default_rng(test_of).random((2 * records, len(CLASSES))) < 0.3
    noise = np.random.default_rng([seed, 7]).normal(0, 0.2, truth.shape)
    return Predictions(
        record_ids=np.array([f"{test_of}-{index}" for index in range(2 * records)], dtype=object),
        cohorts=np.full(2 * records, "ward"),
        patients=np.array([f"p{index // 2}" for index in range(2 * records)], dtype=object),
        splits=np.repeat(["validation", "test"], records),
        classes=CLASSES,
        thresholds=np.full(len(CLASSES), 0.45),
        probability=np.clip(0.3 + 0.3 * truth + noise, 0, 1).astype(np.float32),
        truth=truth.astype(np.int8),
    )


@pytest.fixture
def study(tmp_path: Path, model_folder: Path) -> tuple[list[Cell], Path]:
    """Two networks with two seeds on one set of records, and one of them with one seed on another."""
    factors = [
        ("a", "small", "0"),
        ("a", "small", "1"),
        ("a", "large", "0"),
        ("a", "large", "1"),
        ("b", "small", "0"),
    ]
    cells = [
        Cell(
            dict(zip(("data", "model", "seed"), values, strict=True)),
            predictions(number, int(values[0] == "b")),
        )
        for number, values in enumerate(factors)
    ]
    module, card = load_model(model_folder)
    for cell in cells:
        save_model(tmp_path / "models" / cell.name, module, replace(card, training={"records": 123}))
    return cells, tmp_path / "models"


def write(
    study: tuple[list[Cell], Path], folder: Path, settings: CompareSettings
) -> tuple[str, pd.DataFrame]:
    cells, models = study
    page = folder / "study.md"
    numbers = write_comparison(page, cells, "# A study\n\nWhy?\n", settings, QUICK, models)
    assert set(numbers) == {cell.name for cell in cells}
    assert all(numbers.values())
    assert (folder / "study.png").read_bytes().startswith(b"\x89PNG")
    return page.read_text(encoding="utf-8"), pd.read_csv(folder / "study.csv", dtype={"seed": str})


def test_class_by_class_with_differences_between_cells_of_the_same_records(
    study: tuple[list[Cell], Path], tmp_path: Path
) -> None:
    text, rows = write(study, tmp_path, CompareSettings(at_least=5))
    assert text.startswith("# A study\n\nWhy?\n\n| network")
    assert "123 records of simulated" in text
    assert [line for line in text.splitlines() if line.startswith("##")] == ["## data a", "## data b"]
    first, second = text.split("## data b")
    assert "large − small" in first
    assert "large" not in second
    assert set(rows["seed"]) == {"0", "1", "ensemble"}
    assert set(rows["class"]) == {*CLASSES, "macro"}
    assert len(rows) == (5 + 2) * 4


def test_networks_that_differ_in_the_number_of_records_alone_are_one_row(
    study: tuple[list[Cell], Path],
) -> None:
    cells, models = study
    _, card = load_model(models / cells[0].name)
    counts = (1310, 1297, 1325, 1310, 1300)
    cards = {
        cell.name: replace(card, training={"records": count})
        for cell, count in zip(cells, counts, strict=True)
    }
    (row,) = network_table(models, cards).splitlines()[2:]
    assert "1,297 to 1,325 records of simulated" in row
    cards[cells[4].name] = replace(card, cohorts=("ward",), training={"records": 9})
    assert len(network_table(models, cards).splitlines()) == 2 + 2


def test_sections_of_other_stages_end_the_page(study: tuple[list[Cell], Path], tmp_path: Path) -> None:
    cells, models = study
    ending = ["", "## Incomplete codes\n\nNone.\n"]
    write_comparison(
        tmp_path / "study.md", cells, "", CompareSettings(at_least=5), QUICK, models, ending=ending
    )
    text = (tmp_path / "study.md").read_text(encoding="utf-8")
    assert text.endswith("are in [study.csv](study.csv).\n\n## Incomplete codes\n\nNone.\n")


def test_rule_by_rule(study: tuple[list[Cell], Path], tmp_path: Path) -> None:
    text, rows = write(study, tmp_path, CompareSettings(rules=("fixed", "max_f1")))
    assert "60 to choose thresholds" in text
    assert "rule, by model" in text
    assert list(rows)[:4] == ["data", "model", "seed", "rule"]
    assert len(rows) == (5 + 2) * 2


def test_thresholds_are_chosen_as_the_trainings_would(study: tuple[list[Cell], Path], tmp_path: Path) -> None:
    cells, models = study
    settings = CompareSettings(rules=("bagged_f1",))
    _, before = write(study, tmp_path, settings)
    for cell in cells:
        module, card = load_model(models / cell.name)
        training = {"records": 123, "min_positives": 100_000}
        save_model(models / cell.name, module, replace(card, training=training))
    _, rows = write(study, tmp_path, settings)
    expected = [
        rule_rows(cell, ["bagged_f1"], QUICK, 100_000)[0]["f1"]
        for section in sections(cells)
        for cell in with_ensembles(section)
    ]
    assert rows["f1"].tolist() == expected != before["f1"].tolist()


def test_processes_side_by_side_change_nothing(study: tuple[list[Cell], Path], tmp_path: Path) -> None:
    cells, models = study
    settings = CompareSettings(at_least=5)
    for workers in (1, 2):
        write_comparison(tmp_path / f"{workers}.md", cells, "", settings, QUICK, models, workers)
    assert (tmp_path / "1.csv").read_text() == (tmp_path / "2.csv").read_text()


def test_label_sets_side_by_side_class_by_class_with_what_a_paper_found(
    model_folder: Path, tmp_path: Path
) -> None:
    known = {"fibrillation": [1], "all": [0, 1, 2]}
    cells = []
    for heads, columns in known.items():
        for seed in (0, 1):
            made = predictions(seed + len(heads))
            lacks = [column for column in range(len(CLASSES)) if column not in columns]
            made.probability[:, lacks], made.thresholds[lacks] = np.nan, np.nan
            cells.append(Cell({"heads": heads, "seed": str(seed)}, made))
    module, card = load_model(model_folder)
    for cell in cells:
        save_model(tmp_path / "models" / cell.name, module, replace(card, training={"records": 123}))
    settings = CompareSettings(
        classes=("atrial_fibrillation", "sinus_rhythm"),
        columns={"one head": {"heads": ("fibrillation",)}, "all heads": {"heads": ("all",)}},
        published={"atrial_fibrillation": {"one head": 0.84}},
    )
    text, rows = write((cells, tmp_path / "models"), tmp_path, settings)
    fixed = text.split("### F1 at 0.5")[1].split("###")[0]
    assert "Published / ours" in fixed
    (line,) = [line for line in fixed.splitlines() if line.startswith("| atrial_fibrillation")]
    own = [
        rows[(rows["heads"] == heads) & (rows["class"] == "atrial_fibrillation")]["f1_fixed"].mean()
        for heads in known
    ]
    assert "0.84 / " in line
    assert all(f"{value:.2f} (" in line for value in own)
    assert line.count("**") == 2
    assert "all heads − one head" in text
    (line,) = [line for line in fixed.splitlines() if line.startswith("| sinus_rhythm")]
    assert "| – |" in line.replace("  ", "")


def test_each_set_of_test_records_has_its_own_curves(
    study: tuple[list[Cell], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: dict[str, object] = {}
    draw = compare_page.curve_figure

    def spy(path: Path, panels: dict[str, object], *more: object) -> None:
        drawn.update(panels)
        draw(path, panels, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(compare_page, "curve_figure", spy)
    columns: dict[str, dict[str, tuple[str | int | float, ...]]] = {
        "small": {"model": ("small",)},
        "large": {"model": ("large",)},
    }
    write(study, tmp_path, CompareSettings(classes=("sinus_rhythm",), columns=columns))
    assert list(drawn) == ["sinus_rhythm (data a)", "sinus_rhythm (data b)"]


def test_a_cell_is_a_model_or_has_one_for_each_class(study: tuple[list[Cell], Path], tmp_path: Path) -> None:
    cells, models = study
    one = models / cells[0].name
    assert model_folders(one) == [one]
    several = tmp_path / "several"
    for name in ("b", "a"):
        shutil.copytree(one, several / name)
    assert model_folders(several) == [several / "a", several / "b"]
    with pytest.raises(RarebeatError, match="there is no model"):
        model_folders(tmp_path / "nothing")
    shutil.rmtree(one)
    several.rename(one)
    text, _ = write(study, tmp_path, CompareSettings())
    assert "123 records" in text


def test_sections_of_several_values_have_titles_of_their_own(
    study: tuple[list[Cell], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two values of a factor are tested on the same records, and a third on others."""
    cells, models = study
    (models / "b-small-0").rename(models / "c-small-0")
    (models / "a-large-0").rename(models / "b-small-0")
    chosen = [cells[0], Cell({**cells[0].factors, "data": "b"}, cells[1].predictions)]
    chosen.append(Cell({**cells[4].factors, "data": "c"}, cells[4].predictions))
    drawn: dict[str, object] = {}
    monkeypatch.setattr(compare_page, "interval_figure", lambda _, panels, *__: drawn.update(panels))
    page = tmp_path / "study.md"
    write_comparison(page, chosen, "", CompareSettings(at_least=5), QUICK, models)
    assert [line for line in page.read_text().splitlines() if line.startswith("## ")] == [
        "## data a and b",
        "## data c",
    ]
    assert list(drawn) == ["data a and b", "data c"]


def test_sections_that_no_factor_tells_apart_are_numbered(study: tuple[list[Cell], Path]) -> None:
    cells, _ = study
    other = Cell(
        cells[0].factors, cells[4].predictions
    )  # all values of its section are in the other one, too
    assert compare_page._titles([[cells[0], cells[2]], [cells[1], other]]) == ["Results (1)", "Results (2)"]
    assert compare_page._titles([cells]) == ["Results"]
