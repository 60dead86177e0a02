"""The tables of a comparison, cell by cell, from rows whose means are known."""

import numpy as np
import pandas as pd
import pytest

from rarebeat.evaluation.evaluate import EvaluateSettings
from rarebeat.evaluation.studies.cells import ENSEMBLE, Cell
from rarebeat.evaluation.studies.compare import RULE_NUMBERS
from rarebeat.reporting.studies.compare_tables import (
    average_table,
    class_section,
    class_table,
    difference_table,
    patient_table,
    rule_section,
    seed_table,
)

FACTORS = ("model", "loss")


def results(scores):
    """A frame from (model, loss, rule) to the scores of seeds 0, 1 ... and, last, of the ensemble."""
    rows = []
    for (model, loss, rule), values in scores.items():
        for seed, value in zip([*map(str, range(len(values) - 1)), ENSEMBLE], values, strict=True):
            numbers = (value, value - 0.1, value + 0.1, value / 2, value + 0.3)
            named = {"model": model, "loss": loss, "seed": seed, "rule": rule}
            rows.append(named | dict(zip(RULE_NUMBERS, numbers, strict=True)))
    return pd.DataFrame(rows)


def cells(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


@pytest.fixture
def small():
    return results(
        {
            ("hughes34", "bce", "fixed"): (0.1, 0.2, 0.3, 0.4),
            ("hughes34", "bce", "max_f1"): (0.3, 0.4, 0.5, 0.6),
            ("hughes34", "challenge", "fixed"): (0.2, 0.4, 0.3, 0.5),
            ("hughes34", "challenge", "max_f1"): (0.3, 0.4, 0.5, 0.5),
            ("se_resnet", "bce", "fixed"): (0.1, 0.2, 0.3, 0.4),
            ("se_resnet", "bce", "max_f1"): (0.1, 0.2, 0.3, 0.4),
            ("se_resnet", "challenge", "fixed"): (0.3, 0.2, 0.5, 0.6),
            ("se_resnet", "challenge", "max_f1"): (0.3, 0.4, 0.5, 0.6),
        }
    )


def test_single_networks_show_the_mean_over_seeds_without_the_ensemble(small):
    table = cells(seed_table(small, FACTORS))
    assert table[0] == ["model", "loss", "fixed", "max_f1"]
    assert table[2] == ["hughes34", "bce", "0.20 (-0.05 to 0.45)", "0.40 (0.15 to 0.65)"]
    assert [row[:2] for row in table[2:]] == [
        ["hughes34", "bce"],
        ["hughes34", "challenge"],
        ["se_resnet", "bce"],
        ["se_resnet", "challenge"],
    ]


def test_ensembles_and_one_seed_show_the_interval_over_patients(small):
    assert cells(patient_table(small, FACTORS, ENSEMBLE))[2][2] == "0.40 (0.30 to 0.50)"
    assert cells(patient_table(small, FACTORS, "0"))[2][2] == "0.10 (0.00 to 0.20)"


def test_an_interval_that_is_not_there_is_not_shown(small):
    small["score_low"] = small["score_high"] = None
    assert cells(patient_table(small, FACTORS, ENSEMBLE))[2][2] == "0.40"


def test_averages_stand_beside_those_of_the_ensemble(small):
    table = cells(average_table(small, FACTORS, "fixed"))
    assert table[0] == ["model", "loss", "AUROC", "AUROC, ensemble", "F1", "F1, ensemble"]
    assert table[2] == ["hughes34", "bce", "0.50 (0.25 to 0.75)", "0.70", "0.10 (-0.02 to 0.22)", "0.20"]
    single = small[small["seed"] == "0"]
    assert cells(average_table(single, FACTORS, "fixed"))[2] == ["hughes34", "bce", "0.40", "–", "0.05", "–"]


def test_a_difference_is_taken_seed_by_seed_and_averaged_over_the_rest(small):
    pairs = [("challenge", "bce"), ("weighted_bce", "bce")]
    table = cells(difference_table(small, "loss", pairs, "rule"))
    assert table[0] == ["loss, by rule", "fixed", "max_f1"]
    # Under "fixed", by seed: hughes34 .1 .2 0, se_resnet .2 0 .2: means .15 .1 .1. Their standard error is .0167.
    assert table[2:] == [["challenge − bce", "+0.117 (+0.045 to +0.188)", "+0.100 (+0.100 to +0.100)"]]


def test_with_one_seed_a_difference_has_no_interval(small):
    one = small[small["seed"] == "0"]
    table = cells(difference_table(one, "rule", [("max_f1", "fixed")], "loss"))
    assert table[2] == ["max_f1 − fixed", "+0.100", "+0.050"]


def test_a_section_compares_each_factor_under_each_rule_and_the_rules(small):
    text = rule_section(small, FACTORS)
    for title in ("model, by rule", "loss, by rule", "rule, by loss"):
        assert f"| {title} " in text
    assert "se_resnet − hughes34" in text
    assert "mean probability of the 3 seeds" in text


def class_frame(seeds):
    """Two groups; AUROC rises with the seed, and its patients' interval is 0.05 on either side."""
    rows = []
    for group, offset in (("simulated", 0.0), ("real", 0.1)):
        for seed in range(seeds):
            for name, positives in (("sinus_rhythm", 40), ("macro", 40)):
                value = 0.7 + offset + 0.01 * seed
                row = {"group": group, "seed": str(seed), "class": name, "positives": positives}
                for metric in ("auroc", "auprc"):
                    row |= {metric: value, f"{metric}_low": value - 0.05, f"{metric}_high": value + 0.05}
                rows.append(row)
    return pd.DataFrame(rows)


def test_one_seed_shows_the_interval_over_patients_and_several_that_over_seeds():
    table = cells(class_table(class_frame(1)))
    assert table[0] == [
        "class",
        "positives",
        *(f"{g}: {m}" for g in ("simulated", "real") for m in ("AUROC", "AUPRC")),
    ]
    assert table[2] == ["sinus_rhythm", "40", *["0.70 (0.65–0.75)"] * 2, *["0.80 (0.75–0.85)"] * 2]
    three = cells(class_table(class_frame(3)))
    half = 4.303 * 0.01 / np.sqrt(3)
    assert three[2][2] == f"0.71 ({0.71 - half:.2f}–{0.71 + half:.2f})"


def test_networks_without_a_counterpart_play_no_part_in_a_difference(small):
    """One network was trained with one loss alone: its score must not stand against means over both losses."""
    left = small[(small["model"] != "se_resnet") | (small["loss"] == "bce")]
    table = cells(difference_table(left, "model", [("se_resnet", "hughes34")], "rule"))
    # With bce alone, under "max_f1", .1 .2 .3 less .3 .4 .5; the other loss of hughes34 changes nothing.
    assert table[2] == ["se_resnet − hughes34", "+0.000 (+0.000 to +0.000)", "-0.200 (-0.200 to -0.200)"]


def test_a_number_that_no_network_has_is_a_dash(small):
    """No class has enough positive patients: neither F1 nor AUROC of any network."""
    small[["score", "score_low", "score_high", "f1", "auroc"]] = None
    text = rule_section(small, FACTORS)
    assert [row[1:] for row in cells(text) if row[0] == "se_resnet − hughes34"] == [["–", "–"]]


def test_groups_of_one_seed_among_groups_of_several_are_told_by_their_brackets(monkeypatch):
    monkeypatch.setattr("rarebeat.reporting.studies.compare_tables.group_differences", lambda *_: "")
    three, one = class_frame(3), class_frame(1)
    rows = pd.concat([three[three["group"] == "simulated"], one[one["group"] == "real"]])
    numbers = {"simulated": 3, "real": 1}
    members = [
        Cell({"learnt_from": name, "seed": str(seed)}, None)
        for name, number in numbers.items()
        for seed in range(number)
    ]
    single = "of a single seed the bootstrap interval over patients"
    settings = EvaluateSettings(replicates=0)
    assert single in class_section(rows, members, np.array([0]), settings)
    assert single not in class_section(rows, members[:3], np.array([0]), settings)
