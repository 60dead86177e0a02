"""The runner of studies: what is run again, and what DVC sees of a study."""

import os
import signal
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from rarebeat.core.errors import ParamsError, RarebeatError

SCRIPT = Path(__file__).resolve().parents[2] / "pipeline" / "study.py"


@pytest.fixture
def study() -> ModuleType:
    spec = spec_from_file_location("study_runner", SCRIPT)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two studies, in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_bytes((SCRIPT.parents[1] / "params.yaml").read_bytes())
    for name, text in (("shared", ""), ("sweep", "deps: [data/studies/shared/a, data/studies/sweep/b]")):
        (tmp_path / "studies" / name).mkdir(parents=True)
        (tmp_path / "studies" / name / "dvc.yaml").write_text(
            f"# {text}\nstages: {{first: {{}}, last: {{}}}}\n"
        )
        (tmp_path / "studies" / name / "overrides.yaml").write_text("train: {epochs: 2}\n")
    return tmp_path


def test_the_studies_whose_data_is_read_are_needed(study: ModuleType, project: Path) -> None:
    assert study.needs("sweep") == ["shared"]
    assert study.needs("shared") == []
    assert study.last_stage("sweep") == "last"


def test_params_are_those_of_the_pipeline_changed_by_the_study_and_by_hand(
    study: ModuleType, project: Path
) -> None:
    from rarebeat.core.params import read_params

    study.show("sweep", ["train.seed=3"])
    written = read_params(project / "studies/sweep/params.yaml")["train"]
    assert written == read_params(project / "params.yaml")["train"] | {"epochs": 2, "seed": 3}
    assert (project / "studies/sweep/.dvcignore").read_text().endswith("\n!dvc.yaml\n")
    with pytest.raises(ParamsError, match=r"did you mean train\.seed"):
        study.show("sweep", ["train.seeds=3"])


def test_an_unfinished_study_is_hidden_from_dvc_and_a_finished_one_is_not(
    study: ModuleType, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = "studies/sweep/dvc.yaml:first\nstudies/sweep/dvc.yaml:last\n"
    monkeypatch.setattr(study, "dvc", lambda *arguments: names)
    ignore, lock = project / "studies/sweep/.dvcignore", project / "studies/sweep/dvc.lock"
    study.show("sweep", [])
    lock.write_text("stages:\n  first:\n    cmd: x\n  last:\n    cmd: y\n")
    study.hide_unfinished("sweep")
    assert ignore.exists()
    lock.write_text("stages:\n  first:\n    cmd: x\n")
    study.hide_unfinished("sweep")
    assert not ignore.exists()


def test_a_study_that_dvc_cannot_read_is_hidden_and_its_error_is_the_one_that_is_told(
    study: ModuleType, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dvc(*arguments: str) -> str:
        raise RarebeatError(f"dvc {arguments[0]} cannot read it")

    monkeypatch.setattr(study, "dvc", dvc)
    with pytest.raises(RarebeatError, match="dvc dag cannot read it"):
        study.study("sweep")
    assert not list(project.glob("studies/*/.dvcignore"))
    (project / "studies/sweep/dvc.yaml").write_text("stages: [")
    with pytest.raises(RarebeatError, match=r"cannot read the stages of studies/sweep/dvc\.yaml"):
        study.study("sweep")
    assert not list(project.glob("studies/*/.dvcignore"))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.seed=-1", r"train\.seed: .*greater than or equal to 0"),
        ("cells.seed=[0, '1; touch x']", "must be letters"),
        ("heads=rare_onyl", "did you mean rare_only"),
    ],
)
def test_all_params_of_a_study_are_checked_before_it_runs(
    study: ModuleType, project: Path, override: str, message: str
) -> None:
    (project / "studies/sweep/overrides.yaml").write_text("cells: {seed: [0]}\n")
    with pytest.raises(ParamsError, match=message):
        study.study("sweep", overrides=[override])
    assert not list(project.glob("studies/*/.dvcignore"))


