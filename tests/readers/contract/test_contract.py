"""The contract of a cohort, and what is said of a delivery that breaks it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import yaml

from rarebeat.core.errors import RarebeatError
from rarebeat.core.records import LEADS
from rarebeat.readers.contract.compare import changes, read_contract
from rarebeat.readers.contract.stored import numbers_alone, stored_as
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.readers.quality import RawLeads

Microvolts = npt.NDArray[np.int16]
Contract = dict[str, Any]


@pytest.fixture
def delivered(ecg: Microvolts, tmp_path: Path) -> Callable[..., Contract]:
    """Ingest arrays with a table, and return their contract; ``said`` goes to the side file."""

    def deliver(
        name: str,
        count: int = 40,
        factor: float = 1.0,
        age: str = "63",
        sexes: str = "FM",
        report: str = "Sinus rhythm",
        broken: int = 0,
        code: str = "",
        label: str = "",
        told: int | None = None,
        **said: Any,
    ) -> Contract:
        root = tmp_path / name
        root.mkdir()
        side = {"rate": 500, "unit": "uV", "leads": list(LEADS), "files": "*.npy"} | said
        (root / "arrays.yaml").write_text(yaml.safe_dump(side))
        rows, labels = ["ecg,age,sex,report,code"], ["ecg,av_block_1st_degree"]
        for number in range(count):
            signal = factor * ecg[[LEADS.index(lead) for lead in side["leads"]]]
            np.save(root / f"{number}.npy", signal * (number >= broken))
            rows.append(f"{number},{age},{sexes[number % 2].strip()},{report},{code}")
            labels.append(f"{number},{label if told is None or number < told else ''}")
        (root / "table.csv").write_text("\n".join(rows) + "\n")
        (root / "labels.csv").write_text("\n".join(labels) + "\n")
        table = {
            "csv": "table.csv",
            "key": "ecg",
            "age_column": "age",
            "sex_column": "sex",
            "text_column": "report",
            **({"codes_column": "code", "code_system": "scp"} if code else {}),
        }
        options = {"patient_namespace": "own", "tables": [table]}
        options |= {"labels_csv": "labels.csv"} if label else {}
        ingest_cohort("arrays", root, tmp_path / "records" / name, options=options, workers=1)
        return read_contract(tmp_path / "records" / name)

    return deliver


def test_a_contract_says_what_the_recordings_are_like(delivered: Callable[..., Contract]) -> None:
    contract = delivered("first", broken=8)
    assert contract["records"] == 32
    assert contract["units"] == {"uV": 32}
    assert contract["rates"] == {"500": 32}
    assert contract["leads"] == {" ".join(LEADS): 32}
    assert contract["filters"] == {"not told": 32}
    assert contract["seconds"]["median"] == 2.0
    assert contract["ages"] == {"smallest": 63, "p5": 63, "median": 63, "p95": 63, "largest": 63}
    assert 300 < contract["amplitude"]["median"] < 2500
    assert contract["shares"] == {
        "quarantined": 0.2,
        "not calibrated": 0.0,
        "age missing": 0.0,
        "sex missing": 0.0,
        "female": 0.5,
        "patient missing": 1.0,
        "text missing": 0.0,
        "codes or labels missing": 1.0,
    }


def test_a_delivery_like_the_cohort_breaks_nothing(delivered: Callable[..., Contract]) -> None:
    assert changes(delivered("first"), delivered("second", count=20)) == []


@pytest.mark.parametrize(
    ("delivery", "said"),
    [
        (
            {"rate": 250},
            ["rate: '250' in 40 of 40 recordings, in none before", "rate: '500' in none", "length: "],
        ),
        ({"unit": "mV", "factor": 0.001}, ["unit: 'mV' in 40 of 40", "unit: 'uV' in none"]),
        ({"leads": list(reversed(LEADS))}, ["leads: 'V6 V5 V4", "leads: 'I II III"]),
        ({"factor": 2.0}, ["amplitude: a median of ", "gain: steps of 2 microvolts, before of 1"]),
        ({"age": ""}, ["age missing: 100.0% of the recordings, before 0.0%"]),
        ({"sexes": "  "}, ["sex missing: 100.0%"]),  # and nothing of the share of women
        ({"age": "90"}, ["age: a median of 90 years, before 63"]),
        ({"report": ""}, ["text missing: 100.0%"]),
        ({"broken": 20}, ["quarantined: 50.0%"]),
    ],
)
def test_what_changed_is_said_and_nothing_else(
    delivery: dict[str, Any], said: list[str], delivered: Callable[..., Contract]
) -> None:
    lines = changes(delivered("first"), delivered("second", **delivery))
    assert [line[: len(start)] for line, start in zip(lines, said, strict=True)] == said


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ({"code": "NORM SR"}, {"code": "NORM SR"}, []),
        ({"code": "NORM"}, {"code": "NORM SR"}, ["code scp:SR: 100.0% of the recordings, before few"]),
        ({"code": "NORM SR"}, {"code": "NORM"}, ["code scp:SR: few of the recordings, before 100.0%"]),
        ({}, {"code": "NORM"}, ["codes or labels missing: 0.0%", "codes: of the system 'scp'"]),
        ({"label": "1"}, {"label": "1"}, []),
        (
            {"label": "1"},
            {"label": "0"},
            ["label av_block_1st_degree: positive in 0.0% of them, before 100.0%"],
        ),
        (
            {"label": "1"},
            {"label": "1", "told": 20},
            ["codes or labels missing: 50.0%", "label av_block_1st_degree: known of 50.0% of the recordings"],
        ),
    ],
)
def test_codes_and_labels_that_became_frequent_or_rare(
    first: dict[str, Any], second: dict[str, Any], said: list[str], delivered: Callable[..., Contract]
) -> None:
    lines = changes(delivered("first", **first), delivered("second", **second))
    assert sorted(line[: len(start)] for line, start in zip(sorted(lines), said, strict=True)) == said


def test_a_contract_of_an_earlier_version_is_held_as_far_as_it_goes(
    delivered: Callable[..., Contract],
) -> None:
    first, second = delivered("first", code="NORM"), delivered("second", code="SR")
    assert len(changes(first, second)) == 2
    del first["codes"], first["labels"]
    assert changes(first, second) == []


def test_a_share_that_chance_could_explain_is_no_change(delivered: Callable[..., Contract]) -> None:
    first, second = delivered("first", broken=1), delivered("second", count=8, broken=1)
    assert (first["shares"]["quarantined"], second["shares"]["quarantined"]) == (0.025, 0.125)
    assert changes(first, second) == []


def contract(records: int, **said: Any) -> Contract:
    """A contract as ingest writes it of a mixed archive."""
    shares = dict.fromkeys(("quarantined", "not calibrated", "age missing", "sex missing"), 0.0)
    named = {"units": "uV", "rates": "500", "leads": " ".join(LEADS), "filters": "not told"}
    whole = {name: {value: records} for name, value in named.items()}
    quantiles = {
        "seconds": {"p5": 10.0, "median": 10.0, "p95": 10.0},
        "amplitude": {"p5": 600, "median": 1000, "p95": 2400},
        "ages": {"p5": 22, "median": 62, "p95": 86},
    }
    empty = {"steps": {"5": records}, "code_systems": {}, "codes": {}, "labels": {}}
    return whole | quantiles | empty | {"records": records, "shares": shares} | said


def alike(value: float) -> dict[str, float]:
    return {"p5": value, "median": value, "p95": value}


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        # two young patients with large QRS complexes
        ({}, {"ages": alike(30), "amplitude": alike(1900)}, 0),
        ({"shares": {"age missing": 0.05}}, {"shares": {"age missing": 0.5}, "ages": alike(70)}, 0),
        ({"shares": {"age missing": 0.0}}, {"shares": {"age missing": 1.0}, "ages": {}}, 1),
        # one kind of leads of two
        ({"filters": {"0.05-150": 600, "0.5-40": 400}}, {"filters": {"0.5-40": 2}}, 0),
        ({"code_systems": {"scp": 0.6}}, {}, 0),
        ({"code_systems": {"scp": 1.0}}, {}, 1),
        (
            {"code_systems": {"scp": 1.0}, "codes": {"scp:SR": 0.8, "scp:LVH": 0.05}},
            {"code_systems": {"scp": 1.0}, "codes": {"scp:LVH": 1.0}},
            0,  # of many codes, one in twenty is there twice in 400 deliveries once
        ),
        ({"seconds": alike(10.0)}, {"seconds": alike(20.0)}, 1),  # which none had
    ],
)
def test_two_records_are_a_change_only_where_chance_does_not_explain_them(
    before: dict[str, Any], after: dict[str, Any], lines: int
) -> None:
    first, second = contract(1000), contract(2)
    for entry, said in ((first, before), (second, after)):
        entry |= said | {"shares": entry["shares"] | said.get("shares", {})}
    assert len(changes(first, second)) == lines, changes(first, second)


@pytest.mark.parametrize(("before", "after", "lines"), [(0.0, 0.0505, 0), (0.0505, 0.0, 0), (0.0, 0.12, 1)])
def test_a_code_that_is_not_stored_may_be_as_frequent_as_the_rarest_that_is(
    before: float, after: float, lines: int
) -> None:
    first, second = contract(10_000), contract(10_000)
    for entry, share in ((first, before), (second, after)):
        entry |= {"code_systems": {"snomed": 1.0}, "codes": {"snomed:1": share} if share else {}}
    assert len(changes(first, second)) == lines, changes(first, second)


def test_a_share_of_women_is_of_those_whose_sex_is_known() -> None:
    """Of 20 and of 20 it may be 0.5 and 0.7 by chance, in however many records."""
    first, second = contract(1000), contract(1000)
    first["shares"] |= {"sex missing": 0.98, "female": 0.5}
    second["shares"] |= {"sex missing": 0.98, "female": 0.7}
    assert changes(first, second) == []
    for entry in (first, second):
        entry["shares"]["sex missing"] = 0.0
    assert len(changes(first, second)) == 1


def test_a_folder_without_a_contract_says_so(tmp_path: Path) -> None:
    with pytest.raises(RarebeatError, match="there is no cohort in"):
        read_contract(tmp_path)
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(RarebeatError, match="ingest the cohort again"):
        read_contract(tmp_path)


def test_no_word_of_a_file_gets_into_a_contract() -> None:
    """Names of signals, units and filters can be any word, also that of a person."""
    raw = RawLeads(np.zeros((3, 9)), ["Lead II", "Jane Doe", "v1"], [1.0] * 3, [0.0] * 3, ["MV", "Doe", "mv"])
    stored = stored_as(raw, numbers_alone("0.05 (Doe) to 150 Hz"))
    assert (stored.leads, stored.unit, stored.filters) == ("II V1 and 1 others", "mV", "0.05-150")
