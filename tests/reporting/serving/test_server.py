"""Over HTTP an ECG gets the answer of its file, whatever it comes as; nothing is kept of it."""

import base64
import http.client
import json
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.reporting.serving.chromium import PROGRAM, browser
from tests.reporting.serving.conftest import Server

from rarebeat.core.errors import RarebeatError
from rarebeat.core.records import LEADS
from rarebeat.inference.predict import predict_files
from rarebeat.readers.read_file import read_file
from rarebeat.reporting.serving.server import run_server
from rarebeat.simulator.archives.archive import write_archive
from rarebeat.simulator.settings import SimulatorSettings

CONCURRENT = 200


def ask(
    server: Server, content: Any, path: str = "/predict", headers: Mapping[str, str] = {}
) -> tuple[int, Any]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    request = urllib.request.Request(server.address + path, data=body, headers=dict(headers), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=300) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        told = error.read()
        return error.code, json.loads(told) if "json" in error.headers["Content-Type"] else told.decode()


def files_of(*paths: Path) -> dict[str, str]:
    return {path.name: base64.b64encode(path.read_bytes()).decode() for path in paths}


def pair(header: Path) -> dict[str, Any]:
    return {"files": files_of(header, header.with_suffix(".dat"))}


def test_files_and_numbers_get_the_answer_of_their_file(
    server: Server, model_folder: Path, wfdb_record: Path, tmp_path: Path
) -> None:
    write_archive(tmp_path / "muse", "muse-xml", SimulatorSettings(records=1))
    (xml,) = (tmp_path / "muse").rglob("*.xml")
    signal = read_file(wfdb_record).signal / 1000
    asked = [
        pair(wfdb_record),
        {"files": files_of(xml)},
        {"signal": signal.tolist(), "units": "mV", "rate": 500},
        {
            "leads": dict(zip(LEADS, (signal * 1000).tolist(), strict=True)),
            "units": "uV",
            "rate": 500,
            "sex": "F",
        },
    ]
    status, content = ask(server, {"ecgs": asked})
    assert status == 200
    expected = [
        {key: value for key, value in answer.items() if key != "file"}
        for answer in predict_files([wfdb_record, xml, wfdb_record, wfdb_record], model_folder)
    ]
    for answer, truth in zip(content["answers"], expected, strict=True):
        for name, entry in truth["classes"].items():
            assert answer["classes"][name]["probability"] == pytest.approx(entry["probability"], abs=1e-6)
            assert answer["classes"][name]["threshold"] == entry["threshold"]
            assert answer["classes"][name]["decision"] == entry["decision"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"units": None}, "samples need their units"),
        ({"rate": None}, "samples need their units"),
        ({"signal": [[0.1] * 5000] * 11}, "11 rows; expected 12"),
        ({"signal": [[0.0] * 5000] * 12}, "flat_lead"),
        ({"age": 200}, "age takes 0 to 120"),
        ({"sex": "robot"}, "sex takes female or male"),
        ({"files": {"a.xml": "!"}, "signal": None, "units": None, "rate": None}, "is not base64"),
        ({"files": {"a.xml": ""}}, "expected one of files, leads and signal"),
    ],
)
def test_an_ecg_that_cannot_be_answered_has_its_reason_and_the_others_are(
    server: Server, wfdb_record: Path, changes: dict[str, Any], complaint: str
) -> None:
    good = {"signal": (read_file(wfdb_record).signal / 1000).round(3).tolist(), "units": "mV", "rate": 500}
    status, content = ask(server, {"ecgs": [good | changes, pair(wfdb_record)]})
    assert status == 200
    assert complaint in content["answers"][0]["error"]
    assert "classes" in content["answers"][1]


@pytest.mark.parametrize(
    ("body", "status", "complaint"),
    [
        (b"not json", 422, "is not JSON"),
        (b"\xff\xfe", 422, "is not JSON"),
        (b'{"ecgs": []}', 422, "request.ecgs"),
        (b'{"ecgs": [{"rat": 500}]}', 422, "did you mean 'rate'"),
        (b"[" * 100_000, 422, "request"),
        (b" " * 30_000_000, 413, "larger than 2 MB"),
    ],
)
def test_a_wrong_request_is_refused(server: Server, body: bytes, status: int, complaint: str) -> None:
    found, content = ask(server, body)
    assert found == status
    assert complaint in content["error"]


def test_a_body_that_does_not_tell_its_size_is_refused(server: Server) -> None:
    connection = http.client.HTTPConnection(server.address.removeprefix("http://"), timeout=300)
    connection.request("POST", "/predict", body=iter([b" " * 500_000] * 5), encode_chunked=True)
    assert connection.getresponse().status == 413


def test_pages_of_other_hosts_cannot_ask(server: Server) -> None:
    assert ask(server, {}, headers={"Host": "evil.example"})[0] == 400
    for origin in ("https://evil.example", "null", server.address.replace("http://", "http://a.")):
        assert ask(server, {}, headers={"Origin": origin})[0] == 403
    assert ask(server, {}, headers={"Origin": server.address})[0] == 422  # let in, and there is no ECG in it
    with urllib.request.urlopen(server.address, timeout=300) as response:
        assert response.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.slow
def test_two_hundred_requests_at_once_get_the_same_answer(server: Server, wfdb_record: Path) -> None:
    content = {"ecgs": [pair(wfdb_record) | {"age": 63, "sex": "male"}]}
    with ThreadPoolExecutor(CONCURRENT) as pool:
        answers = list(pool.map(lambda _: ask(server, content), range(CONCURRENT)))
    assert [status for status, _ in answers] == [200] * CONCURRENT
    assert len({json.dumps(answer) for _, answer in answers}) == 1


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium")
def test_files_that_are_dropped_on_the_page_are_drawn_with_their_calls(
    server: Server, wfdb_record: Path, tmp_path: Path
) -> None:
    with browser(tmp_path / "profile") as page:
        page.open(f"{server.address}/")
        page.wait("document.querySelectorAll('#evidence option').length === 4")
        page.drop([wfdb_record, wfdb_record.with_suffix(".dat")], "#drop")
        page.wait(
            "!document.querySelector('#answer').hidden && document.querySelector('#picture').complete", 240
        )
        assert page.run("document.querySelectorAll('#calls tr.called').length") >= 1
        assert page.run("document.querySelector('#picture').naturalWidth") == 1485
        page.drop([wfdb_record], "#drop")
        page.wait("document.querySelector('#state').className === 'refused'", 240)
        assert (
            "Not answered: unreadable: it is the header of a WFDB record without its signal file"
            in page.run("document.querySelector('#state').innerText")
        )
        assert page.said == []  # no error in the console, no picture or script that the page may not load


def test_nothing_is_written_and_counts_alone_are_said(server: Server) -> None:
    server.process.send_signal(signal.SIGINT)
    said, _ = server.process.communicate(timeout=300)
    first, *others = said.splitlines()
    assert first.startswith("http://127.0.0.1:")
    assert any("answered" in line for line in others)
    assert "r1" not in said
    assert list(server.folder.iterdir()) == []


def test_a_port_that_is_taken_is_told_and_nothing_else(
    model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(RarebeatError, match=r"port \d+ cannot be used: .*; take another with --port"),
    ):
        run_server(model_folder, taken.getsockname()[1], megabytes=1, seconds=1, threads=None)
    assert capsys.readouterr().out == ""
