"""Mantlet inside Sanic's own server: a request middleware for the checks, a response middleware for the headers.

    app = Sanic("hello")
    mantlet.sanic.setup(app, policy="mantlet.toml")

In a handler, `request.ctx.mantlet` is the permit: `request.ctx.mantlet.nonce`. Under an ASGI server wrap the
application instead: `Mantlet(app)`.
"""

import os
from typing import Any

from sanic import HTTPResponse, Request, Sanic
from sanic.response import BaseHTTPResponse

from mantlet import Exchange, Policy, Preset
from mantlet._compiled import compiled
from mantlet._hook import judged_async, split_target

__all__ = ["setup"]


def setup(app: Sanic[Any, Any], policy: str | os.PathLike[str] | Policy | Preset = "mantlet.toml") -> None:
    """Puts `app` behind the policy.

    Raises `PolicyError` for a policy with errors.
    """
    engine = compiled(policy)

    async def exchange_of(request: Request) -> Exchange:
        found = getattr(request.ctx, "mantlet_exchange", None)
        if isinstance(found, Exchange):
            return found
        path, query, authority = split_target(request.raw_url)
        exchange = await judged_async(
            engine,
            request.method,
            path,
            [(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in request.headers.items()],
            query=query,
            peer=(request.conn_info.client_ip if request.conn_info else None) or None,
            tls=bool(request.conn_info and request.conn_info.ssl),
            authority=authority,
            request=request,
        )
        request.ctx.mantlet_exchange = exchange
        request.ctx.mantlet = exchange.permit
        return exchange

    async def checks(request: Request) -> HTTPResponse | None:
        denial = (await exchange_of(request)).denial
        if denial is None:
            return None
        response = HTTPResponse(denial.body, denial.status)
        replace(response, denial.headers)
        return response

    async def headers(request: Request, response: BaseHTTPResponse) -> None:
        exchange = await exchange_of(request)
        # a denial has had its headers
        if exchange.denial is not None:
            return
        # a value may be a number, or a cookie
        own = [
            (name.encode(), str(value).encode("utf-8", "surrogateescape")) for name, value in response.headers.items()
        ]
        if response.content_type and "content-type" not in response.headers:
            own.append((b"content-type", response.content_type.encode()))
        replace(response, exchange.on_response(response.status, own))

    # of request middlewares the highest priority runs first, of response middlewares last
    app.register_middleware(checks, "request", priority=1000)
    app.register_middleware(headers, "response", priority=1000)


def replace(response: BaseHTTPResponse, headers: list[tuple[bytes, bytes]]) -> None:
    response.headers.clear()
    for name, value in headers:
        response.headers.add(name.decode(), value.decode("utf-8", "surrogateescape"))
