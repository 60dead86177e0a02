"""A Croissant file of shards that mlcroissant takes, with every checksum and the ECGs that load_split gives."""

import hashlib
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlcroissant
import numpy as np
import pytest
from tests.dataset.workspace import SETTINGS, SMALL, Workspace, make_records, make_states
from typer.testing import CliRunner

from rarebeat.cli.main import app
from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.files import write_json
from rarebeat.dataset.balance import BalanceSettings
from rarebeat.dataset.shards import load_split
from rarebeat.reporting.sheets.croissant.document import Publication, write_croissant

WHOLE = Publication(
    name="Two wards",
    licences=["https://spdx.org/licenses/CC-BY-4.0"],
    authors=["A. Person"],
    creators=["A Hospital"],
    url="https://example.org/wards",
    citation="@misc{wards}",
    published="2026-11-28",
    version="1.0.0",
)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Shards of two cohorts, several files in the split train; some people without age or sex."""
    work = Workspace(tmp_path_factory.mktemp("croissant"))
    for seed, name in enumerate(("ward", "simulated")):
        records = [
            replace(one, sex=(None, "female", "male")[index % 3], age=None if index == 1 else one.age)
            for index, one in enumerate(make_records(60, seed))
        ]
        work.add(name, records, make_states(60, seed), origin=("codes", "text")[seed])
        kind = ("muse-xml", "simulated")[seed]
        summary = {"kind": kind, "reasons": {}, "calibrated": 60, "records": 60}
        write_json(work.records / name / "summary.json", summary)
    work.prepare("ward", "simulated", settings=replace(SETTINGS, balance=BalanceSettings(target=15)))
    return work


@pytest.fixture(scope="module")
def file(work: Workspace) -> Path:
    out = work.out.parent / "croissant.json"
    write_croissant(work.out, out, WHOLE, work.records)
    return out


@pytest.fixture(scope="module")
def content(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))


def test_mlcroissant_has_no_complaint_and_understands_who_made_it(file: Path) -> None:
    metadata = mlcroissant.Dataset(file).metadata
    assert not metadata.ctx.issues.errors
    assert not metadata.ctx.issues.warnings
    assert metadata.name == "Two wards"
    assert metadata.license == ["https://spdx.org/licenses/CC-BY-4.0"]
    assert [type(one).__name__ for one in metadata.creators] == ["Organization", "Person"]
    assert metadata.version == "1.0.0"
    assert metadata.cite_as == "@misc{wards}"
    assert metadata.data_biases[0].endswith("% of the records whose sex is known are of women.")


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_the_ecgs_and_labels_are_those_of_the_shards(file: Path, work: Workspace, split: str) -> None:
    expected = load_split(work.out, split)
    found = list(mlcroissant.Dataset(file).records("records", filters={"records/split": split}))
    assert [row["records/record_id"].decode() for row in found] == expected.record_ids.tolist()
    assert {row["records/split"] for row in found} <= {split.encode()}
    (form,) = mlcroissant.Dataset(file).records("signal_format")
    shape = (form["signal_format/leads"], form["signal_format/samples"])
    for row, signal, labels in zip(found, expected.signals, expected.labels, strict=True):
        assert np.array_equal(np.frombuffer(row["records/signal"], "<i2").reshape(shape), signal)
        assert [row[f"records/{name}"] for name in expected.meta.classes] == labels.tolist()
    assert expected.ages is not None
    ages = np.array([np.nan if row["records/age"] is None else row["records/age"] for row in found])
    assert np.array_equal(ages, expected.ages, equal_nan=True)


def test_all_records_can_be_read_at_once_with_their_split(file: Path, work: Workspace) -> None:
    found = [row["records/split"].decode() for row in mlcroissant.Dataset(file).records("records")]
    expected = {name: len(load_split(work.out, name)) for name in ("train", "validation", "test")}
    assert {name: found.count(name) for name in expected} == expected
    assert len(list(work.out.glob("train/*.parquet"))) > 1


def test_what_became_of_every_record_and_what_is_doubtful_can_be_read(file: Path, work: Workspace) -> None:
    dataset = mlcroissant.Dataset(file)
    fates = list(dataset.records("fates"))
    assert [row["fates/record_id"].decode() for row in fates] == [row["record_id"] for row in work.fates()]
    assert {row["fates/selected"] for row in fates} == {True, False}
    assert not list(dataset.records("warnings"))


def test_every_file_of_the_folder_is_named_with_its_checksum(
    content: dict[str, Any], file: Path, work: Workspace
) -> None:
    named = {one["contentUrl"]: one for one in content["distribution"] if one["@type"] == "cr:FileObject"}
    there = {path.relative_to(file.parent).as_posix(): path for path in work.out.rglob("*") if path.is_file()}
    assert set(named) == set(there)
    for place, path in there.items():
        assert named[place]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert named[place]["contentSize"] == f"{path.stat().st_size} B"


def test_a_damaged_table_is_noticed_by_whoever_reads_it(work: Workspace, tmp_path: Path) -> None:
    shutil.copytree(work.out, tmp_path / "shards")
    write_croissant(tmp_path / "shards", tmp_path / "croissant.json", WHOLE)
    path = tmp_path / "shards" / "splits.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(Exception, match=r"Download\(splits-table\)"):
        list(mlcroissant.Dataset(tmp_path / "croissant.json").records("fates"))


def test_the_numbers_are_counted_and_the_simulated_cohort_is_called_so(
    content: dict[str, Any], work: Workspace
) -> None:
    people = sum(len(load_split(work.out, name)) for name in ("train", "validation", "test"))
    assert content["rai:dataCollectionMissingData"].startswith(f"Of {people} records ")
    assert "ward (muse-xml), simulated (simulated)" in content["rai:dataCollection"]
    assert content["rai:dataCollectionType"] == ["Secondary Data analysis", "Others: simulation"]
    assert (
        "from reports, by the patterns of the vocabulary hughes24: simulated; from codes: ward"
        in (content["rai:dataAnnotationProtocol"])
    )
    assert content["rai:dataLimitations"][0].startswith("The ECGs of simulated are simulated")
    assert (
        "2 recordings were refused because they could not be trusted"
        in (content["rai:dataPreprocessingProtocol"])
    )


def test_units_and_steps_follow_the_preprocessing(tmp_path: Path) -> None:
    work = Workspace(tmp_path)
    work.add("ward", make_records(40), make_states(40))
    signal = replace(SMALL, normalise="zscore", bandpass=(0.5, 40.0))
    work.prepare("ward", settings=replace(SETTINGS, signal=signal))
    found = write_croissant(work.out, tmp_path / "croissant.json", WHOLE)
    (form,) = (one["data"][0] for one in found["recordSet"] if one["@id"] == "signal_format")
    assert form["signal_format/unit"] == "z"
    assert form["signal_format/bandpass"] == "0.5 to 40"
    steps = found["rai:dataPreprocessingProtocol"]
    assert "each lead brought to mean 0 and standard deviation 1" in steps
    assert "filtered, band-pass 0.5 to 40 Hz" in steps
    assert "rai:dataCollectionType" not in found  # the kinds of archive are not at hand


def test_what_nobody_told_is_left_out_and_named(work: Workspace) -> None:
    found = write_croissant(work.out, work.out.parent / "bare.json", Publication())
    for key in ("license", "creator", "url", "citeAs", "datePublished", "version"):
        assert key not in found
    assert Publication().missing == (
        "licence",
        "creator or author",
        "url",
        "published",
        "version",
        "citation",
    )
    assert WHOLE.missing == ()


def test_the_example_of_the_documentation_reads_every_ecg_of_a_split(
    file: Path, work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).resolve().parents[4] / "docs" / "reporting.md").read_text(encoding="utf-8")
    (code,) = re.findall("```python\n(.*?)```", page, re.DOTALL)
    assert "data/croissant.json" in code
    monkeypatch.chdir(file.parent)
    found: dict[str, Any] = {"ecgs": []}
    exec(code.replace("data/croissant.json", file.name) + "    ecgs.append((signal, label))\n", found)
    expected = load_split(work.out, "test")
    column = expected.meta.classes.index("atrial_fibrillation")
    assert [label for _, label in found["ecgs"]] == expected.labels[:, column].tolist()
    assert np.array_equal([signal for signal, _ in found["ecgs"]], expected.signals * expected.meta.scale)


def test_a_folder_without_shards_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RarebeatError, match="there are no shards in"):
        write_croissant(tmp_path / "records", tmp_path / "croissant.json", Publication())


def test_the_shards_stay_as_they_are(work: Workspace) -> None:
    with pytest.raises(RarebeatError, match="write it beside the folder"):
        write_croissant(work.out, work.out / "croissant.json", WHOLE)
    with pytest.raises(RarebeatError, match="must lie in a folder that holds"):
        write_croissant(work.out, work.out.parent / "elsewhere" / "croissant.json", WHOLE)


@pytest.mark.parametrize("changed", [{"version": "1"}, {"published": "today"}, {"published": "2026-02-30"}])
def test_a_version_or_a_day_in_another_form_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(ParamsError, match=r"MAJOR\.MINOR\.PATCH|YYYY-MM-DD"):
        replace(WHOLE, **changed)  # type: ignore[arg-type]


def test_the_command_says_what_is_missing(work: Workspace) -> None:
    done = CliRunner().invoke(app, ["croissant", str(work.out), "--licence", "https://spdx.org/licenses/MIT"])
    assert done.exit_code == 0, done.output
    assert "8 record sets" in done.output
    assert "creator or author, url, published, version, citation" in done.output
    assert (work.out.parent / "croissant.json").is_file()
