"""`rarebeat score --vocabulary cinc2020`: tables with the challenge's codes as columns."""

import csv
import json
import sys

import numpy as np
import pytest

from rarebeat.cli import main as cli
from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.evaluation.challenge import CHALLENGE_METRICS, challenge_metrics
from rarebeat.evaluation.csv_score import format_score, score_tables
from rarebeat.metrics.challenge_classes import CLASSES, place_of

MERGED = [entry.names[0] for entry in CLASSES]
ALL_CODES = sorted(code for entry in CLASSES for code in entry.codes)
RECORDS = 40


@pytest.fixture
def table(tmp_path):
    """Write a table: a row per record, its columns in the order given."""

    def write(name: str, columns: list[str], values) -> object:
        path = tmp_path / name
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["record", *columns])
            writer.writerows([f"r{index}", *row] for index, row in enumerate(np.asarray(values).tolist()))
        return path

    return write


def case(columns: int, seed: int = 0):
    rng = np.random.default_rng([seed, columns])
    truth = (rng.random((RECORDS, columns)) < 0.15).astype(int)
    return truth, np.round(np.clip(0.4 * truth + rng.random(truth.shape) * 0.6, 0, 1), 3)


def merged(columns: list[str], cells, combine):
    """The 27 columns as 24, by the definition."""
    places = np.array([place_of(name) for name in columns])
    return np.stack([combine(cells[:, places == place], axis=1) for place in range(24)], axis=1)


def expected(truth, decisions, probability):
    return pytest.approx(challenge_metrics(truth.astype(np.int8), decisions, probability))


def test_24_abbreviations_in_any_order(table):
    truth, probability = case(24)
    order = np.random.default_rng(1).permutation(24)
    paths = (
        table("truth.csv", MERGED, truth),
        table("out.csv", [MERGED[i] for i in order], probability[:, order]),
    )
    result = score_tables(*paths, 0.4, vocabulary="cinc2020")
    assert list(result["challenge"]) == list(CHALLENGE_METRICS)
    assert result["challenge"] == expected(truth, probability >= 0.4, probability)
    plain = score_tables(*paths, 0.4)
    assert {**plain, "challenge": result["challenge"]} == result  # all else is as it is without the option


def test_27_codes_are_merged_and_meet_24_abbreviations(table):
    truth, probability = case(27)
    decisions = probability >= 0.5
    paths = table("truth.csv", ALL_CODES, truth), table("out.csv", ALL_CODES, probability)
    as_24 = merged(ALL_CODES, truth, np.max), merged(ALL_CODES, probability, np.mean)
    wanted = expected(as_24[0], merged(ALL_CODES, decisions, np.any), as_24[1])
    result = score_tables(*paths, vocabulary="cinc2020")
    assert result["challenge"] == wanted
    assert len(result["classes"]) == 24
    assert result["classes"]["59118001"]["positives"] == as_24[0][:, place_of("RBBB")].sum()
    calls = table("calls.csv", MERGED, merged(ALL_CODES, decisions, np.any).astype(int))
    means = table("means.csv", MERGED, as_24[1])
    assert score_tables(paths[0], means, binary=calls, vocabulary="cinc2020")["challenge"] == wanted


def test_decisions_of_their_own_take_the_place_of_the_threshold(table):
    truth, probability = case(24)
    decisions = np.random.default_rng(2).random(truth.shape) < 0.3
    paths = table("truth.csv", MERGED, truth), table("out.csv", MERGED, probability)
    calls = table("calls.csv", MERGED, decisions.astype(int))
    result = score_tables(*paths, binary=calls, vocabulary="cinc2020")
    assert result["challenge"] == expected(truth, decisions, probability)
    hits = (decisions & (truth == 1)).sum(axis=0) / truth.sum(axis=0)
    assert [entry["recall"] for entry in result["classes"].values()] == pytest.approx(hits.tolist())
    assert score_tables(*paths, binary=calls)["macro"] == result["macro"]  # also without the challenge


def test_predictions_of_0_and_1_are_decisions(table):
    truth, _ = case(24)
    decisions, _ = case(24, seed=1)
    paths = table("truth.csv", MERGED, truth), table("out.csv", MERGED, decisions)
    found = score_tables(*paths, vocabulary="cinc2020")["challenge"]
    assert found == expected(truth, decisions == 1, decisions.astype(float))


def test_the_truth_as_prediction_is_perfect_and_sinus_rhythm_alone_is_worth_nothing(table):
    truth, _ = case(27)
    path = table("truth.csv", ALL_CODES, truth)
    sinus = np.zeros_like(truth)
    sinus[:, ALL_CODES.index("426783006")] = 1
    perfect = score_tables(path, path, vocabulary="cinc2020")["challenge"]
    assert {name: perfect[name] for name in ("score", "accuracy", "f", "f_beta", "g_beta")} == pytest.approx(
        dict.fromkeys(("score", "accuracy", "f", "f_beta", "g_beta"), 1.0)
    )
    always = score_tables(path, table("sinus.csv", ALL_CODES, sinus), vocabulary="cinc2020")["challenge"]
    assert always["score"] == pytest.approx(0.0, abs=1e-12)


