# Two commands: `make repro` runs the pipeline, `make test` runs the tests. Both install what they need first.
PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
PORT ?= 5000

.PHONY: install repro crossval test ui format lock real disputed transfer ablation clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "installing into $(VENV) (about two minutes the first time)"
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	touch $@

repro: install            ## the pipeline: from ECGs to reports/
	dvc repro

# One model per fold and their ensemble, into reports/crossval/; JOBS folds side by side. A killed one goes on from its
# last epoch when it is started again.
JOBS ?= 1
crossval: install
	dvc repro crossval/dvc.yaml:folds
	dvc stage list --name-only crossval/dvc.yaml | grep fold@ | \
	  xargs -r -P $(JOBS) -n 1 dvc --wait-for-lock repro --single-item
	dvc repro crossval/dvc.yaml

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
REAL = -S 'use=[ptb-xl,challenge,ludb,ptb-xl-normalised]' \
  -S "cohorts.ptb-xl.root=$$ecg/ptb-xl" \
  -S "cohorts.challenge.root=$$ecg/challenge" \
  -S "cohorts.ludb.root=$$ecg/ludb" \
  -S "cohorts.ptb-xl-normalised.root=$$ecg/ptb-xl-filtered" \
  -S '+prepare.labels={ptb-xl:$(LABELS),ptb-xl-normalised:$(LABELS)}' \
  -S '+prepare.split.folds={ptb-xl:{test:[7,8],validation:[6]},ptb-xl-normalised:{test:[7,8],validation:[6]}}' \
  -S prepare.signal.normalise=zscore -S train.epochs=20 -S train.keep=best
real disputed: export GIT_AUTHOR_NAME ?= rarebeat
real disputed: export GIT_AUTHOR_EMAIL ?= rarebeat@example.org
real disputed: export GIT_COMMITTER_NAME ?= rarebeat
real disputed: export GIT_COMMITTER_EMAIL ?= rarebeat@example.org
real: install
	@test -d "$(ECG)" || { echo "say where the recordings are: make real ECG=/path/to/ecg"; exit 2; }
	@dvc exp remove --quiet real-$(LABELS) 2>/dev/null || true
	ecg="$$(cd "$(ECG)" && pwd)" && dvc exp run --temp --name real-$(LABELS) $(REAL)
	dvc get --force . reports/results.md --rev real-$(LABELS) --out reports/real-$(LABELS).md
	dvc get --force . reports/agreement.md --rev real-$(LABELS) --out reports/real-agreement.md

# Five fold models of Zhao et al.'s network (narrow, at 125 Hz, with age and sex) on the real recordings, their ensemble,
# and the records where they and the labels disagree most, drawn in data/disputed/ for a clinician to decide.
DISPUTED = -S label.vocabulary=cinc2020 -S prepare.signal.rate=125 -S prepare.signal.samples=1250 \
  -S prepare.balance.enabled=false -S model.name=se_resnet -S model.se_resnet.width=16 -S train.augment.hide_person=0.1
disputed: install
	@test -d "$(ECG)" || { echo "say where the recordings are: make disputed ECG=/path/to/ecg"; exit 2; }
	@dvc exp remove --quiet real-folds 2>/dev/null || true
	ecg="$$(cd "$(ECG)" && pwd)" && dvc exp run --temp --name real-folds $(REAL) $(DISPUTED) crossval/dvc.yaml
	rm -rf data/disputed data/real-folds && mkdir data/real-folds
	dvc get . data/records --rev real-folds --out data/real-folds/records
	dvc get . data/labels --rev real-folds --out data/real-folds/labels
	dvc get . reports/crossval/out_of_fold.parquet --rev real-folds --out data/real-folds/out_of_fold.parquet
	dvc get --force . reports/crossval/results.md --rev real-folds --out reports/real-folds.md
	rarebeat labels audit-model data/disputed data/real-folds/out_of_fold.parquet --records data/real-folds/records \
	  --labels data/real-folds/labels
	cp data/disputed/summary.md reports/real-disputed.md

# Trained on simulated ECGs, tested on real ones; and what gives the simulation away.
transfer: install
	@test -d "$(ECG)" || { echo "say where the recordings are: make transfer ECG=/path/to/ecg"; exit 2; }
	python benchmarks/transfer.py --ecg "$(ECG)" --out reports/transfer.md
	python benchmarks/realism.py --ecg "$(ECG)" --out reports/realism.md

# Network x loss x threshold rule by the challenge's metric: simulated, and with ECG=/path/to/ecg real recordings too.
# Started again, it goes on where it stopped.
ablation: install
	@test -z "$(ECG)" || test -d "$(ECG)" || { echo "there is no folder $(ECG)"; exit 2; }
	GOMP_SPINCOUNT=1000 python benchmarks/ablation.py $(if $(ECG),--ecg "$(ECG)") --out reports/ablation.md

format: install
	ruff check --fix .
	ruff format .

lock: install             ## constraints.txt from pyproject.toml; needs uv
	echo 'torch==2.13.0' | uv pip compile --universal --python-version 3.11 --no-emit-index-url --no-annotate \
	  --no-header --extra dev --constraint - pyproject.toml --output-file constraints.txt

clean:                    ## remove outputs, keep the DVC cache
	rm -rf data/records data/labels data/shards data/folds data/transfer data/ablation data/disputed data/real-folds models/trained models/folds models/checkpoints reports/crossval reports/predictions.parquet

# Every benchmark on the commit BASE and on this tree, in turn, on one core and on two, into reports/speed/ (12 minutes).
.PHONY: speed
BASE ?= c1b6aca
speed: install
	python benchmarks/speed.py --base $(BASE)
