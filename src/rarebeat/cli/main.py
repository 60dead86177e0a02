"""The command line: ``rarebeat``."""

from rarebeat.cli import audit as audit_commands
from rarebeat.cli import audit_model as model_audit_commands
from rarebeat.cli import data as commands
from rarebeat.cli import labels as label_commands
from rarebeat.cli import models as model_commands
from rarebeat.cli import noise as noise_commands
from rarebeat.cli import simulate as simulate_commands
from rarebeat.cli.console import new_app, run

app = new_app(help="Multi-task CNNs on 12-lead ECGs: read or simulate archives, label, predict, score.")
app.command()(commands.ingest)
app.command()(commands.predict)
app.command()(commands.score)
app.command()(label_commands.label_text)
app.command()(model_commands.models)
app.command()(simulate_commands.simulate)

labels = new_app(
    help="Look into labels: agreement of text and codes, audit by hand or by a model, label noise."
)
labels.command()(label_commands.agreement)
labels.command()(audit_commands.audit)
labels.command()(audit_commands.verdicts)
labels.command()(model_audit_commands.audit_model)
labels.command()(model_audit_commands.model_verdicts)
labels.command(name="noise")(noise_commands.label_noise)
app.add_typer(labels, name="labels")


def main() -> None:
    """Entry point of the ``rarebeat`` command."""
    run(app)


if __name__ == "__main__":
    main()
