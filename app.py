"""Quayside: reads the environment and quayside.toml into options, wires the parts together, runs one command."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import sys
import tomllib
from argparse import Namespace
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from urllib.request import getproxies

import orjson
from dotenv import dotenv_values

from db import calls as stored_calls
from db.commands import migrate_command, prune_command
from db.engine import Database, StoreUnavailable
from db.retention import RetentionOptions
from integrations import commands as vendor_commands
from integrations.arguments import parse
from integrations.errors import InvalidInput, QuaysideError
from integrations.http_status import retry_after_of, status_of
from integrations.limits import limit_problems
from integrations.log_lines import set_up_logging
from integrations.notices import SlackNotices
from integrations.opened import calling, store
from integrations.options import BadSetting, built
from integrations.registry import adapter_class
from integrations.runtime import Runtime
from integrations.sandbox_faults import SandboxFaults
from integrations.settings import Settings, check_credentials, understand
from integrations.watch_report import watch_report
from monitoring.facts import SyncFacts, VendorFacts, facts_of
from monitoring.options import AlertOptions, WebOptions
from monitoring.problem import Problem

if TYPE_CHECKING:
    from monitoring.alerts.incidents import Alerts
    from monitoring.hands import GameDay

# What a command does not need it does not load: Dash, the scheduler and the sandbox are imported where they are used.
VAR = Path("var")
P = ParamSpec("P")
T = TypeVar("T")


def read_settings() -> Settings:
    """Return the settings of this process. Raise BadSetting."""
    environment = {name: value for name, value in dotenv_values(".env").items() if value is not None} | dict(os.environ)
    toml: Mapping[str, Any] = {}
    if Path("quayside.toml").exists():
        try:
            toml = tomllib.loads(Path("quayside.toml").read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadSetting(f"quayside.toml cannot be read: {error}.") from None
    return understand(environment, toml, var=VAR, proxies=getproxies())


def vendor_facts(settings: Settings) -> list[VendorFacts]:
    """Return what the pages are told about vendors."""
    return [facts_of(vendor) for vendor in vendor_commands.vendor_list(settings.integrations)]


def sync_facts(settings: Settings) -> list[SyncFacts]:
    """Return what the pages are told about syncs."""
    from scheduler.jobs import all_jobs
    from scheduler.settings import scheduler_options

    return [SyncFacts(**job.facts()) for job in all_jobs(scheduler_options(settings)).values()]


def alerts(settings: Settings, db: Database, runtime: Runtime, **more: Any) -> Alerts:
    """Return the alert rules, which write to Slack through the gateway."""
    from monitoring.alerts.incidents import Alerts

    values = {"public_url": web_options(settings).url, **settings.tables["alerts"]}
    options: AlertOptions = built(AlertOptions, "alerts", values)
    channel = settings.integrations.vendors["slack"].credentials.get("CHANNEL", "")
    if not options.channels and channel:
        options = replace(options, channels=(channel,))
    return Alerts(
        db,
        options,
        vendor_facts(settings),
        sync_facts(settings),
        SlackNotices(runtime.gateway),
        lambda: datetime.now(UTC),
        **more,
    )


async def run_up(settings: Settings) -> int:
    """Keep web and scheduler up, and the sandbox where a vendor needs it."""
    from scheduler.supervisor import Supervisor, app_child, is_listening

    async with store(settings):
        pass  # migrated once, before anybody needs it
    names = ["sandbox"] if settings.sandbox_is_used and not is_listening(settings.sandbox.port) else []
    children = [
        app_child(name, name, program=__file__, last=name == "sandbox") for name in [*names, "web", "scheduler"]
    ]
    return await Supervisor(children).run()


def web_options(settings: Settings) -> WebOptions:
    """Return the options of the web process. Raise BadSetting naming the key."""
    values = {"host": settings.host, "port": settings.port, **settings.tables["web"]}
    options: WebOptions = built(WebOptions, "web", values)
    return options


async def run_web(settings: Settings) -> int:
    """Serve the pages and the API, and alert when the scheduler is silent."""
    from integrations.checkout.api import Front
    from integrations.checkout.api import router as checkout_routes
    from integrations.checkout.by_hand import ByHand
    from integrations.checkout.desks import desks_of
    from integrations.webhooks.api import router as webhook_routes
    from integrations.webhooks.receiver import Receiver
    from monitoring.api.access import problems, requires
    from monitoring.hands import Hands
    from monitoring.identity import correlation_id
    from monitoring.web import serve_web
    from scheduler.settings import scheduler_options
    from scheduler.triggers import next_times

    options = web_options(settings)
    async with calling(settings, "web") as (db, runtime):
        watch = alerts(settings, db, runtime, watch="scheduler")
        receiver = Receiver(db, runtime.gateway, public_url=options.url)
        desks = desks_of(settings, db, runtime.gateway)
        front = Front(allowed=requires, correlation_id=correlation_id.get, problems=problems)
        await serve_web(
            db,
            options,
            vendor_facts(settings),
            sync_facts(settings),
            watch=watch,
            hands=Hands(
                game_day=game_day(settings),
                checkout=ByHand(desks),
                max_rate_age=desks.options.max_rate_age,
                next_times=partial(next_times, timezone=scheduler_options(settings).timezone),
                judge_limits=partial(limit_problems, settings.integrations),
                watch_report=told(partial(watch_report, db, settings.integrations)),
                facts_under=lambda name, edits: facts_of(
                    vendor_commands.vendor_listed(name, settings.integrations, edits)
                ),
            ),
            brought=[webhook_routes(receiver), checkout_routes(desks, front)],
            foreign={QuaysideError: as_problem},
            retention=built(RetentionOptions, "retention", settings.tables["retention"]),
            say=say,
        )
    return 0


def told(act: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Return an act whose errors reach the pages as sentences."""
    from monitoring.hands import Refused

    async def acting(*given: P.args, **named: P.kwargs) -> T:
        try:
            return await act(*given, **named)
        except QuaysideError as error:
            raise Refused(error.message, getattr(error, "field", "")) from None

    return acting


