"""What the watch leaves alone; what it cuts is in ``tests/acceptance/test_database_away.py``."""

from __future__ import annotations

from sqlalchemy import text

from db.engine import open_database
from db.sealed import Seal
from db.watch import ANSWER, SILENCE, Watch
from tests.postgres import PostgresServer


async def test_a_statement_that_takes_long_on_a_server_that_answers_is_not_cut(
    postgres_server: PostgresServer, seal: Seal
) -> None:
    db = open_database(postgres_server.url(), seal)
    async with db.read() as connection:
        found = await connection.scalar(text(f"SELECT 7 FROM pg_sleep({SILENCE + ANSWER + 0.5})"))
    await db.close()

    assert found == 7


def test_a_watch_shows_its_state() -> None:
    assert repr(Watch("host=nowhere")) == "<Watch there connections=0>"
