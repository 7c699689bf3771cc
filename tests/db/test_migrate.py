from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text

from db import schema
from db.columns import to_micros
from db.engine import Database, open_database
from db.migrate import SchemaIsNewer, is_ours, migrate
from db.partitions import DAYS_AHEAD, ensure_partitions
from db.sealed import Seal
from tests.conftest import NOON
from tests.postgres import PostgresServer

REVISION = max(path.name[:4] for path in (Path(schema.__file__).parents[1] / "migrations" / "versions").glob("0*.py"))
STARTER = """
import asyncio, sys
from db.engine import open_database
from db.migrate import migrate
from db.sealed import Seal

async def main():
    db = open_database(sys.argv[1], Seal(["a key that only the tests know"]))
    print(await migrate(db))
    await db.close()

asyncio.run(main())
"""


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"include_object": is_ours, "compare_type": True})
    return [change for change in compare_metadata(context, schema.metadata) if not _is_partition_index(change)]


def _is_partition_index(change: object) -> bool:
    """A partition's own indexes come with its parent's."""
    return isinstance(change, tuple) and change[0] == "remove_index" and "_d2026" in change[1].table.name


async def test_migrated_schema_equals_the_declared_one(database: Database) -> None:
    async with database.read() as connection:
        differences = await connection.run_sync(_differences)

    assert differences == []


async def test_migrating_again_changes_nothing(database: Database) -> None:
    assert await migrate(database, NOON) == REVISION


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_processes_that_start_together_migrate_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path}/fresh/quayside.db"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        server.execute("CREATE DATABASE started_together")
        url = server.url("started_together")
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", STARTER, url, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(4)
    ]
    ended = [await process.communicate() for process in started]

    assert [(process.returncode, out, err) for process, (out, err) in zip(started, ended, strict=True)] == [
        (0, f"{REVISION}\n".encode(), b"")
    ] * 4


async def test_database_of_a_later_version_is_refused(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(SchemaIsNewer, match="later version"):
        await migrate(database, NOON)


async def test_sqlite_file_can_give_space_back(tmp_path: Path, seal: Seal) -> None:
    db = open_database(f"sqlite:///{tmp_path}/quayside.db", seal)
    await migrate(db)
    async with db.read() as connection:
        mode = await connection.scalar(text("PRAGMA auto_vacuum"))
    await db.close()

    assert mode == 2  # incremental


@pytest.fixture
async def postgres(postgres_server: PostgresServer, postgres_template: str, seal: Seal) -> Database:
    name = "partitions"
    postgres_server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    postgres_server.execute(f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    return open_database(postgres_server.url(name), seal)


async def _rows_by_partition(db: Database) -> dict[str, int]:
    async with db.read() as connection:
        rows = await connection.execute(text("SELECT tableoid::regclass::text, count(*) FROM bodies GROUP BY 1"))
        return {name: number for name, number in rows}  # noqa: C416 - a Row is not a pair to mypy


async def test_row_goes_to_the_partition_of_its_day_or_to_the_default_one(postgres: Database) -> None:
    far = NOON + timedelta(days=DAYS_AHEAD + 3)
    async with postgres.write() as connection:
        for number, at in enumerate((NOON, far)):
            await connection.execute(insert(schema.bodies).values(started_at=at, attempt_id=str(number)))

    assert await _rows_by_partition(postgres) == {"bodies_d20260302": 1, "bodies_default": 1}
    await postgres.close()


async def test_rows_in_the_default_partition_move_when_their_day_gets_its_own(postgres: Database) -> None:
    far = NOON + timedelta(days=DAYS_AHEAD + 3)
    async with postgres.write() as connection:
        await connection.execute(insert(schema.bodies).values(started_at=far, attempt_id="a", request="kept"))

    await ensure_partitions(postgres, far)

    async with postgres.read() as connection:
        row = (await connection.execute(select(schema.bodies))).one()
    assert await _rows_by_partition(postgres) == {f"bodies_d{far:%Y%m%d}": 1}
    assert (to_micros(row.started_at), row.request) == (to_micros(far), "kept")
    await postgres.close()
