"""ECG paper: pictures are to scale, say whose ECG they show, and when amplitudes mean nothing."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from rarebeat.core.errors import RarebeatError
from rarebeat.core.records import LEADS, Record
from rarebeat.reporting.ecg_page import DPI, HEIGHT, WIDTH, Shading, draw_ecg, strengths

RATE = 500.0
PIXELS = 5  # per millimetre at DPI


def blocks(seconds: float = 10.0) -> Record:
    """In every lead one millivolt for the first 0.4 of each second."""
    signal = np.zeros((12, round(seconds * RATE)), np.int16)
    signal[:, np.arange(signal.shape[1]) % 500 < 200] = 1000
    return Record("rec-1", signal, RATE, "somewhere", age=90.0, sex="female", text="Sinus rhythm\nNormal ECG")


def ink(path: Path) -> npt.NDArray[np.bool_]:
    """Where a picture is dark."""
    return np.asarray(Image.open(path).convert("L")) < 150  # the grid is lighter


def words(path: Path) -> str:
    """The text of an SVG, which matplotlib repeats in comments where it draws letters as paths."""
    return "\n".join(re.findall(r"<!--(.*?)-->", path.read_text(encoding="utf-8")))


def test_a_png_has_five_pixels_for_each_millimetre(tmp_path: Path) -> None:
    draw_ecg(tmp_path / "page.png", blocks())
    with Image.open(tmp_path / "page.png") as image:
        assert image.size == (WIDTH * PIXELS, HEIGHT * PIXELS)
        assert image.info["dpi"] == pytest.approx((DPI, DPI), abs=0.1)


def test_a_millivolt_is_ten_millimetres_and_a_second_twenty_five(tmp_path: Path) -> None:
    draw_ecg(tmp_path / "page.png", blocks())
    strip = ink(tmp_path / "page.png")[-60 * PIXELS : -10 * PIXELS, 35 * PIXELS : 275 * PIXELS]
    levels = np.flatnonzero(strip.sum(axis=1) > strip.shape[1] / 4)  # rows that the trace rests on
    assert levels[-1] - levels[0] == pytest.approx(10 * PIXELS, abs=1)
    crossings = np.flatnonzero(strip[(levels[0] + levels[-1]) // 2])
    edges = crossings[np.diff(crossings, prepend=-10) > 2]  # up and down once a second
    assert len(edges) == 19
    assert edges[2:] - edges[:-2] == pytest.approx(25 * PIXELS, abs=1)


def test_an_svg_is_as_large_as_the_paper(tmp_path: Path) -> None:
    draw_ecg(tmp_path / "page.svg", blocks())
    head = (tmp_path / "page.svg").read_text(encoding="utf-8")[:2000]
    sizes = [float(size) for size in re.findall(r'(?:width|height)="([\d.]+)pt"', head)]
    assert sizes == pytest.approx([WIDTH / 25.4 * 72, HEIGHT / 25.4 * 72], abs=0.01)


def test_a_page_says_whose_ecg_it_shows(tmp_path: Path) -> None:
    draw_ecg(tmp_path / "page.svg", blocks(), title="An example")
    text = words(tmp_path / "page.svg")
    for part in (*LEADS, "An example", "rec-1", "90 years or over", "female", "500 Hz", "Sinus rhythm"):
        assert part in text
    assert "25 mm/s   10 mm/mV   10 s" in text


def test_codes_stand_where_there_is_no_report(tmp_path: Path) -> None:
    draw_ecg(tmp_path / "page.svg", replace(blocks(), text=None, codes=("scp:NORM", "scp:SR")))
    assert "scp:NORM, scp:SR" in words(tmp_path / "page.svg")


def test_amplitudes_that_mean_nothing_are_marked_and_not_to_scale(tmp_path: Path) -> None:
    draw_ecg(tmp_path / "page.svg", replace(blocks(), calibrated=False))
    text = words(tmp_path / "page.svg")
    assert "AMPLITUDE NOT CALIBRATED" in text
    assert "mm/mV" not in text


@pytest.mark.parametrize("amplitude", [30, 30_000])
def test_uncalibrated_traces_are_large_enough_to_be_seen(tmp_path: Path, amplitude: int) -> None:
    record = blocks()
    signal = (record.signal / 1000 * amplitude).astype(np.int16)
    draw_ecg(tmp_path / "page.png", replace(record, signal=signal, calibrated=False))
    draw_ecg(tmp_path / "same.png", replace(record, calibrated=False))
    assert (ink(tmp_path / "page.png") == ink(tmp_path / "same.png")).all()


@pytest.mark.parametrize(("seconds", "note"), [(3.0, "3 s"), (30.0, "first 10 of 30 s")])
def test_short_and_long_records_fit(tmp_path: Path, seconds: float, note: str) -> None:
    draw_ecg(tmp_path / "page.svg", blocks(seconds))
    assert note in words(tmp_path / "page.svg")


def test_a_record_without_any_facts_is_drawn(tmp_path: Path) -> None:
    draw_ecg(tmp_path / "page.png", Record("rec-2", np.zeros((12, 2500), np.int16), 250.0, "somewhere"))
    assert (tmp_path / "page.png").stat().st_size > 5000


def test_long_reports_are_cut_and_dollars_are_no_formulas(tmp_path: Path) -> None:
    report = "\n".join(["Costs $5 or $6", *(f"line {index}" for index in range(20))])
    draw_ecg(tmp_path / "page.svg", replace(blocks(), record_id="$a_b$", text=report))
    text = words(tmp_path / "page.svg")
    assert "Costs $5 or $6" in text
    assert "$a_b$" in text
    assert "line 3" in text
    assert "line 5" not in text


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_the_same_record_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    for name in ("one", "two"):
        draw_ecg(tmp_path / f"{name}.{suffix}", blocks())
    assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()


def test_other_kinds_of_picture_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RarebeatError, match=r"\.png, \.pdf or \.svg"):
        draw_ecg(tmp_path / "page.gif", blocks())
    assert list(tmp_path.iterdir()) == []


def shaded(values: npt.NDArray[np.float64], start: float = 0.0) -> Shading:
    return Shading(values, 250.0, "complete heart block", start)


def bluish(path: Path) -> npt.NDArray[np.bool_]:
    """Where a picture is tinted in the colour of what speaks for the class."""
    red, _, blue = np.moveaxis(np.asarray(Image.open(path).convert("RGB")).astype(int), 2, 0)
    return blue - red > 40


def test_what_speaks_for_the_class_is_shaded_in_its_lead_and_at_its_time(tmp_path: Path) -> None:
    values = np.zeros((12, 2500))
    values[LEADS.index("V2"), 1500:1625] = 2.0  # 6 to 6.5 s
    draw_ecg(tmp_path / "page.png", blocks(), shading=shaded(values))
    strip = bluish(tmp_path / "page.png")[: -8 * PIXELS]  # without the legend
    rows, columns = np.nonzero(strip)
    left, right = (28 + second * 25 for second in (6.0, 6.5))  # millimetres
    assert columns.min() / PIXELS == pytest.approx(left, abs=2)
    assert columns.max() / PIXELS == pytest.approx(right, abs=2)
    middle = (HEIGHT - (rows.min() + rows.max()) / 2 / PIXELS, HEIGHT - np.median(rows) / PIXELS)
    assert middle == pytest.approx((116, 116), abs=2)  # the second row of leads


def test_the_shading_may_begin_within_the_record(tmp_path: Path) -> None:
    values = np.zeros((12, 250))
    values[LEADS.index("I"), :50] = 1.0
    draw_ecg(tmp_path / "page.png", blocks(), shading=shaded(values, start=1.0))
    columns = np.nonzero(bluish(tmp_path / "page.png")[: -8 * PIXELS])[1]
    assert columns.min() / PIXELS == pytest.approx(28 + 25, abs=2)


def test_the_legend_names_the_class_as_it_is(tmp_path: Path) -> None:
    draw_ecg(tmp_path / "page.svg", blocks(), shading=Shading(np.zeros((12, 2500)), 250.0, "$a$ <b>"))
    assert "speaks for $a$" in words(tmp_path / "page.svg")
    assert "speaks against it" in words(tmp_path / "page.svg")


def test_the_strongest_are_full_and_both_signs_are_kept() -> None:
    values = np.zeros((12, 500))
    values[0, 100:200], values[3, 300:400] = 8.0, -4.0
    found = strengths(shaded(values))
    assert found[0, 150] == 1
    assert found[3, 350] == -0.5
    assert not found[1].any()
    assert not strengths(shaded(np.zeros((12, 500)))).any()


def test_traces_and_grid_stay_where_they_are_behind_no_shading(tmp_path: Path) -> None:
    draw_ecg(tmp_path / "bare.png", blocks())
    draw_ecg(tmp_path / "shaded.png", blocks(), shading=shaded(np.zeros((12, 2500))))
    bare, shading = (ink(tmp_path / f"{name}.png")[: -8 * PIXELS] for name in ("bare", "shaded"))
    assert (bare == shading).mean() > 0.999
