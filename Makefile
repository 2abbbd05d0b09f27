# Every target prepares what it needs first: `make run` on a fresh clone is enough.

.DEFAULT_GOAL := help
.PHONY: help setup data run backfill up up-compose down-compose test test-fast test-all exact lint format bench docs schema clean

# The environment that local/setup.sh wrote: Java, .venv, the class archive.
ENV = . ./.cache/env.sh &&
# A link that leads nowhere, or a page in no menu, fails it.
SITE = NO_MKDOCS_2_WARNING=1 mkdocs build --strict --site-dir .cache/site

# The partition date of `make run`, and the pipeline; empty means the example's own.
DATE ?=
PIPELINE ?=
# More words for pytest: make test ARGS="-k keys -x"
ARGS ?=
# How many files of tests at once; each worker has a Spark session of its own. tests/conftest.py gives the order.
# Three on two cores: tests that start servers wait for a third of their time.
WORKERS ?= 3
PARALLEL = -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations=20

help: ## Show this list
	@echo "Vintage: nightly Spark ML retraining that people can trust"
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

setup: ## Prepare Python packages, Java and the JVM's class archive (the other targets do it by themselves)
	@sh local/setup.sh

data: setup ## Write the raw data of the example pipelines to data/raw
	@$(ENV) python -m examples.prepare

run: setup ## Retrain for one date through Airflow (DATE=2013-02-28 PIPELINE=flight_delay)
	@$(ENV) python local/night.py $(if $(DATE),'--date=$(DATE)') $(if $(PIPELINE),'--pipeline=$(PIPELINE)')

backfill: setup ## Retrain each date from FROM to TO, both included, in the Airflow of `make up` (FROM=2013-02-01 TO=2013-02-07)
	@$(ENV) python local/backfill.py '--from=$(FROM)' '--to=$(TO)' $(if $(PIPELINE),'--pipeline=$(PIPELINE)')

up: setup ## Airflow and MLflow in the browser until Ctrl-C
	@$(ENV) exec python local/stack.py

up-compose: compose-is-there ## The whole stack in containers: Airflow and MLflow on PostgreSQL, Spark with two workers
	@python3 local/compose_env.py
	@docker compose up --build --detach
	@echo "Airflow  http://127.0.0.1:$${VINTAGE_AIRFLOW_PORT:-8080}   user admin, password: VINTAGE_AIRFLOW_PASSWORD in .env"
	@echo "MLflow   http://127.0.0.1:$${VINTAGE_MLFLOW_PORT:-5000}/#/experiments?workflowType=machine_learning"
	@echo "Spark    http://127.0.0.1:$${VINTAGE_SPARK_PORT:-8090}"

down-compose: compose-is-there ## Stop what up-compose started; its volumes stay
	@docker compose down

compose-is-there:
	@docker compose version >/dev/null 2>&1 || \
		{ echo "make: Docker with its Compose plugin is not there: https://docs.docker.com/engine/install/" >&2; exit 1; }

test-fast: setup ## The tests that need neither Spark nor a server: a minute
	@$(ENV) pytest -m "not spark and not integration and not long" $(PARALLEL) $(ARGS)

test: setup ## The tests that need no server
	@$(ENV) pytest -m "not integration and not long" $(PARALLEL) $(ARGS)

test-all: setup ## All tests, with coverage
	@$(ENV) pytest $(PARALLEL) --cov --cov-report=term $(ARGS)

exact: setup ## Every stage on 1 to 64 partitions, bit for bit the same on four machines: hours
	@$(ENV) EXACT_CASES=every pytest -n0 tests/integration/test_executors_exact.py $(ARGS)

lint: setup ## Style, types, the boundaries between modules, and the YAML files against their schemas
	@$(ENV) ruff check .
	@$(ENV) ruff format --check .
	@$(ENV) codespell vintage spark_jobs dags plugins local examples benchmarks jvm docs pipelines expectations *.md
	@$(ENV) mypy
	@$(ENV) lint-imports --no-logo
	@$(ENV) deptry vintage spark_jobs dags plugins local examples
	@$(ENV) python local/publish_schemas.py --check
	@$(ENV) python local/publish_stages.py --check
	@$(ENV) python local/publish_reliability.py --check
	@$(ENV) python local/publish_cli.py --check
	@$(ENV) python local/publish_manifest.py --check
	@$(ENV) $(SITE)
	@$(ENV) check-jsonschema --schemafile docs/schema/pipeline.schema.json pipelines/*.yaml
	@$(ENV) check-jsonschema --schemafile docs/schema/suite.schema.json expectations/*.yaml
	@$(ENV) check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yaml
	@$(ENV) check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yaml

format: setup ## Put the code into its format, and mend what can be mended
	@$(ENV) ruff check --fix . ; ruff format .

bench: setup ## Measure against plain spark-submit and a hand-written script; writes benchmarks/results
	@$(ENV) python -m benchmarks.run $(ARGS)

docs: setup ## The docs as a site, in .cache/site
	@$(ENV) $(SITE)
	@echo .cache/site/index.html

schema: setup ## Publish the JSON Schemas of the YAML files in docs/schema, and the pages that are generated
	@$(ENV) python local/publish_schemas.py
	@$(ENV) python local/publish_stages.py
	@$(ENV) python local/publish_reliability.py
	@$(ENV) python local/publish_cli.py
	@$(ENV) python local/publish_manifest.py

clean: ## Remove all state: raw data, store, MLflow, Airflow (keeps .venv and the class archive)
	@[ ! -d data ] || find data -mindepth 1 -maxdepth 1 ! -name cds -exec rm -rf {} +
	@rm -rf logs mlruns spark-warehouse metastore_db derby.log
