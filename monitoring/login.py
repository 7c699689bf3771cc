"""The sign-in page: plain HTML that works without scripts, and the one-time link that makes the first user."""

from __future__ import annotations

import hmac
import logging
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from html import escape
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse

from db.audit import record_act
from db.users import (
    User,
    add_first_user,
    add_login_link,
    any_user,
    close_session,
    count_guess,
    find_session,
    find_user,
    guess_was_right,
    login_link_counts,
    open_session,
    renew_hash,
)
from monitoring.guard import CSRF_COOKIE, SESSION_COOKIE, cookie_of, set_cookie
from monitoring.identity import csrf_of, digest
from monitoring.names import name_problem
from monitoring.passwords import hash_password, password_is_right, password_problem, renewed
from monitoring.plain_page import plain_page
from monitoring.proxy import address_of, agrees, came_by_https, vouched_for
from monitoring.site import Site, site_of
from monitoring.units import about

log = logging.getLogger(__name__)

LINK_LIFE = timedelta(hours=1)
_STYLE = Path(__file__).with_name("login.css")
_CSRF_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,128}")
_WRONG = "Name or password is wrong, or the user is locked for a while after too many guesses."

router = APIRouter(include_in_schema=False)
HasSite = Annotated[Site, Depends(site_of)]


async def first_link(site: Site) -> str | None:
    """Make the one-time link for the first user; None when there is a user or the host is not loopback."""
    if not site.options.on_loopback or await any_user(site.db):
        return None
    secret = secrets.token_urlsafe(24)
    now = site.now()
    await add_login_link(site.db, link_id=digest(secret), now=now, expires_at=now + LINK_LIFE)
    return f"{site.options.url}/login?{urlencode({'once': secret})}"


