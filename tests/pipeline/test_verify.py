"""A damaged object of DVC's cache is found, and what the message advises brings the file back."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.core.parquet import read_table

SCRIPT = Path(__file__).resolve().parents[2] / "pipeline" / "verify.py"

STAGE = """
stages:
  make:
    cmd: python make.py
    deps: [make.py]
    outs: [made]
"""

MAKE = """
from pathlib import Path
import pyarrow as pa
from rarebeat.core.parquet import write_table

Path("made").mkdir()
write_table(Path("made/table.parquet"), pa.table({"a": range(1000)}))
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Commands in a project with one stage."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(SCRIPT.parents[1] / "src"))
    (tmp_path / "make.py").write_text(MAKE)
    (tmp_path / "dvc.yaml").write_text(STAGE)

    def call(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, check=False)

    for command in (("git", "init", "--quiet"), ("dvc", "init", "--quiet"), ("dvc", "repro")):
        assert call(*command).returncode == 0
    return call


def test_a_damaged_object_of_the_cache_is_removed_and_made_again(
    run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    table, made = Path("made/table.parquet"), Path("made")
    good = table.read_bytes()
    assert "nothing is damaged" in run(sys.executable, str(SCRIPT)).stdout
    (stored,) = [
        path for path in Path(".dvc/cache/files").rglob("*") if path.is_file() and path.read_bytes() == good
    ]
    stored.chmod(0o644)
    stored.write_bytes(good[:100] + bytes([good[100] ^ 1]) + good[101:])
    stored.chmod(0o444)  # as DVC leaves it: a disk that loses a bit does not change that
    shutil.rmtree(made)
    run("dvc", "checkout")
    with pytest.raises(RarebeatError, match="run `make verify`, then `dvc repro`"):
        read_table(table)

    shutil.rmtree(made)
    verified = run(sys.executable, str(SCRIPT))
    assert verified.returncode == 2
    assert stored.name in verified.stdout
    assert run("dvc", "repro").returncode == 0
    assert read_table(table).equals(pa.table({"a": range(1000)}))
    shutil.rmtree(made)
    run("dvc", "checkout")
    assert table.read_bytes() == good


def test_what_a_killed_writer_has_left_in_a_folder_is_no_part_of_it(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    shutil.copy(SCRIPT.parents[1] / ".dvcignore", tmp_path)
    assert "up to date" in run("dvc", "status").stdout
    for ending in ("tmp", "old"):
        (tmp_path / "made" / f".simulated.0123ab-77.89abcdef.{ending}").mkdir()
        (tmp_path / "made" / f".simulated.0123ab-77.89abcdef.{ending}" / "text.parquet").write_text("half")
    assert "up to date" in run("dvc", "status").stdout
    (tmp_path / "made" / "another").write_text("whole")
    assert "up to date" not in run("dvc", "status").stdout