def test_an_unknown_code_of_a_pair_leaves_the_class_open_unless_the_other_says_it(table):
    truth, probability = case(27)
    cells = truth.astype(object)
    one, other = ALL_CODES.index("427172004"), ALL_CODES.index("17338001")
    cells[:3, [one, other]] = [["", 0], ["", 1], [0, 0]]
    paths = table("truth.csv", ALL_CODES, cells), table("out.csv", ALL_CODES, probability)
    as_24 = merged(ALL_CODES, truth, np.max)
    as_24[:3, place_of("PVC")] = [-1, 1, 0]
    wanted = expected(
        as_24, merged(ALL_CODES, probability >= 0.5, np.any), merged(ALL_CODES, probability, np.mean)
    )
    assert score_tables(*paths, vocabulary="cinc2020")["challenge"] == wanted


def test_class_ids_of_the_vocabulary_are_columns_too(table):
    truth, probability = case(24)
    ids = [{"AF": "atrial_fibrillation", "NSR": "sinus_rhythm"}.get(name, name) for name in MERGED]
    paths = table("truth.csv", MERGED, truth), table("out.csv", ids, probability)
    found = score_tables(*paths, vocabulary="cinc2020")["challenge"]
    assert found == expected(truth, probability >= 0.5, probability)


def test_columns_that_are_not_scored_are_left_out_with_a_note(table, capsys):
    truth, probability = case(24)
    more = np.concatenate([truth, truth[:, :2]], axis=1)
    paths = table("truth.csv", [*MERGED, "164884008", "STD"], more), table("out.csv", MERGED, probability)
    found = score_tables(*paths, vocabulary="cinc2020")["challenge"]
    assert found == expected(truth, probability >= 0.5, probability)
    assert "truth.csv: left out 2 columns, which are not scored: 164884008, STD" in capsys.readouterr().err


def test_a_scored_class_without_column_is_refused(table):
    truth, probability = case(24)
    paths = table("truth.csv", MERGED, truth), table("out.csv", MERGED[:-2], probability[:, :-2])
    with pytest.raises(RarebeatError, match=r"out\.csv lacks 2 of the 24 scored classes: TAb, TInv; add"):
        score_tables(*paths, vocabulary="cinc2020")


def test_a_class_in_too_many_columns_is_refused(table):
    truth, probability = case(24)
    names = ["SNR" if name == "AF" else name for name in MERGED]
    with pytest.raises(RarebeatError, match="the columns SNR, NSR are one class: give it once"):
        score_tables(
            table("truth.csv", names, truth), table("out.csv", MERGED, probability), vocabulary="cinc2020"
        )


def test_another_vocabulary_is_refused(table):
    paths = table("truth.csv", ["a"], [[1]]), table("out.csv", ["a"], [[1]])
    with pytest.raises(ParamsError, match="'hughes24' does not have the classes of the challenge"):
        score_tables(*paths, vocabulary="hughes24")


def test_decisions_must_be_0_or_1(table):
    paths = [
        table(name, ["a"], [[cell], [0]]) for name, cell in [("t.csv", 1), ("p.csv", 0.3), ("b.csv", "")]
    ]
    with pytest.raises(RarebeatError, match=r"b\.csv, line 2, column 'a': expected 0 or 1, found ''"):
        score_tables(*paths[:2], binary=paths[2])


def test_the_command_prints_the_challenge_as_json(table, capsys, monkeypatch):
    truth, probability = case(24)
    paths = table("truth.csv", MERGED, truth), table("out.csv", MERGED, probability)
    calls = table("calls.csv", MERGED, (probability >= 0.3).astype(int))
    options = ["--vocabulary", "cinc2020", "--binary", str(calls), "--json"]
    monkeypatch.setattr(sys, "argv", ["rarebeat", "score", *map(str, paths), *options])
    with pytest.raises(SystemExit, match="0"):
        cli.main()
    found = json.loads(capsys.readouterr().out)["challenge"]
    assert found == expected(truth, probability >= 0.3, probability)


def test_the_text_for_people_ends_with_the_challenge(table):
    truth, probability = case(24)
    paths = table("truth.csv", MERGED, truth), table("out.csv", MERGED, probability)
    result = score_tables(*paths, vocabulary="cinc2020")
    last = format_score(result).splitlines()[-1]
    assert last.startswith(f"challenge: score {result['challenge']['score']:.3f}, auroc 0.")