@router.get("/login.css")
async def style() -> Response:
    """Give the style sheet of the sign-in page."""
    return FileResponse(_STYLE, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@router.get("/login")
async def show(request: Request, site: HasSite, next: str = "/", once: str = "") -> Response:
    """Show the form; who is signed in already, or is vouched for by a proxy, goes on."""
    if await _signed_in(request, site) or vouched_for(request.scope, request.headers, site.options):
        return RedirectResponse(safe_target(next), status_code=303)
    if once and not await login_link_counts(site.db, digest(once), site.now()):
        return await _page(request, site, next=next, error="This link was used or is older than an hour.", status=410)
    return await _page(request, site, next=next, once=once)


@router.post("/login")
async def sign_in(request: Request, site: HasSite) -> Response:
    """Check the form and open a session, or show it again with what is wrong."""
    form = await form_of(request)
    next_, once = form.get("next", "/"), form.get("once", "")
    if not csrf_matches(request, form):
        return await _page(request, site, next=next_, once=once, error="The form had expired; try again.", status=403)
    address = address_of(request.scope, request.headers, site.options)
    wait = too_soon(site, address)
    if wait > 0:
        said = f"Too many tries from your address; wait {about(wait)}."
        answer = await _page(request, site, next=next_, once=once, error=said, status=429)
        answer.headers["Retry-After"] = str(int(wait) + 1)
        return answer
    name, password = form.get("name", "").strip(), form.get("password", "")
    error = await _first_user(site, once, name, password) if once else await _check(site, name, password)
    if error is None:
        site.lockout.right(address)
    else:
        return await _page(request, site, next=next_, once=once, name=name, error=error, status=401)
    return await _open(request, site, name, safe_target(next_))


@router.post("/logout")
async def sign_out(request: Request, site: HasSite) -> Response:
    """Close the session of this browser. The form repeats the CSRF token, a script sends it as X-CSRFToken."""
    secret = cookie_of(request.headers, SESSION_COOKIE)
    form = await form_of(request)
    given = form.get("csrf_token") or request.headers.get("x-csrftoken", "")
    if not hmac.compare_digest(given.encode(), csrf_of(secret).encode()):
        return await _page(request, site, error="The form had expired; go back, reload and try again.", status=403)
    session = await _session(request, site)
    await close_session(site.db, digest(secret))
    if session is not None:
        await record_act(site.db, at=site.now(), user_name=session, act="user.signed_out", subject=session)
    answer = RedirectResponse("/login", status_code=303)
    https = came_by_https(request.scope, request.headers, site.options)
    answer.headers.append("Set-Cookie", set_cookie(SESSION_COOKIE, "", https=https, max_age=0))
    answer.headers.append("Set-Cookie", set_cookie(CSRF_COOKIE, "", https=https, for_scripts=True, max_age=0))
    return answer


def safe_target(target: str) -> str:
    """Return a path of this site to go on to; anything that could leave it becomes ``/``."""
    if not target.startswith("/") or target.startswith(("//", "/\\", "/login")) or any(c < " " for c in target):
        return "/"
    return target.replace("\\", "%5C")


def too_soon(site: Site, address: str) -> float:
    """Count a guess from an address; return the seconds it has to wait first, 0 when it may be checked."""
    now = site.now().timestamp()
    return site.lockout.guess(address, now) or site.guesses.wait(address, now)


async def _check(site: Site, name: str, password: str) -> str | None:
    """Return None when the password is right, else the sentence to show."""
    user = await find_user(site.db, name)
    counted = user is not None and await count_guess(site.db, name, site.now())
    right = await password_is_right(user.password_hash if user and counted else None, password)
    if user is None or not right:
        await _note_failure(site, user, counted)
        return _WRONG
    await guess_was_right(site.db, name)
    if (anew := await renewed(user.password_hash, password)) is not None and user.password_hash is not None:
        await renew_hash(site.db, name, old=user.password_hash, new=anew)
    return None


async def _note_failure(site: Site, user: User | None, counted: bool) -> None:
    """Note a sign-in that failed. The name of nobody is left out: people type their password into the wrong field."""
    log.warning("sign_in.refused")
    after = await find_user(site.db, user.name) if user is not None else None
    if after is None:
        await record_act(site.db, at=site.now(), user_name="nobody", act="sign_in.failed", subject="unknown name")
        return
    if counted and after.locked_until is not None:
        act = "user.locked"
        facts = {"failed_logins": after.failed_logins, "until": after.locked_until.isoformat()}
    else:
        why = "disabled" if after.disabled_at is not None else "password" if counted else "locked"
        act, facts = "sign_in.failed", {"because": why}
    await record_act(site.db, at=site.now(), user_name=after.name, act=act, subject=after.name, facts=facts)


async def _first_user(site: Site, once: str, name: str, password: str) -> str | None:
    """Make the first user, an admin, from a one-time link; return the sentence to show when that cannot be."""
    problem = name_problem(name) or password_problem(name, password)
    if problem is not None:
        return problem
    if not await login_link_counts(site.db, digest(once), site.now()):
        return "This link was used or is older than an hour."
    password_hash = await hash_password(password)
    added = await add_first_user(
        site.db, link_id=digest(once), name=name, role="admin", password_hash=password_hash, now=site.now()
    )
    return None if added else "This link was used or is older than an hour."


async def _open(request: Request, site: Site, name: str, target: str) -> Response:
    secret = secrets.token_urlsafe(32)
    now = site.now()
    await open_session(
        site.db,
        session_id=digest(secret),
        user_name=name,
        now=now,
        expires_at=now + timedelta(seconds=site.options.session_life),
        agent=request.headers.get("user-agent"),
        instead_of=digest(cookie_of(request.headers, SESSION_COOKIE)),
    )
    await record_act(site.db, at=now, user_name=name, act="user.signed_in", subject=name)
    answer = RedirectResponse(target, status_code=303)
    https, life = came_by_https(request.scope, request.headers, site.options), int(site.options.session_life)
    answer.headers.append("Set-Cookie", set_cookie(SESSION_COOKIE, secret, https=https, max_age=life))
    answer.headers.append(
        "Set-Cookie", set_cookie(CSRF_COOKIE, csrf_of(secret), https=https, for_scripts=True, max_age=life)
    )
    return answer


async def _session(request: Request, site: Site) -> str | None:
    """Return whose session this browser has, judged as the guard does; None without one."""
    secret = cookie_of(request.headers, SESSION_COOKIE)
    if not secret:
        return None
    idle = timedelta(seconds=site.options.session_idle)
    session = await find_session(site.db, digest(secret), now=site.now(), idle=idle)
    vouched = vouched_for(request.scope, request.headers, site.options)
    return session.user_name if session is not None and agrees(vouched, session) else None


async def _signed_in(request: Request, site: Site) -> bool:
    return await _session(request, site) is not None


async def form_of(request: Request) -> Mapping[str, str]:
    """Return the fields of a form."""
    body = await request.body()
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20))


