"""/healthz, /readyz and /metrics: for whatever watches the process."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from starlette.responses import JSONResponse, PlainTextResponse

from db import processes
from db.engine import StoreUnavailable
from db.migrated import is_migrated
from monitoring import metrics
from monitoring.identity import current_user
from monitoring.problem import Problem
from monitoring.site import Site, site_of

router = APIRouter(include_in_schema=False)
HasSite = Annotated[Site, Depends(site_of)]


@router.get("/healthz")
async def alive() -> dict[str, str]:
    """Say that the process answers; nothing else is asked."""
    return {"status": "ok"}


@router.get("/readyz")
async def ready(site: HasSite) -> Response:
    """Say whether the parts it needs are there: database, migrations, a scheduler that is alive."""
    checks = await _checks(site)
    good = all(value == "ok" for value in checks.values())
    return JSONResponse(
        {"status": "ok" if good else "not ready", "checks": checks}, 200 if good else 503, {"Cache-Control": "no-store"}
    )


@router.get("/metrics")
async def scrape(site: HasSite) -> Response:
    """Give the metrics as Prometheus text."""
    identity = current_user.get()
    if not (identity.may("read") if identity is not None else site.options.metrics_public):
        raise Problem(403, "wrong_scope", "Metrics need the scope read.", errors=[("scope", "needs read")])
    return PlainTextResponse(await metrics.text(site), media_type=metrics.MEDIA_TYPE)


async def _checks(site: Site) -> dict[str, str]:
    try:
        migrated = await is_migrated(site.db)
        since = site.now() - timedelta(seconds=site.options.scheduler_silence)
        alive = [row for row in await processes.seen(site.db, since=since) if row.stopped_at is None]
    except StoreUnavailable:
        return {"database": "does not answer"}
    schedulers = [row for row in alive if row.kind == "scheduler"]
    return {
        "database": "ok",
        "migrations": "ok" if migrated else "behind: python app.py migrate",
        "scheduler": "ok" if schedulers else "silent: python app.py scheduler",
    }
