"""One file gets one answer: from the pipeline, from ``rarebeat predict``, served, and as an ensemble's."""

import csv
from pathlib import Path

import numpy as np
import pytest
from tests.doors import (
    CLASSES,
    NETWORKS,
    ROUNDING,
    Archive,
    answers_of,
    assert_equal,
    make_shards,
    predicted_by_the_pipeline,
    rows_of,
    served_answers,
    warnings_of,
    write_models,
)

from rarebeat.core.records import LEADS
from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.windows import WHOLE
from rarebeat.evaluation.members import ensemble_predictions
from rarebeat.inference.ensemble import member_folder, save_ensemble
from rarebeat.inference.predict import predict_files
from rarebeat.inference.voting import EnsembleSettings
from rarebeat.simulator.archives.archive import READER_OPTIONS, write_archive
from rarebeat.simulator.archives.export import Export, export
from rarebeat.simulator.settings import SimulatorSettings

RECORDS = 3
KINDS = ("simulated", "wfdb", "challenge", "muse-xml", "ptb-xl", "ludb")
LOST = ("ludb",)
"""Kinds whose amplitudes are lost: for models of standardised leads alone."""


def settings(seed: int) -> SimulatorSettings:
    return SimulatorSettings(records=RECORDS, seed=seed)


def write_record(header: Path, ecg: Export, gains: list[str], names: tuple[str, ...], comments: str) -> None:
    lines = [f"{header.stem} 12 {ecg.rate:g} {ecg.signal.shape[1]}"]
    for name, gain, lead in zip(names, gains, ecg.signal, strict=True):
        checksum = int(lead.sum(dtype=np.int16))
        lines.append(f"{header.stem}.dat 16 {gain}/mV 16 0 {lead[0]} {checksum} 0 {name}")
    header.parent.mkdir(parents=True, exist_ok=True)
    header.write_text("\n".join(lines) + "\n" + comments, encoding="utf-8")
    header.with_suffix(".dat").write_bytes(ecg.signal.T.astype("<i2").tobytes())


def write_ptb_xl(root: Path, seed: int) -> None:
    """Headers that tell no person, and a table that does."""
    rows = []
    for index in range(RECORDS):
        ecg = export(index, settings(seed))
        name = f"records500/00000/{index + 1:05d}_hr"
        write_record(root / f"{name}.hea", ecg, ["1000.0(0)"] * 12, LEADS, "")
        person = {"age": ecg.age, "sex": int(ecg.sex == "female")}
        row = {"ecg_id": index + 1, "patient_id": f"{ecg.patient}.0", **person, "strat_fold": index + 1}
        row |= {"report": ecg.text, "scp_codes": "{'SR': 0.0}", "filename_hr": name, "filename_lr": name}
        rows.append(row)
    with (root / "ptbxl_database.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_ludb(root: Path, seed: int) -> None:
    """Every lead scaled to 1 mV, and a person before the statements."""
    for index in range(RECORDS):
        ecg = export(index, settings(seed))
        gains = [f"{int(lead.max()) - int(lead.min())}(-7)" for lead in ecg.signal]
        comments = f"#<age>: {ecg.age}\n#<sex>: {ecg.sex[0].upper()}\n#<diagnoses>:\n#Rhythm: Sinus rhythm.\n"
        names = tuple(name.lower() for name in LEADS)
        write_record(root / "data" / f"{index + 1}.hea", ecg, gains, names, comments)


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Archive]:
    """A small archive for every reader, each of other patients."""
    root = tmp_path_factory.mktemp("archives")
    found = {"simulated": Archive("simulated", root, {"records": RECORDS, "seed": 1})}
    for seed, kind in enumerate(("wfdb", "challenge", "muse-xml"), start=2):
        write_archive(root / kind, kind, settings(seed), workers=1)
        key = {"key_file": str(root / "key"), "statements": "all"} if kind == "muse-xml" else {}
        found[kind] = Archive(kind, root / kind, READER_OPTIONS[kind] | key)
    write_ptb_xl(root / "ptb-xl", 5)
    write_ludb(root / "ludb", 6)
    return found | {kind: Archive(kind, root / kind) for kind in ("ptb-xl", "ludb")}


class Doors:
    """Archives, the shards that the pipeline makes of them, and models of every network for these."""

    def __init__(self, archives: dict[str, Archive], work: Path, signal: Preprocessing) -> None:
        kept = {
            kind: entry for kind, entry in archives.items() if signal.normalise != "none" or kind not in LOST
        }
        self.archives = kept
        self.shards = make_shards(kept, work, signal)
        self.models = write_models(work / "models", signal, WHOLE)


@pytest.fixture(scope="module", params=["none", "zscore"])
def doors(
    archives: dict[str, Archive], tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Doors:
    return Doors(archives, tmp_path_factory.mktemp("doors"), Preprocessing(normalise=request.param))


@pytest.mark.parametrize("network", NETWORKS)
def test_every_door_gives_the_answer_of_the_pipeline(doors: Doors, network: str) -> None:
    model = doors.models[network]
    predictions = predicted_by_the_pipeline(doors.shards, model)
    assert len(predictions) >= len(doors.archives) * (
        RECORDS - 1
    )  # a record without a known class is left out
    for kind, archive in doors.archives.items():
        answers, served = answers_of(archive, model), served_answers(archive, model)
        rows = list(rows_of(predictions, kind, archive))
        assert len(answers) == len(served) == RECORDS >= len(rows) > 0
        assert warnings_of(answers) == []
        for file, row in rows:
            assert_equal(answers[file], predictions, row)
            expected = predictions.probability[row]
            np.testing.assert_allclose(served[file], expected, rtol=0, atol=ROUNDING)
        if kind in ("wfdb", "challenge", "muse-xml", "ludb"):  # their files tell the person themselves
            alone = answers_of(archive, model, of_kind=False)
            assert alone == answers
            (one,) = predict_files([Path(rows[0][0])], model)
            assert_equal(one, predictions, rows[0][1])


def test_a_file_of_ptb_xl_alone_tells_no_person_and_the_answer_says_so(doors: Doors) -> None:
    archive = doors.archives["ptb-xl"]
    for network, model in doors.models.items():
        answers = answers_of(archive, model, of_kind=False)
        if network == "se_resnet":
            assert warnings_of(answers) == ["the model uses age and sex, and is not told the age and the sex"]
            assert answers != answers_of(archive, model)
        else:
            assert answers == answers_of(archive, model)


def test_an_ensemble_gives_one_answer_too(doors: Doors, tmp_path: Path) -> None:
    for number, model in enumerate(doors.models.values()):
        member_folder(tmp_path, number).parent.mkdir(exist_ok=True)
        member_folder(tmp_path, number).symlink_to(model)
    voting = EnsembleSettings()
    save_ensemble(tmp_path, range(len(doors.models)), CLASSES, voting)
    members = [predicted_by_the_pipeline(doors.shards, model) for model in doors.models.values()]
    together = ensemble_predictions(members, voting)
    for kind, archive in doors.archives.items():
        answers = answers_of(archive, tmp_path)
        for file, row in rows_of(together, kind, archive):
            assert_equal(answers[file], together, row)
