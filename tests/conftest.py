"""What all tests share: both databases, a clock that is moved by hand, a seal."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from db.engine import Database, open_database
from db.migrate import migrate
from db.sealed import Seal
from tests.postgres import PostgresServer

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
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
