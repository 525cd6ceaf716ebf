# The commands that a person types. Each sets up what it needs.

.DEFAULT_GOAL := help
SHELL := /bin/sh
CORES ?= 2
PYTHON ?= python3
REVIEW ?= .
REVIEWS ?= reviews
VENV := .venv
RUN_OPTION = $(if $(RUN),--config run=$(RUN))
REVIEW_OPTIONS = --directory $(REVIEW) $(if $(RUN),--run $(RUN))
READY := $(VENV)/ready
BIN := $(VENV)/bin
# Programs that start Python anew (Snakemake does) find the environment's own.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup report month desk decisions rows export import-decisions trials export-trials import-trials release replay notify doctor rehearse months portfolio review sandbox test coverage test-slurm lint format audit lock

help:  ## Show these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18
	@echo
	@echo "Options: RUN=2026-12 another month; REVIEW=folder another review; CORES=4"

setup: $(READY)  ## Install everything into .venv

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; found: $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Setting up the environment in $(VENV) (once, about a minute)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@touch $@

report: $(READY)  ## Build the report of the month in config.yaml (the bundled review's is offline)
	@snakemake --cores $(CORES) --directory $(REVIEW) $(RUN_OPTION)

# Work that waits (10) and a trigger (20) are no failures of make, which has one status for all of these.
month: $(READY)  ## Build a month with nobody watching, and say what came of it (RUN=2026-12, PROFILE)
	@python scripts/run_month.py $(REVIEW_OPTIONS) --cores $(CORES) $(if $(PROFILE),--profile $(PROFILE)) || \
		{ code=$$?; case $$code in 10|20) ;; *) exit $$code;; esac; }

desk: $(READY)  ## Open the desk: the month's human work in a browser of this computer (PORT=9000, OPEN=yes)
	@python scripts/open_desk.py $(REVIEW_OPTIONS) --cores $(CORES) $(if $(PORT),--port $(PORT)) $(if $(filter yes,$(OPEN)),--open)

decisions: $(READY)  ## File the decisions filled into queues and conflicts (QUEUE=file, CORRECT=yes)
	@python scripts/file_decisions.py $(REVIEW_OPTIONS) $(if $(QUEUE),--queue $(QUEUE)) $(if $(filter yes,$(CORRECT)),--correct)

rows: $(READY)  ## Show rows that were filed and are gone from people's tables (PUT_BACK=yes, or LET_GO=yes)
	@python scripts/restore_rows.py --directory $(REVIEW) $(if $(filter yes,$(PUT_BACK)),--put-back) $(if $(filter yes,$(LET_GO)),--let-go)

export: $(READY)  ## Write records and decisions for another program (TOOL=asreview, FORMAT, STAGE, PART)
	@python scripts/export_screening.py $(REVIEW_OPTIONS) --tool "$(TOOL)" $(if $(FORMAT),--format $(FORMAT)) $(if $(STAGE),--stage $(STAGE)) $(if $(PART),--part $(PART))

import-decisions: $(READY)  ## File the decisions in another program's export (FILE, TOOL, STAGE, REVIEWER; docs/exchange.md)
	@python scripts/import_screening.py $(REVIEW_OPTIONS) "$(FILE)" --tool "$(TOOL)" $(if $(STAGE),--stage $(STAGE)) $(if $(REVIEWER),--reviewer "$(REVIEWER)") $(if $(ALIAS),--as "$(ALIAS)") $(if $(ONLY),--only "$(ONLY)") $(if $(NOTE),--note "$(NOTE)") $(if $(filter yes,$(CORRECT)),--correct)

trials: $(READY)  ## Merge the filled-in extraction sheets (SHEET=name)
	@python scripts/merge_trials.py $(REVIEW_OPTIONS) $(if $(SHEET),--sheet $(SHEET))

export-trials: $(READY)  ## Write trials and effects for metafor (with its R script), Metapsy's tools and RevMan
	@python scripts/export_trials.py $(REVIEW_OPTIONS)

import-trials: $(READY)  ## Add the trials of a Metapsy data set (FILE, SOURCE, OUTCOME, HIGHER_IS, FAVOURS; docs/exchange.md)
	@python scripts/import_trials.py $(REVIEW_OPTIONS) "$(FILE)" --source "$(SOURCE)" $(if $(OUTCOME),--outcome "$(OUTCOME)") $(if $(HIGHER_IS),--higher-is "$(HIGHER_IS)") $(if $(FAVOURS),--favours "$(FAVOURS)")