@pytest.mark.parametrize(
    "name", ["a b", "a,b", "[a]", "a=b", "a#b", "größe", "$(touch x)", "a'b\"c", "a`b;c"]
)
def test_recordings_may_lie_in_a_folder_of_any_name(
    study: ModuleType, project: Path, tmp_path: Path, name: str
) -> None:
    (project / name).mkdir()
    assert study.link(Path(name))
    assert (project / "data/raw/ecg").resolve() == project / name
    command = ["make", "--dry-run", "study", "STUDY=sweep", f"ECG={name.replace('$', '$$')}"]
    said = subprocess.run(command, cwd=SCRIPT.parents[1], capture_output=True, text=True, check=True).stdout
    (recipe,) = [line for line in said.splitlines() if "pipeline/study.py" in line]
    assert '--ecg "$ECG"' in recipe  # the shell takes it from the environment as it is
    assert name not in recipe


def test_recordings_are_linked_and_linked_anew(study: ModuleType, project: Path) -> None:
    (project / "one").mkdir()
    (project / "two").mkdir()
    for name in ("one", "two"):
        assert study.link(Path(name))
        assert not study.link(project / name)
        assert (project / "data/raw/ecg").resolve() == project / name
    with pytest.raises(RarebeatError, match="no folder"):
        study.link(Path("three"))
    (project / "data/raw/ecg").unlink()
    (project / "data/raw/ecg").mkdir()
    with pytest.raises(RarebeatError, match="is a folder, not a link"):
        study.link(Path("one"))


RECORDINGS = """stages:
  ingest:
    foreach: [a, b]
    do:
      wdir: ../..
      cmd: mkdir -p data/studies/recordings/${item} && cp data/raw/ecg/${item} data/studies/recordings/${item}/x
      outs:
        - data/studies/recordings/${item}
"""
SHARING = """stages:
  last:
    wdir: ../..
    cmd: cat data/studies/recordings/a/x data/studies/recordings/b/x > page
    deps: [data/studies/recordings]
    outs: [page]
"""


def test_recordings_of_another_folder_are_read_anew(
    study: ModuleType, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    subprocess.run(["git", "init", "--quiet"], check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], check=True)
    (project / ".dvcignore").write_text("/studies/*/dvc.yaml\n")
    (project / "studies/recordings").mkdir()
    (project / "studies/recordings/dvc.yaml").write_text(RECORDINGS)
    (project / "studies/recordings/overrides.yaml").write_text("{}")
    (project / "studies/sweep/dvc.yaml").write_text(SHARING)
    for name in ("one", "two"):
        (project / name).mkdir()
        for cohort in "ab":
            (project / name / cohort).write_text(f"{name}-{cohort} ")

    def page(ecg: str | None) -> str:
        study.study("sweep", ecg=Path(ecg) if ecg else None)
        return (project / "page").read_text()

    assert page("one") == "one-a one-b "
    (project / "two/b").unlink()
    with pytest.raises(RarebeatError, match="ingest@b failed"):
        page("two")
    (project / "two/b").write_text("two-b ")
    capsys.readouterr()
    assert page(None) == "two-a two-b "  # goes on where it stopped
    assert "ingest@a" not in capsys.readouterr().err
    assert page("one") == "one-a one-b "  # though DVC knows what these commands have made before
    capsys.readouterr()
    assert page("one") == "one-a one-b "
    assert "running" not in capsys.readouterr().err


def test_a_study_that_there_is_not_is_one_clear_message(project: Path) -> None:
    result = subprocess.run(
        [sys.executable, str(SCRIPT), "swep"], capture_output=True, text=True, cwd=project
    )
    assert result.returncode == 2
    assert "there is no study 'swep'; there are: shared, sweep" in result.stderr


