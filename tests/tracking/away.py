"""A tracking server that can be switched off."""

from pathlib import Path
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from rarebeat.tracking import server


class Flaky:
    """A client of a server that can be switched off."""

    def __init__(self, client: MlflowClient) -> None:
        self.client, self.down = client, False

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            if self.down:
                raise MlflowException("Max retries exceeded\nwith a nest\nof tracebacks")
            return getattr(self.client, name)(*arguments, **named)

        return call


def on_server(project: Path) -> tuple[server.Tracker, Flaky]:
    tracker = server.open_tracker("rarebeat", f"sqlite:///{project / 'server.db'}")
    flaky = Flaky(tracker.client)
    tracker.client = flaky  # type: ignore[assignment]
    return tracker, flaky
