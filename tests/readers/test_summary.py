"""What ingest tells the owner of an archive, and nobody else: which files were refused, and what was passed over."""

import csv
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.core.record_files import read_quarantine
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.readers.summary import owner_table, summary_lines


def _private_exports(root: Path, muse_xml: Callable[..., bytes]) -> dict[str, str]:
    (root / "sub").mkdir(parents=True)
    (root / "good.xml").write_bytes(muse_xml())
    (root / "sub" / "Smith.xml").write_bytes(b"<Smith/>")
    (root / "=1+1.xml").write_bytes(b"no XML")
    (root / "cart.xml").write_bytes(b'<restingecgdata xmlns="urn:x"/>')
    for name in ("one.xml.gz", "two.XML.GZ", "notes.smith", "README", ".DS_Store"):
        (root / name).write_bytes(b"")
    (root / "elsewhere").symlink_to(root / "sub")
    return {"key_file": str(root.parent / "keys" / "pseudonym.key")}


def test_the_owner_alone_finds_a_quarantined_file_again(
    muse_xml: Callable[..., bytes], tmp_path: Path
) -> None:
    root = tmp_path / "exports"
    options = _private_exports(root, muse_xml)
    summary = ingest_cohort("muse-xml", root, tmp_path / "out", options=options, workers=1)
    table = owner_table("muse-xml", root, options)
    assert table is not None
    assert table.parent == tmp_path / "keys"
    assert stat.S_IMODE(table.stat().st_mode) == 0o600
    with table.open(newline="") as file:
        rows = {row["record_id"]: row for row in csv.DictReader(file)}
    public = {row["record_id"]: row for row in read_quarantine(tmp_path / "out").to_pylist()}
    assert rows.keys() == public.keys()
    found = {Path(row["path"]).name: (row["detail"], public[key]["detail"]) for key, row in rows.items()}
    assert found["Smith.xml"] == (
        "not a MUSE RestingECG: its root is 'Smith'",
        "not a MUSE RestingECG: its root is '…'",
    )
    assert (
        found["cart.xml"][1] == "not a MUSE RestingECG: its root is restingecgdata, an XML format of Philips"
    )
    assert any(str(table) in line for line in summary_lines("out", "muse-xml", root, summary, options))
    assert "smith" not in repr(list(public.values())).lower()


def test_the_owner_has_the_table_also_when_nothing_could_be_read(tmp_path: Path) -> None:
    root = tmp_path / "exports"
    root.mkdir()
    (root / "a.xml").write_bytes(b"<Smith/>")
    options = {"key_file": str(tmp_path / "key")}
    with pytest.raises(RarebeatError, match="0 of 1 records"):
        ingest_cohort("muse-xml", root, tmp_path / "out", options=options, workers=1)
    table = owner_table("muse-xml", root, options)
    assert table is not None
    assert "'Smith'" in table.read_text()
    assert owner_table("challenge", root, {}) is None


def test_what_is_passed_over_is_counted_by_its_ending(muse_xml: Callable[..., bytes], tmp_path: Path) -> None:
    root = tmp_path / "exports"
    options = _private_exports(root, muse_xml)
    summary = ingest_cohort("muse-xml", root, tmp_path / "out", options=options, workers=1)
    assert summary["passed_over"] == {
        ".xml.gz": 2,
        "linked folder": 1,
        "other ending": 1,
        "no ending": 1,
        "hidden file": 1,
    }
    assert any("2 x .xml.gz" in line for line in summary_lines("out", "muse-xml", root, summary, options))
