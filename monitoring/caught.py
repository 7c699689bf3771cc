"""What fails in Dash outside the body of a callback: logged, and answered as everything else that fails here.

Dash 4.4's own layer answers such an error with a bare 500 and writes nothing to any log.
"""

from __future__ import annotations

from dash.exceptions import PreventUpdate
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitoring.problem import respond, unexpected

PATHS = "/_dash-"


class Caught:
    """Answers with a problem document what Dash raised. Add it before Dash, so that it stands inside Dash's own layer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PATHS):
            await self.app(scope, receive, send)
            return
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except PreventUpdate:  # not a failure: Dash says 204 then
            raise
        except Exception as error:
            problem = unexpected(error)
            if begun:
                raise
            await respond(problem)(scope, receive, send)
