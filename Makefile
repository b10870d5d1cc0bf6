# The README's two commands are `make demo` and `make test`; both set up all they need.
PYTHON ?= python3
BIN = .venv/bin
READY = .venv/ready
CODE = common/dockcred helpers bench packaging/zipapp packaging/directory packaging/attest \
    docs/generate
# tests/support/workers.py says how many workers there are, and what they share. ONLY has
# the files and folders of tests that are wanted, where it is not all.
TESTS = $(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal --durations 20

SITE = .venv/site/bin

.PHONY: demo test slow night check docs pictures site bench clean

demo: $(READY)
	@$(BIN)/python -m dockcred.testing.demo

test: $(READY)
	$(TESTS) -m 'not slow' $(ONLY)

# What `make test` leaves out.
slow: $(READY)
	$(TESTS) -m slow

# Everything in its long form: hours, as root, with all that .ci/run installs.
night: $(READY)
	.ci/night

# Of the mutations those of a third of the tests, another third for each commit; all of them
# take 20 minutes, at night.
check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python tests/house/platforms.py
	$(BIN)/lint-imports
	$(BIN)/pylint $(CODE)
	$(BIN)/python tests/mutations/run.py --third

docs: $(READY)
	$(BIN)/python docs/generate

# README's pictures, from real runs: as root, where docker, its engine and podman are.
pictures: $(READY)
	PYTHONPATH=tests $(BIN)/python docs/generate/pictures.py

# The documentation as a site, in build/site/VERSION, beside the versions that are there. By npm come what draws its diagrams, and what
# searches it where no server is.
site: .venv/site/ready build/scripts/ready
	$(SITE)/python docs/generate/site.py build/site-pages
	cp build/scripts/*.js build/site-pages/site/
	$(SITE)/zensical build --clean --strict
	$(SITE)/python docs/generate/versions.py build/site-built build/site

.venv/site/ready: pyproject.toml
	$(PYTHON) -m venv .venv/site
	$(SITE)/pip install --quiet --upgrade 'pip>=25.1'
	$(SITE)/pip install --quiet --group site
	@touch $@

build/scripts/ready: docs/generate/scripts.sh
	docs/generate/scripts.sh build/scripts
	@touch $@

bench: $(READY)
	$(BIN)/python -m bench.run $(ROWS:%=--rows '%')
	$(if $(ROWS),,$(BIN)/python -m bench.one_file)

$(READY): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/pip install --quiet --editable '.[all]' --group test --group check --group release
	# Of Oracle's SDK alone all bytecode takes half a minute; Python makes what it imports.
	$(if $(DOCKCRED_REQUIRE_REAL),$(BIN)/pip install --quiet --no-compile --group real)
	@touch $@

clean:
	rm -rf .venv build dist