def test_the_cells_that_are_set_are_those_of_the_study_that_is_run(
    study: ModuleType, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "studies/sweep/overrides.yaml").write_text("cells: {one: {model: [a], seed: [0]}}\n")
    (project / "studies/shared/dvc.yaml").write_text(
        "stages:\n  first:\n    params:\n      - studies/shared/params.yaml:\n          - train\n"
    )
    shown: dict[str, list[str]] = {}
    monkeypatch.setattr(study, "show", lambda name, overrides: shown.update({name: overrides}) or {})
    monkeypatch.setattr("rarebeat.cli.params.check_params", lambda content: None)
    monkeypatch.setattr("rarebeat.cli.own_parts.write_own_parts", lambda *_: None)
    monkeypatch.setattr(study, "dvc", lambda *_: "{}")
    study.study("sweep", overrides=["cells.one.model=[b]", "cells.one.seed=[1]", "train.epochs=3"])
    assert shown["sweep"] == ["cells.one.model=[b]", "cells.one.seed=[1]", "train.epochs=3"]
    assert shown["shared"] == ["train.epochs=3"]


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("subsampling_real", "heads=av_block_1st_degree"),
        ("subsampling_real", "compare.classes=[av_block_1st_degree]"),
        ("finetune", "compare.across=network"),
        ("label_efficiency", "compare.against.way=all_heads"),
        ("label_efficiency", "cells={alone: {way: [one_head_each], fraction: [1.0], seed: [0]}}"),
        ("ablation", "train.threshold=challenge_coordinate"),
    ],
)
def test_what_suits_a_study_alone_is_no_fault_of_the_studies_whose_data_it_reads(
    study: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str, entry: str
) -> None:
    from rarebeat.cli.params import check_params
    from rarebeat.core.params import read_params

    monkeypatch.chdir(SCRIPT.parents[1])
    for each in [name, *study.needs(name)]:
        own = [entry] if each == name else study.concerning(each, [entry])
        check_params(read_params([Path("params.yaml"), Path("studies") / each / "overrides.yaml"], own))


def test_what_a_study_reads_is_set_there_too(study: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SCRIPT.parents[1])
    given = ["use=[ludb]", "cohorts.ludb.root=x", "workers=2", "train.epochs=1", "tracking.experiment=x"]
    assert study.concerning("recordings", given) == [*given[:3], given[4]]
    assert study.concerning("finetune", given) == given
    assert study.concerning("finetune", ["cells={seed: [0]}", "compare.at_least=2", "search.seed=1"]) == []


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("studies/recordings/dvc.yaml:ingest@ludb", True),
        ("studies/sources/dvc.yaml:recordings@ludb", True),
        ("studies/sources/dvc.yaml:label@ludb", False),
    ],
)
def test_stages_that_read_recordings_are_known_by_their_names(
    study: ModuleType, stage: str, expected: bool
) -> None:
    assert study.reads(stage) is expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], 'study.py "$STUDY"'),
        (["JOBS=2"], 'study.py "$STUDY" --jobs 2'),
        (["ON=ray", "GPUS=0.5"], 'study.py "$STUDY" --on "$ON" --gpus 0.5'),
        (["ON=slurm", "JOBS=200", "SET=-S train.epochs=2"], '--jobs 200 --on "$ON" -S train.epochs=2'),
    ],
)
def test_make_says_where_cells_run_and_how_many(said: list[str], expected: str) -> None:
    command = ["make", "--dry-run", "study", "STUDY=table1", *said]
    told = subprocess.run(command, cwd=SCRIPT.parents[1], capture_output=True, text=True, check=True).stdout
    (recipe,) = [line for line in told.splitlines() if "pipeline/study.py" in line]
    assert " ".join(recipe.split()).endswith(expected)


def test_machines_that_there_are_not_are_one_clear_message(
    study: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "dvc", lambda *_: "")
    monkeypatch.setattr("rarebeat.studies.away.dvc", lambda *_: "")
    with (
        pytest.raises(
            RarebeatError, match=r"no machines are called 'rya'; there are: here, ray, .*slurm, sky"
        ),
        study.where("rya", 0, ["table1"], {}, ()),
    ):
        pass