def csrf_matches(request: Request, form: Mapping[str, str]) -> bool:
    """Say whether a form repeats the cookie it was given with."""
    cookie = cookie_of(request.headers, CSRF_COOKIE)
    return bool(cookie) and hmac.compare_digest(form.get("csrf_token", "").encode(), cookie.encode())


async def _page(
    request: Request,
    site: Site,
    *,
    next: str = "/",
    once: str = "",
    name: str = "",
    error: str = "",
    status: int = 200,
) -> HTMLResponse:
    users_exist = await any_user(site.db)
    csrf = csrf_for(request)
    form = _form_html(next=safe_target(next), once=once, name=name, csrf=csrf, error=error)
    if not users_exist and not once:
        form = _how_to_add(site.options.on_loopback, error)
    return document(
        request, site, title="Make the first user" if once else "Sign in", body=form, csrf=csrf, status=status
    )


def csrf_for(request: Request) -> str:
    """Return the token for a form; an earlier tab's form stays good, since the cookie it was given is kept."""
    kept = cookie_of(request.headers, CSRF_COOKIE)
    return kept if _CSRF_TOKEN.fullmatch(kept) else secrets.token_urlsafe(24)


def document(request: Request, site: Site, *, title: str, body: str, csrf: str, status: int) -> HTMLResponse:
    """Return a page for somebody who is not signed in; its form repeats ``csrf``."""
    answer = plain_page(title, body, status)
    https = came_by_https(request.scope, request.headers, site.options)
    answer.headers.append("Set-Cookie", set_cookie(CSRF_COOKIE, csrf, https=https, for_scripts=True))
    return answer


def _form_html(*, next: str, once: str, name: str, csrf: str, error: str) -> str:
    return _FORM.format(
        intro="Choose the name and password of the first user, an admin." if once else "",
        error=f'<p class="error" role="alert" id="error">{escape(error)}</p>' if error else "",
        invalid=' aria-invalid="true" aria-describedby="error"' if error else "",
        csrf=escape(csrf),
        next=escape(next),
        once=escape(once),
        name=escape(name),
        complete="new-password" if once else "current-password",
        button="Make this user" if once else "Sign in",
    )


def _how_to_add(on_loopback: bool, error: str) -> str:
    link = " or open the one-time link printed where Quayside was started" if on_loopback else ""
    return (
        (f'<p class="error" role="alert">{escape(error)}</p>' if error else "")
        + f"<p>There is no user yet. Add one where Quayside runs{link}:</p>"
        + "<pre><code>python app.py user add NAME --role admin</code></pre>"
    )


_FORM = """<p class="intro">{intro}</p>
{error}
<form method="post" action="/login">
<input type="hidden" name="csrf_token" value="{csrf}">
<input type="hidden" name="next" value="{next}">
<input type="hidden" name="once" value="{once}">
<label for="name">Name</label>
<input id="name" name="name" value="{name}" autocomplete="username" autocapitalize="none" spellcheck="false" required
 autofocus maxlength="64"{invalid}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="{complete}" required maxlength="256"{invalid}>
<button type="submit">{button}</button>
</form>"""
