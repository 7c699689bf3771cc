"""The page behind a one-time link from an admin: whoever holds it chooses the password of one user, once."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from html import escape
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from db.engine import Database
from db.password_links import add_password_link, owner_of_link, use_password_link
from monitoring.identity import digest
from monitoring.login import csrf_for, csrf_matches, document, form_of, too_soon
from monitoring.passwords import hash_password, password_problem
from monitoring.proxy import address_of
from monitoring.site import Site, site_of
from monitoring.units import about

LINK_LIFE = timedelta(days=1)  # long enough for somebody in another time zone
_GONE = "This link was used, replaced or is older than a day. Ask an admin for another."

router = APIRouter(include_in_schema=False)
HasSite = Annotated[Site, Depends(site_of)]


async def password_link(db: Database, url: str, name: str, *, by: str, reason: str | None, now: datetime) -> str | None:
    """Make a link for a user's new password; None without such an enabled user. It is shown this once."""
    secret = secrets.token_urlsafe(24)
    made = await add_password_link(
        db, link_id=digest(secret), user_name=name, by=by, reason=reason, now=now, expires_at=now + LINK_LIFE
    )
    return f"{url}/login/password?{urlencode({'link': secret})}" if made else None


@router.get("/login/password")
async def show(request: Request, site: HasSite, link: str = "") -> Response:
    """Show the form of a link that counts."""
    owner = await owner_of_link(site.db, digest(link), site.now())
    return _page(request, site, link, owner, status=200 if owner else 410)


@router.post("/login/password")
async def choose(request: Request, site: HasSite) -> Response:
    """Set the password and go on to sign in with it, or show the form again with what is wrong."""
    form = await form_of(request)
    link, password = form.get("link", ""), form.get("password", "")
    owner = await owner_of_link(site.db, digest(link), site.now())
    if not csrf_matches(request, form):
        return _page(request, site, link, owner, error="The form had expired; try again.", status=403)
    address = address_of(request.scope, request.headers, site.options)
    wait = too_soon(site, address)
    if wait > 0:
        answer = _page(request, site, link, owner, error=f"Too many tries; wait {about(wait)}.", status=429)
        answer.headers["Retry-After"] = str(int(wait) + 1)
        return answer
    if owner is None:
        return _page(request, site, link, None, status=410)
    site.lockout.right(address)
    problem = password_problem(owner, password)
    if problem is None and password != form.get("again", ""):
        problem = "The two passwords differ; type the same one twice."
    if problem is not None:
        return _page(request, site, link, owner, error=problem, status=422)
    if await use_password_link(site.db, digest(link), await hash_password(password), site.now()) is None:
        return _page(request, site, link, None, status=410)
    return RedirectResponse("/login", status_code=303)


def _page(
    request: Request, site: Site, link: str, owner: str | None, *, error: str = "", status: int = 200
) -> Response:
    csrf = csrf_for(request)
    if owner is None:
        body = f'<p class="error" role="alert">{_GONE}</p><p><a href="/login">Sign in</a></p>'
    else:
        body = _FORM.format(
            name=escape(owner),
            error=f'<p class="error" role="alert" id="error">{escape(error)}</p>' if error else "",
            invalid=' aria-invalid="true" aria-describedby="error"' if error else "",
            csrf=escape(csrf),
            link=escape(link),
        )
    return document(request, site, title="Choose a password", body=body, csrf=csrf, status=status)


_FORM = """<p class="intro">Choose the password of <strong>{name}</strong>. Every open session of {name} ends.</p>
{error}
<form method="post" action="/login/password">
<input type="hidden" name="csrf_token" value="{csrf}">
<input type="hidden" name="link" value="{link}">
<input type="hidden" name="username" value="{name}" autocomplete="username">
<label for="password">New password</label>
<input id="password" name="password" type="password" autocomplete="new-password" required autofocus
 maxlength="256"{invalid}>
<label for="again">The same again</label>
<input id="again" name="again" type="password" autocomplete="new-password" required maxlength="256"{invalid}>
<button type="submit">Set this password</button>
</form>"""
