"""After a cross-validation: where models, labels and signals disagree (`rarebeat labels audit-model` is the same)."""

from rarebeat.cli.audit_model import audit_model
from rarebeat.cli.console import run

if __name__ == "__main__":
    run(audit_model)
