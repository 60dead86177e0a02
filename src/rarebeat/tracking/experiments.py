"""An experiment of a server or of the project's database: found by its name, and created where there is none."""

from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from rarebeat.core.project import project_root
from rarebeat.tracking.artifacts import artifact_location


def experiment_id(client: MlflowClient, name: str, uri: str) -> str:
    """Find an experiment, or create it.

    Args:
        client: of the server or database.
        name: of the experiment.
        uri: of the server or database.

    Returns:
        The id that it has there.
    """
    if (found := client.get_experiment_by_name(name)) is not None:
        return str(found.experiment_id)
    # Without it the artifacts of a local database would follow the working directory of whoever came first.
    location = artifact_location(project_root()) if uri.startswith("sqlite:") else None
    try:
        return str(client.create_experiment(name, artifact_location=location))
    except MlflowException:  # another clone may have been faster, which no lock here holds back
        if (found := client.get_experiment_by_name(name)) is None:
            raise
        return str(found.experiment_id)
