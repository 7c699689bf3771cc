"""The reverse proxy in front of us: where a request really comes from, and single sign-on by the name it vouches for.

A header proves nothing by itself: it counts only on a connection from an address of ``web.proxies``, and a request that
brings the user header from anywhere else is refused, so that a hole in the network is seen and not used.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.datastructures import Headers
from starlette.types import Scope

from db.audit import record_act
from db.engine import Database
from db.user_rights import set_role
from db.users import ROLES, Role, Session, User, add_user, find_user, open_session
from monitoring.identity import digest
from monitoring.names import name_problem
from monitoring.options import WebOptions
from monitoring.problem import Problem

log = logging.getLogger(__name__)

_LONGEST_ORIGIN = 64  # an address is shorter; what a proxy passes on need not be one
PROXY = "single sign-on"  # who the audit says gave a role


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """Who the proxy says is there. ``role`` is that of the groups, None where none of them has one."""

    name: str
    role: Role | None


def peer(scope: Scope) -> str:
    """Return the address the connection comes from, "" when it is not known."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def address_of(scope: Scope, headers: Headers, options: WebOptions) -> str:
    """Return where a request comes from: the last address that is not one of our proxies."""
    found = peer(scope)
    hops = [hop.strip() for value in headers.getlist("x-forwarded-for") for hop in value.split(",")]
    while hops and options.is_proxy(found):
        found = hops.pop()
    return found


def origin_of(scope: Scope, headers: Headers, options: WebOptions) -> str:
    """Return where an act comes from as the audit notes it: ``page 10.0.0.7``, ``api 10.0.0.7``."""
    way = "api" if scope["path"].startswith("/api/") else "page"
    return f"{way} {address_of(scope, headers, options)}"[:_LONGEST_ORIGIN]


def came_by_https(scope: Scope, headers: Headers, options: WebOptions) -> bool:
    """Say whether the browser reaches us by https, directly or through a proxy."""
    if scope.get("scheme") in {"https", "wss"} or options.public_url.startswith("https://"):
        return True
    return headers.get("x-forwarded-proto", "").lower() in {"https", "wss"} and options.is_proxy(peer(scope))


def vouched_for(scope: Scope, headers: Headers, options: WebOptions) -> Vouched | None:
    """Return who a proxy vouches for, None when none does. Raise Problem 403 for a name that must not be believed."""
    if not options.proxy_user_header:
        return None
    names = headers.getlist(options.proxy_user_header)
    if not names:
        return None
    if not options.is_proxy(peer(scope)):
        log.warning("sign_in.untrusted_proxy", extra={"event": "sign_in.untrusted_proxy", "address": peer(scope)})
        raise Problem(
            403,
            "untrusted_proxy",
            f"The header {options.proxy_user_header} came from an address that is not in web.proxies; nobody is let in "
            "by it. Come through the proxy, or add its address.",
        )
    if len(names) > 1 or name_problem(names[0].strip()) is not None:
        raise Problem(
            403,
            "bad_proxy_user",
            f"The header {options.proxy_user_header} must hold one name of 1 to 64 letters, digits and . _ @ -",
        )
    groups = headers.getlist(options.proxy_groups_header) if options.proxy_groups_header else []
    mine = {group.strip() for value in groups for group in value.split(",")}
    roles = {role for group, role in options.proxy_groups.items() if group in mine}
    return Vouched(name=names[0].strip(), role=next((role for role in reversed(ROLES) if role in roles), None))


def agrees(vouched: Vouched | None, session: Session) -> bool:
    """Say whether a session counts beside what the proxy says, which is None where it vouches for nobody.

    Where it vouches for somebody, only that person's session counts; one that was opened on its word counts only while it
    still gives it. The guard and the sign-in page both ask here: if they differed, each would send a browser to the other.
    """
    return session.method != "proxy" if vouched is None else session.user_name == vouched.name


async def sign_in_vouched(
    db: Database, options: WebOptions, vouched: Vouched, *, now: datetime, agent: str | None, instead_of: str
) -> str:
    """Open a session for whom the proxy vouches, instead of the one the browser had, and return its secret.

    A new person is added.

    The role is that of the groups where one of them has a role, else the one an admin gave. Raise Problem 403 when the
    person is disabled, or unknown and not to be added.
    """
    user = await find_user(db, vouched.name)
    if user is None:
        user = await _added(db, options, vouched, now)
    elif vouched.role is not None and user.role != vouched.role and user.disabled_at is None:
        # The last admin stays one, whatever the groups say: somebody must be able to mend them.
        await set_role(db, user.name, vouched.role, by=PROXY, reason="The groups say so.", now=now)
    if user is None or user.disabled_at is not None:
        raise Problem(
            403, "not_let_in", f'"{vouched.name}" may not come in here; an admin can change that in Settings.'
        )
    secret = secrets.token_urlsafe(32)
    await open_session(
        db,
        session_id=digest(secret),
        user_name=user.name,
        now=now,
        expires_at=now + timedelta(seconds=options.session_life),
        agent=agent,
        method="proxy",
        instead_of=instead_of,
    )
    await record_act(
        db, at=now, user_name=user.name, act="user.signed_in", subject=user.name, facts={"method": "proxy"}
    )
    return secret


async def _added(db: Database, options: WebOptions, vouched: Vouched, now: datetime) -> User | None:
    role = vouched.role or next((role for role in ROLES if role == options.proxy_role), None)
    if role is None:
        return None
    await add_user(db, name=vouched.name, role=role, password_hash=None, now=now, by=PROXY)
    return await find_user(db, vouched.name)
