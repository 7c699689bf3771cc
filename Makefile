# make run · make test · make lint · make bench; uv is used when present, else venv and pip: the same lock either way.
PY ?= python3
V := .venv
JOBS ?= 2

.PHONY: run test lint bench clean

$(V)/.ok: requirements.lock
	@if command -v uv >/dev/null 2>&1; then \
		uv venv -q --allow-existing --python "$$(command -v $(PY))" $(V) && VIRTUAL_ENV=$(V) uv pip sync -q --require-hashes requirements.lock; \
	else \
		$(PY) -m venv $(V) && $(V)/bin/python -m pip install -q --require-hashes -r requirements.lock; \
	fi
	@touch $@

run: $(V)/.ok
	$(V)/bin/python app.py

test: lint
	$(V)/bin/python -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder -m "not benchmark and not alone"
	$(V)/bin/python -m pytest -q -m "alone and not benchmark"

lint: $(V)/.ok
	$(V)/bin/ruff check .
	$(V)/bin/ruff format --check .
	$(V)/bin/mypy

bench: $(V)/.ok
	$(V)/bin/python -m pytest -q -s tests/benchmarks -m benchmark

clean:
	rm -rf $(V) .mypy_cache .ruff_cache .pytest_cache
