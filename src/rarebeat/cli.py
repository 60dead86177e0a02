"""The command line: ``rarebeat``."""

from rarebeat import commands
from rarebeat.console import new_app, run

app = new_app(help="Multi-task CNNs on 12-lead ECGs: read archives, predict, score.")
app.command()(commands.ingest)
app.command()(commands.predict)
app.command()(commands.score)


def main() -> None:
    """Entry point of the ``rarebeat`` command."""
    run(app)


if __name__ == "__main__":
    main()
