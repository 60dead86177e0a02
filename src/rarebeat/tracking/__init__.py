"""What MLflow is told of trainings, evaluations and studies; nothing here changes what a stage puts out."""