def game_day(settings: Settings) -> GameDay | None:
    """Return the hand that injects faults into the sandbox; None as soon as one vendor is live."""
    from monitoring.hands import GameDay

    if not all(vendor.sandboxed for vendor in settings.integrations.vendors.values()):
        return None
    sandbox = SandboxFaults(settings.integrations, settings.sandbox.port)
    return GameDay(
        vendors=sandbox.vendors(),
        active=told(sandbox.active),
        inject=told(sandbox.inject),
        stop=told(sandbox.stop),
    )


def as_problem(error: QuaysideError) -> Problem:
    """Return what a route that reaches vendors answers an error with."""
    status, headers = status_of(error), {}
    wait = retry_after_of(error)
    if wait is not None:
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    field = error.field if isinstance(error, InvalidInput) else ""
    errors = [(field, error.message)] if field else []
    return Problem(status, error.error_type, error.message, errors=errors, headers=headers)


async def run_scheduler(settings: Settings) -> int:
    """Run the syncs and everything that is due from time to time."""
    from integrations.checkout.desks import desks_of
    from scheduler.duties import standing_duties
    from scheduler.process import schedule
    from scheduler.service import Duty

    retention: RetentionOptions = built(RetentionOptions, "retention", settings.tables["retention"])
    async with calling(settings, "scheduler") as (db, runtime):
        rules = alerts(settings, db, runtime)
        alerting = [
            Duty(name="alerts.evaluate", every_seconds=2.0, act=rules.evaluate),
            Duty(name="alerts.deliver", every_seconds=2.0, act=rules.deliver),
        ]
        standing = standing_duties(
            db,
            runtime,
            desks_of(settings, db, runtime.gateway).placing,
            kinds={facts.name: facts.kind for facts in vendor_facts(settings)},
            syncs=[facts.name for facts in sync_facts(settings)],
            retention=retention,
        )
        async with standing as duties:
            await schedule(settings, db, runtime, [*alerting, *duties])
    return 0


async def run_sandbox(settings: Settings) -> int:
    """Stand in for the vendors."""
    from integrations.sandbox.commands import serve

    await serve(settings.sandbox)
    return 0


async def run_vendors(settings: Settings, arguments: Namespace) -> int:
    """List the vendors."""
    found = vendor_commands.vendor_list(settings.integrations)
    show(arguments, found, vendor_commands.vendor_lines(found))
    return 0


async def run_check(settings: Settings, arguments: Namespace) -> int:
    """Prove credentials."""
    async with calling(settings, "cli") as (_, runtime):
        found, code = await vendor_commands.check(runtime, arguments.vendors)
    show(arguments, found, vendor_commands.check_lines(found))
    return code


async def run_call(settings: Settings, arguments: Namespace) -> int:
    """Make one call."""
    async with calling(settings, "cli") as (_, runtime):
        found, code = await vendor_commands.call(
            runtime,
            arguments.vendor,
            arguments.operation,
            arguments.input,
            priority=arguments.priority,
            idempotency_key=arguments.idempotency_key,
            correlation_id=arguments.correlation_id,
        )
    if "error" in found:
        print(f"{found['error']['message']} [{found['error']['type']}]", file=sys.stderr)
    show(arguments, found, [] if "error" in found else [text_of(found["result"])])
    return code


