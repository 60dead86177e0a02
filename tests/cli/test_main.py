"""The command line as a whole: every command is listed, explained with an example, and quick to ask for help."""

import ast
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from rarebeat.cli.main import app

ROOT: Any = typer.main.get_command(app)
NAMES = (
    "ingest",
    "inspect",
    "check",
    "croissant",
    "simulate",
    "label-text",
    "labels agreement",
    "labels noise",
    "labels words",
    "labels audit",
    "labels verdicts",
    "labels audit-model",
    "labels model-verdicts",
    "models",
    "predict",
    "score",
    "send-runs",
    "adapt",
    "drift",
    "serve",
    "thresholds",
    "export",
    "publish",
    "restore",
)


def commands(group: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        path = (*before, name)
        if hasattr(command, "commands"):
            yield from commands(command, path)
        else:
            yield " ".join(path), command


COMMANDS = dict(commands(ROOT))


def help_of(name: str) -> str:
    result = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "80"})
    assert result.exit_code == 0, result.output
    return result.output


def examples(text: str) -> list[list[str]]:
    """The words of each example below a help text, without what belongs to the shell."""
    _, _, after = text.partition("Example")
    lines = [line.strip() for line in after.splitlines() if line.strip().startswith("rarebeat ")]
    return [shlex.split(line.partition(" < ")[0]) for line in lines]


def test_the_commands_keep_their_names() -> None:
    assert sorted(COMMANDS) == sorted(NAMES)


def test_the_help_lists_every_command_under_a_heading_and_cuts_no_line() -> None:
    text = help_of("")
    for heading in ("Data:", "Labels:", "Audit:", "Models:"):
        assert f"\n{heading}\n" in text
    listed = text.partition("Data:")[2]
    for name in NAMES:
        assert f"\n  {name} " in listed
    assert "..." not in listed


def test_the_help_of_a_group_names_its_commands_as_they_are_called_there() -> None:
    assert "\n  model-verdicts " in help_of("labels")


@pytest.mark.parametrize("name", NAMES)
def test_every_example_can_be_called(name: str) -> None:
    found = examples(help_of(name))
    assert found
    for program, *words in found:
        assert program == "rarebeat"
        assert words[: len(name.split())] == name.split()
        context = COMMANDS[name].make_context(name, words[len(name.split()) :])  # parses, and runs nothing
        assert not context.args


def test_an_example_with_an_unknown_option_would_be_found() -> None:
    with pytest.raises(Exception, match="No such option"):
        COMMANDS["score"].make_context("score", ["truth.csv", "out.csv", "--treshold", "0.3"])


def test_a_misspelt_command_is_answered_with_the_nearest() -> None:
    result = CliRunner().invoke(app, ["inges"])
    assert result.exit_code == 2
    assert "Did you mean 'ingest'?" in result.output


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.output.startswith("rarebeat ")
    assert result.output.split()[1][0].isdigit()


@pytest.mark.slow
def test_help_imports_no_heavy_library() -> None:
    code = (
        "import sys\nfrom rarebeat.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'pyarrow', 'torch', 'pandas', 'yaml', 'rich', 'matplotlib'}\n"
        "print('imported:', sorted(heavy & set(sys.modules)))"
    )
    for arguments in (["--help"], ["predict", "--help"], ["labels", "audit-model", "--help"]):
        result = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
        assert result.stdout.splitlines()[-1] == "imported: []", result.stderr


def test_progress_is_shown_on_a_terminal_alone_and_only_of_what_takes_long() -> None:
    source = Path(__file__).resolve().parents[2] / "src"
    bars = [
        (path.name, {str(keyword.arg): ast.unparse(keyword.value) for keyword in node.keywords})
        for path in source.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "tqdm"
    ]
    stages = {"ingest.py", "extract.py", "signal_checks.py", "prepare.py"}
    assert {name for name, _ in bars} >= stages | {"loop.py"}
    for name, options in bars:
        assert "disable" in options, name  # None: where standard error is no terminal
        assert options.get("delay") == "2" or name not in stages, name
