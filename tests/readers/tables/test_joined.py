"""Tables that are joined to the recordings of any kind of archive."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import yaml

from rarebeat.core.errors import BadRecordError, MissingSourceError, ParamsError, RarebeatError
from rarebeat.core.records import INCOMPLETE, LEADS, Record
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.registry import get_source
from rarebeat.readers.summary import summary_lines
from rarebeat.readers.tables import joined
from rarebeat.readers.tables.settings import split_options

Microvolts = npt.NDArray[np.int16]
PUBLIC = {"patient_namespace": "own"}


@pytest.fixture
def root(ecg: Microvolts, tmp_path: Path) -> Path:
    """Three arrays: ecgs/1.npy, ecgs/2.npy, ecgs/3.npy."""
    side = {"rate": 500, "unit": "uV", "leads": list(LEADS), "files": "ecgs/*"}
    (tmp_path / "arrays.yaml").write_text(yaml.safe_dump(side))
    (tmp_path / "ecgs").mkdir()
    for number in (1, 2, 3):
        np.save(tmp_path / "ecgs" / f"{number}.npy", ecg)
    return tmp_path


def table(root: Path, text: str, **options: Any) -> dict[str, Any]:
    (root / "table.csv").write_text(text)
    return PUBLIC | {"tables": [{"csv": "table.csv", "key": "ecg", **options}]}


def read_all(root: Path, options: dict[str, Any], kind: str = "arrays") -> list[Record]:
    source = get_source(kind)
    entries, _ = joined.discover(source, root, options)
    private = joined.is_private(source, options)
    key = Pseudonym(b"secret", private=True) if private else Pseudonym()
    return [joined.read(source, entry, key, options) for entry in entries]


@pytest.mark.parametrize(
    "names", [("1", "2", "3"), ("1.0", "2.0", "3.0"), ("ecgs/1.npy", "./ecgs/2.npy", "ecgs/3")]
)
def test_a_row_finds_its_recording_by_id_path_or_name(names: tuple[str, ...], root: Path) -> None:
    rows = "\n".join(f"{name},text {index}" for index, name in enumerate(names))
    records = read_all(root, table(root, f"ecg,report\n{rows}\n", text_column="report"))
    assert [record.text for record in records] == ["text 0", "text 1", "text 2"]


def test_person_patient_and_fold_come_from_the_columns_that_are_named(root: Path) -> None:
    columns = {f"{name}_column": name for name in ("age", "sex", "patient", "fold")}
    text = "ecg,age,sex,patient,fold\n1,63,2,P7,3\n2,?,1,P7,\n3,x,,,\n"
    options = table(root, text, **columns, sex_values={1: "male", 2: "female"})
    one, two, three = read_all(root, options)
    assert (one.age, one.sex, one.fold) == (63.0, "female", 3)
    assert one.patient_id == two.patient_id == Pseudonym().of("own", "P7")
    assert (two.age, two.sex, two.not_understood) == (None, "male", ())
    assert (three.patient_id, three.not_understood) == (None, ("age",))


def test_several_columns_of_text_are_lines_of_one_report(root: Path) -> None:
    text = "ecg,report_0,report_1,note\n1,Sinus rhythm,,See also\n2,,AF,\n3,,,\n"
    records = read_all(root, table(root, text, text_column=["report_*", "note"]))
    assert [record.text for record in records] == ["Sinus rhythm\nSee also", "AF", None]


def test_a_pattern_that_no_column_fits_is_told_and_not_taken_for_empty_reports(root: Path) -> None:
    options = table(root, "ecg,Report_0,note\n1,AF,\n", text_column=["report_*", "note"])
    with pytest.raises(RarebeatError, match=r"no column report_\*; its columns are: ecg, Report_0, note"):
        read_all(root, options)


def test_a_long_table_has_a_row_for_each_statement(root: Path) -> None:
    text = "ecg,statement,code,whole\n1,Sinus rhythm,SR,no\n2,AF,AFIB,no\n1,LBBB,CLBBB,no\n1,LBBB,CLBBB,no\n"
    columns = {"text_column": "statement", "codes_column": "code", "complete_column": "whole"}
    one, two, three = read_all(root, table(root, text, rows="many", **columns))
    assert one.text == "Sinus rhythm\nLBBB\nLBBB"
    assert one.codes == ("scp:SR", "scp:CLBBB", INCOMPLETE)
    assert (two.codes, three.codes) == (("scp:AFIB", INCOMPLETE), ())


def test_two_rows_that_tell_different_things_refuse_the_recording(root: Path) -> None:
    text = "ecg,age,report\n1,63,a\n2,50,b\n2,51,b\n3,1,c\n3,1,c\n"
    options = table(root, text, age_column="age", text_column="report")
    source = get_source("arrays")
    entries, _ = joined.discover(source, root, options)
    assert joined.read(source, entries[2], Pseudonym(), options).age == 1.0  # twice the same
    with pytest.raises(BadRecordError, match="two rows of it"):
        joined.read(source, entries[1], Pseudonym(), options)
    options = table(root, text, rows="many", age_column="age", text_column="report")
    entries, _ = joined.discover(source, root, options)
    with pytest.raises(BadRecordError, match="two patients, ages"):
        joined.read(source, entries[1], Pseudonym(), options)


def test_a_row_that_could_mean_two_recordings_is_given_to_neither(ecg: Microvolts, root: Path) -> None:
    (root / "ecgs" / "old").mkdir()
    np.save(root / "ecgs" / "old" / "1.npy", ecg)
    side = (root / "arrays.yaml").read_text()
    (root / "arrays.yaml").write_text(side.replace("ecgs/*", "ecgs/**/*"))
    with pytest.raises(BadRecordError, match="names several recordings"):
        read_all(root, table(root, "ecg,report\n1,a\n", text_column="report"))
    records = read_all(root, table(root, "ecg,report\necgs/1.npy,a\n", text_column="report"))
    assert [record.text for record in records] == ["a", None, None, None]


def test_a_document_beside_an_ecg_takes_no_row_from_it(
    muse_xml: Callable[..., bytes], tmp_path: Path
) -> None:
    """A hospital exports 1.xml and 1.pdf: the row of 1 is that of the ECG."""
    exports = tmp_path / "exports"
    exports.mkdir()
    for number in (1, 2):
        (exports / f"{number}.xml").write_bytes(muse_xml())
        (exports / f"{number}.pdf").write_bytes(b"%PDF-1.7")
    options = table(exports, "ecg,age\n1,33\n2,44\n", age_column="age")
    summary = ingest_cohort("files", exports, tmp_path / "out", options=options, workers=1)
    assert (summary["records"], summary["quarantined"]) == (2, 2)
    assert summary["tables"]["table.csv"] == {
        "rows": 2,
        "rows_without_recording": 0,
        "recordings_without_row": 0,
    }


def test_an_archive_that_holds_one_ecg_may_name_it(muse_xml: Callable[..., bytes], tmp_path: Path) -> None:
    for number in (1, 2):
        with zipfile.ZipFile(tmp_path / f"{number}.zip", "w") as archive:
            archive.writestr("ecg.xml", muse_xml())
    records = read_all(tmp_path, table(tmp_path, "ecg,age\n1,33\n2.zip,44\n", age_column="age"), "files")
    assert [record.age for record in records] == [33, 44]


@pytest.mark.parametrize("key", ["{}", "{}.xml", "in/{}", "in/{}.xml", "all.zip/in/{}.xml"])
def test_a_row_finds_a_member_of_an_archive_as_if_it_were_unpacked(
    key: str, muse_xml: Callable[..., bytes], tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for number in (1, 2):
            archive.writestr(f"in/{number}.xml", muse_xml())
    text = f"ecg,age\n{key.format(1)},33\n{key.format(2)},44\nall,99\n"
    records = read_all(tmp_path, table(tmp_path, text, age_column="age"), "files")
    assert [record.age for record in records] == [33, 44]


def test_a_name_is_the_same_whichever_way_its_accents_are_written(
    muse_xml: Callable[..., bytes], tmp_path: Path
) -> None:
    """macOS writes an umlaut as a letter and a mark, and a table from elsewhere as one letter."""
    (tmp_path / "Mu\u0308ller.xml").write_bytes(muse_xml())
    (record,) = read_all(tmp_path, table(tmp_path, "ecg,age\nM\u00fcller,33\n", age_column="age"), "files")
    assert record.age == 33


def test_whole_numbers_that_a_missing_value_has_made_decimals_mean_the_same(root: Path) -> None:
    text = "ecg,sex,code\n1,1.0,426783006.0\n2,0.0,\n3,,164889003.0\n"
    columns = {"sex_column": "sex", "codes_column": "code", "code_system": "snomed"}
    records = read_all(root, table(root, text, sex_values={0: "male", 1: "female"}, **columns))
    assert [record.sex for record in records] == ["female", "male", None]
    assert [record.codes for record in records] == [("snomed:426783006",), (), ("snomed:164889003",)]
    assert not any(record.not_understood for record in records)


def test_what_finds_no_partner_is_counted_and_told(root: Path, tmp_path: Path) -> None:
    options = table(root, "ecg,report\n1,Sinus rhythm\n9,AF\n", text_column="report")
    summary = ingest_cohort("arrays", root, tmp_path / "out", options=options, workers=1)
    counts = {"rows": 2, "rows_without_recording": 1, "recordings_without_row": 2}
    assert summary["tables"] == {"table.csv": counts}
    told = "\n".join(summary_lines("own", "arrays", root, summary, options))
    assert "table.csv: 1 of 2 rows name no recording, and 2 recordings have no row" in told


def test_ready_made_labels_replace_codes_and_nothing_is_matched(root: Path) -> None:
    (root / "labels.csv").write_text("ecg,AF,sinus_rhythm\n1,1,0\n2,,1.0\n3,,\n")
    options = table(root, "ecg,code\n1,NORM\n2,NORM\n", codes_column="code") | {"labels_csv": "labels.csv"}
    codes = [record.codes for record in read_all(root, options)]
    assert codes == [("label:AF=1", "label:sinus_rhythm=0"), ("label:sinus_rhythm=1",), ()]


def test_columns_that_are_no_classes_are_named_or_left_out(root: Path) -> None:
    (root / "labels.csv").write_text("age,ecg,AF\n63,1,1\n")
    options = PUBLIC | {"labels_csv": "labels.csv", "labels_key": "ecg"}
    with pytest.raises(RarebeatError, match=r"row 2: age is '63', expected 0, 1 or nothing.*labels_columns"):
        read_all(root, options)
    (root / "labels.csv").write_text("ecg,AF\n1,-1\n")
    with pytest.raises(
        RarebeatError, match=r"AF is '-1', expected 0, 1 or nothing \(not known, or not certain\)"
    ):
        read_all(root, PUBLIC | {"labels_csv": "labels.csv"})
    (root / "labels.csv").write_text("age,ecg,AF\n63,1,1\n")
    assert read_all(root, options | {"labels_columns": ["AF"]})[0].codes == ("label:AF=1",)


def test_a_kind_without_options_of_its_own_takes_tables_too(
    muse_xml: Callable[..., bytes], tmp_path: Path
) -> None:
    (tmp_path / "a.xml").write_bytes(muse_xml())
    (tmp_path / "labels.csv").write_text("file,AF\na,1\n")
    (record,) = read_all(tmp_path, {"labels_csv": "labels.csv"}, "muse-xml")
    assert record.codes == ("label:AF=1",)


def test_text_and_codes_of_a_private_archive_are_cut(root: Path) -> None:
    text = "ecg,report,code,mrn\n1,Atrial flutter in Kowalski,AFLT,007\n2,Kowalski,Kowalski,7\n"
    columns = {"text_column": "report", "codes_column": "code", "patient_column": "mrn"}
    options = table(root, text, **columns)
    del options["patient_namespace"]
    one, two, _ = read_all(root, options)
    assert one.text == "Atrial flutter in Xxx"
    assert (one.codes, two.codes) == (("scp:AFLT",), ("scp:other",))
    assert one.patient_id == two.patient_id
    kept, *_ = read_all(root, options | {"free_text": "keep"})
    assert "Kowalski" in str(kept.text)


def test_options_that_are_wrong_are_named() -> None:
    with pytest.raises(ParamsError, match=r"tables.0.kye: .*did you mean 'key'\?"):
        split_options({"tables": [{"csv": "a.csv", "kye": "x"}]})
    with pytest.raises(ParamsError, match="go with labels_csv"):
        split_options({"labels_key": "x"})


def test_a_table_that_is_not_there_is_named(root: Path) -> None:
    options = PUBLIC | {"tables": [{"csv": "other.csv", "key": "ecg"}]}
    with pytest.raises(MissingSourceError, match=r"no file .*other\.csv.*option tables"):
        read_all(root, options)
    with pytest.raises(RarebeatError, match="has no column words"):
        read_all(root, table(root, "ecg,report\n", text_column="words"))