async def run_sync(settings: Settings, arguments: Namespace) -> int:
    """Run a sync in this process."""
    from scheduler.commands import exit_code, run_lines, sync_once
    from scheduler.settings import scheduler_options

    async with calling(settings, "cli") as (db, runtime):
        run = await sync_once(
            db, runtime.gateway, scheduler_options(settings), arguments.name, dry_run=arguments.dry_run
        )
    show(arguments, run, run_lines(run))
    return exit_code(run)


async def run_calls(settings: Settings, arguments: Namespace) -> int:
    """List recorded calls."""
    since = vendor_commands.parse_since(arguments.since, datetime.now(UTC))
    if arguments.vendor is not None:
        adapter_class(arguments.vendor)
    async with store(settings) as db:
        found = await stored_calls.search(
            db,
            vendor=arguments.vendor,
            outcome=arguments.status,
            since=since,
            correlation_id=arguments.correlation_id,
            limit=arguments.limit,
        )
    listed = vendor_commands.calls_json(found, settings.integrations)
    show(arguments, listed, vendor_commands.call_lines(listed))
    return 0


async def run_migrate(settings: Settings, arguments: Namespace) -> int:
    """Bring the database to this version."""
    async with store(settings) as db:
        found = await migrate_command(db)
    show(arguments, found, [text_of(found)])
    return 0


async def run_prune(settings: Settings, arguments: Namespace) -> int:
    """Delete what is older than the retention says."""
    retention: RetentionOptions = built(RetentionOptions, "retention", settings.tables["retention"])
    async with store(settings) as db:
        found = await prune_command(db, retention)
    show(arguments, found, [text_of(found)])
    return 0


async def run_user_add(settings: Settings, arguments: Namespace) -> int:
    """Add a user."""
    from monitoring.commands import add_user

    password = sys.stdin.readline().rstrip("\n") if arguments.password_stdin else getpass("Password: ")
    async with store(settings) as db:
        await add_user(db, arguments.name, arguments.role, password, now=datetime.now(UTC))
    show(arguments, {"name": arguments.name, "role": arguments.role}, [f"Added {arguments.name} ({arguments.role})."])
    return 0


async def run_token_add(settings: Settings, arguments: Namespace) -> int:
    """Add an API token; it is shown this once."""
    from monitoring.commands import add_token

    async with store(settings) as db:
        token = await add_token(db, arguments.name, arguments.scope, now=datetime.now(UTC))
    show(arguments, {"token": token}, [token])
    return 0


async def run_worker(settings: Settings) -> int:
    """Run syncs handed out over Postgres."""
    from scheduler.process import refuse_without_postgres, work

    refuse_without_postgres(settings)
    async with calling(settings, "worker") as (db, runtime):
        await work(settings, db, runtime)
    return 0


SERVICES = {"up": run_up, "web": run_web, "scheduler": run_scheduler, "worker": run_worker, "sandbox": run_sandbox}
COMMANDS = {
    "vendors": run_vendors,
    "check": run_check,
    "call": run_call,
    "sync": run_sync,
    "calls": run_calls,
    "migrate": run_migrate,
    "prune": run_prune,
    "user add": run_user_add,
    "token add": run_token_add,
}


def say(line: str) -> None:
    """Tell the person who started the process."""
    print(line, flush=True)


def text_of(value: Any) -> str:
    """Return a JSON value as indented text."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def show(arguments: Namespace, value: Any, lines: Sequence[str]) -> None:
    """Print the result as JSON, or as lines for people."""
    if arguments.json:
        print(orjson.dumps(value).decode())
    else:
        print(*lines, sep="\n")


async def run(arguments: Namespace) -> int:
    """Run one command; return its exit code."""
    settings = read_settings()
    if arguments.command in SERVICES:
        for sentence in check_credentials(settings.integrations.vendors):
            print(f"warning: {sentence}", file=sys.stderr)
        return await SERVICES[arguments.command](settings)
    return await COMMANDS[arguments.command](settings, arguments)


def main(argv: Sequence[str]) -> int:
    """Run the command line; every error is one line on standard error."""
    arguments = parse(argv)
    facts: dict[str, Any] = {"type": "invalid_input", "retryable": False, "fault": "ours"}
    set_up_logging(logging.INFO if arguments.command in SERVICES else logging.WARNING)
    try:
        return asyncio.run(run(arguments))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader has seen enough: app.py calls | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (BadSetting, ValueError) as error:
        message, code = str(error), 2
    except QuaysideError as error:
        message, code, facts = error.message, error.exit_code, vendor_commands.described(error)
    except StoreUnavailable:
        message, code = "The database does not answer; check QUAYSIDE_DATABASE_URL and that it is up.", 3
    except OSError as error:
        message, code = str(error), 2
    if getattr(arguments, "json", False):
        print(orjson.dumps({"error": {**facts, "message": message}}).decode())
    print(f"error: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
