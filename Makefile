# Needs Python 3.11 or newer and make; everything else goes into .venv and var.
PYTHON = $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && exit; done; echo python3)
RUN = @$(PYTHON) config/bootstrap.py run.lock
DEV = @$(PYTHON) config/bootstrap.py dev.lock
WITH_SERVICES = $(DEV) python -m tests.services --

.PHONY: run stop test bench lint css proof-first-calls proof-api proof-engines proof-campaigns proof-campaigns-long proof-whitelabel

run:  ## start everything, print the address and the login
	$(RUN) python -m config.stack

stop:  ## end what `make run` started
	$(RUN) python -m config.stack stop

test:  ## every test, on all cores; ARGS="tests/calls -k live" for some
	$(DEV) pytest $(or $(ARGS),--numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder)

bench lint: export DEVELOPMENT = 1

bench:  ## each prints its figure as a ratio to a limit of this machine
	$(WITH_SERVICES) .venv/bin/python -m benchmarks

lint:  ## style, types, missing migrations, the API's description
	$(DEV) ruff check .
	$(DEV) mypy
	$(WITH_SERVICES) .venv/bin/python manage.py makemigrations --check --dry-run
	$(WITH_SERVICES) .venv/bin/python manage.py spectacular --validate --fail-on-warn --file /dev/null

css:  ## compiled styles and scripts, committed; needs Node
	npm ci --no-audit --no-fund && npm run build

proof-first-calls:  ## the claims of the first calls, each with its figure
	$(DEV) python -m tests.proof first-calls

proof-api:  ## the claims of the API, each with its figure
	$(DEV) python -m tests.proof api

proof-engines:  ## the claims of voice engines and events, each with its figure
	$(DEV) python -m tests.proof engines

proof-campaigns:  ## the claims of campaigns, each with its figure
	$(DEV) python -m tests.proof campaigns

proof-whitelabel:  ## the claims of the whitelabel portal, each with its figure
	$(DEV) python -m tests.proof whitelabel

proof-campaigns-long:  ## the same with 10,000 leads and 500 processes killed; hours
	$(DEV) python -m tests.proof campaigns-long
