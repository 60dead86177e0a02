#!/bin/sh
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=8G
#SBATCH --time=12:00:00
#SBATCH --requeue
##SBATCH --partition=gpu
##SBATCH --gres=gpu:1
#
# A cell of a study as a job of Slurm. `make study STUDY=NAME ON=slurm` submits this file once for each cell, as
#   sbatch --wait --parsable --job-name=... --output=... scales/slurm.sh CODE LOCKS STAGE INPUT... [--cache CACHE]
# Edit the lines above for your cluster (two ## make a comment). The project lies on a file system that all nodes see, with
# its environment in .venv; a requeued job goes on from its last epoch (models/checkpoints of the project).
set -eu
code=$1
locks=$2
shift 2
cd "$SLURM_SUBMIT_DIR"
PATH="$PWD/.venv/bin:$PATH"
export PATH
mkdir -p .dvc/tmp/exps
copy=$(mktemp -d "$PWD/.dvc/tmp/exps/study-XXXXXX")
trap 'rm -rf "$copy"' EXIT
trap 'exit 143' TERM  # without it a cancelled job would leave its copy
tar xzf "$code" -C "$copy"
tar xzf "$locks" -C "$copy"
cd "$copy"
PYTHONPATH=src python pipeline/cell.py "$@"
