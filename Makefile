# Two commands: `make repro` runs the pipeline, `make test` runs the tests. Both install what they need first.
PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
PORT ?= 5000

.PHONY: install repro pages study real transfer ablation crossval disputed test ui format lock verify clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "installing into $(VENV) (about two minutes the first time)"
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	$(VENV)/bin/python -m compileall -q src pipeline
	touch $@

# DVC works in a git repository; what was downloaded as a ZIP file is none.
.PHONY: repository
repository:
	@git rev-parse --git-dir >/dev/null 2>&1 || grep -qs 'no_scm = true' .dvc/config.local || { echo "this folder is no git repository (was it downloaded as a ZIP file?), and DVC wants one. Make it one:"; \
	  echo "  git init && git add -A && git commit -m start"; \
	  echo "or do without experiments:  dvc config --local core.no_scm true"; \
	  exit 2; }

repro: repository install ## the pipeline: from ECGs to reports/
	dvc repro

# A study trains more than one model: `make study STUDY=ablation JOBS=2 ECG=/path/to/ecg SET='-S train.epochs=2'`.
# JOBS cells run side by side, with a thread each; a killed study goes on where it stopped. studies/README.md lists them.
# ON=ray, ON=slurm or ON=sky trains the cells on other machines (docs/scale.md); GPUS=1 gives each a GPU on ray.
# SCALE=paper first sets params.yaml to scales/paper.txt and makes the shards; `git checkout params.yaml` sets it back.
# What a study sets in its overrides.yaml stays as it is there, unless SET says otherwise.
study: repository install
	@test -n "$$STUDY" || { echo "say which: make study STUDY=NAME, where NAME is one of $$(ls -d studies/*/ | xargs -n1 basename | xargs)"; exit 2; }
	$(if $(SCALE),xargs dvc exp run prepare < scales/$(SCALE).txt)
	PYTHONPATH=src python pipeline/study.py "$$STUDY" $(if $(JOBS),--jobs $(JOBS)) $(if $(ON),--on "$$ON") $(if $(GPUS),--gpus $(GPUS)) $(if $(ECG),--ecg "$$ECG") $(SET)

real transfer ablation crossval disputed:
	$(MAKE) study STUDY=$@

test: install             ## ruff, mypy and all tests
	ruff check .
	ruff format --check .
	mypy
	pytest -q -n 2 --dist loadgroup --no-loadscope-reorder

# Mutated files through every reader, more than `make test` has: `make fuzz COUNT=760 SEED=3 ECG=/path/to/ecg MUSE=/path/to/xml`
# takes real recordings; without ECG and MUSE they are simulated. FORMATS="scp edf" takes these alone; the formats of
# docs/formats.md are the default of `make fuzz-formats COUNT=1000`. Each prints what became of its files.
.PHONY: fuzz fuzz-formats audit
COUNT ?= 400
SEED ?= 0
FORMATS ?=
fuzz-formats: FORMATS = aecg cardiosoft-xml dicom edf eli-xml ishne mfer philips-xml scp
fuzz-formats: fuzz
fuzz: install
	pytest -q -s tests/fuzz/test_readers.py --fuzz-count $(COUNT) --fuzz-seed $(SEED) --fuzz-formats "$(FORMATS)" \
	  $(if $(ECG),--fuzz-ecg "$(ECG)") $(if $(MUSE),--fuzz-muse "$(MUSE)")

audit: install            ## the licences of what is installed, against docs/licences.md
	python .ci/licences.py

pages: repro              ## the scores of the last run as a page for git
	cp reports/results.md reports/simulated.md
	cp reports/classes.csv reports/simulated.csv

.PHONY: reference
reference: install        ## docs/reference: the commands and the params, from the code
	PYTHONPATH=src python -m rarebeat.cli.reference

# Of the columns of `dvc exp show`, those that tell experiments apart and what each scored; it has hundreds.
# DVC leaves out what does not fit the width of the terminal.
KEEP ?= ^(Experiment|heads|model\.name|train\.(seed|optimiser|learning_rate)|macro\.(f1|auprc))$$
.PHONY: experiments
experiments: install      ## what dvc exp run has tried, in few columns; KEEP=REGEX chooses others
	@COLUMNS=145 dvc exp show --no-pager --drop '.*' --keep '$(KEEP)'

ui: export MLFLOW_DISABLE_TELEMETRY ?= true
# Without it MLflow starts five more processes, for what is never asked here.
ui: export MLFLOW_SERVER_ENABLE_JOB_EXECUTION ?= false
ui: install               ## MLflow in the browser; its runs are one page further than where it opens
	@echo "runs: http://127.0.0.1:$(PORT)/#/experiments/1/runs"
	mlflow ui --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1 --port $(PORT)

# PostgreSQL, an S3 server and an MLflow server for many trainings, on 127.0.0.1 and in the folder STACK: docs/scale.md.
# DATABASE and ARTIFACTS (environment variables, since a command line can be read by all) name your own instead.
.PHONY: stack
STACK ?= stack
MLFLOW_PORT ?= 5001
S3_PORT ?= 5002
POSTGRES_PORT ?= 5003
stack: install            ## servers that many trainings share, until Ctrl-C
	@PYTHONPATH=src exec python pipeline/stack.py --folder "$(STACK)" --mlflow-port $(MLFLOW_PORT) --s3-port $(S3_PORT) --postgres-port $(POSTGRES_PORT)

format: install
	ruff check --fix .
	ruff format .

lock: install             ## constraints.txt from pyproject.toml; needs uv
	echo 'torch==2.13.0' | uv pip compile --universal --python-version 3.11 --no-emit-index-url --no-annotate \
	  --no-header --extra dev --constraint - pyproject.toml --output-file constraints.txt

verify: install           ## compare DVC's cache with its checksums, and remove what is damaged
	PYTHONPATH=src python pipeline/verify.py

clean:                    ## remove outputs, keep the DVC cache
	rm -rf data/records data/labels data/shards data/studies models/trained models/checkpoints models/studies reports/studies reports/predictions.parquet

# Every benchmark on the commit BASE and on this tree, in turn, on one core and on two, into reports/speed/ (12 minutes).
.PHONY: speed
BASE ?= c1b6aca
speed: install
	python benchmarks/speed.py --base $(BASE)
