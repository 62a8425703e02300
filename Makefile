# Everything on a fresh machine with Python 3.11 or later and nothing else:
#   make run     the dashboard          make test    all tests
#   make check   format, lint, types    make bench   speed, measured in ratios
#   make format  rewrite as `check` wants it
#   make fuzz    what chance decides, 100 times and more    make soak    ten million steps, watched
#   make audit   known vulnerabilities of the versions in constraints.txt
#   make hashes  after a change of constraints.txt: what the files of these versions must hash to

PYTHON ?= python3
# Two more than cores: tests start engines and terminals of their own, and wait for them half the time.
WORKERS ?= 4
READY := .venv/ready

.PHONY: run test check bench fuzz soak format audit hashes clean

run: $(READY)
	.venv/bin/steermore $(ARGS)

test: $(READY)
	.venv/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(READY)
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy

bench: $(READY)
	.venv/bin/python -m tests.benchmarks $(or $(ARGS),--write)

# STEERMORE_FUZZ: how often. STEERMORE_SEED: which chances; it is printed.
fuzz: $(READY)
	STEERMORE_FUZZ=$(or $(STEERMORE_FUZZ),100) .venv/bin/python -m pytest -m fuzz -s \
	  -o faulthandler_timeout=0 $(ARGS)

soak: $(READY)
	.venv/bin/python -m tests.soak $(ARGS)

format: $(READY)
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

# In an environment of its own: its many packages are none of ours.
audit: $(READY)
	$(PYTHON) -m venv .venv/audit
	.venv/audit/bin/python -m pip install --disable-pip-version-check -q pip-audit
	.venv/bin/python -m tests.audit .venv/audit/bin/pip-audit

hashes: $(READY)
	$(PYTHON) -m venv .venv/hashes
	.venv/hashes/bin/python -m pip install --disable-pip-version-check -q uv
	grep -v '^torch==' constraints.txt | .venv/hashes/bin/uv pip compile -q --no-deps --universal \
	  --generate-hashes --no-header --no-annotate --python-version 3.11 - -o .ci/hashes.txt

clean:
	rm -rf .venv

# The versions that were tested, each file by its hash; but for torch, whose CPU build comes where pip
# finds one under this version.
$(READY): pyproject.toml constraints.txt .ci/hashes.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --disable-pip-version-check -q --no-deps --require-hashes -r .ci/hashes.txt
	.venv/bin/python -m pip install --disable-pip-version-check -q -c constraints.txt -e ".[dev]"
	touch $@
