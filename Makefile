# Two commands: `make repro` runs the pipeline, `make test` runs the tests. Both install what they need first.
PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
PORT ?= 5000

.PHONY: install repro test ui check format lock real paper benchmark clean

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

format: install
	ruff check --fix .
	ruff format .

lock: install             ## constraints.txt from pyproject.toml; needs uv
	echo 'torch==2.13.0' | uv pip compile --universal --python-version 3.11 --no-emit-index-url --no-annotate \
	  --no-header --extra dev --constraint - pyproject.toml --output-file constraints.txt

clean:                    ## remove outputs, keep the DVC cache
	rm -rf data/records data/labels data/shards models/trained models/checkpoints reports/predictions.parquet
