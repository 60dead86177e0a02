"""Running the application on this machine."""

import socket
from collections import Counter
from pathlib import Path

import torch
import uvicorn

from rarebeat.core.errors import RarebeatError
from rarebeat.inference.predict import open_model
from rarebeat.reporting.serving.app import Limits, make_app

HOST = "127.0.0.1"
_WAITING = 2048  # connections that the system keeps waiting


def run_server(folder: Path, port: int, megabytes: float, seconds: float, threads: int | None) -> None:
    """Serve a model until it is interrupted.

    Args:
        folder: of the model.
        port: on this machine alone.
        megabytes: largest request.
        seconds: longest wait for an answer.
        threads: of torch; None leaves it to torch.

    Raises:
        RarebeatError: when the model cannot be read, or the port is taken.
    """
    model = open_model(folder)
    if threads is not None:
        torch.set_num_threads(threads)
    counts: Counter[str] = Counter()
    app = make_app(model, Limits(megabytes, seconds), counts=counts)
    try:
        with socket.create_server((HOST, port), backlog=_WAITING) as listening:
            print(f"http://{HOST}:{port}/ (Ctrl-C ends it)", flush=True)
            settings = uvicorn.Config(app, access_log=False, log_level="warning", server_header=False)
            try:
                uvicorn.Server(settings).run(sockets=[listening])
            finally:
                told = ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))
                print(told or "nothing was asked")
    except OSError as error:
        raise RarebeatError(
            f"port {port} cannot be used: {error.strerror or error}; take another with --port"
        ) from error
