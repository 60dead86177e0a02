# Two commands: `make repro` runs the pipeline, `make test` runs the tests. Both install what they need first.
PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
PORT ?= 5000

.PHONY: install repro test ui format lock real transfer clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "installing into $(VENV) (about two minutes the first time)"
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	touch $@

repro: install            ## the pipeline: from ECGs to reports/
	dvc repro

test: install             ## ruff, mypy and all tests
	ruff check .
	ruff format --check .
	mypy
	pytest -q

ui: install               ## MLflow in the browser
	mlflow ui --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1 --port $(PORT)

# The same pipeline on real recordings: ECG is a folder with ptb-xl, challenge, ludb and ptb-xl-filtered. It runs as a
# temporary experiment, so that params.yaml, data/ and models/ here stay as they are; LABELS (codes or text) says
# where the labels of cohorts come from that have both.
LABELS ?= codes
real: export GIT_AUTHOR_NAME ?= rarebeat
real: export GIT_AUTHOR_EMAIL ?= rarebeat@example.org
real: export GIT_COMMITTER_NAME ?= rarebeat
real: export GIT_COMMITTER_EMAIL ?= rarebeat@example.org
real: install
	@test -d "$(ECG)" || { echo "say where the recordings are: make real ECG=/path/to/ecg"; exit 2; }
	@dvc exp remove --quiet real-$(LABELS) 2>/dev/null || true
	ecg="$$(cd "$(ECG)" && pwd)" && dvc exp run --temp --name real-$(LABELS) \
	  -S 'use=[ptb-xl,challenge,ludb,ptb-xl-normalised]' \
	  -S "cohorts.ptb-xl.root=$$ecg/ptb-xl" \
	  -S "cohorts.challenge.root=$$ecg/challenge" \
	  -S "cohorts.ludb.root=$$ecg/ludb" \
	  -S "cohorts.ptb-xl-normalised.root=$$ecg/ptb-xl-filtered" \
	  -S '+prepare.labels={ptb-xl:$(LABELS),ptb-xl-normalised:$(LABELS)}' \
	  -S '+prepare.split.folds={ptb-xl:{test:[7,8],validation:[6]},ptb-xl-normalised:{test:[7,8],validation:[6]}}' \
	  -S prepare.signal.normalise=zscore -S train.epochs=20 -S train.keep=best
	dvc get --force . reports/results.md --rev real-$(LABELS) --out reports/real-$(LABELS).md
	dvc get --force . reports/agreement.md --rev real-$(LABELS) --out reports/real-agreement.md

# Trained on simulated ECGs, tested on real ones; and what gives the simulation away.
transfer: install
	@test -d "$(ECG)" || { echo "say where the recordings are: make transfer ECG=/path/to/ecg"; exit 2; }
	python benchmarks/transfer.py --ecg "$(ECG)" --out reports/transfer.md
	python benchmarks/realism.py --ecg "$(ECG)" --out reports/realism.md

format: install
	ruff check --fix .
	ruff format .

lock: install             ## constraints.txt from pyproject.toml; needs uv
	echo 'torch==2.13.0' | uv pip compile --universal --python-version 3.11 --no-emit-index-url --no-annotate \
	  --no-header --extra dev --constraint - pyproject.toml --output-file constraints.txt

clean:                    ## remove outputs, keep the DVC cache
	rm -rf data/records data/labels data/shards data/transfer models/trained models/checkpoints reports/predictions.parquet
