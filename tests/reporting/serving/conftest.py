"""A server of the tiny model, as its user starts it."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Server:
    """A server in a process of its own."""

    address: str
    process: subprocess.Popen[str]
    folder: Path


@pytest.fixture(scope="package")
def server(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("serving")
    command = [sys.executable, "-m", "rarebeat.cli.main", "serve", str(model_folder), "--port", str(port)]
    command += ["--megabytes", "2", "--threads", "1", "--seconds", "600"]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    address = f"http://127.0.0.1:{port}"
    end = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(f"{address}/model", timeout=10).close()
            break
        except (urllib.error.URLError, ConnectionError):
            assert process.poll() is None, process.stdout.read() if process.stdout else ""
            assert time.monotonic() < end
            time.sleep(0.2)
    yield Server(address, process, folder)
    if process.poll() is None:
        process.kill()
        process.wait()
