"""An empty page of the kit the dashboard is made of, served by a process of its own: what no page can be faster than."""

from __future__ import annotations

import sys
from typing import Any

import dash_mantine_components as dmc
import uvicorn
from dash import Dash, Input, Output, State, dcc, html
from fastapi import FastAPI


def application() -> FastAPI:
    """Return a frame with a header and an empty page in it, brought by a callback as the dashboard's are."""
    api = FastAPI()
    app = Dash("empty", server=api, compress=True, update_title="")  # type: ignore[arg-type]  # its types know Flask only
    app.layout = dmc.MantineProvider(
        dmc.AppShell(
            [dmc.AppShellHeader("Empty"), dmc.AppShellMain(html.Main(id="page"))], header={"height": 52}, id="shell"
        )
    )
    app.layout = html.Div([dcc.Location(id="url"), app.layout])

    @app.callback(Output("page", "children"), Input("url", "pathname"), State("page", "id"))
    async def show(_path: str | None, _id: str) -> Any:
        return html.H1("Empty")

    return api


if __name__ == "__main__":
    uvicorn.run(application(), host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False)
