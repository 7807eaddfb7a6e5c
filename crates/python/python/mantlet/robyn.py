"""Mantlet inside Robyn: global `before_request` and `after_request` functions.

    app = Robyn(__file__)
    mantlet.robyn.setup(app, policy="mantlet.toml")

In a handler, `permit(request)` is the permit: `permit(request).nonce`. Robyn calls no function for two kinds of
responses. A stream gets the headers of the policy by `protected(request, StreamingResponse(...))`. The files of
`serve_directory` get none, and no request for them is judged: send files from a route, by `serve_file`.
"""

import os
import secrets
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

from robyn import Headers, Request, Response, Robyn, StreamingResponse

from mantlet import Exchange, Permit, Policy, Preset
from mantlet._compiled import compiled
from mantlet._hook import judged

__all__ = ["permit", "protected", "setup"]

#: names the exchange of a request between the two functions; a client cannot guess the value of another request
_NAME = "mantlet-exchange"
#: exchanges that are kept at most: those of connections that broke off are never asked for again
_KEPT = 16_384
_exchanges: OrderedDict[str, Exchange] = OrderedDict()


def permit(request: Request) -> Permit:
    """The permit of this request.

    Raises `RuntimeError` where the application is not behind a policy.
    """
    found = _exchange(request).permit
    if found is None:
        raise RuntimeError("a denied request has no permit")
    return found


def protected(request: Request, response: StreamingResponse) -> StreamingResponse:
    """The same response, with the headers of the policy: Robyn sends streams past `after_request`.

    Raises `RuntimeError` where the application is not behind a policy.
    """
    response.headers = _edited(_exchange(request), response.status_code, response.headers)
    # no function will ask for it again
    _exchanges.pop(request.headers.get(_NAME) or "", None)
    return response


def setup(app: Robyn, policy: str | os.PathLike[str] | Policy | Preset = "mantlet.toml") -> None:
    """Puts the routes of `app` behind the policy. To be called before other functions are added.

    Raises `PolicyError` for a policy with errors.
    """
    engine = compiled(policy)

    def exchange_of(request: Request, ask: Callable[..., Exchange]) -> Exchange:
        headers = [(name.encode(), value.encode()) for name, value in request.headers.multi_items() if name != _NAME]
        return ask(
            request.method,
            request.url.path.encode(),
            headers,
            query=urlencode(request.query_params.multi_items()).encode() or None,
            peer=request.ip_addr,
            # Robyn serves no TLS; `request.url` believes anybody's X-Forwarded-Proto
            tls=False,
            request=request,
        )

    @app.before_request()
    def checks(request: Request) -> Request | Response:
        exchange = exchange_of(request, partial(judged, engine))
        if exchange.denial is not None:
            denial = exchange.denial
            # the answer passes the other function, which must not ask anew: the request has been counted
            marked = [*denial.headers, (_NAME.encode(), _kept(exchange).encode())]
            return Response(denial.status, _fields(marked), denial.body)
        request.headers.set(_NAME, _kept(exchange))
        return request

    @app.after_request()
    def headers(request: Request, response: Response) -> Response:
        denied = _exchanges.pop(response.headers.get(_NAME) or "", None)
        if denied is not None and denied.denial is not None:
            response.headers = _fields(denied.denial.headers)
            return response
        exchange = _exchanges.pop(request.headers.get(_NAME) or "", None)
        if exchange is None:
            exchange = exchange_of(request, engine.on_request)
            # a denial has had its headers
            if exchange.denial is not None:
                return response
        response.headers = _edited(exchange, response.status_code, response.headers)
        return response


def _kept(exchange: Exchange) -> str:
    token = secrets.token_urlsafe(16)
    _exchanges[token] = exchange
    if len(_exchanges) > _KEPT:
        _exchanges.popitem(last=False)
    return token


def _exchange(request: Request) -> Exchange:
    exchange = _exchanges.get(request.headers.get(_NAME) or "")
    if exchange is None:
        raise RuntimeError("no exchange of this request: mantlet.robyn.setup(app, policy=...) first")
    return exchange


def _edited(exchange: Exchange, status: int, headers: Headers) -> Headers:
    own = [(name.encode(), value.encode()) for name, value in headers.multi_items()]
    return _fields(exchange.on_response(status, own))


def _fields(headers: list[tuple[bytes, bytes]]) -> Headers:
    fields = Headers({})
    for name, value in headers:
        fields.append(name.decode(), value.decode())
    return fields
