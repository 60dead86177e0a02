"""The audit sample: what is drawn of which records, and that nothing else moves it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from rarebeat.audit.sample import KINDS, Audit, Cohort, Item, draw_audit, write_sample
from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.files import write_csv, write_json
from rarebeat.core.parquet import read_table, write_table
from rarebeat.core.record_files import RECORD_SCHEMA
from rarebeat.labels.extract import label_cohort

AF, PAC = "atrial_fibrillation", "premature_atrial_complexes"

CLINIC = [
    *["Atrial fibrillation. Normal axis"] * 40,
    *["Vorhofflimmern"] * 5,
    *["Possible atrial fibrillation. Normal axis"] * 3,
    *["Sinus rhythm. No atrial fibrillation. Normal axis"] * 4,
    *["Sinus rhythm. Ventricular -  premature complexes"] * 25,
    "Sinus rhythm, PACs. Ventricular premature complexes",
    "Sinus rhythm. When compared with ECG of 3-MAR, ventricular premature complexes are gone",
    *["trace only requested"] * 2,
    None,
]
WARD = ["Atrial fibrillation, no longer sinus rhythm", "normal axis", "trace only requested"]


def make_cohort(folder: Path, name: str, reports: list[str | None]) -> Cohort:
    """A labelled cohort with one record per report, named r0, r1 ..."""
    rows = [
        {
            "record_id": f"r{number}",
            "cohort": name,
            "source": "made up",
            "rate": 500.0,
            "samples": 2,
            "calibrated": True,
            "text": text,
            "codes": [],
            "fingerprint": str(number),
            "signal": np.zeros((12, 2), "<i2").tobytes(),
        }
        for number, text in enumerate(reports)
    ]
    cohort = Cohort(name, folder / "records" / name, folder / "labels" / name)
    write_table(cohort.records / "part-00000.parquet", pa.Table.from_pylist(rows, schema=RECORD_SCHEMA))
    label_cohort(cohort.records, cohort.labels, "hughes24")
    return cohort


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory: pytest.TempPathFactory) -> list[Cohort]:
    folder = tmp_path_factory.mktemp("cohorts")
    return [make_cohort(folder, "clinic", CLINIC), make_cohort(folder, "ward", WARD)]


@pytest.fixture(scope="module")
def audit(cohorts: list[Cohort]) -> Audit:
    return draw_audit(cohorts, "hughes24")


def statements(items: list[Item]) -> set[str]:
    return {item.statement for item in items}


def test_each_record_that_mentions_a_class_is_of_one_kind(audit: Audit) -> None:
    assert [audit.totals[AF, kind] for kind in KINDS] == [46, 3, 4]
    assert statements(audit.of(AF, "uncertain")) == {"Possible atrial fibrillation"}
    assert statements(audit.of(AF, "near_miss")) == {"No atrial fibrillation"}
    assert {item.report for item in audit.of(AF, "near_miss")} == {CLINIC[50]}


def test_kinds_are_what_the_labels_say(cohorts: list[Cohort], audit: Audit) -> None:
    tables = [read_table(cohort.labels / "text.parquet") for cohort in cohorts]
    for entry in audit.classes:
        states = [state for table in tables for state in table.column(entry.id).to_pylist()]
        assert audit.totals[entry.id, "hit"] == states.count(1)
        assert audit.totals[entry.id, "uncertain"] == states.count(-1)


def test_a_mention_is_kept_with_its_cue_and_its_place(audit: Audit) -> None:
    evidence = audit.of(AF, "near_miss")[0].evidence
    assert evidence is not None
    assert (evidence.cue, evidence.state) == ("No", 0)
    assert evidence.statement[evidence.start : evidence.end] == "atrial fibrillation"


def test_look_alikes_are_near_misses_where_the_class_is_not_mentioned_otherwise(audit: Audit) -> None:
    near = audit.of(PAC, "near_miss")
    # neither the record with PACs as well nor the one of an earlier ECG
    assert audit.totals[PAC, "near_miss"] == 25
    assert audit.totals[PAC, "hit"] == 1
    evidence = near[0].evidence
    assert evidence is not None
    assert evidence.pattern.startswith(f"{PAC}.mask.")
    assert evidence.statement[evidence.start : evidence.end] == "Ventricular -  premature complexes"


@pytest.mark.parametrize("per_kind", [0, 1, 3, 20, 1000])
def test_weights_add_up_to_the_records_of_each_class_and_kind(cohorts: list[Cohort], per_kind: int) -> None:
    audit = draw_audit(cohorts, "hughes24", per_kind=per_kind)
    for (class_id, kind), total in audit.totals.items():
        items = audit.of(class_id, kind)
        assert len(items) == min(total, per_kind)
        assert sum(item.weight for item in items) == pytest.approx(total if per_kind else 0)


def test_rare_patterns_and_cohorts_with_few_records_are_seen(audit: Audit) -> None:
    hits = audit.of(AF, "hit")
    assert len(hits) == 20
    assert {"Atrial fibrillation", "Vorhofflimmern"} <= statements(hits)
    assert len({item.evidence.pattern for item in hits if item.evidence}) > 1


def test_the_same_inputs_and_seed_give_the_same_bytes(cohorts: list[Cohort], tmp_path: Path) -> None:
    for name, seed in (("one", 7), ("two", 7), ("other", 8)):
        write_sample(tmp_path / f"{name}.csv", draw_audit(cohorts, "hughes24", per_kind=5, seed=seed))
    one, two, other = ((tmp_path / f"{name}.csv").read_bytes() for name in ("one", "two", "other"))
    assert one == two != other


def test_a_class_has_the_same_sample_alone_as_among_others(cohorts: list[Cohort], audit: Audit) -> None:
    alone = draw_audit(cohorts, "hughes24", classes=[AF])
    assert [entry.id for entry in alone.classes] == [AF]
    for kind in KINDS:
        assert alone.of(AF, kind) == audit.of(AF, kind)


def test_items_keep_their_names_in_another_draw(cohorts: list[Cohort], audit: Audit) -> None:
    def names(drawn: Audit) -> dict[tuple[str, str, str, str], str]:
        return {(item.class_id, item.kind, item.cohort, item.record_id): item.name for item in drawn.items}

    one, two = names(audit), names(draw_audit(cohorts, "hughes24", per_kind=1000, seed=5))
    assert all(two[key] == name for key, name in one.items() if key[1] != "unmatched")
    assert len({item.name for item in audit.items}) == len(audit.items)


def test_a_class_without_a_mention_has_nothing_to_audit(audit: Audit) -> None:
    assert [audit.totals["avnrt", kind] for kind in KINDS] == [0, 0, 0]
    assert "avnrt" in {entry.id for entry in audit.classes}


def test_frequent_unmatched_statements_are_ranked_over_all_cohorts(
    cohorts: list[Cohort], tmp_path: Path
) -> None:
    first, second = (replaced(cohort, tmp_path) for cohort in cohorts)
    columns = ("statement", "records", "example")
    write_csv(first.labels / "unmatched.csv", columns, [("normal axis", 47, "r0"), ("poor quality", 2, "r1")])
    write_csv(second.labels / "unmatched.csv", columns, [("low, voltage", 9, "r0"), ("normal axis", 1, "r1")])
    items = draw_audit([first, second], "hughes24", statements=2).of("", "unmatched")
    assert [(item.statement, item.weight, item.cohort, item.record_id) for item in items] == [
        ("normal axis", 48.0, "clinic", "r0"),
        ("low, voltage", 9.0, "ward", "r0"),
    ]
    assert items[0].report == CLINIC[0]


def replaced(cohort: Cohort, folder: Path) -> Cohort:
    """A cohort with a copy of its labels, to be changed."""
    labels = folder / cohort.name
    labels.mkdir()
    for path in cohort.labels.iterdir():
        (labels / path.name).write_bytes(path.read_bytes())
    return Cohort(cohort.name, cohort.records, labels)


def test_labels_that_do_not_fit_are_told(cohorts: list[Cohort], tmp_path: Path) -> None:
    mixed = Cohort("clinic", cohorts[0].records, cohorts[1].labels)
    with pytest.raises(RarebeatError, match="are not those of the records in"):
        draw_audit([mixed], "hughes24")
    other = replaced(cohorts[0], tmp_path)
    write_json(other.labels / "summary.json", {"vocabulary": "cinc2020"})
    with pytest.raises(RarebeatError, match="made with vocabulary 'cinc2020', not 'hughes24'"):
        draw_audit([other], "hughes24")


@pytest.mark.parametrize("row", [("normal axis", "many", "r0"), ("normal axis", 3, "nobody")])
def test_a_wrong_line_of_unmatched_statements_is_told(
    cohorts: list[Cohort], tmp_path: Path, row: tuple[object, ...]
) -> None:
    cohort = replaced(cohorts[0], tmp_path)
    write_csv(cohort.labels / "unmatched.csv", ("statement", "records", "example"), [row])
    with pytest.raises(RarebeatError, match=r"unmatched\.csv, line 2: not a number of records and one of"):
        draw_audit([cohort], "hughes24")


def test_missing_unmatched_statements_are_told(cohorts: list[Cohort], tmp_path: Path) -> None:
    cohort = replaced(cohorts[0], tmp_path)
    (cohort.labels / "unmatched.csv").unlink()
    with pytest.raises(RarebeatError, match=r"unmatched\.csv is missing: label the cohort again"):
        draw_audit([cohort], "hughes24")


def test_wrong_arguments_are_told(cohorts: list[Cohort]) -> None:
    with pytest.raises(ParamsError, match="no class 'af' in hughes24"):
        draw_audit(cohorts, "hughes24", classes=["af"])
    with pytest.raises(ParamsError, match="must not be below zero"):
        draw_audit(cohorts, "hughes24", seed=-1)
    with pytest.raises(ParamsError, match="different names: clinic, clinic"):
        draw_audit([cohorts[0], cohorts[0]], "hughes24")
