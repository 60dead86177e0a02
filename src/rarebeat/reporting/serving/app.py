"""The HTTP interface. ECGs live in memory while they are answered: nothing is written, and nothing but counts is kept.

One thread asks the model, so that answers come in turn and each has the whole processor; requests that wait longer than
the limit are told so.
"""

import asyncio
import base64
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.middleware.trustedhost import TrustedHostMiddleware

from rarebeat.core.errors import BadRecordError, ParamsError
from rarebeat.core.records import LEADS, Record
from rarebeat.inference.predict import Answer, Model, answer_records
from rarebeat.readers.fields import Person
from rarebeat.reporting.answer_page import evidence_class, find_evidence, picture_of_answer
from rarebeat.reporting.serving.asked import MOST_ECGS, Asked, ecg_of, read_request

LOCAL = ("127.0.0.1", "localhost", "[::1]")
"""Names of this machine; a request for another host is refused, so that no web page can ask through its visitor."""

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; img-src data:; connect-src 'self'; script-src 'self'; "
    "style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
_PAGE = {"": "text/html", "page.js": "text/javascript", "page.css": "text/css"}


@dataclass(frozen=True)
class Limits:
    """What one request may cost.

    Attributes:
        megabytes: of a request.
        seconds: from its arrival to its answer.
    """

    megabytes: float = 16.0
    seconds: float = 60.0


class _TooLargeError(Exception):
    """A request is larger than allowed."""


def make_app(
    model: Model,
    limits: Limits = Limits(),
    hosts: tuple[str, ...] = LOCAL,
    counts: Counter[str] | None = None,
) -> FastAPI:
    """Make the application.

    Args:
        model: that answers.
        limits: of a request.
        hosts: names under which it may be asked.
        counts: where the requests are counted: "answered", "not answered" (ECGs), "refused", "too late",
            "failed" (requests).

    Returns:
        The application; ``GET /`` is the page, ``POST /predict`` the answers as JSON, ``POST /picture`` the answer of
        one ECG with its picture, ``GET /model`` what the model is.
    """
    app = FastAPI(title="Rarebeat", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")
    seen: Counter[str] = Counter() if counts is None else counts

    @app.middleware("http")
    async def _close(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        origin = request.headers.get("origin")
        if origin is None or urlsplit(origin).netloc == request.headers.get("host"):
            response = await go_on(request)
        else:
            response = _refusal(403, "pages of other sites may not ask")
        response.headers.update(_HEADERS)
        return response

    async def answered(request: Request, work: Callable[[Asked], dict[str, Any]]) -> Response:
        try:
            async with asyncio.timeout(limits.seconds):
                body = await _body(request, int(limits.megabytes * 1e6))
                loop = asyncio.get_running_loop()
                content = await loop.run_in_executor(thread, lambda: work(read_request(body)))
        except TimeoutError:
            seen["too late"] += 1
            return _refusal(503, f"no answer within {limits.seconds:g} s: ask again later, or for fewer ECGs")
        except _TooLargeError:
            seen["refused"] += 1
            return _refusal(413, f"the request is larger than {limits.megabytes:g} MB")
        except ParamsError as error:
            seen["refused"] += 1
            return _refusal(422, str(error))
        except Exception as error:  # what nobody foresaw: its text may quote an ECG, and must not reach a log
            seen["failed"] += 1
            return _refusal(500, f"this should not happen: {type(error).__name__}: {error}")
        for answer in content["answers"]:
            seen["not answered" if "error" in answer else "answered"] += 1
        return JSONResponse(content)

    @app.post("/predict")
    async def predict(request: Request) -> Response:
        return await answered(
            request, lambda asked: {"model": model.digest, "answers": _answers(model, asked)[1]}
        )

    @app.post("/picture")
    async def picture(request: Request) -> Response:
        return await answered(request, lambda asked: _with_picture(model, asked))

    @app.get("/model")
    async def about() -> dict[str, Any]:
        return describe(model)

    @app.get("/")
    @app.get("/{name}")
    async def page(name: str = "") -> Response:
        if name not in _PAGE:
            return _refusal(404, "there is GET / (a page) and /model, and POST /predict and /picture")
        text = resources.files(__package__).joinpath("page", name or "page.html").read_text(encoding="utf-8")
        return HTMLResponse(text) if not name else Response(text, media_type=_PAGE[name])

    return app


def describe(model: Model) -> dict[str, Any]:
    """What a program must know to ask: classes, thresholds, and what an ECG may be."""
    card = model.cards[0]
    return {
        "model": model.digest,
        "classes": list(model.thresholds),
        "thresholds": model.thresholds,
        "members": len(model.members),
        "coverage": min(card.certainty.coverage for card in model.cards if card.certainty)
        if model.tells
        else None,
        "leads": list(LEADS),
        "units": ["mV", "uV", "V", "normalised"],
        "seconds": card.window.of(card.preprocessing.samples) / card.preprocessing.rate,
        "uses_person": any(one.uses_person for one in model.cards),
        "most_ecgs": MOST_ECGS,
    }


def _answers(model: Model, asked: Asked) -> tuple[list[tuple[Record, Person] | None], list[Answer]]:
    """The ECGs that passed the gate, in their places, and an answer for each ECG."""
    answers: list[Answer] = [{} for _ in asked.ecgs]
    found: list[tuple[Record, Person] | None] = [None] * len(asked.ecgs)
    for row, ecg in enumerate(asked.ecgs):
        try:
            found[row] = ecg_of(ecg)
        except BadRecordError as error:
            answers[row] = {"error": str(error)}
    rows = [row for row, one in enumerate(found) if one is not None]
    known = [one for one in found if one is not None]
    said = answer_records(model, [record for record, _ in known], [person for _, person in known])
    for row, answer in zip(rows, said, strict=True):
        answers[row] = answer
    return found, answers


def _with_picture(model: Model, asked: Asked) -> dict[str, Any]:
    """The answer of one ECG, its picture, and the class whose evidence is in it."""
    if len(asked.ecgs) != 1:
        raise ParamsError("a picture is drawn of one ECG")
    (found,), (answer,) = _answers(model, asked)
    content = {"model": model.digest, "answers": [answer]}
    if found is None or "error" in answer:
        return content
    record, told = found
    name = evidence_class(answer, asked.evidence)
    person = told.otherwise(Person(record.age, record.sex))
    shading = None if name is None else find_evidence(record, model, name, person)
    drawn = base64.b64encode(picture_of_answer(record, answer, "ECG", "png", shading)).decode()
    return content | {"evidence": name, "picture": f"data:image/png;base64,{drawn}"}


async def _body(request: Request, most: int) -> bytes:
    """The body of a request; of one larger than ``most`` bytes nothing is kept.

    Such a body is still read to its end, or until the time of the request is over: a client that is sending does not
    read an answer, and finds its connection closed instead of the reason.
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            parts.clear()
        else:
            parts.append(part)
    if size > most:
        raise _TooLargeError
    return b"".join(parts)


def _refusal(status: int, reason: str) -> JSONResponse:
    return JSONResponse({"error": reason}, status_code=status)
