"""The list of licences: what it misses, and who may bring in the GPL."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def licences() -> ModuleType:
    spec = importlib.util.spec_from_file_location("licences", ROOT / ".ci" / "licences.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_list_in_the_docs_is_that_of_what_is_installed(licences: ModuleType) -> None:
    on_page = licences.listed(licences.PAGE.read_text(encoding="utf-8"))
    without_dvc = set(licences.required(licences.OWN, without=licences.BESIDE))
    assert licences.faults(licences.installed(), on_page, without_dvc) == []


def test_a_page_can_be_read_back(licences: ModuleType) -> None:
    found = {"a": "MIT", "b": "GPL-3.0-only", "c": "MIT"}
    assert licences.listed(licences.page(found)) == found
    assert "b*" in licences.page(found)


def test_what_is_wrong_is_told(licences: ModuleType) -> None:
    found = {
        "new": "MIT",
        "changed": "MPL-2.0",
        "silent": "unknown",
        "strong": "AGPL-3.0-only",
        "weak": "MIT",
    }
    on_page = {"changed": "MIT", "silent": "unknown", "strong": "AGPL-3.0-only", "weak": "MIT"}
    assert licences.faults(found, on_page, {"strong", "weak"}) == [
        "new (MIT) is not on the list",
        "changed says 'MPL-2.0', the list 'MIT'",
        "silent does not say what its licence is",
        "strong (AGPL-3.0-only) is needed by more than dvc",
    ]
    assert licences.faults({"strong": "GPLv2"}, {"strong": "GPLv2"}, set()) == []


def test_what_one_package_brings_in_is_followed_without_another(licences: ModuleType) -> None:
    everything, without = (
        set(licences.required("rarebeat")),
        set(licences.required("rarebeat", without="dvc")),
    )
    assert {"dvc", "scmrepo", "torch"} <= everything
    assert "torch" in without
    assert not {"dvc", "scmrepo"} & without


def test_continuous_integration_runs_actions_by_commit_and_may_only_read() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yaml").read_text(encoding="utf-8")
    used = [line.split("@")[1].split()[0] for line in text.splitlines() if "uses:" in line]
    assert used
    assert all(len(commit) == 40 and set(commit) <= set("0123456789abcdef") for commit in used)
    assert "permissions:\n  contents: read\n" in text
