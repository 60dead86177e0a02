"""The page of a study with a baseline: a table and a curve for each panel."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from tests.reporting.studies.test_compare_page import QUICK, predictions

from rarebeat.core.errors import RarebeatError
from rarebeat.evaluation.studies.cells import Cell, CompareSettings
from rarebeat.inference.model_folder import load_model, save_model
from rarebeat.reporting.studies import compare_page
from rarebeat.reporting.studies.compare_page import write_comparison

SETTINGS = CompareSettings(at_least=5, against={"protocol": "scratch"}, across="fraction")


@pytest.fixture
def study(tmp_path: Path, model_folder: Path) -> tuple[list[Cell], Path]:
    """Two protocols with two shares and two seeds, and one without a training."""
    values = [
        *(
            (name, share, seed)
            for name in ("scratch", "all_layers")
            for share in ("0.1", "1.0")
            for seed in "01"
        ),
        *(("zero_shot", "0", seed) for seed in "01"),
    ]
    cells = [
        Cell(dict(zip(("protocol", "fraction", "seed"), entry, strict=True)), predictions(number))
        for number, entry in enumerate(values)
    ]
    module, card = load_model(model_folder)
    for number, cell in enumerate(cells):
        save_model(tmp_path / "models" / cell.name, module, replace(card, training={"records": 100 + number}))
    return cells, tmp_path / "models"


def test_a_page_shows_scores_along_the_curve_and_differences_to_the_baseline(
    study: tuple[list[Cell], Path], tmp_path: Path
) -> None:
    cells, models = study
    page = tmp_path / "page.md"
    write_comparison(page, cells, "# Shares", SETTINGS, QUICK, models)
    text = page.read_text()
    lines = [line.replace(" ", "") for line in text.splitlines()]
    assert any(line.startswith("|0|zero_shot|108to109ofsimulated|") for line in lines)
    order = [line.split("|")[1] for line in lines if "ofsimulated" in line]
    assert order == ["0", "0.1", "0.1", "1.0", "1.0"]
    differences = [line.split("|")[1:3] for line in lines if line.startswith(("|all_layers−", "|zero_shot−"))]
    assert differences == 2 * [  # of single models, and of the ensembles of their seeds
        ["all_layers−scratch", "0.1"],
        ["all_layers−scratch", "1.0"],
        ["zero_shot−scratch", "0.1"],
        ["zero_shot−scratch", "1.0"],
    ]
    assert sum(line.startswith(("|0.1|scratch|0", "|1.0|scratch|0")) for line in lines) == 2
    assert sum(line.startswith("|atrial_fibrillation|") for line in lines) == 3  # one for each share
    table = pd.read_csv(page.with_suffix(".csv"))
    assert len(table) == (len(cells) + 5) * 4  # and five ensembles; three classes and their mean
    assert {"auprc_low", "f1", "calibration_error", "known"} <= set(table.columns)
    assert page.with_suffix(".png").stat().st_size > 5000


def test_each_network_has_its_tables_and_a_line_of_panels_and_each_source_a_section(
    study: tuple[list[Cell], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells, models = study
    of_both = []
    for source in ("near", "far"):
        for network in ("large", "small"):
            for cell in cells:
                factors = {"source": source, "network": network, **cell.factors}
                patients = predictions(len(of_both), test_of=1 if source == "near" else 2)
                of_both.append(Cell(factors, patients))
                (models / of_both[-1].name).symlink_to(models / cell.name)
    drawn: list[str] = []
    monkeypatch.setattr(compare_page, "curve_figure", lambda _, panels, *__: drawn.extend(panels))
    write_comparison(tmp_path / "page.md", of_both, "", SETTINGS, QUICK, models)
    lines = (tmp_path / "page.md").read_text().splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        *("## source near", "### large", "### small"),
        *("## source far", "### large", "### small"),
    ]
    assert drawn[:4] == [
        *(f"large macro {metric} (source near)" for metric in ("AUPRC", "AUROC", "F1")),
        "small macro AUPRC (source near)",
    ]


def test_a_set_of_records_without_enough_positives_has_a_sentence_instead_of_tables(
    study: tuple[list[Cell], Path], tmp_path: Path
) -> None:
    cells, models = study
    both = []
    for source in ("large", "small"):
        for cell in cells:
            own = cell.predictions if source == "large" else predictions(1, test_of=2, records=8)
            both.append(Cell({"source": source, **cell.factors}, own))
            if source == "large":
                (models / cell.name).rename(models / f"large-{cell.name}")
            else:
                (models / f"small-{cell.name}").symlink_to(models / f"large-{cell.name}")
    write_comparison(tmp_path / "page.md", both, "", SETTINGS, QUICK, models)
    large, small = (tmp_path / "page.md").read_text().split("## source small")
    assert "Differences to protocol scratch" in large
    assert "No class has 5 positive test records here" in small
    assert "Differences" not in small


def test_a_study_whose_records_all_lack_positives_is_one_clear_message(
    study: tuple[list[Cell], Path], tmp_path: Path
) -> None:
    cells, models = study
    with pytest.raises(RarebeatError, match="no class has 1000 positive test records"):
        write_comparison(tmp_path / "page.md", cells, "", replace(SETTINGS, at_least=1000), QUICK, models)
    assert not (tmp_path / "page.md").exists()


def test_a_baseline_of_one_seed_has_no_ensemble_and_its_brackets_are_told(
    study: tuple[list[Cell], Path], tmp_path: Path
) -> None:
    cells, models = study
    fewer = [cell for cell in cells if cell.factors["protocol"] != "scratch" or cell.factors["seed"] == "0"]
    page = tmp_path / "page.md"
    write_comparison(page, fewer, "", SETTINGS, QUICK, models)
    text = page.read_text()
    assert "95 % t-interval over seeds; of a single seed the bootstrap interval over patients" in text
    assert "Ensembles: the mean" in text
    assert "Ensembles less" not in text
