"""The command ``rarebeat predict``: whose ECG it is, where a network uses that."""

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from rarebeat.cli.console import new_app
from rarebeat.cli.models import predict, score
from rarebeat.core.errors import ParamsError
from rarebeat.core.parquet import read_table
from rarebeat.core.signals import Preprocessing
from rarebeat.inference.model_folder import ModelCard, save_model
from rarebeat.models.registry import build


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that uses age and sex; its weights are random."""
    torch.manual_seed(0)
    settings = {"width": 4}
    card = ModelCard(
        architecture="se_resnet",
        settings=settings,
        classes=("one", "two"),
        thresholds={"one": 0.5, "two": 0.5},
        preprocessing=Preprocessing(),
        units="mV",
        heads="two",
        cohorts=("toy",),
        vocabulary="toy",
    )
    folder = tmp_path_factory.mktemp("models") / "person"
    save_model(folder, build("se_resnet", 2, 2500, settings), card)
    return folder


def run(*arguments: object) -> Result:
    app = new_app()
    app.command()(predict)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def probability(model: Path, *arguments: object) -> float:
    result = run("--model", model, "--json", *arguments)
    assert result.exit_code == 0, result.output
    (answer,) = json.loads(result.stdout)
    return float(answer["classes"]["one"]["probability"])


def test_age_and_sex_come_from_the_file_or_from_the_command(model: Path, wfdb_record: Path) -> None:
    unknown = probability(model, wfdb_record)
    given = probability(model, wfdb_record, "--age", 63, "--sex", "Male")
    assert given != unknown
    with wfdb_record.open("a") as file:
        file.write("#Age: 63\n#Sex: Male\n")
    assert probability(model, wfdb_record) == given
    assert probability(model, wfdb_record, "--age", 20) != given
    assert probability(model, wfdb_record, "--sex", "female") != given
    assert probability(model, wfdb_record, "--age", 104) == probability(model, wfdb_record, "--age", 90)


def test_a_network_that_uses_age_and_sex_says_what_it_is_not_told(model: Path, wfdb_record: Path) -> None:
    def warning(*arguments: object) -> str | None:
        (answer,) = json.loads(run("--model", model, "--json", wfdb_record, *arguments).stdout)
        return answer.get("warning")

    assert warning() == "the model uses age and sex, and is not told the age and the sex"
    assert warning("--age", 63) == "the model uses age and sex, and is not told the sex"
    assert warning("--age", 63, "--sex", "F") is None
    assert "warning: the model uses age" in run("--model", model, wfdb_record).stdout


def test_a_sex_that_is_none_is_told(model: Path, wfdb_record: Path) -> None:
    result = run(wfdb_record, "--model", model, "--sex", "x")
    assert isinstance(result.exception, ParamsError)
    assert str(result.exception) == "sex takes female or male, found 'x'"


def test_an_age_that_nobody_has_is_refused(model: Path, wfdb_record: Path) -> None:
    assert run(wfdb_record, "--model", model, "--age", 300).exit_code == 2


def test_a_folder_is_answered_into_a_table(model: Path, wfdb_record: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "predictions.parquet"
    done = run(wfdb_record.parent, "--model", model, "--out", out)
    assert done.exit_code == 0
    assert done.stdout == f"1 answered, 1 with a warning, 0 not answered -> {out}\n"
    (wfdb_record.parent / "bad.hea").write_text("x")
    done = run(wfdb_record.parent, "--model", model, "--out", out, "--age", 50, "--sex", "F")
    assert done.exit_code == 1
    assert done.stdout == f"1 answered, 0 with a warning, 1 not answered -> {out}\n"
    rows = {Path(row["file"]).name: row for row in read_table(out).to_pylist()}
    assert rows["bad.hea"]["error"].startswith("unreadable")
    assert rows["r1.hea"]["probability.one"] == probability(model, wfdb_record, "--age", 50, "--sex", "F")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--json", "--out", "a.csv"], "one of the two"),
        (["--out", "a.xls"], "not as 'a.xls'"),
        (["--kind", "ptbxl"], "did you mean"),
        (["-o", "rate=100"], "name the kind"),
        (["-o", "rate"], "takes key=value"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_is_read(
    model: Path, wfdb_record: Path, arguments: list[str], message: str
) -> None:
    result = run(wfdb_record, "--model", model, *arguments)
    assert isinstance(result.exception, ParamsError)
    assert message in str(result.exception)


def test_decisions_of_a_table_take_no_threshold(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("record,one\na,1\nb,0\n")
    app = new_app()
    app.command()(score)
    result = CliRunner().invoke(app, [str(table), str(table), "--binary", str(table), "--threshold", "0.1"])
    assert isinstance(result.exception, ParamsError)
    assert "--binary, which has the decisions, does not take --threshold" in str(result.exception)
