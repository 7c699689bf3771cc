"""The server of the overhead benchmark, a process of its own: answers everything with the same small JSON."""

from __future__ import annotations

import sys

from aiohttp import web

ANSWER = b'{"number": 7, "reference": "A"}'


async def answer(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=ANSWER, content_type="application/json")


if __name__ == "__main__":
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
