"""The route vendors deliver to: ``POST /webhooks/{vendor}``. It is open to anybody; the signature is the key."""

from __future__ import annotations

from fastapi import APIRouter, Request

from integrations.webhooks.receiver import Receiver


def router(receiver: Receiver) -> APIRouter:
    """Return the router. Every refusal is raised as an error of ``integrations/errors.py``."""
    routes = APIRouter(prefix="/webhooks", tags=["webhooks"])

    @routes.post("/{vendor}", summary="Take a vendor's delivery of events", include_in_schema=False)
    async def deliver(vendor: str, request: Request) -> dict[str, int]:
        stored = await receiver.receive(vendor, dict(request.headers), await request.body(), query=request.url.query)
        return {"stored": stored}

    return routes
