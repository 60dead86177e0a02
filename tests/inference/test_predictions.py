from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.parquet import write_table
from rarebeat.inference.predictions import Predictions, read_predictions, write_predictions


@pytest.fixture
def predictions() -> Predictions:
    return Predictions(
        record_ids=np.array(["r1", "r2", "r3"], dtype=object),
        cohorts=np.array(["ptb-xl", "ptb-xl", "georgia"], dtype=object),
        patients=np.array(["a", "a", "b"], dtype=object),
        splits=np.repeat(["validation", "test"], [1, 2]),
        classes=("af", "pac"),
        thresholds=np.array([0.25, 0.1]),
        probability=np.array([[0.25, 0.05], [0.2, 0.1], [0.9, 0.0]], dtype=np.float32),
        truth=np.array([[1, 0], [-1, 1], [0, -1]], dtype=np.int8),
    )


def test_what_is_written_is_read_back(tmp_path, predictions):
    path = tmp_path / "predictions.parquet"
    write_predictions(path, predictions)
    again = read_predictions(path)
    assert again.classes == predictions.classes
    for name in (
        "record_ids",
        "cohorts",
        "patients",
        "splits",
        "thresholds",
        "probability",
        "truth",
        "decisions",
    ):
        np.testing.assert_array_equal(getattr(again, name), getattr(predictions, name))
    assert (again.probability.dtype, again.truth.dtype) == (np.float32, np.int8)


def test_the_table_is_tidy_for_other_programs(tmp_path, predictions):
    write_predictions(tmp_path / "predictions.parquet", predictions)
    table = pq.read_table(tmp_path / "predictions.parquet")
    assert table.column_names == [
        *("record_id", "cohort", "patient", "split"),
        *("probability.af", "truth.af", "decision.af", "probability.pac", "truth.pac", "decision.pac"),
    ]
    assert table["truth.af"].to_pylist() == [1, None, 0]
    assert table["decision.af"].to_pylist() == [True, False, True]
    # The single-precision number next to 0.1 lies a little above it: it is compared as it is.
    assert table["decision.pac"].to_pylist() == [False, True, False]


def test_warnings_are_a_column_where_somebody_looked(tmp_path, predictions):
    warned = replace(predictions, warnings=np.array(["", "unlike", ""], dtype=object))
    write_predictions(tmp_path / "predictions.parquet", warned)
    again = read_predictions(tmp_path / "predictions.parquet")
    assert again.warnings is not None
    assert again.warnings.tolist() == ["", "unlike", ""]
    assert again.only("test").warnings.tolist() == ["unlike", ""]
    write_predictions(tmp_path / "plain.parquet", predictions)
    assert read_predictions(tmp_path / "plain.parquet").warnings is None


def test_a_split_can_be_taken_out(predictions):
    test = predictions.only("test")
    assert test.record_ids.tolist() == ["r2", "r3"]
    assert test.truth.tolist() == [[-1, 1], [0, -1]]
    assert test.decisions.tolist() == [[False, True], [True, False]]
    assert test.classes == predictions.classes


def test_thresholds_of_each_split_are_kept(tmp_path, predictions):
    assert predictions.record_thresholds.tolist() == [[0.25, 0.1]] * 3
    own = replace(predictions, by_split={"validation": np.array([0.3, np.nan]), "test": np.array([0.2, 0.1])})
    write_predictions(tmp_path / "own.parquet", own)
    again = read_predictions(tmp_path / "own.parquet")
    expected = [[0.3, np.nan], [0.2, 0.1], [0.2, 0.1]]
    np.testing.assert_array_equal(again.record_thresholds, expected)
    np.testing.assert_array_equal(again.only("test").record_thresholds, expected[1:])
    wide = again.spread(("af", "lad", "pac"), np.zeros((3, 3), dtype=np.int8))
    np.testing.assert_array_equal(wide.record_thresholds, np.insert(expected, 1, np.nan, axis=1))


def test_a_table_without_thresholds_of_each_split_is_read(tmp_path, predictions):
    write_predictions(tmp_path / "old.parquet", predictions)
    assert pq.read_schema(tmp_path / "old.parquet").metadata[b"rarebeat"] == (
        b'{"thresholds": {"af": 0.25, "pac": 0.1}}'
    )
    assert read_predictions(tmp_path / "old.parquet").by_split == {}


def test_the_vocabulary_and_its_codes_are_kept(tmp_path, predictions):
    named = replace(predictions, vocabulary="cinc2020", codes={"af": "AF", "pac": "PAC"})
    write_predictions(tmp_path / "named.parquet", named)
    again = read_predictions(tmp_path / "named.parquet")
    assert (again.vocabulary, again.codes) == ("cinc2020", {"af": "AF", "pac": "PAC"})


def test_only_the_classes_that_the_model_knows_are_kept(predictions):
    wide = predictions.spread(("af", "lad", "pac"), np.zeros((3, 3), dtype=np.int8))
    narrow = wide.known_classes()
    assert narrow.classes == predictions.classes
    np.testing.assert_array_equal(narrow.probability, predictions.probability)
    np.testing.assert_array_equal(narrow.decisions, predictions.decisions)


def test_no_records_are_a_table_too(tmp_path, predictions):
    write_predictions(tmp_path / "empty.parquet", predictions.only("none such"))
    again = read_predictions(tmp_path / "empty.parquet")
    assert again.probability.shape == again.record_thresholds.shape == (0, 2)


@pytest.mark.parametrize(
    "content", [None, "{}", "[1]", "{", '{"thresholds": {"af": 0.5}}', '{"thresholds": 1}']
)
def test_another_table_is_refused(tmp_path, content):
    metadata = None if content is None else {"rarebeat": content}
    write_table(tmp_path / "other.parquet", pa.table({"record_id": ["a"]}, metadata=metadata))
    with pytest.raises(RarebeatError, match=r"other\.parquet is not a table of predictions"):
        read_predictions(tmp_path / "other.parquet")


def test_a_damaged_file_is_refused(tmp_path, predictions):
    path = tmp_path / "predictions.parquet"
    write_predictions(path, predictions)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RarebeatError, match="cannot read"):
        read_predictions(path)


def test_the_records_of_other_cohorts_are_left_out_of_one_split(predictions):
    left = predictions.of_cohorts("test", ["georgia"], "evaluate.test_on")
    assert left.record_ids.tolist() == ["r1", "r3"]  # those of the validation split stay
    assert predictions.of_cohorts("test", None, "evaluate.test_on") is predictions
    with pytest.raises(
        ParamsError, match=r"evaluate\.test_on: there is no test record of ludb; .* ptb-xl, georgia"
    ):
        predictions.of_cohorts("test", ["ludb"], "evaluate.test_on")
