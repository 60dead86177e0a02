"""Text against codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import write_csv
from rarebeat.labels.agreement import AgreementCounter, per_class, read_agreement
from rarebeat.labels.states import NEGATIVE, POSITIVE, UNCERTAIN, Evidence, Labels, State
from rarebeat.reporting.agreement_page import agreement_page

ROOT = Path(__file__).parents[2]


def labels(**states: State) -> Labels:
    evidence = tuple(
        Evidence(name, state, f"says {name}", 0, 4, "") for name, state in states.items() if state is not None
    )
    return Labels(dict(states), evidence, ())


def compared(*pairs: tuple[Labels, Labels], report: str = "a report") -> AgreementCounter:
    counter = AgreementCounter()
    for number, (text, codes) in enumerate(pairs):
        counter.add(f"r{number:03}", report, ["scp:X"], text, codes)
    return counter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pairs = [
        (labels(pvc=POSITIVE, af=POSITIVE), labels(pvc=POSITIVE, af=POSITIVE)),
        (labels(pvc=POSITIVE, af=NEGATIVE), labels(pvc=NEGATIVE, af=NEGATIVE)),
        (labels(pvc=NEGATIVE, af=UNCERTAIN), labels(pvc=POSITIVE, af=POSITIVE)),
        (labels(pvc=NEGATIVE, af=NEGATIVE), labels(pvc=NEGATIVE, af=None)),
    ]
    (tmp_path / "ours").mkdir()
    compared(*pairs).write(tmp_path / "ours")
    return tmp_path / "ours"


def test_classes_are_counted_in_the_order_of_the_vocabulary(folder: Path) -> None:
    counts, _ = read_agreement(folder)
    pvc, af = per_class(counts)
    assert (pvc.class_id, pvc.both, pvc.text_only, pvc.codes_only, pvc.neither, pvc.open) == (
        "pvc",
        1,
        1,
        1,
        1,
        0,
    )
    assert (af.both, af.neither, af.open) == (1, 1, 2)
    assert pvc.positive == pytest.approx(0.5)
    assert af.positive == 1.0


def test_disagreements_are_kept_with_what_was_said(folder: Path) -> None:
    _, samples = read_agreement(folder)
    assert [(one.class_id, one.kind, one.record_id) for one in samples] == [
        ("pvc", "codes only", "r002"),
        ("pvc", "text only", "r001"),
    ]
    assert (samples[1].statements, samples[1].codes, samples[1].report) == ("says pvc", "scp:X", "a report")


def test_the_sample_is_bounded_and_does_not_depend_on_the_order_of_records(tmp_path: Path) -> None:
    pair = (labels(pvc=POSITIVE), labels(pvc=NEGATIVE))
    chosen = []
    for name, order in {"up": range(200), "down": reversed(range(200))}.items():
        counter = AgreementCounter()
        for number in order:
            counter.add(f"r{number}", "text", ["c"], *pair)
        (tmp_path / name).mkdir()
        counter.write(tmp_path / name)
        chosen.append([one.record_id for one in read_agreement(tmp_path / name)[1]])
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) == 50


def test_a_record_without_text_or_without_codes_does_not_take_part(tmp_path: Path) -> None:
    counter = AgreementCounter()
    counter.add("a", None, ["c"], labels(pvc=None), labels(pvc=POSITIVE))
    counter.add("b", "text", [], labels(pvc=POSITIVE), labels(pvc=None))
    counter.write(tmp_path)
    assert read_agreement(tmp_path) == ({}, [])
    assert "No cohort has both" in agreement_page({"x": tmp_path}, 3)


def test_the_page_has_a_table_per_cohort_and_examples_below_the_limit(folder: Path) -> None:
    page = agreement_page({"ours": folder, "theirs": folder}, examples=1)
    assert "## ours" in page
    assert "| pvc | 0.50 | 1 | 1 | 1 | 1 | 0 |" in page
    assert "- pvc, text only: `says pvc` — scp:X (r001)" in page
    assert "- af," not in page
    assert "| pvc | 0.50 | 2 | 2 | 2 | 2 | 0 |" in page[page.index("## all cohorts") :]


def test_files_that_are_missing_or_of_another_form_are_told(tmp_path: Path) -> None:
    with pytest.raises(RarebeatError, match=r"there are no labels in .*: expected agreement\.csv"):
        read_agreement(tmp_path)
    write_csv(tmp_path / "agreement.csv", ("class", "n"), [("af", 1)])
    with pytest.raises(RarebeatError, match="has no column text"):
        read_agreement(tmp_path)


def test_a_damaged_count_is_named_with_its_line(folder: Path) -> None:
    path = folder / "agreement.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",1\n", ",one\n", 1), encoding="utf-8")
    with pytest.raises(RarebeatError, match=r"agreement\.csv, line \d: 'one' is no count"):
        read_agreement(folder)


def test_two_folders_of_one_name_are_refused(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rarebeat.cli.main", "labels", "agreement", str(folder), str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "two label folders are named 'ours'" in result.stderr


def test_the_command_prints_the_page_or_json(folder: Path) -> None:
    command = [sys.executable, "-m", "rarebeat.cli.main", "labels", "agreement", str(folder)]
    page = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "| pvc | 0.50 |" in page
    tables = json.loads(
        subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout
    )
    assert tables["ours"][0]["class"] == "pvc"
    assert tables["ours"][0]["positive_agreement"] == 0.5


def test_the_stage_writes_the_page(folder: Path, tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    params.write_text(yaml.safe_dump({"use": ["ours"]}), encoding="utf-8")
    script = ROOT / "pipeline" / "agreement.py"
    arguments = [sys.executable, script, tmp_path, tmp_path / "agreement.md", "--params", params]
    subprocess.run(arguments, check=True, capture_output=True)
    assert "## ours" in (tmp_path / "agreement.md").read_text(encoding="utf-8")
