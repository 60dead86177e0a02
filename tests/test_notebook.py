"""docs/tutorials/notebook.ipynb runs from its first cell to its last, and is committed as it ran."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest
from tests.pages import ROOT, anchors

NOTEBOOK = ROOT / "docs" / "tutorials" / "notebook.ipynb"
MOST_BYTES = 500_000
MOST_LINES = 24


@pytest.fixture(scope="module")
def committed() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook: Any) -> Iterator[Any]:
    return (output for cell in code(notebook) for output in cell.outputs)


def printed(notebook: Any) -> str:
    return "".join(output.text for output in outputs(notebook) if output.output_type == "stream")


@pytest.mark.slow
def test_it_trains_explains_and_exports(
    committed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbclient import NotebookClient

    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "TMPDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    place = {"metadata": {"path": str(tmp_path)}}
    ran = NotebookClient(nbformat.from_dict(committed), timeout=900, resources=place).execute()
    assert "all within 1e-4 of torch's" in printed(ran)
    assert any("image/png" in output.get("data", {}) for output in outputs(ran))
    assert not list(tmp_path.glob("rarebeat-*")), "it leaves something behind"


def test_it_is_committed_with_the_outputs_of_one_run(committed: Any) -> None:
    cells = code(committed)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert "all within 1e-4 of torch's" in printed(committed)
    assert NOTEBOOK.stat().st_size < MOST_BYTES
    assert {output.output_type for output in outputs(committed)} <= {
        "stream",
        "execute_result",
        "display_data",
    }


def test_what_is_committed_names_no_place_of_a_machine_and_no_warning(committed: Any) -> None:
    text = json.dumps([dict(output) for output in outputs(committed)])
    assert not re.search(r"/(tmp|home|root|work|Users)/|Warning", text)


def test_every_cell_is_short_and_explained(committed: Any) -> None:
    assert committed.cells[0].cell_type == "markdown"
    for before, cell in pairwise(committed.cells):
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= MOST_LINES
            alone = before.cell_type == "code" and len(before.source.splitlines()) > 8
            assert not alone, f"nothing is said of:\n{cell.source}"


def test_its_links_lead_somewhere(committed: Any) -> None:
    text = "\n".join(cell.source for cell in committed.cells if cell.cell_type == "markdown")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)#?([^)]*)\)", text)
    assert targets
    for name, anchor in targets:
        path = NOTEBOOK.parent / name
        assert path.is_file(), name
        assert not anchor or anchor in anchors(path.read_text(encoding="utf-8")), anchor
