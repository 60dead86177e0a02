"""A wrong gain is told by the amplitude and the step of a record beside those of its cohort."""

import numpy as np
import pytest

from rarebeat.core.records import Signal
from rarebeat.measure.amplitude import Amplitude, gain_warnings, smallest_step, typical_span


def signal(height: float, samples: int = 5000) -> Signal:
    """One beat per second at 500 Hz, leads of equal height."""
    beat = np.exp(-0.5 * (((np.arange(samples) % 500) - 250) / 8) ** 2)
    return np.tile(np.rint(height * beat), (12, 1)).astype(np.int16)


def cohort(
    count: int = 40, step: int = 1, scale: float = 1.0, first: int = 0, source: str = "ward"
) -> list[Amplitude]:
    """Records whose amplitudes spread as those of real cohorts do: 0.5 to 2 times the median."""
    spread = np.exp2(np.linspace(-1, 1, count))
    return [
        Amplitude(f"r{first + index}", source, 1100 * scale * float(factor), step)
        for index, factor in enumerate(spread)
    ]


@pytest.mark.parametrize("samples", [5000, 5100, 700, 400])
def test_the_typical_span_is_the_height_of_the_beats(samples: int) -> None:
    assert typical_span(signal(900, samples), 500) == pytest.approx(900, abs=1)


def test_a_short_artefact_does_not_change_the_typical_span() -> None:
    disturbed = signal(900)
    disturbed[:, 3000:3400] += 20_000
    assert typical_span(disturbed, 500) == pytest.approx(900, abs=1)


def test_the_span_of_extreme_values_does_not_wrap_around() -> None:
    extreme = signal(0)
    extreme[:, ::2], extreme[:, 1::2] = -32_767, 32_767
    assert typical_span(extreme, 500) == 65_534


@pytest.mark.parametrize("step", [1, 5, 24])
def test_the_smallest_step_is_that_of_the_converter(step: int) -> None:
    rng = np.random.default_rng(0)
    steps = np.rint(rng.normal(0, 200, (12, 5000)))
    assert smallest_step((step * steps).astype(np.int16)) == step
    assert smallest_step(signal(0)) == 0


def test_nothing_is_said_of_an_ordinary_cohort() -> None:
    assert gain_warnings(cohort()) == {}
    assert gain_warnings([]) == {}
    assert gain_warnings(cohort() + cohort(30, step=5, first=40)) == {}  # carts with steps of their own


@pytest.mark.parametrize("count", [2, 10, 30])
def test_records_stored_five_times_too_large_are_found_also_where_they_are_large_ecgs_no_more(
    count: int,
) -> None:
    right, wrong = cohort(), cohort(count, step=5, scale=5, first=40)
    found = gain_warnings(right + wrong)
    assert found.keys() == {entry.record_id for entry in wrong}
    assert "in steps of 5 microvolts instead of 1, others of the cohort 1.1 mV" in found[wrong[0].record_id]


def test_records_stored_five_times_too_small_are_found() -> None:
    right, wrong = cohort(step=5), cohort(10, step=1, scale=1 / 5, first=40)
    assert gain_warnings(right + wrong).keys() == {entry.record_id for entry in wrong}


def test_a_record_of_another_size_is_found_whatever_its_steps() -> None:
    found = gain_warnings(
        [*cohort(), Amplitude("large", "ward", 4600, 1), Amplitude("small", "ward", 260, 1)]
    )
    assert found.keys() == {"large", "small"}
    assert found["large"] == (
        "the signal spans 4.6 mV, others of the cohort 1.1 mV: the gain is probably wrong"
    )


@pytest.mark.parametrize("scale", [5.0, 0.2])
def test_a_cohort_of_which_every_gain_is_wrong_is_found(scale: float) -> None:
    entries = cohort(scale=scale)
    found = gain_warnings(entries)
    assert len(found) == len(entries)
    assert all("all gains are probably wrong" in text for text in found.values())


def test_nothing_is_said_of_a_small_cohort() -> None:
    assert gain_warnings(cohort(19, scale=5)) == {}


def test_each_source_is_compared_with_itself() -> None:
    """What is a step too large in one database is that of another one."""
    one, other = cohort(40), cohort(40, step=5, first=40, source="clinic")
    wrong = cohort(3, step=5, scale=5, first=80)
    assert gain_warnings(one + other + wrong).keys() == {entry.record_id for entry in wrong}


def test_a_small_source_is_compared_with_the_cohort() -> None:
    few = cohort(5, step=5, scale=5, first=40, source="clinic")
    assert gain_warnings(cohort() + few).keys() == {entry.record_id for entry in few}


def test_a_source_of_which_every_gain_is_wrong_does_not_make_others_wrong() -> None:
    wrong = cohort(60, step=5, scale=5, first=40, source="clinic")
    found = gain_warnings(cohort() + wrong)
    assert found.keys() == {entry.record_id for entry in wrong}
