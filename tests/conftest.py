"""What all tests share: both databases, a clock that is moved by hand, a seal."""

from __future__ import annotations

import gc
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from fastapi.dependencies import models as fastapi_models

from db.engine import Database, open_database
from db.migrate import migrate
from db.sealed import Seal
from tests.postgres import PostgresServer

# What takes minutes is begun first, so that at the end no worker waits long for the others; and files that mostly wait for
# processes go out in turn with those that keep a browser busy.
LONGEST = ("test_order_storm.py", "test_kill_scheduler.py", "tests/browser/test_pages.py")
IN_TURN = ("tests/acceptance/", "tests/browser/", "tests/scheduler/syncs/")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FASTAPI_REMEMBERS = [found for found in vars(fastapi_models).values() if hasattr(found, "cache_clear")]
_numbers = count(1)


class MovableClock:
    """Time stands still until a test moves it; sleeping moves it too."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __repr__(self) -> str:
        return f"<MovableClock {self.at.isoformat()}>"

    def now(self) -> datetime:
        return self.at

    def time(self) -> float:
        return self.at.timestamp()

    def micros(self) -> int:
        return round(self.at.timestamp() * 1_000_000)

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.move(max(0.0, seconds))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the order within a file stays."""
    files = dict.fromkeys(item.nodeid.partition("::")[0] for item in items)
    ranks = dict.fromkeys(files, (2, 0))
    for folder in IN_TURN:
        ranks |= {file: (1, place) for place, file in enumerate(file for file in files if file.startswith(folder))}
    ranks |= {file: (0, place) for place, name in enumerate(LONGEST) for file in files if file.endswith(name)}
    items.sort(key=lambda item: ranks[item.nodeid.partition("::")[0]])


def pytest_sessionstart() -> None:
    """Leave what is imported by now out of every collection of garbage to come."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def forget_applications() -> Iterator[None]:
    """Let go of a test's web application; FastAPI remembers the routes of the last thousands, 5 MB for each."""
    yield
    for remembered in FASTAPI_REMEMBERS:
        remembered.cache_clear()


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="session")
def seal() -> Seal:
    return Seal(["a key that only the tests know"])


@pytest.fixture(scope="session")
async def sqlite_template(tmp_path_factory: pytest.TempPathFactory, seal: Seal) -> Path:
    """A migrated, empty SQLite file that each test copies."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    db = open_database(f"sqlite:///{path}", seal)
    await migrate(db)
    await db.close()
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A running server for the whole test run."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture(scope="session")
async def postgres_template(postgres_server: PostgresServer, seal: Seal) -> str:
    """The name of a migrated, empty database that each test clones; its partitions are those of ``NOON``."""
    name = "quayside_template"
    postgres_server.execute(f"CREATE DATABASE {name}")
    db = open_database(postgres_server.url(name), seal)
    await migrate(db, NOON)
    await db.close()
    return name


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, migrated, empty database: the test runs on each kind."""
    if request.param == "sqlite":
        path = tmp_path / "quayside.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    template = request.getfixturevalue("postgres_template")
    name = f"quayside_{next(_numbers)}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.url(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str, seal: Seal) -> AsyncIterator[Database]:
    db = open_database(database_url, seal)
    yield db
    await db.close()
