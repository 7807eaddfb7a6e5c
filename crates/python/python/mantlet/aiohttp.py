"""Mantlet inside aiohttp's own server: a middleware for the checks, the signal `on_response_prepare` for the headers.

    app = web.Application()
    mantlet.aiohttp.setup(app, policy="mantlet.toml")

In a handler, `request["mantlet"]` is the permit: `request["mantlet"].nonce`. The signal sees every response that has a
request: 404, 500, files, streams. What the HTTP parser refuses has none, and no header of the policy.
"""

import os
from collections.abc import Awaitable, Callable

from aiohttp import web

from mantlet import Exchange, Policy, Preset
from mantlet._compiled import compiled
from mantlet._hook import judged_async, split_target

__all__ = ["setup"]

_EXCHANGE = "mantlet.exchange"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def setup(app: web.Application, policy: str | os.PathLike[str] | Policy | Preset = "mantlet.toml") -> None:
    """Puts `app`, and the applications that are added to it, behind the policy. A handler that is appended to the
    signal later has the last word.

    Raises `PolicyError` for a policy with errors.
    """
    engine = compiled(policy)

    async def exchange_of(request: web.Request) -> Exchange:
        found = request.get(_EXCHANGE)
        if isinstance(found, Exchange):
            return found
        path, query, authority = split_target(request.raw_path.encode("utf-8", "surrogateescape"))
        exchange = await judged_async(
            engine,
            request.method,
            path,
            request.raw_headers,
            query=query,
            peer=request.remote or None,
            tls=request.secure,
            authority=authority,
            request=request,
        )
        request[_EXCHANGE] = exchange
        request["mantlet"] = exchange.permit
        return exchange

    @web.middleware
    async def checks(request: web.Request, handler: Handler) -> web.StreamResponse:
        denial = (await exchange_of(request)).denial
        if denial is None:
            return await handler(request)
        response = web.Response(status=denial.status, body=denial.body)
        replace(response, denial.headers)
        return response

    async def headers(request: web.Request, response: web.StreamResponse) -> None:
        exchange = await exchange_of(request)
        # a denial has had its headers
        if exchange.denial is None:
            own = [
                (name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in response.headers.items()
            ]
            replace(response, exchange.on_response(response.status, own))

    app.middlewares.insert(0, checks)
    app.on_response_prepare.append(headers)


def replace(response: web.StreamResponse, headers: list[tuple[bytes, bytes]]) -> None:
    response.headers.clear()
    for name, value in headers:
        response.headers.add(name.decode(), value.decode("utf-8", "surrogateescape"))
