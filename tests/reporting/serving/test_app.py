"""The application alone: what goes wrong in it is told to whoever asked, and to no log."""

import asyncio
import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rarebeat.inference.predict import open_model
from rarebeat.reporting.serving import app as serving


async def post(application: Any, path: str, body: bytes) -> tuple[int, Any]:
    """Send one request as a server does."""
    sent: list[dict[str, Any]] = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.Event().wait()  # whoever asked is still there
        return waiting.pop()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "http_version": "1.1"}
    await application(scope | {"headers": [(b"host", b"127.0.0.1")], "scheme": "http"}, receive, send)
    content = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], json.loads(content)


def test_what_nobody_foresaw_is_told_to_whoever_asked_and_not_logged(
    model_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("Anna Muster")

    monkeypatch.setattr(serving, "answer_records", fail)
    counts: Counter[str] = Counter()
    application = serving.make_app(open_model(model_folder), counts=counts)
    with caplog.at_level(logging.DEBUG):
        status, content = asyncio.run(post(application, "/predict", b'{"ecgs": [{"age": 63}]}'))
    assert (status, counts["failed"]) == (500, 1)
    assert content["error"] == "this should not happen: ValueError: Anna Muster"
    assert "Muster" not in caplog.text + "".join(capfd.readouterr())
