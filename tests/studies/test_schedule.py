"""The scheduler of studies: the order of stages, what is run again, and what is ended with the study."""

import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.studies import here, schedule
from rarebeat.studies.here import Process
from rarebeat.studies.schedule import Place

GRAPH = {
    "prepare": set[str](),
    "cell@0": {"prepare"},
    "cell@1": {"prepare"},
    "cell@2": {"prepare"},
    "compare": {"cell@0", "cell@1", "cell@2"},
}


def test_a_graph_is_read_with_stages_that_wait_for_nothing() -> None:
    dot = 'strict digraph {\n"a.yaml:x@1";\n"b";\n"c";\n"a.yaml:x@1" -> "b";\n"c" -> "b";\n}'
    assert schedule.parse_dag(dot) == {"a.yaml:x@1": set(), "b": {"a.yaml:x@1", "c"}, "c": set()}


def test_what_waits_for_a_changed_stage_is_run_again_and_nothing_else() -> None:
    assert schedule.stale(GRAPH, {"cell@1"}) == {"cell@1", "compare"}
    assert schedule.stale(GRAPH, {"prepare"}) == set(GRAPH)
    assert schedule.stale(GRAPH, {"another study"}) == set()


def run_with(
    monkeypatch: pytest.MonkeyPatch, folder: Path, fail: str = ""
) -> tuple[Place, Callable[[], list[tuple[str, str]]]]:
    """Let stages take a moment each; what is returned tells when they started and ended."""
    log = folder / "log"

    def start(stage: str) -> Process:
        end = "seq 100; echo it went wrong >&2; exit 3" if stage == fail else f"echo end {stage} >> {log}"
        return here.begin(["sh", "-c", f"echo start {stage} >> {log}; sleep 0.3; {end}"])

    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def events() -> list[tuple[str, str]]:
        return [tuple(line.split()) for line in log.read_text().splitlines()]  # type: ignore[misc]

    return SimpleNamespace(start=start), events


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_stages_run_after_those_they_wait_for_and_so_many_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    jobs: int,
) -> None:
    place, events = run_with(monkeypatch, tmp_path)
    done = list[str]()
    schedule.run_all(GRAPH, 7, jobs, place, done.append)
    assert sorted(done) == sorted(GRAPH)
    found = events()
    assert sorted(stage for kind, stage in found if kind == "end") == sorted(GRAPH)
    for stage, waits in GRAPH.items():
        for other in waits:
            assert found.index(("end", other)) < found.index(("start", stage))
    running = most = 0
    for kind, _ in found:
        running += 1 if kind == "start" else -1
        most = max(most, running)
    assert most == min(jobs, 3)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("2/7 stages done, 0:00, running prepare")
    assert lines[-1].startswith("7/7 stages done")


def test_a_failed_stage_is_told_by_the_end_of_what_it_said_and_what_waits_for_it_is_not_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place, events = run_with(monkeypatch, tmp_path, fail="cell@1")
    with pytest.raises(RarebeatError, match=r"^cell@1 failed:\n72\n(.*\n)*100\nit went wrong$"):
        schedule.run_all(GRAPH, 5, 2, place, lambda _: None)
    assert ("start", "compare") not in events()
    assert ("end", "cell@0") in events()  # that beside it was not broken off


def test_what_runs_is_ended_when_the_study_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started = list[Process]()

    def start(stage: str) -> Process:
        command = ["sh", "-c", f"sh -c 'sleep 2; touch {tmp_path / stage}'; true"]  # with a child, as DVC has
        started.append(here.begin(command))
        return started[-1]

    def stop(*arguments: object) -> None:
        if len(started) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(schedule, "tell", stop)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    place = SimpleNamespace(start=start)
    with pytest.raises(KeyboardInterrupt):
        schedule.run_all({"one": set(), "two": set()}, 2, 2, place, lambda _: None)
    assert [job.poll() for job in started] == [-signal.SIGTERM] * 2  # they were waited for
    time.sleep(2.5)
    assert not list(tmp_path.iterdir())  # the children ended, too


def test_what_does_not_end_when_asked_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(here, "PATIENCE", 0.2)
    command = ["sh", "-c", "trap '' TERM; echo ready; while true; do sleep 0.05; done"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout
    process.stdout.readline()
    gone = subprocess.Popen(["true"], start_new_session=True)
    gone.wait()
    with tempfile.TemporaryFile() as said:
        schedule.end([Process(process, said), Process(gone, said)])
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(("before", "ended"), [(signal.SIG_DFL, True), (signal.SIG_IGN, False)])
def test_a_terminal_that_is_closed_ends_the_study_unless_it_was_started_to_outlive_it(
    before: signal.Handlers, ended: bool
) -> None:
    """What is started leads a group of its own, which a closed terminal does not reach."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM)}
    started = list[Process]()

    def start(stage: str) -> Process:
        started.append(here.begin(["sleep", "1"]))
        signal.raise_signal(signal.SIGHUP)
        return started[-1]

    try:
        signal.signal(signal.SIGHUP, before if not ended else lambda *_: None)
        place = SimpleNamespace(start=start)
        if ended:
            with pytest.raises(SystemExit, match=str(128 + signal.SIGHUP)):
                schedule.run_all({"one": set()}, 1, 1, place, lambda _: None)
        else:
            schedule.run_all({"one": set()}, 1, 1, place, lambda _: None)
            assert started[0].poll() == 0
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
