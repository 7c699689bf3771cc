"""Who may import whom, read from the source; the drawing is in README.md."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("app", "db", "integrations", "scheduler", "monitoring")
MAY = {
    "db": {"db"},
    "integrations": {"integrations", "db"},
    "scheduler": {"scheduler", "integrations", "db"},
    "monitoring": {"monitoring", "db"},
}
ONLY_IN = {  # library -> where it may be imported
    "httpx": ("integrations/transport",),
    "httpx_aiohttp": ("integrations/transport",),
    "zeep": ("integrations/transport",),
    "apscheduler": ("scheduler",),
    "procrastinate": ("scheduler",),
    "dash": ("monitoring",),
    "dash_ag_grid": ("monitoring",),
    "dash_mantine_components": ("monitoring",),
    "plotly": ("monitoring",),
    "fastapi": ("monitoring", "integrations/checkout", "integrations/webhooks"),
    "sqlalchemy": ("db",),
    "alembic": ("db",),
    "tenacity": ("integrations/exchange.py",),
    "graphql": ("integrations/sandbox",),
}
VENDOR_MAY = {
    "adapter",
    "classify",
    "customs",
    "error_body",
    "errors",
    "euro_reference",
    "hashed_identity",
    "look_up",
    "oauth",
    "outcome",
    "paths",
    "postal_codes",
    "reading",
    "signatures",
    "soap_fault",
    "time_zone",
    "types",
}
DB_IN_INTEGRATIONS_ONLY_FROM = {
    "answer_notes.py",
    "answers.py",
    "circuit_board.py",
    "claims.py",
    "commands.py",
    "events_heard.py",
    "exchange.py",
    "follow_up.py",
    "gateway.py",
    "last_answers.py",
    "limit_book.py",
    "once.py",
    "opened.py",
    "permit_desk.py",
    "prober.py",
    "recorder.py",
    "rows.py",
    "runtime.py",
    "sign_in.py",
    "storing.py",
    "take_over.py",
    "under_way.py",
    "walk.py",
    "watch_report.py",
}


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("package", MAY)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    wrong = [
        f"{where(path)} imports {name}"
        for path in sources(package)
        for name in imported(path)
        if name.split(".")[0] in OURS and name.split(".")[0] not in MAY[package]
    ]

    assert wrong == []


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_imported_in_its_place_alone(library: str) -> None:
    wrong = [
        where(path)
        for package in MAY
        for path in sources(package)
        if any(name.split(".")[0] == library for name in imported(path))
        and not where(path).startswith(ONLY_IN[library])
    ]

    assert wrong == []


def test_a_vendor_file_imports_neither_the_gateway_nor_another_vendor() -> None:
    wrong = []
    for path in sources("integrations/vendors"):
        own = where(path).split("/")[2].removesuffix(".py")
        for name in imported(path):
            parts = name.split(".")
            if parts[0] in ("db", "scheduler", "monitoring"):
                wrong.append(f"{where(path)} imports {name}")
            elif parts[0] == "integrations" and len(parts) > 1:
                inside = parts[1] in VENDOR_MAY or (parts[1] == "vendors" and parts[2:3] == [own])
                if not inside:
                    wrong.append(f"{where(path)} imports {name}")

    assert wrong == []


def test_resilience_decides_without_http_or_database() -> None:
    wrong = [
        f"{where(path)} imports {name}"
        for path in sources("integrations/resilience")
        for name in imported(path)
        if name.split(".")[0] in ("db", "httpx", "aiohttp", "sqlalchemy") or name.startswith("integrations.transport")
    ]

    assert wrong == []


def test_the_sandbox_knows_neither_adapters_nor_the_database() -> None:
    wrong = [
        f"{where(path)} imports {name}"
        for path in sources("integrations/sandbox")
        for name in imported(path)
        if name.split(".")[0] == "db"
        or (name.startswith("integrations.") and not name.startswith("integrations.sandbox"))
        # The names of the vendors are no knowledge of how we call them.
        if not (path.name == "twins.py" and name.startswith("integrations.registry"))
    ]

    assert wrong == []


def test_the_database_is_reached_from_few_places_in_integrations() -> None:
    wrong = [
        where(path)
        for path in sources("integrations")
        if path.parent.name == "integrations"
        and path.name not in DB_IN_INTEGRATIONS_ONLY_FROM
        and any(name.split(".")[0] == "db" for name in imported(path))
    ]

    assert wrong == []


def test_only_the_application_reads_the_environment() -> None:
    wrong = [
        where(path)
        for package in MAY
        for path in sources(package)
        if "os.environ" in path.read_text(encoding="utf-8") or "getenv(" in path.read_text(encoding="utf-8")
    ]

    assert wrong == ["scheduler/supervisor.py"] or wrong == []


def test_the_top_level_holds_what_it_should() -> None:
    allowed = {
        *("app.py", "db", "integrations", "scheduler", "monitoring", "tests", "docs", "pyproject.toml"),
        *("README.md", "CHANGELOG.md", "LICENSE", "Makefile", "requirements.lock", ".ci", "quayside.example.toml"),
        *(".env.example", ".gitignore"),
    }
    local = {".git", ".venv", "var", ".env", "quayside.toml", "__pycache__", ".hypothesis", "uv.lock"}
    found = {path.name for path in ROOT.iterdir()} - local - {p.name for p in ROOT.glob(".*_cache")}

    assert found - allowed == set()
