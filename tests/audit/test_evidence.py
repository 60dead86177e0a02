"""What a label folder holds about single labels."""

from pathlib import Path

import pyarrow as pa
import pytest

from rarebeat.audit.evidence import read_evidence
from rarebeat.core.errors import RarebeatError
from rarebeat.core.parquet import write_table
from rarebeat.core.record_files import RECORD_SCHEMA
from rarebeat.labels.extract import label_cohort

AF, PAC = "atrial_fibrillation", "premature_atrial_complexes"
REPORTS = {
    "r1": ("Atrial fibrillation. No PACs", ["scp:AFIB"]),
    "r2": ("Sinus rhythm with possible PACs", ["scp:SR"]),
    "r3": (None, []),
}


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evidence")
    row = {"cohort": "c", "source": "ptb-xl", "rate": 500.0, "samples": 2, "calibrated": True}
    rows = [
        {**row, "record_id": name, "fingerprint": "", "signal": bytes(48), "text": text, "codes": codes}
        for name, (text, codes) in REPORTS.items()
    ]
    write_table(folder / "records" / "part-00000.parquet", pa.Table.from_pylist(rows, schema=RECORD_SCHEMA))
    label_cohort(folder / "records", folder / "labels", "hughes24", signal_checks=False)
    return folder / "labels"


def test_codes_and_text_are_read_with_their_mentions(labels: Path) -> None:
    found = read_evidence(labels, {("r1", AF), ("r1", PAC), ("r2", PAC)})
    codes, text = found["r1", AF]
    assert (codes.origin, codes.state, text.origin, text.state) == ("codes", 1, "text", 1)
    assert [mention.statement for mention in codes.mentions] == ["scp:AFIB"]
    assert [mention.statement for mention in text.mentions] == ["Atrial fibrillation"]
    assert [(reading.state, len(reading.mentions)) for reading in found["r1", PAC]] == [(0, 0), (0, 1)]
    assert found["r1", PAC][1].mentions[0].cue == "No"
    assert found["r2", PAC][1].state == -1


def test_what_nothing_is_said_of_is_unknown_without_mentions(labels: Path) -> None:
    for reading in read_evidence(labels, {("r3", AF)})["r3", AF]:
        assert (reading.state, reading.mentions) == (None, ())


def test_labels_of_other_records_or_classes_are_refused(labels: Path) -> None:
    with pytest.raises(RarebeatError, match="lack record r9"):
        read_evidence(labels, {("r9", AF)})
    with pytest.raises(RarebeatError, match=r"no class 'left_axis_deviation'.*another vocabulary"):
        read_evidence(labels, {("r1", "left_axis_deviation")})
