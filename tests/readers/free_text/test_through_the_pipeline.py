"""Planted identifiers of private cohorts, looked for in everything that the stages and the audit write."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest

from rarebeat.audit.page import write_audit
from rarebeat.audit.sample import Cohort, draw_audit
from rarebeat.core.records import LEADS
from rarebeat.labels.extract import label_cohort
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.reporting.agreement_page import agreement_page

REPORTS = (
    "Atrial fibrillation in Mrs Kowalski, room Elysium 4711",
    "=HYPERLINK(4711), called by Kowalski from Elysium",
    "Vorhofflimmern. gez. Kowalski, Tel. 0171 2345678",
    "Kowalski wants a copy, MRN 4711471",
    "Sinus rhythm, no AF. Overread: J. Kowalski. Left bundle branch block",
)
SECRETS = ("kowalski", "elysium", "4711", "0171", "2345678", "hyperlink")


def _stored(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file below a folder, as text; tables without their signals, whose bytes may be anything."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            kept = [column for column in table.column_names if column not in ("signal", "fingerprint")]
            yield name, f"{name} {table.schema} {table.select(kept).to_pylist()}"
        else:
            yield name, f"{name} {path.read_text(encoding='utf-8')}"


@pytest.fixture(params=["muse-xml", "wfdb", "arrays", "files"])
def outputs(
    request: pytest.FixtureRequest,
    muse_xml: Callable[..., bytes],
    write_wfdb: Callable[..., Path],
    ecg: npt.NDArray[np.int16],
    pseudonym_key: Path,
    tmp_path: Path,
) -> Callable[[str], Path]:
    """Records, labels, audit and agreement page of a cohort whose reports hold identifiers."""
    root = tmp_path / "archive"
    root.mkdir()
    if request.param in ("muse-xml", "files"):
        for number, text in enumerate(REPORTS):
            content = muse_xml(diagnosis=((text,),))
            (root / f"kowalski{number}.xml").write_bytes(content)
        (root / "elysium.xml").write_bytes(b"<Kowalski/>")
    elif request.param == "arrays":
        leads = ", ".join(LEADS)
        (root / "arrays.yaml").write_text(f"files: '*.npy'\nrate: 500\nunit: uV\nleads: [{leads}]\n")
        rows = ["record,report,codes,mrn"]
        for number, text in enumerate(REPORTS):
            np.save(root / f"kowalski{number}.npy", ecg)
            rows.append(f'kowalski{number},"{text}","AFLT 4711 Kowalski",4711')
        (root / "elysium.npy").write_bytes(b"Kowalski")
        (root / "list.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    else:
        rows = ["record,report,codes"]
        for number, text in enumerate(REPORTS):
            write_wfdb(ecg, name=f"kowalski{number}", folder=root)
            rows.append(f'kowalski{number},"{text}","AFLT 4711 Kowalski"')
        (root / "list.csv").write_text("\n".join([*rows, "elysium,,"]) + "\n", encoding="utf-8")
    named = {"text_column": "report", "codes_column": "codes"}
    table = {"csv": "list.csv", "key": "record", "patient_column": "mrn", **named}
    columns: dict[str, object] = {"wfdb": named, "arrays": {"tables": [table]}}.get(request.param, {})

    def run(free_text: str) -> Path:
        out = tmp_path / free_text
        options = {"key_file": str(pseudonym_key), "free_text": free_text, **columns}
        ingest_cohort(request.param, root, out / "records" / "ward", options=options, workers=1)
        label_cohort(out / "records" / "ward", out / "labels" / "ward", "hughes24", signal_checks=False)
        cohort = Cohort("ward", out / "records" / "ward", out / "labels" / "ward")
        write_audit(out / "audit", draw_audit([cohort], "hughes24", (), 20, 100, 0))
        (out / "agreement.md").write_text(
            agreement_page({"ward": out / "labels" / "ward"}, 5), encoding="utf-8"
        )
        return out

    return run


def test_nothing_that_was_planted_is_in_any_file(outputs: Callable[[str], Path]) -> None:
    found = dict(_stored(outputs("recognised")))
    assert {
        "records/ward/part-00000.parquet",
        "labels/ward/unmatched.csv",
        "audit/audit.html",
    } <= found.keys()
    for name, content in found.items():
        assert not [secret for secret in SECRETS if secret in content.lower()], name
    assert "Atrial fibrillation" in found["records/ward/part-00000.parquet"]
    assert "Left bundle branch block" in found["labels/ward/evidence.parquet"]


def test_the_option_that_keeps_text_keeps_what_is_not_found(outputs: Callable[[str], Path]) -> None:
    """The test above can fail: with the option, what redaction does not find is in every one of those files."""
    found = dict(_stored(outputs("keep")))
    for name in ("records/ward/part-00000.parquet", "labels/ward/unmatched.csv", "audit/audit.html"):
        assert "elysium" in found[name].lower()
    assert re.search("'=hyperlink", found["labels/ward/unmatched.csv"])  # no formula for a spreadsheet


def test_labels_are_the_same_with_and_without_the_text(outputs: Callable[[str], Path]) -> None:
    tables = [
        pq.read_table(outputs(kind) / "labels" / "ward" / f"{origin}.parquet").to_pylist()
        for kind in ("recognised", "keep")
        for origin in ("text", "codes")
    ]
    assert tables[:2] == tables[2:]
