"""Figures in the README and in docs/ are those of the reports that they cite."""

import re
from collections.abc import Iterator

import pytest
from tests.pages import ROOT

REPORTS = ROOT / "reports"
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHORT = {
    "AVNRT": "avnrt",
    "Mobitz I": "av_block_2nd_degree_mobitz_i",
    "first-degree AV block": "av_block_1st_degree",
}


def cells(line: str) -> list[str]:
    return [cell.strip().strip("*") for cell in line.strip().strip("|").split("|")]


def table(text: str, heading: str) -> Iterator[list[str]]:
    """The rows of the first table behind a line that begins so."""
    lines = text[text.index(f"\n{heading}") :].splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("|"))
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            return
        yield cells(line)


def named(rows: Iterator[list[str]]) -> dict[str, list[str]]:
    """The cells of each class by its id."""
    return {SHORT.get(name, name).replace(" ", "_"): rest for name, *rest in rows}


def report(name: str) -> str:
    return (REPORTS / name).read_text(encoding="utf-8")


def scores(name: str) -> dict[str, list[str]]:
    """Positives, AUROC and AUPRC of each class in a page of results."""
    return {name: [row[0], *row[-2:]] for name, row in named(table(f"\n{report(name)}", "# Label")).items()}


def test_scores_on_simulated_ecgs() -> None:
    said = named(table(README, "| class | positives | F1 | AUROC | AUPRC |"))
    found = named(table(f"\n{report('simulated.md')}", "# Label set"))
    assert len(said) == 14
    for name, (positives, f1, *ranking) in said.items():
        assert [positives, f1, *ranking] == [*found[name][:2], *found[name][-2:]], name


def test_table_1() -> None:
    said = named(table(README, "| class | training positives |"))
    page = report("table1.md")
    auprc, worth = named(table(page, "### AUPRC")), list(table(page, "### What the other heads are worth"))
    differences = {name: row for name, what, *row in worth if what == "all heads − one head"}
    assert len(said) == 5
    for name, (_, one, together, gained) in said.items():
        first, last = (auprc[name][place].strip("*").split()[0] for place in (1, -1))
        assert [one, together] == [first, last], name
        assert gained == differences[name][1], name


def test_from_simulated_to_real_ecgs() -> None:
    said = named(table(README, "| class | positives | simulated: AUROC |"))
    found = named(table(report("transfer.md"), "By class"))
    assert len(said) == 9
    for name, row in said.items():
        assert row == found[name][:6], name


def test_from_few_real_records() -> None:
    said = [row[-2:] for row in table(README, "| real records | learns from |")]
    found = [row[3:5] for row in table(report("statements13.md"), "| fraction |")]
    assert len(said) == 11
    assert said == found


def test_protocols_of_fine_tuning() -> None:
    said = [row[1:] for row in table(README, "| real records | scratch |")]
    networks = {part.split("\n")[0]: part for part in report("finetune.md").split("### ")[1:]}
    of_ours, of_other = (
        {
            (row[0], row[1]): row
            for start in ("| fraction |", "| difference ")
            for row in table(networks[name], start)
        }
        for name in ("hughes34", "se_resnet")
    )
    shares = ("0.01", "0.03", "0.1", "0.3", "1.0")
    gained = ("all_layers − scratch",)
    assert said == [
        [
            *(of_ours[share, name][3] for name in ("scratch", "frozen_body", "all_layers")),
            *(found[*gained, share][2] for found in (of_ours, of_other)),
        ]
        for share in shares
    ]


def test_what_labels_are_worth() -> None:
    said = [row[1:] for row in table(README, "| labelled real records |")]
    page = report("label_efficiency.md")
    found = {
        (row[0], row[1]): row for start in ("| fraction |", "| difference ") for row in table(page, start)
    }
    assert said == [
        [
            *(found[share, way][3] for way in ("one_head_each", "all_heads", "simulated_first")),
            *(found[f"{way} − one_head_each", share][2] for way in ("all_heads", "simulated_first")),
        ]
        for share in ("0.01", "0.03", "0.1", "0.3", "1.0")
    ]


def test_scores_on_real_ecgs() -> None:
    said = named(table(README, "| class | positives | AUROC | AUPRC | positives, text |"))
    codes, text = scores("real-codes.md"), scores("real-text.md")
    assert len(said) == 12
    for name, row in said.items():
        assert row == codes[name] + text[name], name


def test_networks() -> None:
    said = {name: row for name, *row in table(README, "| network | parameters |")}
    page = report("ablation.md")
    parameters = {name: row[2] for name, *row in reversed(list(table(page, "| network")))}
    assert len(said) == 4
    for name, (size, *both) in said.items():
        assert size == parameters[name], name
        for data, score in zip(("simulated", "real"), both, strict=True):
            section = page[page.index(f"\n## data {data}") :]
            means = {row[0]: row[-1] for row in table(section, "| model") if row[1] == "bce"}
            assert score == means[name].replace(" to ", "–"), (name, data)


def test_calibration_of_the_default_run() -> None:
    line = re.search(
        r"Brier score ([\d.]+), calibrated ([\d.]+); calibration error ([\d.]+), calibrated (\d\.\d+)",
        report("simulated.md"),
    )
    assert line is not None
    before, after, error, mended = line.groups()
    page = (ROOT / "docs" / "predict.md").read_text(encoding="utf-8")
    assert f"falls from {before} to {after} and the calibration error from {error} to {mended}" in page


def test_optimisers() -> None:
    page = report("optimiser.md")
    found = {name: row[1:4] for name, *row in table(page, "| training |")}
    said = {name: row for name, *row in table((ROOT / "docs" / "experiments.md").read_text(), "| training |")}
    cells = ["muon_6", "muon_5", "adam_8", "adam_5"]
    assert list(said.values()) == [found[name] for name in cells]
    assert "| muon_6 − adam_8 | +0.009 (+0.003 to +0.015) | +0.009 (-0.006 to +0.025) | +0.001 " in re.sub(
        " +", " ", page
    )


@pytest.mark.parametrize("wrong", [("| sinus rhythm | 1421 | 0.", "| sinus rhythm | 1421 | 1.")])
def test_a_figure_that_differs_would_be_found(
    wrong: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.README", README.replace(*wrong))
    with pytest.raises(AssertionError, match="sinus_rhythm"):
        test_scores_on_simulated_ecgs()


def test_subsampling_of_real_recordings() -> None:
    said = named(table(README, "| class, real recordings |"))
    worth = table(report("subsampling_real.md"), "### What the other heads are worth")
    found = {place: row[1] for place, what, *row in worth if what == "all heads − one head"}
    assert len(said) == 5
    for name, row in said.items():
        assert row == [found[f"{name} real {kept}"] for kept in (10, 25, 40)], name
