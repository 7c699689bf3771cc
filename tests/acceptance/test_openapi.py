"""The whole HTTP API held against the document it publishes, with input nobody thought of; on both databases."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import hypothesis
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from db.engine import Database
from monitoring.commands import add_token
from tests.acceptance.conftest import OpenHarbour
from tests.acceptance.test_checkout import open_web
from tests.conftest import MovableClock
from tests.integrations.checkout.conftest import save_rates

EXAMPLES = 8  # of each route; the whole stays under a minute a database
SCOPES = ("quotes", "payments", "orders", "inventory", "operate", "trigger", "read")
SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# What no schema can say (two fields that contradict each other, a country without a postal code, an old cursor) is 422,
# the character NUL 400.
CONFIG = schemathesis.Config.from_dict(
    {
        "checks": {
            "positive_data_acceptance": {
                "expected-statuses": ["2xx", "400", "401", "403", "404", "409", "422", "429", "502", "503", "504"]
            }
        }
    }
)


@pytest.fixture
async def address(open_harbour: OpenHarbour, database: Database, clock: MovableClock) -> AsyncIterator[tuple[str, str]]:
    """The address of a running web process and a token that may everything."""
    async with open_harbour(toml={"retry": {"base": 0.001, "cap": 0.002}}) as harbour, open_web(harbour) as api:
        await save_rates(database)
        token = await add_token(database, "everything", SCOPES, now=clock.now())
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(api, lifespan="off", log_config=None, access_log=False))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", token
        finally:
            server.should_exit = True
            with contextlib.suppress(asyncio.CancelledError):
                await serving


def walked(address: str, token: str) -> list[str]:
    """Send what the document allows and what it forbids to every route; return what was wrong with the answers."""
    headers = {"Authorization": f"Bearer {token}"}
    schema = schemathesis.openapi.from_url(f"{address}/api/openapi.json", headers=headers, config=CONFIG)
    wrong: list[str] = []
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @SETTINGS
            @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
            def check(case: Any) -> None:
                case.call_and_validate(headers=headers, timeout=30)

            try:
                check()
            except hypothesis.errors.Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE  # a route that takes nothing cannot be given anything wrong
            except (schemathesis.errors.SchemathesisError, AssertionError, BaseExceptionGroup) as error:
                wrong.append(f"{operation.label} ({mode.name.lower()}): {error}")
    return wrong


async def test_every_answer_is_as_the_document_says(address: tuple[str, str]) -> None:
    wrong = await asyncio.to_thread(walked, *address)

    assert wrong == [], "\n\n".join(wrong)
