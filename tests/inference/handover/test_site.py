"""Thresholds of a site: a model folder of its own."""

from pathlib import Path

import pytest

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.inference.handover.hub import write_hub_folder
from rarebeat.inference.handover.site import read_thresholds, write_site_model
from rarebeat.inference.model_folder import CARD, WEIGHTS, card_digest, read_card, weights_digest
from rarebeat.inference.predict import predict_files


def test_a_sites_model_decides_by_its_own_thresholds(
    model_folder: Path, wfdb_record: Path, tmp_path: Path
) -> None:
    before = card_digest(model_folder)
    write_site_model(model_folder, tmp_path / "site", {"sinus_rhythm": 0.0, "atrial_fibrillation": 1.0})
    (trained,), (site,) = (predict_files([wfdb_record], one) for one in (model_folder, tmp_path / "site"))
    for name, entry in site["classes"].items():
        assert entry["probability"] == trained["classes"][name]["probability"]
    assert [entry["decision"] for entry in site["classes"].values()] == [True, False, False]
    assert card_digest(model_folder) == before
    assert weights_digest(tmp_path / "site") == weights_digest(model_folder)
    assert read_card(tmp_path / "site").training["site"]["from_model"] == before


def test_a_table_and_single_thresholds_are_read_together(tmp_path: Path) -> None:
    table = tmp_path / "thresholds.csv"
    table.write_text("class,threshold\nsinus_rhythm,0.4\navnrt,0.1\n")
    assert read_thresholds(table, ["avnrt=0.3"]) == {"sinus_rhythm": 0.4, "avnrt": 0.3}
    with pytest.raises(ParamsError, match="line 3: 'low' is no threshold"):
        table.write_text("class,threshold\nsinus_rhythm,0.4\navnrt,low\n")
        read_thresholds(table, [])
    with pytest.raises(RarebeatError, match="no threshold was told"):
        read_thresholds(None, [])


def test_what_cannot_be_is_refused(model_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="no class 'sinus_rythm'; did you mean 'sinus_rhythm'"):
        write_site_model(model_folder, tmp_path / "site", {"sinus_rythm": 0.2})
    with pytest.raises(ParamsError, match=r"between 0 and 1, found 1\.5"):
        write_site_model(model_folder, tmp_path / "site", {"sinus_rhythm": 1.5})
    with pytest.raises(ParamsError, match="is the model itself"):
        write_site_model(model_folder, model_folder, {"sinus_rhythm": 0.5})
    assert not (tmp_path / "site").exists()


def test_a_sites_model_takes_no_file_along_that_tells_the_old_thresholds(
    model_folder: Path, tmp_path: Path
) -> None:
    """A folder for a hub is a model folder with more in it."""
    write_hub_folder(model_folder, tmp_path / "hub")
    (tmp_path / "hub" / "model.onnx").write_bytes(b"with thresholds in its metadata")
    write_site_model(tmp_path / "hub", tmp_path / "site", {"sinus_rhythm": 0.25})
    assert read_card(tmp_path / "site").thresholds["sinus_rhythm"] == 0.25
    assert {path.name for path in (tmp_path / "site").iterdir()} == {CARD, WEIGHTS}
    write_site_model(tmp_path / "hub", tmp_path / "site", {"sinus_rhythm": 0.75})  # once more
    assert read_card(tmp_path / "site").thresholds["sinus_rhythm"] == 0.75


def test_two_thresholds_of_a_class_in_one_place_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "thresholds.csv"
    table.write_text("class,threshold\navnrt,0.1\navnrt,0.9\n")
    with pytest.raises(ParamsError, match="line 3: the threshold of avnrt was told before"):
        read_thresholds(table, [])
    with pytest.raises(ParamsError, match=r"--set avnrt=0\.9: the threshold of avnrt was told before"):
        read_thresholds(None, ["avnrt=0.1", "avnrt=0.9"])
