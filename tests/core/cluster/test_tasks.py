"""Work on a cluster: results in order, few tasks ahead, errors as they are here, and a lost machine costs nothing."""

import os
import platform
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.clusters import TwoMachines, two_machines

from rarebeat.core.cluster import tasks
from rarebeat.core.cluster.connection import connected
from rarebeat.core.errors import BadRecordError, ParamsError, RarebeatError
from rarebeat.core.parallel import map_in_order, parse_workers


@pytest.fixture(scope="module")
def machines() -> Iterator[TwoMachines]:
    with two_machines() as found:
        from ray import cloudpickle

        cloudpickle.register_pickle_by_value(
            sys.modules[__name__]
        )  # the functions below: workers have no tests
        yield found


def machines_at_work(log: Path) -> set[str]:
    """The machines that have begun a task."""
    return {line.split()[1] for line in log.read_text().splitlines()} if log.exists() else set()


def square(log: Path, number: int) -> tuple[int, str]:
    """The square, once both machines have begun a task, and what the machine has of the package."""
    import ray

    import rarebeat

    with log.open("a") as file:
        file.write(f"{number} {ray.get_runtime_context().get_node_id()}\n")
    while len(machines_at_work(log)) < 2:
        time.sleep(0.05)
    time.sleep(0.2)
    return number**2, f"{os.environ['OMP_NUM_THREADS']} {Path(rarebeat.__file__).parent.parent}"


def fail(kind: str) -> None:
    """Whatever can happen to a task."""
    if kind == "user":
        raise RarebeatError("records.csv has no column age")
    if kind == "record":
        raise BadRecordError("flat", "lead V1 is flat")
    if kind == "fault":
        raise KeyError("lead")
    os._exit(1)


@pytest.mark.slow
def test_a_machine_is_lost_and_all_results_come_in_order(machines: TwoMachines, tmp_path: Path) -> None:
    taken, log = [], tmp_path / "log"
    lost = False

    def numbers() -> Iterator[int]:
        nonlocal lost
        for number in range(14):
            taken.append(number)
            yield number
            if number >= 5 and not lost:  # a result is here, so that both machines work
                machines.lose_one()
                lost = True

    results = map_in_order(partial(square, log), numbers(), machines.workers)
    first = next(results)
    assert len(taken) == 5  # two for each processor, and the first
    found = [first, *results]
    assert lost
    assert [square for square, _ in found] == [number**2 for number in range(14)]
    threads, _, package = found[0][1].partition(" ")
    assert threads == "1"
    assert package != str(Path(tasks.__file__).parents[3])  # a copy, as other machines have it
    assert "py_modules" in package
    machines.replace_it()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "expected", "message"),
    [
        ("user", RarebeatError, r"^records\.csv has no column age$"),
        ("record", BadRecordError, "^flat: lead V1 is flat$"),
        ("fault", KeyError, "lead"),
        (
            "killed",
            RarebeatError,
            "a task was lost with the process or machine of the cluster that did it, 1 times",
        ),
    ],
)
def test_errors_are_those_of_the_work(
    machines: TwoMachines, monkeypatch: pytest.MonkeyPatch, kind: str, expected: type[Exception], message: str
) -> None:
    monkeypatch.setattr(tasks, "RETRIES", 0)
    with pytest.raises(expected, match=message):
        list(map_in_order(fail, [kind], machines.workers))


def test_a_machine_that_does_not_see_the_project_says_so() -> None:
    with pytest.raises(
        RarebeatError, match=f"the machine {platform.node()} of the cluster does not see /nowhere"
    ):
        tasks._call(abs, -1, "/nowhere")


def test_without_ray_one_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(RarebeatError, match=r"ray:auto needs ray, .* pip install rarebeat\[scale\]"),
        connected("ray:auto"),
    ):
        pass


@pytest.mark.parametrize(
    ("said", "expected"),
    [(None, None), (2, 2), ("3", 3), ("ray:auto", "ray:auto"), ("ray://head:10001", "ray://head:10001")],
)
def test_workers_are_a_number_or_a_cluster(said: object, expected: object) -> None:
    assert parse_workers(said) == expected


@pytest.mark.parametrize("said", [0, "-1", "--3", "ray:", "many", True, 2.5])
def test_other_workers_are_refused(said: object) -> None:
    with pytest.raises(ParamsError, match="workers must be"):
        parse_workers(said)