release: $(READY)  ## Build the run under a version and freeze it (VERSION=26.1.0 NOTE="...", DOI)
	@python scripts/freeze_release.py "$(VERSION)" $(REVIEW_OPTIONS) --cores $(CORES) --note "$(NOTE)" $(if $(DOI),--doi "$(DOI)")

replay: $(READY)  ## Build a release again from its frozen inputs and compare it byte for byte (VERSION=26.1.0)
	@python scripts/replay_release.py "$(VERSION)" --directory $(REVIEW) --cores $(CORES)

notify: $(READY)  ## Send a month's digest where it was left unsent, or show it (RUN=2026-12, DRY_RUN=yes, FORCE=yes once more, TEST=yes)
	@python scripts/notify.py $(REVIEW_OPTIONS) $(if $(filter yes,$(DRY_RUN)),--dry-run) $(if $(filter yes,$(FORCE)),--force) $(if $(filter yes,$(TEST)),--test)

doctor: $(READY)  ## Look at everything that a month needs, and say what to mend (OFFLINE=yes asks no server)
	@python scripts/doctor.py --directory $(REVIEW) $(if $(filter yes,$(OFFLINE)),--offline)

rehearse: $(READY)  ## Play several months in a row in a copy, offline, and show what grows
	@python scripts/rehearse_months.py --directory $(REVIEW) --cores $(CORES)

months: $(READY)  ## Build the month of every review in a folder (REVIEWS=reviews, JOBS=2 at once, PROFILE)
	@python scripts/run_months.py --reviews $(REVIEWS) --cores $(CORES) $(if $(RUN),--run $(RUN)) $(if $(JOBS),--jobs $(JOBS)) $(if $(PROFILE),--profile $(PROFILE)) || \
		{ code=$$?; case $$code in 10|20) ;; *) exit $$code;; esac; }

portfolio: $(READY)  ## Write the page of all reviews in a folder again (REVIEWS=reviews)
	@python scripts/build_portfolio.py --reviews $(REVIEWS)

review: $(READY)  ## Begin a review in a new folder (NAME=reviews/my-review TITLE="...")
	@python scripts/start_review.py $(if $(TITLE),--title "$(TITLE)") $(if $(RUN),--run $(RUN)) "$(NAME)"

sandbox: $(READY)  ## Serve the bundled records as PubMed does (AS_OF=2026-11-01)
	@python scripts/serve_sandbox.py --corpus $(REVIEW)/data/sandbox/records.csv --as-of $(or $(AS_OF),2026-11-01)

test: $(READY)  ## Run all tests
	@python -m pytest -n $(CORES) --dist loadfile --no-loadscope-reorder

coverage: $(READY)  ## Run all tests and list the lines that none of them ran (twice the time of what runs in pytest itself)
	@python -m pytest -n $(CORES) --dist loadfile --no-loadscope-reorder --cov --cov-report=term

test-slurm: $(READY)  ## Run the whole review and a bulk scan on a Slurm of one node, which it starts and stops (root)
	@python -m pytest -m slurm tests/slurm

lint: $(READY)  ## Check style, rule files and workflow
	@ruff check . && ruff format --check . && snakefmt --check Snakefile rules && snakemake --lint

format: $(READY)  ## Format Python and rule files
	@ruff check --fix . && ruff format . && snakefmt Snakefile rules

audit:  ## Ask whether a vulnerability is known of anything that is pinned (needs the package index)
	@rm -rf .venv-audit && $(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	@.venv-audit/bin/pip-audit --strict --progress-spinner off --disable-pip --require-hashes --requirement requirements.lock
	@rm -rf .venv-audit

lock:  ## Renew requirements.lock and requirements.run.lock, hashes included, from the pins in pyproject.toml (needs the package index)
	@rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb")); print(*p["project"]["dependencies"], *p["dependency-groups"]["dev"], sep="\n")' > .venv-lock/pins
	@.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate .venv-lock/pins --output-file requirements.lock
	@# What a month needs, without what tests and checks need: of the container.
	@.venv-lock/bin/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb")); print(*p["project"]["dependencies"], sep="\n")' > .venv-lock/pins
	@.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --constraint requirements.lock .venv-lock/pins --output-file requirements.run.lock
	@rm -rf .venv-lock
