"""The command line: what each command takes. Nothing is done here."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

SCOPES = ("quotes", "payments", "orders", "inventory", "operate", "trigger", "read")
DESCRIPTION = "Quayside runs and watches every third-party API a cross-border shop depends on."


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the parsed command line; ``command`` is ``up`` when none is named. Exit with 2 for a wrong one."""
    parser = argparse.ArgumentParser(prog="python app.py", description=DESCRIPTION)
    parser.set_defaults(command="up", json=False)
    commands = parser.add_subparsers(metavar="COMMAND")

    def add(name: str, summary: str, *, json: bool = True) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary, description=summary)
        command.set_defaults(command=name)
        if json:
            command.add_argument("--json", action="store_true", help="print JSON on standard output")
        return command

    add("up", "run everything on this machine: web, scheduler and, without credentials, the sandbox", json=False)
    add("web", "serve the pages and the API", json=False)
    add("scheduler", "run the syncs and send the alerts", json=False)
    add("worker", "run syncs handed out over Postgres, on as many machines as you like", json=False)
    add("sandbox", "stand in for the vendors on this machine", json=False)
    add("vendors", "list vendors, their credentials and operations")
    check = add("check", "prove the credential of each vendor with its cheapest operation")
    check.add_argument("vendors", nargs="*", metavar="VENDOR")

    call = add("call", "make one call to a vendor")
    call.add_argument("vendor")
    call.add_argument("operation")
    call.add_argument("input", nargs="?", default="", help="JSON, @file, or - for standard input; default: the example")
    call.add_argument("--priority", choices=("interactive", "batch"), default="interactive")
    call.add_argument("--idempotency-key", metavar="K")
    call.add_argument("--correlation-id", metavar="C")

    sync = add("sync", "run a sync now, in this process")
    sync.add_argument("name")
    sync.add_argument("--dry-run", action="store_true", help="say what would change; write nothing")

    calls = add("calls", "list recorded calls, newest first")
    calls.add_argument("--vendor", metavar="V")
    calls.add_argument("--status", choices=("failed", "success", "error", "refused", "unknown"))
    calls.add_argument("--since", metavar="1h", help="30s, 15m, 1h, 7d, or a time such as 2026-10-01T12:00:00Z")
    calls.add_argument("--correlation-id", metavar="C")
    calls.add_argument("--limit", type=_count, default=50, metavar="N")

    add("migrate", "bring the database to this version")
    add("prune", "delete what is older than the retention says")

    user = commands.add_parser("user", help="add a user", description="Add a user.")
    user_add = user.add_subparsers(required=True, metavar="ACTION").add_parser("add", help="add a user")
    user_add.set_defaults(command="user add")
    user_add.add_argument("name")
    user_add.add_argument("--role", required=True, choices=("viewer", "operator", "admin"))
    user_add.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    user_add.add_argument("--json", action="store_true")

    token = commands.add_parser("token", help="add an API token", description="Add an API token.")
    token_add = token.add_subparsers(required=True, metavar="ACTION").add_parser("add", help="add an API token")
    token_add.set_defaults(command="token add")
    token_add.add_argument("name")
    token_add.add_argument("--scope", required=True, nargs="+", action="extend", choices=SCOPES, metavar="S")
    token_add.add_argument("--json", action="store_true")
    return parser.parse_args(list(arguments))


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError(f'"{text}"; give a whole number from 1 to 10000')
    return int(text)
